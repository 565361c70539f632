import {
  BUDGET_CELLS,
  type BudgetDocument,
  budgetCounter,
  clearSeat,
  concurrencyCells,
  hasReserved,
  isLeasedTaken,
  LEASE_CELLS,
  type Lease,
  type LimitsDocument,
  occupied,
  periodOf,
  type RateDocument,
  type RateWindow,
  rateLimit,
  restore,
  restoreAtLeast,
} from '../governance/index.ts'
import type { SlotAllocator } from '../lib/index.ts'
import type { StoredBudget, StoredLimits } from '../storage/index.ts'
import type { AskedBudget, SpentIn } from './spent-before.ts'

export interface KeyCountersOptions {
  readonly counters: BigInt64Array
  readonly slots: SlotAllocator
  /** What was spent before this process, or before a budget was added; see storage's `counter_sums`. */
  readonly spent: SpentIn
  /** How many workers there may be at one moment. */
  readonly seats: number
  /** Several gateways share the counters; absent: this one is alone. */
  readonly shared?: SharedCounters | undefined
}

/** What is asked of whoever borrows from counters that several gateways share. */
export interface SharedCounters {
  /** Lets go of counters of these names: their places will be others'. */
  forget(names: readonly string[]): Promise<void>
}

const WINDOWS_US: Readonly<Record<RateWindow, number>> = { second: 1_000_000, minute: 60_000_000, day: 86_400_000_000 }
/** What names of limits begin with; budgets have theirs from the journal. */
const RATE = 'rate:'
const TOKENS = 'tokens:'
const IN_FLIGHT = 'in-flight:'
const LEASE = 'lease:'

/** The counters of levels in shared memory: one for each limit and each budget, known by their names. */
export class KeyCounters {
  readonly #options: KeyCountersOptions
  /** Counters that no level has any more, with the last change in which a request may have begun that uses them. */
  readonly #retired = new Map<string, number>()
  /** Those of them that whoever borrows was told to let go of. */
  readonly #leaving = new Set<string>()

  constructor(options: KeyCountersOptions) {
    this.#options = options
  }

