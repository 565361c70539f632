import type { WireEvent } from '../dialects/dialect.ts'
import type { WireReader } from './wire-reader.ts'

const LF = 0x0a
const MAX_LINE_BYTES = 32 * 1024 * 1024

/** Lines of JSON (`application/x-ndjson`). Blank ones are passed over. */
export class LineReader implements WireReader {
  #pieces: Buffer[] = []
  #length = 0

  push(chunk: Buffer, take: (event: WireEvent) => void): string | null {
    let start = 0
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, at))
      start = at + 1
      this.#give(take)
    }
    this.#keep(start === 0 ? chunk : chunk.subarray(start))
    return this.#length > MAX_LINE_BYTES ? 'sent a line that is too long' : null
  }

  end(take: (event: WireEvent) => void): string | null {
    this.#give(take)
    return null
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return
    // A copy: the chunk is the transport's.
    this.#pieces.push(Buffer.from(bytes))
    this.#length += bytes.length
  }

  #give(take: (event: WireEvent) => void): void {
    const [first] = this.#pieces
    if (first === undefined) return
    const line = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#length = 0
    const data = line.toString('utf8').trim()
    if (data !== '') take({ name: null, data })
  }
}
