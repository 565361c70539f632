/** Something that holds native memory until it is closed. */
export interface OpenEncoding {
  /** Nobody takes what it gives any more. */
  readonly abandoned: boolean
  close(): void
}

const LOOK_MS = 1_000

/**
 * The compressors that are open. Each holds 0.4 MiB (gzip) to 1.4 MiB (zstd), so there is a limit to them; and a client that leaves tells the
 * attempt, not the compressor, so once a second those that nobody waits for are closed.
 */
export class OpenEncodings {
  readonly #open = new Set<OpenEncoding>()
  readonly #limit: number
  #timer: NodeJS.Timeout | null = null

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Answers that come now are not compressed. */
  get full(): boolean {
    return this.#open.size >= this.#limit
  }

  get size(): number {
    return this.#open.size
  }

  add(encoding: OpenEncoding): void {
    this.#open.add(encoding)
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref()
  }

  remove(encoding: OpenEncoding): void {
    this.#open.delete(encoding)
    if (this.#open.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #look(): void {
    for (const encoding of this.#open) if (encoding.abandoned) encoding.close()
  }
}
