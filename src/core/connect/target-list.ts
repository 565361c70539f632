export interface TargetListOptions {
  /** Gives the addresses that count now; rejects when they cannot be told. */
  readonly list: () => Promise<readonly string[]>
  readonly refreshMs: number
  /** The addresses have changed; called for the first ones too. */
  readonly onChange: (addresses: readonly string[]) => void
  /** They could not be told; the last ones stay. */
  readonly onFailure?: (error: unknown) => void
  /** From 0 to 1, exclusive. */
  readonly random?: () => number
}

/** Threads and machines that started together do not ask together. */
const JITTER = 0.1

/**
 * The addresses of a name as targets, kept up to date: each is a target of its own. What was good stays good while
 * nothing better is known.
 */
export class TargetList {
  readonly #options: TargetListOptions
  #addresses: readonly string[] = []
  #timer: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: TargetListOptions) {
    this.#options = options
  }

  /** Sorted; empty before the first success. */
  get addresses(): readonly string[] {
    return this.#addresses
  }

  /** Asks for the first time, and again from then on; resolves when the first answer, or failure, is here. */
  async start(): Promise<void> {
    await this.#refresh()
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #refresh(): Promise<void> {
    const { list, refreshMs, onChange, onFailure, random = Math.random } = this.#options
    try {
      const found = [...new Set(await list())].sort()
      if (this.#closed) return
      if (found.length > 0 && found.join() !== this.#addresses.join()) {
        this.#addresses = found
        onChange(found)
      }
    } catch (error) {
      if (this.#closed) return
      onFailure?.(error)
    }
    const delayMs = refreshMs * (1 + JITTER * (2 * random() - 1))
    this.#timer = setTimeout(() => void this.#refresh(), delayMs).unref()
  }
}
