import type { Log } from '../observability/index.ts'

const EVERY_MS = 5_000

export interface StateSaverOptions<T> {
  /** What is to be saved now; null: the same as before. */
  readonly state: () => T | null
  readonly write: (state: T) => Promise<void>
  /** Said once, until a write succeeds again. */
  readonly warning: string
  readonly log: Log
}

/** Saves a state every few seconds and at the end, one write after the other. */
export class StateSaver<T> {
  readonly #options: StateSaverOptions<T>
  #timer: NodeJS.Timeout | null = null
  #saving: Promise<void> = Promise.resolve()
  #failed = false

  constructor(options: StateSaverOptions<T>) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => this.save(), EVERY_MS).unref()
  }

  save(): void {
    const state = this.#options.state()
    if (state !== null) this.#saving = this.#saving.then(() => this.#write(state))
  }

  /** Saves a last time; does nothing when it was not started. */
  async close(): Promise<void> {
    if (this.#timer === null) return
    clearInterval(this.#timer)
    this.save()
    await this.#saving
  }

  async #write(state: T): Promise<void> {
    try {
      await this.#options.write(state)
      this.#failed = false
    } catch (error) {
      if (!this.#failed) this.#options.log.warn(this.#options.warning, { error })
      this.#failed = true
    }
  }
}
