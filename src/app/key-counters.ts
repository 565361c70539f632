import {
  BUDGET_CELLS,
  type BudgetDocument,
  budgetCounter,
  hasReserved,
  type KeyDocument,
  periodOf,
  rateLimit,
  restore,
  restoreAtLeast,
} from '../governance/index.ts'
import type { SlotAllocator } from '../lib/index.ts'
import type { BudgetPeriod, StoredBudget, StoredKey } from '../storage/index.ts'

/** What was spent before this process, or before a budget was added; see storage's `spending`. */
export type SpentBefore = (keyId: string, unit: 'tokens' | 'nanos', per: BudgetPeriod) => number

export interface KeyCountersOptions {
  readonly counters: BigInt64Array
  readonly slots: SlotAllocator
  readonly spent: SpentBefore
}

/** The limits of a key with their places in shared memory. */
export type CountedLimits = Pick<KeyDocument, 'rate' | 'budgets'>

const MINUTE_US = 60_000_000
/** What names of rate limits begin with; budgets have theirs from the journal. */
const RATE = 'rate:'

/** The counters of keys in shared memory: one for a rate limit, one for each budget, known by their names. */
export class KeyCounters {
  readonly #options: KeyCountersOptions
  /** Counters that no key has any more, with the last change in which a request may have begun that uses them. */
  readonly #retired = new Map<string, number>()

  constructor(options: KeyCountersOptions) {
    this.#options = options
  }

  /**
   * The limits of a key, of which `inForce` are those that workers know; names that were not held before are added to
   * `fresh`. Throws when there is no room.
   */
  limitsOf(key: StoredKey, inForce: CountedLimits | null, fresh: string[]): CountedLimits {
    const take = (name: string, cells: number): number => {
      const { slots } = this.#options
      const isFresh = slots.find(name) === null
      const index = slots.allocate(name, cells)
      if (isFresh) fresh.push(name)
      return index
    }
    return { rate: rateOf(key, take), budgets: this.#budgetsOf(key, inForce, take) }
  }

  /** Nobody is to use these counters any more; requests that began before this change still may. */
  retire(names: readonly string[], epoch: number): void {
    for (const name of names) this.#retired.set(name, epoch)
  }

  /** These counters are in force (again). */
  keep(names: Iterable<string>): void {
    for (const name of names) this.#retired.delete(name)
  }

  /**
   * Gives back what was retired, as far as no running request began before `epoch`, but not what keys have that are
   * about to come back.
   */
  releaseQuiet(epoch: number, coming: Iterable<KeyDocument>): void {
    if (this.#retired.size === 0) return
    const wanted = namesOf(coming)
    for (const [name, retired] of this.#retired) {
      // What is reserved is still to be settled: by a request that has just ended, or for a worker that died.
      if (retired > epoch || wanted.has(name) || this.#isReserved(name)) continue
      this.#retired.delete(name)
      this.#options.slots.release(name)
    }
  }

  /** Gives back counters that were fresh and are of no use after all, but not what these keys have by now. */
  giveBack(fresh: readonly string[], keys: Iterable<KeyDocument>): void {
    const held = namesOf(keys)
    for (const name of fresh) if (!held.has(name)) this.#options.slots.release(name)
  }

  #isReserved(name: string): boolean {
    const slot = this.#options.slots.find(name)
    return slot !== null && !name.startsWith(RATE) && hasReserved(this.#options.counters, slot)
  }

  /** One counter per unit and period: of two budgets for the same, the smaller one decides. */
  #budgetsOf(key: StoredKey, inForce: CountedLimits | null, take: TakeSlot): BudgetDocument[] {
    const byCounter = new Map<string, BudgetDocument>()
    for (const { unit, per, limit } of key.budgets) {
      const counter = budgetCounter(key.id, unit, per)
      const other = byCounter.get(counter)
      if (other !== undefined && other.limit <= limit) continue
      const isInForce = inForce?.budgets.some((budget) => budget.counter === counter)
      const held = isInForce === true ? this.#options.slots.find(counter) : null
      const slot = held ?? this.#beginBudget(key.id, { unit, per, limit }, take)
      byCounter.set(counter, { counter, slot, unit, per, limit })
    }
    // The tightest first: most refusals then take nothing that must be given back.
    return [...byCounter.values()].sort((a, b) => a.limit - b.limit)
  }

  #beginBudget(keyId: string, { unit, per, limit }: StoredBudget, take: TakeSlot): number {
    const { slots, counters, spent } = this.#options
    const counter = budgetCounter(keyId, unit, per)
    const known = slots.find(counter)
    // Asked for first: a slot that is there counts as one that knows what was spent.
    const before = spent(keyId, unit, per)
    if (known !== null) {
      restoreAtLeast(counters, known, periodOf(per, Date.now()), before, limit)
      return known
    }
    const slot = take(counter, BUDGET_CELLS)
    restore(counters, slot, periodOf(per, Date.now()), before, limit)
    return slot
  }
}

type TakeSlot = (name: string, cells: number) => number

function rateOf(key: StoredKey, take: TakeSlot): KeyDocument['rate'] {
  if (key.requests_per_minute === null) return null
  const { intervalUs } = rateLimit.rateOf(Math.max(1, key.requests_per_minute), MINUTE_US)
  return {
    slot: take(RATE + key.id, 1),
    requestsPerMinute: key.requests_per_minute,
    intervalUs,
    burst: key.burst ?? key.requests_per_minute,
  }
}

/** Names of the counters that these keys have. */
export function namesOf(documents: Iterable<KeyDocument>): Set<string> {
  const names = new Set<string>()
  for (const { id, rate, budgets } of documents) {
    if (rate !== null) names.add(RATE + id)
    for (const { counter } of budgets) names.add(counter)
  }
  return names
}
