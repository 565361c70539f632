import type { Socket } from 'node:net'
import { ownBytes } from '../connect/lend-reads.ts'
import type { PausedClient, PausedClients } from './paused-clients.ts'

/** Bytes that came before their turn: reading stops at so many, and so does the sending of answers to requests ahead. */
export const HELD_BYTES = 65_536

/**
 * Whether the socket of a client is read, and what it gave before its turn. As long as nobody takes what the client sends,
 * it is among those that are looked after.
 */
export class ClientFlow {
  readonly #socket: Socket
  readonly #client: PausedClient
  readonly #paused: PausedClients
  #held: Buffer | null = null
  /** Whoever reads the body takes no more for now. */
  #bodyPaused = false
  #pausedAt = 0
  /** That has lasted: some bytes are read all the same. */
  #ahead = false

  constructor(socket: Socket, client: PausedClient, paused: PausedClients) {
    this.#socket = socket
    this.#client = client
    this.#paused = paused
  }

  get holds(): boolean {
    return this.#held !== null
  }

  /** It holds as much as it may, and so reads nothing. */
  get #isFull(): boolean {
    return this.#held !== null && this.#held.length > HELD_BYTES
  }

  get bodyPaused(): boolean {
    return this.#bodyPaused
  }

  pauseBody(): void {
    if (!this.#bodyPaused) this.#pausedAt = performance.now()
    this.#bodyPaused = true
    this.#socket.pause()
    this.#paused.add(this.#client)
  }

  /** Tells how many milliseconds it was paused. The socket is read again at the next `adjust`. */
  unpauseBody(): number {
    this.#ahead = false
    if (!this.#bodyPaused) return 0
    this.#bodyPaused = false
    if (!this.#isFull) this.#paused.delete(this.#client)
    return performance.now() - this.#pausedAt
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
    if (this.#isFull) this.#paused.add(this.#client)
  }

  /** What was kept, and is no longer. */
  take(): Buffer | null {
    const held = this.#held
    if (this.#isFull && !this.#bodyPaused) this.#paused.delete(this.#client)
    this.#held = null
    return held
  }

  /** Nobody reads requests of this client any more; gives what was kept. */
  release(): Buffer | null {
    this.unpauseBody()
    return this.take()
  }

  /** The socket is read as long as somebody takes what it has, or there is room to keep it. */
  adjust(): void {
    const flows = (!this.#bodyPaused || this.#ahead) && !this.#isFull
    if (flows !== this.#socket.isPaused()) return
    if (flows) this.#socket.resume()
    else this.#socket.pause()
  }
}
