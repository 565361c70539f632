/** The last bytes of a stream, as text; older ones are dropped when `limitBytes` is passed. */
export class TextTail {
  readonly #limitBytes: number
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Takes the next bytes. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes > this.#limitBytes && this.#chunks.length > 1) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0
    }
  }

  /** What is held, as UTF-8. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }
}
