import { ChunkExtension } from './chunk-extension.ts'
import { TrailerSection } from './trailer-section.ts'

const CR = 0x0d
const LF = 0x0a
const SEMICOLON = 0x3b
/** Sizes up to 2^48 - 1: far beyond any body, and exact. */
const MAX_SIZE_DIGITS = 12
/** Of all chunks of a body together. */
const MAX_EXTENSION_BYTES = 16_384

/** Why a body is not taken: it is none, or there is too much of what may be in it. */
export type BodyFault = 'malformed' | 'too_large'

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer'

/**
 * The chunked coding (RFC 9112, section 7.1), byte by byte and strict: CRLF only, hexadecimal sizes without prefix or
 * space. Extensions are read over, within bounds, and dropped; trailers are kept. `invalid` makes the error that is thrown for
 * what is not valid.
 */
export class ChunkedBody {
  readonly #invalid: (what: string, kind: BodyFault) => Error
  #state: State = 'size'
  #size = 0
  #digits = 0
  readonly #extension = new ChunkExtension()
  #extensionBytes = 0
  readonly #trailer = new TrailerSection()
  complete = false
  /** The data that the last `read` found; empty when the two are equal. */
  dataStart = 0
  dataEnd = 0

  constructor(invalid: (what: string, kind: BodyFault) => Error) {
    this.#invalid = invalid
  }

  /** What came behind the body, flat, names in lower case; null for nothing. To be asked for when it is complete. */
  get trailers(): readonly string[] | null {
    return this.#trailer.fields
  }

  reset(): void {
    this.#state = 'size'
    this.#size = 0
    this.#digits = 0
    this.#extensionBytes = 0
    this.#trailer.reset()
    this.complete = false
    this.dataStart = 0
    this.dataEnd = 0
  }

  /** Reads on from `from` until a piece of data, the end of the body or of the bytes; returns where it stopped. */
  read(bytes: Buffer, from: number): number {
    this.dataStart = this.dataEnd = 0
    let at = from
    while (at < bytes.length) {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#size)
        this.#size -= end - at
        this.dataStart = at
        this.dataEnd = end
        if (this.#size === 0) this.#state = 'data-cr'
        return end
      }
      const byte = bytes[at++] as number // in range
      this.#step(byte)
      if (this.complete) return at
    }
    return at
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'size':
        return this.#sizeByte(byte)
      case 'extension':
        return this.#extensionByte(byte)
      case 'size-lf':
        if (byte !== LF) throw this.#invalid('a chunk size is not followed by CRLF', 'malformed')
        this.#digits = 0
        this.#state = this.#size === 0 ? 'trailer' : 'data'
        return
      case 'data-cr':
        if (byte !== CR) throw this.#invalid('a chunk is longer than its size', 'malformed')
        this.#state = 'data-lf'
        return
      case 'data-lf':
        if (byte !== LF) throw this.#invalid('a chunk is not followed by CRLF', 'malformed')
        this.#state = 'size'
        return
      case 'trailer':
        return this.#trailerByte(byte)
      case 'data':
        return
    }
  }

  #sizeByte(byte: number): void {
    const digit = hexValue(byte)
    if (digit >= 0) {
      if (++this.#digits > MAX_SIZE_DIGITS) throw this.#invalid('a chunk size is too large', 'malformed')
      this.#size = this.#size * 16 + digit
      return
    }
    if (this.#digits === 0) throw this.#invalid('a chunk has no size', 'malformed')
    if (byte === CR) this.#state = 'size-lf'
    else if (byte === SEMICOLON) {
      this.#extension.begin()
      this.#state = 'extension'
    } else throw this.#invalid('a chunk size is not hexadecimal', 'malformed')
  }

  #extensionByte(byte: number): void {
    if (byte === CR && this.#extension.mayEnd) {
      this.#state = 'size-lf'
      return
    }
    if (!this.#extension.push(byte)) throw this.#invalid('a chunk extension is malformed', 'malformed')
    if (++this.#extensionBytes > MAX_EXTENSION_BYTES)
      throw this.#invalid('its chunk extensions are too long', 'malformed')
  }

  #trailerByte(byte: number): void {
    const problem = this.#trailer.push(byte)
    if (problem !== null) throw this.#invalid(problem, this.#trailer.overLimit ? 'too_large' : 'malformed')
    this.complete = this.#trailer.complete
  }
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
