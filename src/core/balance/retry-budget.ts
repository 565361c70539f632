import { glance, type SharedCells } from './shared-cells.ts'

export interface RetryBudgetRules {
  /** Retries that each request adds; 0.2 allows one for five requests. */
  readonly share: number
  /** Retries per second that are always allowed, so that a quiet route can retry too. */
  readonly minimumPerSecond: number
  /**
   * How the minimum counts. `added`, or absent: on top of what requests add. `least`: only where requests add less, so that with many
   * requests there are no more than their share; ten seconds of it are kept.
   */
  readonly minimum?: 'added' | 'least'
  /** Unused retries are kept up to this many; at most 1,000,000. */
  readonly capacity: number
}

/*
 * Slot, in words:
 *
 *   0    until when the minimum was added, milliseconds
 *   1    halves: thousandths of retries at hand, below 0 for what is owed │ those of the minimum, where that is the least
 */
export const RETRY_BUDGET_CELLS = 2

const WHOLE = 1_000
/** What a fresh slot is given: the minimum of one second. */
const FIRST_MS = 1_000
/** So much of a minimum is kept that is the least. */
const KEPT_MS = 10_000
/** Of retries that are owed no more than so many are remembered. */
const MOST_OWED = 100
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
  /** Where the minimum is added. */
  readonly #minimum: number
  readonly #firstMs: number
  readonly #perRequest: number
  readonly #perMs: number
  readonly #full: number
  /** The minimum does not pile up: it fills to what one second gives, or ten, at least to one retry. */
  readonly #minimumFull: number

  constructor(cells: SharedCells, index: number, rules: RetryBudgetRules) {
    this.#cells = cells
    this.#time = index
    this.#tokens = (index + 1) * 2
    const isLeast = rules.minimum === 'least'
    this.#minimum = isLeast ? this.#tokens + 1 : this.#tokens
    this.#firstMs = isLeast ? KEPT_MS : FIRST_MS
    this.#perRequest = Math.round(rules.share * WHOLE)
    // A retry per second is a thousandth per millisecond.
    this.#perMs = rules.minimumPerSecond
    this.#full = Math.floor(rules.capacity * WHOLE)
    this.#minimumFull = Math.min(this.#full, Math.max(WHOLE, rules.minimumPerSecond * this.#firstMs))
  }

  /** A request came; not called for its retries. */
  deposit(): void {
    const { halves } = this.#cells
    if (glance(halves, this.#tokens) < this.#full) Atomics.add(halves, this.#tokens, this.#perRequest)
  }

  /** Takes one retry; false when there is none. */
  take(nowMs: number): boolean {
    this.#addMinimum(nowMs)
    if (this.#minimum === this.#tokens) return this.#takeAt(this.#tokens)
    // Of both, whoever pays: so all together are no more than the larger of the two.
    if (this.#takeAt(this.#tokens)) {
      this.#lessAt(this.#minimum, 0)
      return true
    }
    if (!this.#takeAt(this.#minimum)) return false
    this.#lessAt(this.#tokens, -MOST_OWED * WHOLE)
    return true
  }

  /** One that is made in any case: those that follow pay for it. */
  owe(): void {
    this.#lessAt(this.#tokens, -MOST_OWED * WHOLE)
  }

  /** Whole retries at hand, as of the last `take`. */
  get left(): number {
    return Math.floor(Math.max(0, Atomics.load(this.#cells.halves, this.#tokens)) / WHOLE)
  }

  #takeAt(at: number): boolean {
    const { halves } = this.#cells
    for (let held = Atomics.load(halves, at); held >= WHOLE; ) {
      const found = Atomics.compareExchange(halves, at, held, held - WHOLE)
      if (found === held) return true
      held = found
    }
    return false
  }

  #lessAt(at: number, least: number): void {
    const { halves } = this.#cells
    for (let held = Atomics.load(halves, at); held > least; ) {
      const found = Atomics.compareExchange(halves, at, held, Math.max(least, held - WHOLE))
      if (found === held) return
      held = found
    }
  }

  #addMinimum(nowMs: number): void {
    const { words, halves } = this.#cells
    const now = BigInt(Math.floor(nowMs))
    const held = Atomics.load(words, this.#time)
    const elapsedMs = held === 0n ? this.#firstMs : Number(now - held)
    const earned = Math.floor(elapsedMs * this.#perMs)
    // One thread adds it. What is less than a thousandth is left to grow.
    if (elapsedMs < STEP_MS || earned < 1) return
    const until = held === 0n ? now : held + BigInt(Math.ceil(earned / this.#perMs))
    if (Atomics.compareExchange(words, this.#time, held, until) !== held) return
    const room = this.#minimumFull - Atomics.load(halves, this.#minimum)
    if (room > 0) Atomics.add(halves, this.#minimum, Math.min(earned, room))
  }
}
