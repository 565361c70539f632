import type { SocketWriter } from '../connect/socket-writer.ts'
import { giveMemory } from '../listen/body-memory.ts'

/** Pieces of one turn of the event loop are written together; so many bytes of them at most. */
const TURN_BYTES = 262_144
/** Up to this size a chunk is joined with its framing. */
const JOINED_BYTES = 16_384

/**
 * A request body on its way to one connection. What comes within a turn of the event loop leaves with one system call
 * behind the reads of the turn: an upstream that has answered and closed would make an earlier write fail, and its answer
 * be lost unread.
 */
export class UploadQueue {
  readonly #writer: Pick<SocketWriter, 'writeAll'>
  readonly #chunked: boolean
  readonly #onRoom: () => void
  #pieces: (string | Buffer)[] = []
  #memory: Buffer[] = []
  #bytes = 0
  #scheduled = false
  /** The socket is slow: it drains later. */
  #full = false
  /** Somebody was told to stop. */
  #awaited = false
  #closed = false

  /** `onRoom` is called when the body may go on after it was told to stop. */
  constructor(writer: Pick<SocketWriter, 'writeAll'>, chunked: boolean, onRoom: () => void) {
    this.#writer = writer
    this.#chunked = chunked
    this.#onRoom = onRoom
  }

  /** Everything was handed to the socket. */
  get isEmpty(): boolean {
    return this.#pieces.length === 0
  }

  /** What goes out as it is. */
  text(text: string): void {
    this.#add(text)
  }

  /** A piece of the body; false when it should stop. `memory`, if any, is given back when the piece has left. */
  body(bytes: Buffer, memory: Buffer | null): boolean {
    if (memory !== null) this.#memory.push(memory)
    if (!this.#chunked) this.#add(bytes)
    else {
      const size = `${bytes.length.toString(16)}\r\n`
      if (bytes.length <= JOINED_BYTES) this.#add(`${size}${bytes.toString('latin1')}\r\n`)
      else {
        this.#add(size)
        this.#add(bytes)
        this.#add('\r\n')
      }
    }
    if (!this.#full && this.#bytes < TURN_BYTES) return true
    this.#awaited = true
    return false
  }

  /** The socket takes more. */
  drained(): void {
    this.#full = false
    if (this.#bytes < TURN_BYTES) this.#goOn()
  }

  /** Nothing more leaves. */
  close(): void {
    this.#closed = true
    this.#pieces = []
    this.#memory = []
  }

  #add(piece: string | Buffer): void {
    if (this.#closed) return
    this.#pieces.push(piece)
    this.#bytes += piece.length
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#scheduled = false
    if (this.#closed || this.#pieces.length === 0) return
    const pieces = this.#pieces
    const memory = this.#memory
    this.#pieces = []
    this.#memory = []
    this.#bytes = 0
    const more = this.#writer.writeAll(pieces, memory.length === 0 ? null : () => memory.forEach(giveMemory))
    this.#full = !more
    if (more) this.#goOn()
  }

  #goOn(): void {
    if (!this.#awaited || this.#closed) return
    this.#awaited = false
    this.#onRoom()
  }
}
