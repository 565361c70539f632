import { type Exchange, fault, WAIT } from '../../core/index.ts'
import { ALL_RESERVED, type Charge, giveBack, INTENTS_FULL, reserveAll, settle } from '../budget.ts'
import { type BudgetWarning, warningOf } from '../budget-warnings.ts'
import { ALL_OCCUPIED, occupyAll, vacateAll } from '../concurrency.ts'
import type { CounterDesk, LimitLeft, LimitsLeft, Refusal, Taken, Takings } from '../counter-desk.ts'
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
import { backendUnavailable, type LeaseDesk } from './lease-desk.ts'
import type { LeaseAnswer, Need } from './lender.ts'

/** What is borrowed does not suffice: more must be asked for. */
const SHORT = Symbol('short')
/** A limit of nothing lets nothing through; when that changes, clients look again. */
const CLOSED_SECONDS = 60

/** So long a request is asked for again and again. */
const ASK_AGAIN_MS = 400
/** How long it waits before that while a beat is late. */
const LATE_BEAT_MS = 5

/** Counters that several gateways share: takes from what is borrowed of them, and waits only when that is not enough. */
export class LeasedCounters implements CounterDesk {
  readonly #cells: BigInt64Array
  readonly #seat: number
  readonly #intents: Intents
  readonly #desk: LeaseDesk

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
    this.#ask({ untilMs: performance.now() + ASK_AGAIN_MS, x, takings, taken })
    return WAIT
  }

  giveBack({ rates, concurrency, tokenRates, tokens, charges }: Takings): void {
    const cells = this.#cells
    for (const { index, period, amount } of charges) giveBack(cells, index, period, amount, this.#intents)
    if (tokenRates !== null) for (const rate of tokenRates) returnLater(cells, leaseOf(rate).at, tokens)
    if (concurrency !== null) vacateAll(cells, concurrency, this.#seat)
    if (rates !== null) for (const rate of rates) returnLater(cells, leaseOf(rate).at, 1)
    if (charges.length > 0) this.#intents.dropPending()
  }

  leave(concurrency: readonly ConcurrencyDocument[]): void {
    vacateAll(this.#cells, concurrency, this.#seat)
  }

  settle({ tokenRates, tokens, budgets, charges }: Takings, final: readonly number[], used: number): void {
    const cells = this.#cells
    if (tokenRates !== null && used !== tokens) {
      for (const rate of tokenRates) returnLater(cells, leaseOf(rate).at, tokens - used)
    }
    for (let at = 0; at < charges.length; at++) {
      const { index, period, amount } = charges[at] as Charge // in range
      const { lease } = budgets[at] as BudgetDocument // as above
      // What goes beyond what is borrowed is owed: the lender borrows it, whatever the limit says.
      const limit = lease === undefined ? 0 : leasedBudget(cells, lease.at, period)
      settle(cells, index, period, amount, final[at] ?? 0, limit, this.#intents)
    }
  }

  /** Each replica tells by itself; what others hold counts as spent. */
  warnings({ budgets, charges }: Takings, final: readonly number[] | null): readonly BudgetWarning[] | null {
    const found = charges.flatMap(({ period }, at) => {
      const budget = budgets[at] as BudgetDocument // one for each charge
      if (budget.warnAt === undefined) return []
      const others = othersOfBudget(this.#cells, leaseOf(budget).at, period)
      return warningOf(this.#cells, budget, period, others + (final?.[at] ?? 0)) ?? []
    })
    return found.length === 0 ? null : found
  }

  left(rates: readonly RateDocument[] | null, tokenRates: readonly TokenRateDocument[] | null): LimitsLeft {
    const requests = (rates ?? []).map((rate) => this.#left(requestRate(rate), rate.limit))
    const tokens = (tokenRates ?? []).map((rate) => this.#left(tokenRate(rate), rate.limit))
    return { requests: leastOf(requests), tokens: leastOf(tokens) }
  }

  /** As the store had it when it was asked last, which is a moment ago when the limit is near. */
  #left({ lease, limit, unitUs }: SharedCounter, perWindow: number): LimitLeft {
    const used = Math.min(limit, othersOfRate(this.#cells, lease))
    const remaining = perWindow === 0 ? 0 : Math.floor(limit - used)
    return { quota: limit, windowS: Math.ceil((limit * unitUs) / 1e6), remaining, resetMs: (used * unitUs) / 1_000 }
  }

  /** All of it, or nothing. */
  #takeAll(takings: Takings): Refusal | typeof SHORT | null {
    const { rates, concurrency, tokenRates, tokens, charges } = takings
    const cells = this.#cells
    if (rates !== null && !takeEach(cells, rates, 1)) return SHORT
    if (concurrency === null || this.#occupy(concurrency)) {
      if (tokenRates === null || takeEach(cells, tokenRates, tokens)) {
        const outcome = charges.length === 0 ? null : this.#reserve(takings)
        if (outcome === null) return null
        if (tokenRates !== null) untakeEach(cells, tokenRates, tokens)
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
    if (rates !== null) untakeEach(this.#cells, rates, 1)
  }

  #occupy(concurrency: readonly ConcurrencyDocument[]): boolean {
    const cells = this.#cells
    const leased = concurrency.map((one) => ({ ...one, limit: Number(leasedSeats(cells, leaseOf(one).at)) }))
    return occupyAll(cells, leased, this.#seat) === ALL_OCCUPIED
  }

  #reserve({ budgets, charges, owed }: Takings): Refusal | typeof SHORT | null {
    const cells = this.#cells
    const leased = charges.map(({ index, period, amount }, at) => {
      const budget = budgets[at] as BudgetDocument // one for each charge
      // What is owed is borrowed afterwards, whatever the limit says.
      const limit = owed ? Number.MAX_SAFE_INTEGER : leasedBudget(cells, leaseOf(budget).at, period)
      return { index, period, amount, limit }
    })
    const position = reserveAll(cells, leased, this.#intents)
    if (position === ALL_RESERVED) return null
    return position === INTENTS_FULL ? crowded() : SHORT
  }

  #ask(waiting: Waiting): void {
    this.#desk.ask(needsOf(waiting.takings), (answer) => {
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
  /** No more is asked after that, on the clock of `performance.now()`. */
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
    untakeEach(cells, rates.slice(0, at), units)
    return false
  }
  return true
}

function untakeEach(cells: BigInt64Array, rates: readonly Leased[], units: number): void {
  for (const rate of rates) untakeLeased(cells, leaseOf(rate).at, units)
}

/** What no store could ever let through. */
function impossibleOf({ rates, tokenRates, tokens, budgets, charges, owed }: Takings): Refusal | null {
  if (owed) return null
  const closed = rates?.find(({ limit }) => limit === 0)
  if (closed !== undefined) return limited(closed, CLOSED_SECONDS)
  const small = tokenRates?.find(({ limit }) => tokens > limit)
  if (small !== undefined) return { error: tokensRefused(small, tokens, Number.POSITIVE_INFINITY), budget: null }
  const at = charges.findIndex(({ amount }, position) => amount > (budgets[position]?.limit ?? 0))
  return at === -1 ? null : exhausted(budgets[at] as BudgetDocument) // found
}

function leastOf(all: readonly LimitLeft[]): LimitLeft | null {
  return all.reduce<LimitLeft | null>(
    (least, one) => (least === null || one.remaining < least.remaining ? one : least),
    null,
  )
}

function unavailable(): Refusal {
  return { error: backendUnavailable(), budget: null }
}

/** In the order in which `refusalOf` finds them again. */
function needsOf({ rates, concurrency, tokenRates, tokens, budgets, charges }: Takings): Need[] {
  return [
    ...(rates ?? []).map((rate) => ({ counter: requestRate(rate), amount: 1 })),
    ...(concurrency ?? []).map((one) => ({ counter: seats(one), amount: 1 })),
    ...(tokenRates ?? []).map((rate) => ({ counter: tokenRate(rate), amount: tokens })),
    ...charges.map(({ period, amount }, at) => ({ counter: budget(budgets[at] as BudgetDocument, period), amount })), // one for each
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
    if (rate !== undefined) return { error: tokensRefused(rate, tokens, Math.max(1, waitUs)), budget: null }
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
