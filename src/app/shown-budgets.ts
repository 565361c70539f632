import { type BudgetReading, periodOf, read } from '../governance/index.ts'
import type { KeyRegistry } from './key-registry.ts'

/** Budgets that have series of their own; each has five. */
export const MAX_SHOWN = 2_000
/** How old the state of very many budgets may be: to read and sort them all takes a while. */
const FRESH_MS = 500

/** A budget as the metrics show it. */
export interface ShownBudget {
  readonly labels: { readonly key: string; readonly unit: string; readonly per: string }
  readonly limit: number
  readonly reading: BudgetReading
}

/** Of very many budgets those that have used the largest share of their limit: they are what alarms are for. */
export class ShownBudgets {
  readonly #keys: Pick<KeyRegistry, 'budgets'>
  readonly #counters: BigInt64Array
  #shown: readonly ShownBudget[] = []
  #leftOut = 0
  #readAtMs = Number.NEGATIVE_INFINITY

  constructor(keys: Pick<KeyRegistry, 'budgets'>, counters: BigInt64Array) {
    this.#keys = keys
    this.#counters = counters
  }

  /** How many `current` has left out. */
  get leftOut(): number {
    return this.#leftOut
  }

  current(): readonly ShownBudget[] {
    if (performance.now() - this.#readAtMs < FRESH_MS) return this.#shown
    const all: ShownBudget[] = []
    const nowMs = Date.now()
    for (const { keyId, budget } of this.#keys.budgets()) {
      const { slot, unit, per, limit } = budget
      const reading = read(this.#counters, slot, periodOf(per, nowMs))
      all.push({ labels: { key: keyId, unit, per }, limit, reading })
    }
    this.#shown = all.length <= MAX_SHOWN ? all : all.sort((a, b) => shareOf(b) - shareOf(a)).slice(0, MAX_SHOWN)
    this.#leftOut = all.length - this.#shown.length
    this.#readAtMs = performance.now()
    // One rendering of the metrics asks several times and must hear the same; the next one reads anew.
    if (this.#leftOut === 0) queueMicrotask(() => (this.#readAtMs = Number.NEGATIVE_INFINITY))
    return this.#shown
  }
}

function shareOf({ limit, reading }: ShownBudget): number {
  return (reading.used + reading.overshoot) / Math.max(1, limit)
}
