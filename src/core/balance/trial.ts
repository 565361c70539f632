import { glance, type SharedCells } from './shared-cells.ts'

export interface TrialRules {
  /** So many of the last `over` attempts may fail; with one more it stops. At least 1. */
  readonly failures: number
  /** At most 1,024. */
  readonly over: number
  /** After this it begins anew; null: never by itself. */
  readonly restartMs: number | null
}

/** The longest window. */
export const MOST_TRIED = 1_024

/*
 * Slot, in halves:
 *
 *   0        running, stopped, or being begun anew
 *   1        attempts that were judged, counted
 *   2        failures among the last
 *   3        unused
 *   4, 5     a word: when it stopped, milliseconds
 *   6…37     the last attempts, a bit each: 1 failed
 */
const STATE = 0
const JUDGED = 1
const FAILED = 2
const STOPPED_AT = 2
const FIRST_BITS = 6
const BITS = MOST_TRIED / 32
export const TRIAL_CELLS = (FIRST_BITS + BITS) / 2

const RUNNING = 0
const STOPPED = 1
const BEGINNING = 2

/**
 * A target that is tried with a share of the requests, over all threads: it stops by itself when too many fail. Those of
 * a window that were not made yet count as good, so that a target that always fails is stopped after a few.
 */
export class Trial {
  readonly #words: BigInt64Array
  readonly #halves: Int32Array
  readonly #index: number
  readonly #at: number
  readonly #rules: TrialRules

  /** `index` is the slot's first word. */
  constructor({ words, halves }: SharedCells, index: number, rules: TrialRules) {
    this.#words = words
    this.#halves = halves
    this.#index = index
    this.#at = index * 2
    this.#rules = rules
  }

  /** As of now; one that has stopped for long enough begins anew. `nowMs`: of the clock that all threads share. */
  runs(nowMs: number): boolean {
    if (glance(this.#halves, this.#at + STATE) === RUNNING) return true
    const { restartMs } = this.#rules
    if (restartMs === null || nowMs - this.#stoppedAtMs < restartMs) return false
    // One thread clears what was judged; the others see it stopped until that is done.
    if (Atomics.compareExchange(this.#halves, this.#at + STATE, STOPPED, BEGINNING) !== STOPPED) return false
    for (let at = 0; at < BITS; at++) Atomics.store(this.#halves, this.#at + FIRST_BITS + at, 0)
    Atomics.store(this.#halves, this.#at + FAILED, 0)
    Atomics.store(this.#halves, this.#at + JUDGED, 0)
    Atomics.store(this.#halves, this.#at + STATE, RUNNING)
    return true
  }

  /** Whether it has stopped, whatever time it is. */
  get stopped(): boolean {
    return glance(this.#halves, this.#at + STATE) !== RUNNING
  }

  /** Failures among the last attempts. */
  get failed(): number {
    return Math.max(0, glance(this.#halves, this.#at + FAILED))
  }

  /** Attempts that were judged since it began. */
  get judged(): number {
    return glance(this.#halves, this.#at + JUDGED) >>> 0
  }

  /** An attempt went well, or failed. True for the one that stops it: one thread alone sees that. */
  judge(failed: boolean, nowMs: number): boolean {
    const halves = this.#halves
    const place = (Atomics.add(halves, this.#at + JUDGED, 1) >>> 0) % this.#rules.over
    const word = this.#at + FIRST_BITS + (place >> 5)
    const bit = 1 << (place & 31)
    const before = failed ? Atomics.or(halves, word, bit) : Atomics.and(halves, word, ~bit)
    const hadFailed = (before & bit) !== 0
    if (!failed) {
      if (hadFailed) Atomics.sub(halves, this.#at + FAILED, 1)
      return false
    }
    const failures = hadFailed ? Atomics.load(halves, this.#at + FAILED) : Atomics.add(halves, this.#at + FAILED, 1) + 1
    if (failures <= this.#rules.failures) return false
    if (Atomics.load(halves, this.#at + STATE) !== RUNNING) return false
    Atomics.store(this.#words, this.#index + STOPPED_AT, BigInt(Math.floor(nowMs)))
    return Atomics.compareExchange(halves, this.#at + STATE, RUNNING, STOPPED) === RUNNING
  }

  get #stoppedAtMs(): number {
    return Number(Atomics.load(this.#words, this.#index + STOPPED_AT))
  }
}