  /**
   * The limits of a level, of which `inForce` are those that workers know; names that were not held before are added to
   * `fresh`. Throws when there is no room.
   */
  limitsOf(level: string, stored: StoredLimits, inForce: LimitsDocument | null, fresh: string[]): LimitsDocument {
    const take = (name: string, cells: number): number => {
      const { slots } = this.#options
      const isFresh = slots.find(name) === null
      const index = slots.allocate(name, cells)
      if (isFresh) fresh.push(name)
      return index
    }
    const lease = (name: string): Leased =>
      this.#options.shared === undefined ? {} : { lease: { at: take(LEASE + name, LEASE_CELLS), name } }
    const { tokens_per_minute: tokens, concurrency } = stored
    const seats = concurrencyCells(this.#options.seats)
    return {
      rates: ratesOf(level, stored, take).map((rate) => ({ ...rate, ...lease(rateName(level, rate.per)) })),
      tokenRate:
        tokens === null
          ? null
          : { level, slot: take(tokensName(level), 1), limit: tokens, ...lease(tokensName(level)) },
      concurrency:
        concurrency === null
          ? null
          : { level, slot: take(IN_FLIGHT + level, seats), limit: concurrency, ...lease(IN_FLIGHT + level) },
      budgets: this.#budgetsOf(level, stored.budgets, inForce, take).map((budget) => ({
        ...budget,
        ...lease(budget.counter),
      })),
      ...(stored.rules === undefined || stored.rules.length === 0
        ? {}
        : { rules: stored.rules.map(({ by, only, when_absent }) => ({ by, only, when_absent })) }),
    }
  }

  /** Where the lease of a counter is; null: there is none. */
  leaseOf(name: string): number | null {
    return this.#options.slots.find(LEASE + name)
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
   * Gives back what was retired, as far as no running request began before `epoch`, but not what levels have that are
   * about to come back.
   */
  releaseQuiet(epoch: number, coming: Iterable<LimitsDocument>): void {
    if (this.#retired.size === 0) return
    const wanted = namesOf(coming)
    const over: string[] = []
    for (const [name, retired] of this.#retired) {
      // What is taken is still to be given back: by a request that has just ended, or for a worker that died.
      if (name.startsWith(LEASE) || retired > epoch || wanted.has(name) || this.#isTaken(name)) continue
      if (this.#options.shared === undefined) this.#release(name)
      else over.push(name)
    }
    if (over.length > 0) void this.#releaseShared(over)
  }

  #release(name: string): void {
    this.#retired.delete(name)
    this.#options.slots.release(name)
  }

  /** Whoever borrows writes to the places of shared counters, until it has let go of them. */
  async #releaseShared(names: readonly string[]): Promise<void> {
    const leaving = names.filter((name) => !this.#leaving.has(name))
    for (const name of leaving) this.#leaving.add(name)
    try {
      await this.#options.shared?.forget(leaving)
    } catch {
      return // that thread is gone: its successor is asked the next time
    } finally {
      for (const name of leaving) this.#leaving.delete(name)
    }
    for (const name of leaving) {
      if (!this.#retired.has(name)) continue // in force again
      this.#release(name)
      this.#release(LEASE + name)
    }
  }

  /** Gives back counters that were fresh and are of no use after all, but not what these levels have by now. */
  giveBack(fresh: readonly string[], levels: Iterable<LimitsDocument>): void {
    const held = namesOf(levels)
    for (const name of fresh) if (!held.has(name)) this.#options.slots.release(name)
  }

  /** A worker has died: what it had in flight is over. */
  clearSeat(seat: number, inForce: Iterable<LimitsDocument>): void {
    const names = new Set([...namesOf(inForce), ...this.#retired.keys()])
    for (const name of names) {
      const slot = name.startsWith(IN_FLIGHT) ? this.#options.slots.find(name) : null
      if (slot !== null) clearSeat(this.#options.counters, slot, seat)
    }
  }

  #isTaken(name: string): boolean {
    const slot = this.#options.slots.find(name)
    if (slot === null || name.startsWith(RATE) || name.startsWith(TOKENS)) return false
    const { counters } = this.#options
    const lease = this.leaseOf(name)
    if (lease !== null) return isLeasedTaken(counters, { slot, lease, inFlight: name.startsWith(IN_FLIGHT) })
    return name.startsWith(IN_FLIGHT) ? occupied(counters, slot) > 0 : hasReserved(counters, slot)
  }

  /** One counter per unit and period: of two budgets for the same, the smaller one decides. */
  #budgetsOf(
    level: string,
    budgets: readonly StoredBudget[],
    inForce: LimitsDocument | null,
    take: TakeSlot,
  ): BudgetDocument[] {
    const byCounter = new Map<string, BudgetDocument>()
    for (const stored of budgets) {
      const asked = askedBudget(level, stored)
      const { counter } = asked
      const { limit } = stored
      const other = byCounter.get(counter)
      if (other !== undefined && other.limit <= limit) continue
      const isInForce = inForce?.budgets.some((budget) => budget.counter === counter)
      const held = isInForce === true ? this.#options.slots.find(counter) : null
      const slot = held ?? this.#beginBudget(asked, limit, take)
      const { warn_at: warnAt, switch_model: switchModel } = stored
      byCounter.set(counter, {
        ...asked,
        slot,
        limit,
        ...(warnAt === undefined ? {} : { warnAt }),
        ...(switchModel === undefined ? {} : { switchModel }),
      })
    }
    return [...byCounter.values()].sort((a, b) => a.limit - b.limit)
  }

  #beginBudget({ counter, per, timeZone }: AskedBudget, limit: number, take: TakeSlot): number {
    const { slots, counters, spent } = this.#options
    const known = slots.find(counter)
    const period = periodOf(per, Date.now(), timeZone)
    // Asked for first: a slot that is there counts as one that knows what was spent.
    const before = spent(counter, period)
    if (known !== null) {
      restoreAtLeast(counters, known, period, before, limit)
      return known
    }
    const slot = take(counter, BUDGET_CELLS)
    restore(counters, slot, period, before, limit)
    return slot
  }
}

/** A budget of a level as its counter is named. */
export function askedBudget(level: string, { unit, per, time_zone: timeZone = 'UTC' }: StoredBudget): AskedBudget {
  return { level, counter: budgetCounter(level, { unit, per, timeZone }), unit, per, timeZone }
}

type TakeSlot = (name: string, cells: number) => number
type Leased = { readonly lease?: Lease }

function ratesOf(level: string, stored: StoredLimits, take: TakeSlot): RateDocument[] {
  const limits: readonly (readonly [RateWindow, number | null])[] = [
    ['second', stored.requests_per_second],
    ['minute', stored.requests_per_minute],
    ['day', stored.requests_per_day],
  ]
  return limits.flatMap(([per, limit]) => {
    if (limit === null) return []
    const { intervalUs } = rateLimit.rateOf(Math.max(1, limit), WINDOWS_US[per])
    const burst = per === 'minute' ? (stored.burst ?? limit) : limit
    return [{ level, slot: take(rateName(level, per), 1), limit, per, intervalUs, burst }]
  })
}

/** Name of the counter of a rate limit. */
export function rateName(level: string, per: RateWindow): string {
  return `${RATE}${level}:${per}`
}

/** Name of the counter of a rate of tokens. */
export function tokensName(level: string): string {
  return TOKENS + level
}

/** Names of the counters that these levels have. */
export function namesOf(documents: Iterable<LimitsDocument>): Set<string> {
  const names = new Set<string>()
  for (const { rates, tokenRate, concurrency, budgets } of documents) {
    for (const { level, per } of rates) names.add(rateName(level, per))
    if (tokenRate !== null) names.add(tokensName(tokenRate.level))
    if (concurrency !== null) names.add(IN_FLIGHT + concurrency.level)
    for (const { counter } of budgets) names.add(counter)
    for (const { lease } of [...rates, tokenRate, concurrency, ...budgets].flatMap((limit) => limit ?? [])) {
      if (lease !== undefined) names.add(LEASE + lease.name)
    }
  }
  return names
}
