import { GatewayError } from '../errors.ts'
import { type BodyFault, ChunkedBody } from './chunked-body.ts'
import type { RequestHead } from './request-head.ts'

/** Finds the body of one request after the other among the bytes of a connection. */
export class RequestBody {
  #chunks: ChunkedBody | null = null
  #chunked = false
  #length = 0
  #left = 0
  /** Bytes of the connection that were read for it, framing included. */
  #taken = 0
  #failed = false
  /** The data that the last `read` found; empty when the two are equal. */
  start = 0
  end = 0
  complete = false

  /** A request begins: what its head says of its body holds from now on. */
  expect(head: RequestHead): void {
    this.#chunked = head.chunked
    this.#length = head.contentLength
    this.#left = head.contentLength
    this.#taken = 0
    this.#failed = false
    this.complete = false
    if (!head.chunked) return
    if (this.#chunks === null) this.#chunks = new ChunkedBody(invalidBody)
    else this.#chunks.reset()
  }

  /** What came behind the body; null for nothing. To be asked for when it is complete. */
  get trailers(): readonly string[] | null {
    return this.#chunked ? (this.#chunks?.trailers ?? null) : null
  }

  /**
   * Whether its end can still be found, within so many bytes as far as anybody knows: of a length that was told in all, of chunks so
   * far.
   */
  endsWithin(bytes: number): boolean {
    return !this.#failed && (this.#chunked ? this.#taken : this.#length) <= bytes
  }

  /** Reads on until a piece of data, the end of the body or of the bytes. Gives where it stopped, or why it is none. */
  read(bytes: Buffer, from: number): number | GatewayError {
    if (this.#chunked && this.#chunks !== null) return this.#readChunks(this.#chunks, bytes, from)
    const end = Math.min(bytes.length, from + this.#left)
    this.#left -= end - from
    this.start = from
    this.end = end
    this.complete = this.#left === 0
    return end
  }

  #readChunks(chunks: ChunkedBody, bytes: Buffer, from: number): number | GatewayError {
    try {
      const at = chunks.read(bytes, from)
      this.#taken += at - from
      this.start = chunks.dataStart
      this.end = chunks.dataEnd
      this.complete = chunks.complete
      return at
    } catch (error) {
      this.#failed = true
      if (error instanceof GatewayError) return error
      throw error
    }
  }
}

function invalidBody(what: string, kind: BodyFault): GatewayError {
  const code = kind === 'too_large' ? 'headers_too_large' : 'malformed_request'
  return new GatewayError(code, `The body of the request is not valid: ${what}.`)
}
