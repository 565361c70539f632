import { type Exchange, fault, WAIT } from '../../core/index.ts'
import { ALL_RESERVED, giveBack, INTENTS_FULL, reserveAll, settle } from '../budget.ts'
import { type BudgetWarning, warningOf } from '../budget-warnings.ts'
import { amountFor, ChargeList } from '../charging.ts'
import { occupy, vacate, vacateAll } from '../concurrency.ts'
import type { Counted, CounterDesk, LimitLeft, LimitsLeft, Refusal, Taken, Takings, Used } from '../counter-desk.ts'
import type { Intents } from '../intents.ts'
import type { BudgetDocument, ConcurrencyDocument, RateDocument, TokenRateDocument } from '../level-document.ts'
import { periodEnd } from '../period.ts'
import { crowded, exhausted, limited, tooMany } from '../shared-counters.ts'
import { MINUTE_US, tokensRefused } from '../token-rate.ts'
import type { SharedCounter } from './borrowed-counter.ts'
import {
  type Lease,
  leasedBudget,
  leasedSeats,
  othersOfBudget,
  othersOfRate,
  returnLater,
  takeLeased,
  untakeLeased,
} from './lease.ts'
import { backendUnavailable, type LeaseDesk, PATIENCE_MS } from './lease-desk.ts'
import type { LeaseAnswer, Need } from './lender.ts'

/** What is borrowed does not suffice: more must be asked for. */
const SHORT = Symbol('short')
/** A limit of nothing lets nothing through; when that changes, clients look again. */
const CLOSED_SECONDS = 60

/** How long a request waits before it asks again while a beat is late. */
const LATE_BEAT_MS = 5

/** Counters that several gateways share: takes from what is borrowed of them, and waits only when that is not enough. */
export class LeasedCounters implements CounterDesk {
  readonly #cells: BigInt64Array
  readonly #seat: number
  readonly #intents: Intents
  readonly #desk: LeaseDesk
  readonly #charges = new ChargeList()
  readonly #leasedOf = (budget: BudgetDocument, period: number) => leasedBudget(this.#cells, leaseOf(budget).at, period)

  constructor(cells: BigInt64Array, options: { seat: number; intents: Intents; desk: LeaseDesk }) {
    this.#cells = cells
    this.#seat = options.seat
    this.#intents = options.intents
    this.#desk = options.desk
  }

