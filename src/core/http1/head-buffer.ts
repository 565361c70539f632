import { GatewayError } from '../errors.ts'
import type { HeadLimits } from './head-limits.ts'

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
/** Room for the method and the version beside a target. */
const LINE_MARGIN_BYTES = 48
/** Empty lines before a request line that are read over (RFC 9112, 2.2). */
export const MAX_EMPTY_LINES = 2
const FIRST_CAPACITY = 1_024

/** The length of what ends a head: CR LF CR LF. */
export const HEAD_END_BYTES = 4

/**
 * The end of a head that lies whole within `bytes`, or -1. A loop that looks at every fourth byte, at most every other: for the few
 * hundred bytes of a head a search by Node takes longer than that.
 */
export function headEnd(bytes: Buffer, from: number): number {
  let at = from + HEAD_END_BYTES - 1
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === LF) {
      if (bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR) return at - 3
      at += 2
    } else at += byte === CR ? 1 : HEAD_END_BYTES
  }
  return -1
}

/**
 * Collects a head that arrives in pieces: bounded, each byte looked at once, and what can no more become a head refused
 * at once instead of when the time is up.
 */
export class HeadBuffer {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_CAPACITY)
  #length = 0
  /** The first line is complete. */
  #lineDone = false
  #emptyLines: number
  readonly #limits: HeadLimits

  /** `emptyLines`: how many came before. */
  constructor(emptyLines: number, limits: HeadLimits) {
    this.#emptyLines = emptyLines
    this.#limits = limits
  }

  get length(): number {
    return this.#length
  }

  /**
   * Takes bytes until the head is complete. Gives how many of `bytes` belong to the head, -1 when all do and more must
   * follow, or why it cannot become one.
   */
  push(bytes: Buffer, from: number): number | GatewayError {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number // in range
      const before = this.#length === 0 ? 0 : (this.#bytes[this.#length - 1] as number) // in range
      if (byte === LF ? before !== CR : before === CR || (byte < 0x20 && byte !== TAB && byte !== CR)) {
        return new GatewayError('malformed_request', 'The head has control characters or line ends other than CRLF.')
      }
      this.#put(byte)
      if (byte === LF) {
        if (this.#length === 2 && this.#emptyLines < MAX_EMPTY_LINES) {
          this.#emptyLines++
          this.#length = 0
          continue
        }
        this.#lineDone = true
        if (this.#endsHead()) return at + 1 - from
      }
      const problem = this.#tooLong()
      if (problem !== null) return problem
    }
    return -1
  }

  /** The head without the empty line that ends it. */
  text(): string {
    return this.#bytes.toString('latin1', 0, this.#length - HEAD_END_BYTES)
  }

  #put(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = Buffer.allocUnsafe(this.#bytes.length * 2)
      this.#bytes.copy(larger)
      this.#bytes = larger
    }
    this.#bytes[this.#length++] = byte
  }

  #endsHead(): boolean {
    const end = this.#length
    return end >= 4 && this.#bytes[end - 3] === LF && this.#bytes[end - 4] === CR
  }

  #tooLong(): GatewayError | null {
    const { lineBytes, headBytes } = this.#limits
    if (!this.#lineDone && this.#length > lineBytes + LINE_MARGIN_BYTES) {
      return new GatewayError('uri_too_long', `The request target is longer than ${lineBytes} bytes.`)
    }
    return this.#length >= headBytes + HEAD_END_BYTES ? headTooLarge(headBytes) : null
  }
}

export function headTooLarge(maxBytes: number): GatewayError {
  return new GatewayError('headers_too_large', `The head of the request is larger than ${maxBytes} bytes.`)
}
