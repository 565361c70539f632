import { glance, type SharedCells } from './shared-cells.ts'

export interface RetryBudgetRules {
  /** Retries that each request adds; 0.2 allows one for five requests. */
  readonly share: number
  /** Retries per second that are always allowed, so that a quiet route can retry too. */
  readonly minimumPerSecond: number
  /** Unused retries are kept up to this many; at most 1,000,000. */
  readonly capacity: number
}

/*
 * Slot, in words:
 *
 *   0    until when the minimum was added, milliseconds
 *   1    halves: thousandths of retries at hand │ unused
 */
export const RETRY_BUDGET_CELLS = 2

const WHOLE = 1_000
/** What a fresh slot is given: the minimum of one second. */
const FIRST_MS = 1_000
/** The minimum is added in steps of at least this, so that what is lost by rounding does not matter. */
const STEP_MS = 100

/**
 * How many retries a route may make, over all threads: when everything fails, retries must not multiply the load on
 * what is failing. A bucket of tokens, filled by requests and by time, emptied by retries.
 */
export class RetryBudget {
  readonly #cells: SharedCells
  readonly #time: number
  readonly #tokens: number
  readonly #perRequest: number
  readonly #perMs: number
  readonly #full: number
  /** The minimum does not pile up: it fills to what one second gives, at least to one retry. */
  readonly #minimumFull: number

  constructor(cells: SharedCells, index: number, rules: RetryBudgetRules) {
    this.#cells = cells
    this.#time = index
    this.#tokens = (index + 1) * 2
    this.#perRequest = Math.round(rules.share * WHOLE)
    // A retry per second is a thousandth per millisecond.
    this.#perMs = rules.minimumPerSecond
    this.#full = Math.floor(rules.capacity * WHOLE)
    this.#minimumFull = Math.min(this.#full, Math.max(WHOLE, rules.minimumPerSecond * WHOLE))
  }

  /** A request came; not called for its retries. */
  deposit(): void {
    const { halves } = this.#cells
    if (glance(halves, this.#tokens) < this.#full) Atomics.add(halves, this.#tokens, this.#perRequest)
  }

  /** Takes one retry; false when there is none. */
  take(nowMs: number): boolean {
    this.#addMinimum(nowMs)
    const { halves } = this.#cells
    for (let held = Atomics.load(halves, this.#tokens); held >= WHOLE; ) {
      const found = Atomics.compareExchange(halves, this.#tokens, held, held - WHOLE)
      if (found === held) return true
      held = found
    }
    return false
  }

  /** Whole retries at hand, as of the last `take`. */
  get left(): number {
    return Math.floor(Math.max(0, Atomics.load(this.#cells.halves, this.#tokens)) / WHOLE)
  }

  #addMinimum(nowMs: number): void {
    const { words, halves } = this.#cells
    const now = BigInt(Math.floor(nowMs))
    const held = Atomics.load(words, this.#time)
    const elapsedMs = held === 0n ? FIRST_MS : Number(now - held)
    const earned = Math.floor(elapsedMs * this.#perMs)
    // One thread adds it. What is less than a thousandth is left to grow.
    if (elapsedMs < STEP_MS || earned < 1) return
    const until = held === 0n ? now : held + BigInt(Math.ceil(earned / this.#perMs))
    if (Atomics.compareExchange(words, this.#time, held, until) !== held) return
    const room = this.#minimumFull - Atomics.load(halves, this.#tokens)
    if (room > 0) Atomics.add(halves, this.#tokens, Math.min(earned, room))
  }
}
