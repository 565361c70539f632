import type { Socket } from 'node:net'
import { ownBytes } from '../connect/lend-reads.ts'

/** Bytes that came before their turn: reading stops at so many, and so does the sending of answers to requests ahead. */
export const HELD_BYTES = 65_536

/** Whether the socket of a client is read, and what it gave before its turn. */
export class ClientFlow {
  readonly #socket: Socket
  #held: Buffer | null = null
  /** Whoever reads the body takes no more for now. */
  #bodyPaused = false
  /** That has lasted: some bytes are read all the same. */
  #ahead = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  get holds(): boolean {
    return this.#held !== null
  }

  /** It holds as much as it may, and so reads nothing. */
  get isFull(): boolean {
    return this.#held !== null && this.#held.length > HELD_BYTES
  }

  get bodyPaused(): boolean {
    return this.#bodyPaused
  }

  pauseBody(): void {
    this.#bodyPaused = true
    this.#socket.pause()
  }

  /** Tells whether it was paused. The socket is read again at the next `adjust`. */
  unpauseBody(): boolean {
    const wasPaused = this.#bodyPaused
    this.#bodyPaused = false
    this.#ahead = false
    return wasPaused
  }

  /** From now on a paused socket is read as long as there is room to keep what it gives. */
  readAhead(): void {
    this.#ahead = true
    this.adjust()
  }

  /** Keeps the bytes from `from` on, behind those that are kept. */
  hold(bytes: Buffer, from: number): void {
    this.#held = this.#held === null ? ownBytes(bytes, from) : Buffer.concat([this.#held, bytes.subarray(from)])
    this.adjust()
  }

  /** What was kept, and is no longer. */
  take(): Buffer | null {
    const held = this.#held
    this.#held = null
    return held
  }

  /** The socket is read as long as somebody takes what it has, or there is room to keep it. */
  adjust(): void {
    const flows = (!this.#bodyPaused || this.#ahead) && !this.isFull
    if (flows !== this.#socket.isPaused()) return
    if (flows) this.#socket.resume()
    else this.#socket.pause()
  }
}
