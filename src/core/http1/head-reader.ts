import type { GatewayError } from '../errors.ts'
import { HEAD_END_BYTES, HeadBuffer, headEnd, MAX_EMPTY_LINES } from './head-buffer.ts'
import type { HeadLimits } from './head-limits.ts'

const CR = 0x0d
const LF = 0x0a

/** Finds the head of one request after the other among the bytes of a connection. */
export class HeadReader {
  /** The head that is arriving, when it comes in pieces. */
  #arriving: HeadBuffer | null = null
  /** Read over before the request line. */
  #emptyLines = 0
  #text: string | null = null

  /** A part of a head is here. */
  get isArriving(): boolean {
    return this.#arriving !== null
  }

  /** Reads on until the end of a head or of the bytes. Gives where it stopped, or why it cannot become a head. */
  read(bytes: Buffer, from: number, limits: HeadLimits): number | GatewayError {
    let at = from
    if (this.#arriving === null) {
      for (; this.#emptyLines < MAX_EMPTY_LINES && bytes[at] === CR && bytes[at + 1] === LF; at += 2) this.#emptyLines++
      const end = headEnd(bytes, at)
      if (end >= 0 && end - at <= limits.headBytes) {
        this.#found(bytes.toString('latin1', at, end))
        return end + HEAD_END_BYTES
      }
      if (at === bytes.length) return at
      this.#arriving = new HeadBuffer(this.#emptyLines, limits)
    }
    const taken = this.#arriving.push(bytes, at)
    if (typeof taken !== 'number') return taken
    if (taken < 0) return bytes.length
    this.#found(this.#arriving.text())
    return at + taken
  }

  /** The head that was found, without the empty line that ends it, once; null as long as none is complete. */
  take(): string | null {
    const text = this.#text
    this.#text = null
    return text
  }

  /** No head follows. */
  drop(): void {
    this.#arriving = null
  }

  #found(text: string): void {
    this.#text = text
    this.#arriving = null
    this.#emptyLines = 0
  }
}
