import { GatewayError } from '../../../core/index.ts'

const LINE_FEED = 0x0a
const END_OF_LINE = Buffer.of(LINE_FEED)

/** Changes a text line by line as its bytes come; keeps one line at most. */
export class LineRewriter {
  readonly #change: (line: Buffer) => Buffer | GatewayError
  readonly #longest: number
  #parts: Buffer[] = []
  /** Bytes of a line that has not ended yet. */
  held = 0

  /** `longest`: bytes of a line. */
  constructor(change: (line: Buffer) => Buffer | GatewayError, longest: number) {
    this.#change = change
    this.#longest = longest
  }

  /** What may leave after these bytes. */
  push(bytes: Buffer): Buffer[] | GatewayError {
    const out: Buffer[] = []
    let from = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      const line = this.#take(bytes.subarray(from, end))
      if (line instanceof GatewayError) return line
      out.push(line, END_OF_LINE)
      from = end + 1
    }
    if (from === bytes.length) return out
    this.#parts.push(bytes.subarray(from))
    this.held += bytes.length - from
    return this.held > this.#longest ? this.#tooLong() : out
  }

  /** The last line, when no line feed ends it. */
  end(): Buffer[] | GatewayError {
    if (this.held === 0) return []
    const line = this.#take(Buffer.alloc(0))
    return line instanceof GatewayError ? line : [line]
  }

  #take(rest: Buffer): Buffer | GatewayError {
    if (this.held + rest.length > this.#longest) return this.#tooLong()
    const line = this.#parts.length === 0 ? rest : Buffer.concat([...this.#parts, rest])
    this.#parts = []
    this.held = 0
    return this.#change(line)
  }

  #tooLong(): GatewayError {
    return new GatewayError('request_too_large', `A line is longer than the limit of ${this.#longest} bytes.`)
  }
}