  take(x: Exchange, takings: Takings, taken: Taken): Refusal | typeof WAIT | null {
    const impossible = impossibleOf(takings)
    if (impossible !== null) return impossible
    if (!this.#desk.open && !takings.owed) return unavailable()
    if (this.#desk.valid || takings.owed) {
      const outcome = this.#takeAll(takings)
      if (outcome !== SHORT) return outcome
    }
    this.#ask({ untilMs: performance.now() + PATIENCE_MS, x, takings, taken })
    return WAIT
  }

  giveBack(takings: Takings): void {
    const cells = this.#cells
    const { rates, concurrency, tokenRates, tokens, budgets } = takings
    const charges = this.#charges.of(takings)
    for (const { index, period, amount } of charges) giveBack(cells, index, period, amount, this.#intents)
    if (tokenRates !== null) for (const rate of tokenRates) returnLater(cells, leaseOf(rate).at, tokens)
    if (concurrency !== null) vacateAll(cells, concurrency, this.#seat)
    if (rates !== null) for (const rate of rates) returnLater(cells, leaseOf(rate).at, 1)
    if (budgets.length > 0) this.#intents.dropPending()
  }

  leave(concurrency: readonly ConcurrencyDocument[]): void {
    vacateAll(this.#cells, concurrency, this.#seat)
  }

  settle(takings: Takings, used: Used): void {
    const cells = this.#cells
    const { tokenRates, tokens, budgets, periods } = takings
    if (tokenRates !== null && used.tokens !== tokens) {
      for (const rate of tokenRates) returnLater(cells, leaseOf(rate).at, tokens - used.tokens)
    }
    for (let at = 0; at < budgets.length; at++) {
      const budget = budgets[at] as BudgetDocument // in range
      const period = periods[at] ?? 0
      // What goes beyond what is borrowed is owed: the lender borrows it, whatever the limit says.
      const limit = budget.lease === undefined ? 0 : leasedBudget(cells, budget.lease.at, period)
      const amount = amountFor(budget, takings)
      settle(cells, budget.slot, period, amount, amountFor(budget, used), limit, this.#intents)
    }
  }

  /** Each replica tells by itself; what others hold counts as spent. */
  warnings({ budgets, periods }: Takings, used: Used | null): readonly BudgetWarning[] | null {
    let found: BudgetWarning[] | null = null
    for (let at = 0; at < budgets.length; at++) {
      const budget = budgets[at] as BudgetDocument // in range
      if (budget.warnAt === undefined) continue
      const period = periods[at] ?? 0
      const others = othersOfBudget(this.#cells, leaseOf(budget).at, period)
      const more = used === null ? 0 : amountFor(budget, used)
      const warning = warningOf(this.#cells, budget, period, others + more)
      if (warning === null) continue
      found ??= []
      found.push(warning)
    }
    return found
  }

  left({ rates, tokenRates }: Counted): LimitsLeft {
    let requests: LimitLeft | null = null
    let tokens: LimitLeft | null = null
    for (const rate of rates ?? []) requests = this.#tighter(requests, rate, rate.burst, rate.intervalUs)
    for (const rate of tokenRates ?? []) tokens = this.#tighter(tokens, rate, rate.limit, MINUTE_US / rate.limit)
    return { requests, tokens }
  }

  /** As the store had it when it was asked last, which is a moment ago when the limit is near. */
  #tighter(than: LimitLeft | null, rate: Leased & { limit: number }, quota: number, unitUs: number): LimitLeft {
    const used = Math.min(quota, othersOfRate(this.#cells, leaseOf(rate).at))
    const remaining = rate.limit === 0 ? 0 : Math.floor(quota - used)
    if (than !== null && than.remaining <= remaining) return than
    return { quota, windowS: Math.ceil((quota * unitUs) / 1e6), remaining, resetMs: (used * unitUs) / 1_000 }
  }

  /** All of it, or nothing. */
  #takeAll(takings: Takings): Refusal | typeof SHORT | null {
    const { rates, concurrency, tokenRates, tokens, budgets } = takings
    const cells = this.#cells
    if (rates !== null && !takeEach(cells, rates, 1)) return SHORT
    if (concurrency === null || this.#occupy(concurrency)) {
      if (tokenRates === null || takeEach(cells, tokenRates, tokens)) {
        const outcome = budgets.length === 0 ? null : this.#reserve(takings)
        if (outcome === null) return null
        if (tokenRates !== null) untakeFirst(cells, tokenRates, tokenRates.length, tokens)
        this.#undoAdmission(rates, concurrency)
        return outcome
      }
      this.#undoAdmission(null, concurrency)
    }
    this.#undoAdmission(rates, null)
    return SHORT
  }

  #undoAdmission(rates: Takings['rates'], concurrency: Takings['concurrency']): void {
    if (concurrency !== null) vacateAll(this.#cells, concurrency, this.#seat)
    if (rates !== null) untakeFirst(this.#cells, rates, rates.length, 1)
  }

  #occupy(concurrency: readonly ConcurrencyDocument[]): boolean {
    const cells = this.#cells
    for (let at = 0; at < concurrency.length; at++) {
      const one = concurrency[at] as ConcurrencyDocument // in range
      if (occupy(cells, one.slot, leasedSeats(cells, leaseOf(one).at), this.#seat)) continue
      for (let taken = at - 1; taken >= 0; taken--) {
        vacate(cells, (concurrency[taken] as ConcurrencyDocument).slot, this.#seat) // as above
      }
      return false
    }
    return true
  }

  #reserve(takings: Takings): Refusal | typeof SHORT | null {
    // What is owed is borrowed afterwards, whatever the limit says.
    const position = reserveAll(this.#cells, this.#charges.of(takings, this.#leasedOf), this.#intents)
    if (position === ALL_RESERVED) return null
    return position === INTENTS_FULL ? crowded() : SHORT
  }

  #ask(waiting: Waiting): void {
    const leftMs = Math.max(1, waiting.untilMs - performance.now())
    this.#desk.ask(needsOf(waiting.takings), leftMs, (answer) => {
      try {
        this.#answered(waiting, answer)
      } catch (error) {
        fault(waiting.x, error)
      }
    })
  }

  #answered(waiting: Waiting, answer: LeaseAnswer): void {
    const { x, takings, taken } = waiting
    // What was borrowed for a request that is over serves others, or is given back.
    if (x.settled) return
    switch (answer.type) {
      case 'unavailable':
        return taken(x, takings, unavailable())
      case 'refused':
        return taken(x, takings, refusalOf(takings, answer))
      case 'lent': {
        const outcome = this.#desk.valid ? this.#takeAll(takings) : SHORT
        if (outcome !== SHORT) return taken(x, takings, outcome)
        if (!this.#desk.open || performance.now() > waiting.untilMs) return taken(x, takings, unavailable())
        // Another request was faster.
        if (this.#desk.valid) return this.#ask(waiting)
        // A beat is late: it is there, and may not be used yet. To ask at once would be told the same at once.
        setTimeout(() => this.#ask(waiting), LATE_BEAT_MS)
        return
      }
    }
  }
}

interface Waiting {
  /** It waits no longer, on the clock of `performance.now()`. */
  readonly untilMs: number
  readonly x: Exchange
  readonly takings: Takings
  readonly taken: Taken
}

interface Leased {
  readonly level: string
  readonly lease?: Lease | undefined
}

/** Its lease; every limit has one when replicas share counters. */
function leaseOf({ lease, level }: Leased): Lease {
  if (lease === undefined) throw new Error(`a limit of ${level} has no lease`)
  return lease
}

function takeEach(cells: BigInt64Array, rates: readonly Leased[], units: number): boolean {
  for (let at = 0; at < rates.length; at++) {
    const rate = rates[at] as Leased // in range
    if (takeLeased(cells, leaseOf(rate).at, units)) continue
    untakeFirst(cells, rates, at, units)
    return false
  }
  return true
}

function untakeFirst(cells: BigInt64Array, rates: readonly Leased[], count: number, units: number): void {
  for (let at = 0; at < count; at++) untakeLeased(cells, leaseOf(rates[at] as Leased).at, units) // in range
}

/** What no store could ever let through. */
function impossibleOf(takings: Takings): Refusal | null {
  const { rates, tokenRates, tokens, budgets, owed } = takings
  if (owed) return null
  if (rates !== null) for (const rate of rates) if (rate.limit === 0) return limited(rate, CLOSED_SECONDS)
  for (const rate of tokenRates ?? []) {
    if (tokens <= rate.limit) continue
    return { error: tokensRefused(rate, tokens, Number.POSITIVE_INFINITY), budget: null, ofAmount: true }
  }
  for (const budget of budgets) if (amountFor(budget, takings) > budget.limit) return exhausted(budget)
  return null
}

function unavailable(): Refusal {
  return { error: backendUnavailable(), budget: null }
}

/** In the order in which `refusalOf` finds them again. */
function needsOf(takings: Takings): Need[] {
  const { rates, concurrency, tokenRates, tokens, budgets, periods } = takings
  return [
    ...(rates ?? []).map((rate) => ({ counter: requestRate(rate), amount: 1 })),
    ...(concurrency ?? []).map((one) => ({ counter: seats(one), amount: 1 })),
    ...(tokenRates ?? []).map((rate) => ({ counter: tokenRate(rate), amount: tokens })),
    ...budgets.map((one, at) => ({ counter: budget(one, periods[at] ?? 0), amount: amountFor(one, takings) })),
  ]
}

function refusalOf(
  { rates, concurrency, tokenRates, tokens, budgets }: Takings,
  { at, waitUs }: { at: number; waitUs: number },
): Refusal {
  const seconds = Math.max(1, Math.ceil(waitUs / 1_000_000))
  let place = at
  if (rates !== null) {
    const rate = rates[place]
    if (rate !== undefined) return limited(rate, seconds)
    place -= rates.length
  }
  if (concurrency !== null) {
    const full = concurrency[place]
    if (full !== undefined) return tooMany(full)
    place -= concurrency.length
  }
  if (tokenRates !== null) {
    const rate = tokenRates[place]
    if (rate !== undefined) {
      return { error: tokensRefused(rate, tokens, Math.max(1, waitUs)), budget: null, ofAmount: true }
    }
    place -= tokenRates.length
  }
  return exhausted(budgets[place] as BudgetDocument) // the last kind of need
}

const WITHOUT_PERIOD = { period: 0, endMs: null }

function requestRate(rate: RateDocument): SharedCounter {
  const { at, name } = leaseOf(rate)
  return {
    kind: 'rate',
    name,
    lease: at,
    slot: rate.slot,
    limit: rate.burst,
    unitUs: rate.intervalUs,
    ...WITHOUT_PERIOD,
  }
}

function tokenRate(rate: TokenRateDocument): SharedCounter {
  const { at, name } = leaseOf(rate)
  return {
    kind: 'rate',
    name,
    lease: at,
    slot: rate.slot,
    limit: rate.limit,
    unitUs: MINUTE_US / rate.limit,
    ...WITHOUT_PERIOD,
  }
}

function seats(one: ConcurrencyDocument): SharedCounter {
  const { at, name } = leaseOf(one)
  return { kind: 'concurrency', name, lease: at, slot: one.slot, limit: one.limit, unitUs: 0, ...WITHOUT_PERIOD }
}

function budget(one: BudgetDocument, period: number): SharedCounter {
  const { at, name } = leaseOf(one)
  const endMs = periodEnd(one.per, Date.now(), one.timeZone)
  return { kind: 'budget', name, lease: at, slot: one.slot, limit: one.limit, unitUs: 0, period, endMs }
}
