import { type BudgetReading, periodOf } from '../governance/index.ts'
import type { KeyRegistry } from './key-registry.ts'
import { readBudget } from './read-budget.ts'

/** Budgets that have series of their own; each has five. */
export const MAX_SHOWN = 2_000
/** How old the state of very many budgets may be: to read and sort them all takes a while. */
const FRESH_MS = 500

/** A budget as the metrics show it. */
export interface ShownBudget {
  readonly labels: Readonly<Record<string, string>>
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
    for (const { level, slot, lease, unit, per, timeZone, limit } of this.#keys.budgets()) {
      // What clients name themselves is nobody's label.
      if (level.includes('/') && !/\/(?:model|provider|key_tag)=/.test(level)) continue
      const reading = readBudget(this.#counters, { slot, lease: lease?.at ?? null }, periodOf(per, nowMs, timeZone))
      const zone = timeZone === 'UTC' ? {} : { time_zone: timeZone }
      all.push({ labels: { ...whose(level), unit, per, ...zone }, limit, reading })
    }
    this.#shown = all.length <= MAX_SHOWN ? all : all.sort((a, b) => shareOf(b) - shareOf(a)).slice(0, MAX_SHOWN)
    this.#leftOut = all.length - this.#shown.length
    this.#readAtMs = performance.now()
    // One rendering of the metrics asks several times and must hear the same; the next one reads anew.
    if (this.#leftOut === 0) queueMicrotask(() => (this.#readAtMs = Number.NEGATIVE_INFINITY))
    return this.#shown
  }
}

/** A key by its id; what is above it by its name: `team:search`. */
function whose(level: string): Readonly<Record<string, string>> {
  return level.startsWith('key:') ? { key: level.slice('key:'.length) } : { level }
}

function shareOf({ limit, reading }: ShownBudget): number {
  return (reading.used + reading.overshoot) / Math.max(1, limit)
}
