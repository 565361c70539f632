import type { Seat } from './contract.ts'
import { lowOf, packWord, type SharedCells, timeOf } from './shared-cells.ts'

/** Words of a lease's slot. */
export const LEASE_CELLS = 1

/**
 * Makes one thread of many the one that does something, until it stops renewing: its death hands the work to another
 * within `lengthMs`, and nobody has to be told.
 */
export class SharedLease {
  readonly #words: BigInt64Array
  readonly #index: number
  readonly #own: number
  readonly #lengthMs: number

  constructor(cells: SharedCells, index: number, options: { seat: Seat; lengthMs: number }) {
    this.#words = cells.words
    this.#index = index
    this.#own = options.seat.number + 1
    this.#lengthMs = options.lengthMs
  }

  /** Takes or renews the lease; false while another thread holds it. */
  hold(nowMs: number): boolean {
    const held = Atomics.load(this.#words, this.#index)
    const free = lowOf(held) === 0 || lowOf(held) === this.#own || timeOf(held) <= nowMs
    if (!free) return false
    const next = packWord(nowMs + this.#lengthMs, this.#own)
    return Atomics.compareExchange(this.#words, this.#index, held, next) === held
  }

  /** True while this thread holds it. */
  isHeld(nowMs: number): boolean {
    const held = Atomics.load(this.#words, this.#index)
    return lowOf(held) === this.#own && timeOf(held) > nowMs
  }

  /** Gives it up, for a thread that leaves. */
  release(): void {
    const held = Atomics.load(this.#words, this.#index)
    if (lowOf(held) === this.#own) Atomics.compareExchange(this.#words, this.#index, held, 0n)
  }
}
