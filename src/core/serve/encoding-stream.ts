import type { ClientStream } from '../client-stream.ts'
import type { CodingRow, Compressor } from './compressor.ts'
import type { OpenEncoding, OpenEncodings } from './open-encodings.ts'

/** What was written stays in the compressor no longer than this when nothing follows. */
const FLUSH_MS = 6

export interface EncodingStreamOptions {
  readonly client: ClientStream
  readonly coding: CodingRow
  readonly open: OpenEncodings
  /** There is room again after `write` gave false. */
  readonly onRoom: () => void
  readonly onFault: (error: Error) => void
}

/** The body of one answer on its way through a compressor to the client; both can hold it up. */
export class EncodingStream implements OpenEncoding {
  readonly #client: ClientStream
  readonly #compressor: Compressor
  readonly #flushKind: number
  readonly #open: OpenEncodings
  #timer: NodeJS.Timeout | null = null
  /** Bytes went in that were not asked to come out. */
  #holds = false
  #blocked = false
  #closed = false

  constructor({ client, coding, open, onRoom, onFault }: EncodingStreamOptions) {
    const compressor = coding.stream()
    this.#client = client
    this.#compressor = compressor
    this.#flushKind = coding.flushKind
    this.#open = open
    open.add(this)
    compressor.on('data', (bytes: Buffer) => {
      if (this.#closed || client.ended) return this.close()
      if (client.write(bytes)) return
      this.#blocked = true
      compressor.pause()
    })
    compressor.on('drain', () => {
      if (!this.#closed) onRoom()
    })
    compressor.on('end', () => {
      this.close()
      client.end(null)
    })
    compressor.on('error', (error: Error) => {
      if (this.#closed) return
      this.close()
      client.cut()
      onFault(error)
    })
  }

  get abandoned(): boolean {
    return this.#client.ended
  }

  /** Bytes that the client's connection has not been given yet. */
  get heldBytes(): number {
    return this.#closed ? 0 : this.#compressor.writableLength + this.#compressor.readableLength
  }

  /** False when the compressor or the client is slow; `onRoom` tells when to go on. */
  write(bytes: Buffer): boolean {
    if (this.#closed || bytes.length === 0) return true
    const hasRoom = this.#compressor.write(bytes)
    this.#holds = true
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS)
    return hasRoom
  }

  end(last: Buffer | null): void {
    if (this.#closed) return
    this.#stopTimer()
    if (last === null) this.#compressor.end()
    else this.#compressor.end(last)
  }

  /** The client takes more. */
  drained(): void {
    if (!this.#blocked || this.#closed) return
    this.#blocked = false
    this.#compressor.resume()
  }

  /** Lets go of the compressor's memory; nothing more comes out. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopTimer()
    this.#open.remove(this)
    this.#compressor.destroy()
  }

  /** Only once the compressor has taken all it was given: one that is at work gives something by itself. */
  #flush(): void {
    this.#timer = null
    if (this.#closed || !this.#holds) return
    if (this.#client.ended) return this.close()
    if (this.#compressor.writableLength > 0) {
      this.#timer = setTimeout(() => this.#flush(), FLUSH_MS)
      return
    }
    this.#holds = false
    this.#compressor.flush(this.#flushKind)
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
