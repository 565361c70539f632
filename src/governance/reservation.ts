import {
  type Candidate,
  type Exchange,
  fault,
  GatewayError,
  type GiveWayHook,
  type JoinHook,
  proceed,
  type ReserveHook,
  WAIT,
} from '../core/index.ts'
import type { JournalAppender, ReserveWaiter, SettleWaiter } from '../storage/index.ts'
import type { Charge } from './budget.ts'
import type { CounterDesk, Refusal, Taken, Takings } from './counter-desk.ts'
import { principalOf } from './identify.ts'
import type {
  BudgetDocument,
  ConcurrencyDocument,
  RateDocument,
  TokenRateDocument,
  ValueDocument,
  ValueName,
} from './level-document.ts'
import { periodOf } from './period.ts'
import { type RequestValue, valuesOf } from './request-values.ts'
import { budgetNanos, type Estimate, type Traffic, type TrafficPort, totalTokens, trafficInAll } from './traffic.ts'

export interface Accounts {
  readonly desk: CounterDesk
  readonly journal: JournalAppender
  readonly port: TrafficPort
  /** False while the journal has grown past its limit: nothing that must be settled is begun. */
  readonly accepting: () => boolean
  /** Counters of values that rules count apart; absent: there are no such rules. */
  readonly values?: ValueSource
}

/** Who gives out counters of values. */
export interface ValueSource {
  /** Calls `done` when this thread knows the value's counters, or with the reason why it cannot have any. */
  ask(name: ValueName, done: (refusal: GatewayError | null) => void): void
  /** Somebody uses the counters. */
  use(document: ValueDocument): void
}

const NONE: readonly BudgetDocument[] = []
/** Of a request that nobody's key asked for. */
const NOBODY = { idJson: 'null', levelsJson: '' }

/** `taken` in shared memory only; `open`: in the journal too, where a settlement must follow; `settling`: until that is there. */
export type ReservationState = 'taken' | 'open' | 'settling' | 'settled'

/**
 * What one attempt took from the budgets of its key: taken in shared memory first, then written to the journal, then
 * dispatched; given back or settled once the settlement is in the journal.
 */
export class Reservation implements Takings, ReserveWaiter, SettleWaiter {
  readonly #x: Exchange
  readonly #accounts: Accounts
  /** Requests and places are taken by rules here; those of levels were taken at the admission. */
  readonly rates: readonly RateDocument[] | null
  readonly concurrency: readonly ConcurrencyDocument[] | null
  readonly tokenRates: readonly TokenRateDocument[] | null
  readonly tokens: number
  readonly owed: boolean
  readonly budgets: readonly BudgetDocument[]
  readonly charges: Charge[] = []
  readonly #final: number[] = []
  #usedTokens = 0
  /** Of the attempt before, which gave way to this one. */
  readonly #previous: Reservation | null
  /** 1 for the first. Not the number of dispatches: one that found no connection was reserved and settled all the same. */
  readonly attempt: number
  readonly reservedAt: number
  readonly estimate: Estimate
  state: ReservationState = 'taken'
  /** What the request has used in attempts that gave way. */
  before: Traffic | null
  /** The highest number of an attempt of the request so far. */
  #last: number

  /** Those of `concurrency` that are free again when the attempt is over, and not only with the request. */
  #places: readonly ConcurrencyDocument[] | null = null

  constructor(
    x: Exchange,
    accounts: Accounts,
    { estimate, values }: { estimate: Estimate; values: readonly RequestValue[] | null },
  ) {
    this.#x = x
    this.#accounts = accounts
    const charged = x.principal === null ? null : principalOf(x).charged
    this.#previous = reservationOf(x)
    const budgets = charged?.budgets ?? NONE
    this.owed = estimate.owed === true
    const tokenRates = this.owed ? null : (charged?.tokenRates ?? null)
    if (values === null || values.length === 0) {
      this.rates = null
      this.concurrency = null
      this.budgets = budgets
      this.tokenRates = tokenRates
    } else {
      // A model and its provider see each attempt; all else is one request. What is owed was asked for before.
      const begun = this.owed ? [] : this.#previous === null ? values : values.filter(isOfAttempt)
      this.rates = orNull(begun.flatMap(({ document }) => document.rates))
      this.concurrency = orNull(begun.flatMap(({ document }) => document.concurrency ?? []))
      this.#places = orNull(begun.filter(isOfAttempt).flatMap(({ document }) => document.concurrency ?? []))
      this.budgets = [...budgets, ...values.flatMap(({ document }) => document.budgets)]
      const ofValues = this.owed ? [] : values.flatMap(({ document }) => document.tokenRate ?? [])
      this.tokenRates = orNull([...(tokenRates ?? []), ...ofValues])
    }
    this.before = this.#previous?.before ?? null
    this.attempt = (this.#previous === null ? 0 : this.#previous.#last) + 1
    this.#last = this.attempt
    this.reservedAt = Date.now()
    this.estimate = estimate
    this.tokens = estimate.tokens
  }

  /** Takes from every budget and every rate of tokens, or from none. */
  take(taken: Taken): Refusal | typeof WAIT | null {
    for (const budget of this.budgets) {
      const amount = budget.unit === 'tokens' ? this.tokens : this.estimate.nanos
      if (amount === null) return { error: unpriced(), budget: null }
      const period = periodOf(budget.per, this.reservedAt, budget.timeZone)
      this.charges.push({ index: budget.slot, period, amount, limit: budget.limit })
    }
    const { rates, concurrency, tokenRates, charges } = this
    if (rates === null && concurrency === null && tokenRates === null && charges.length === 0) return null
    return this.#accounts.desk.take(this.#x, this, taken)
  }

  /** The journal's entry of this reservation. */
  entry(): string {
    const { tokens, nanos, providerJson, modelJson, priceRuleJson } = this.estimate
    const { idJson: key, levelsJson } = this.#x.principal === null ? NOBODY : principalOf(this.#x)
    const head = `["r","${this.#x.id}",${this.attempt},${this.reservedAt},${key},${providerJson},${modelJson}`
    return `${head},${tokens},${nanos ?? 0},${priceRuleJson},${this.#chargesJson(null)}${levelsJson}]`
  }

  journaled(error: Error | null): void {
    const x = this.#x
    if (error !== null) {
      this.#giveBack()
      x.reservation = this.#previous
      proceed(x, journalUnavailable(error))
      return
    }
    this.state = 'open'
    if (this.concurrency !== null) this.#occupy()
    if (x.settled) this.settleUnused()
    else proceed(x, null)
  }

  /**
   * Appends the settlement. The shared counters follow when it is written. `record` is JSON text, or `null`; `charged` is what USD
   * budgets lose where the cost is not known.
   */
  settle(tokens: number, nanos: number, usageSource: string, record: string, charged = nanos): void {
    this.state = 'settling'
    if (this.#places !== null) this.#accounts.desk.leave(this.#places)
    for (const budget of this.budgets) this.#final.push(budget.unit === 'tokens' ? tokens : charged)
    this.#usedTokens = tokens
    const head = `["s","${this.#x.id}",${this.attempt},${tokens},${nanos},"${usageSource}"`
    this.#accounts.journal.settle(`${head},${this.#chargesJson(this.#final)},${record}]`, this)
  }

  /** What it began goes on after it: all that was reserved is charged, until the end of that is known. */
  settleHeld(record: string): void {
    const { tokens, nanos } = this.estimate
    this.settle(tokens, nanos ?? 0, 'reserved', record)
  }

  /** The client left before the dispatch: nothing was used. Its record was written when it left. */
  settleUnused(): void {
    this.settle(0, 0, 'none', 'null')
  }

  /** Another attempt follows: this one is settled at what it used, and the request's record comes with a later one. */
  giveWay(traffic: Traffic | null): void {
    if (this.state !== 'open') return
    this.before = trafficInAll(this.before, traffic)
    if (traffic === null) this.settleUnused()
    else {
      const charged = budgetNanos(traffic, this.estimate.nanos)
      this.settle(totalTokens(traffic), traffic.costNanos ?? 0, traffic.usageSource, 'null', charged)
    }
  }

  /** Of two at the same time, the other one is over: what it used was used before this one's end. */
  join(over: Reservation): void {
    this.before = over.before
    this.#last = Math.max(this.#last, over.#last)
  }

  settlementWritten(): void {
    this.state = 'settled'
    if (this.tokenRates !== null || this.charges.length > 0) {
      this.#accounts.desk.settle(this, this.#final, this.#usedTokens)
    }
  }

  /** The request has its places until it ends; those of the attempt until that is over. */
  #occupy(): void {
    const x = this.#x
    const ofRequest = this.concurrency?.filter((place) => this.#places?.includes(place) !== true) ?? []
    if (ofRequest.length === 0) return
    if (x.settled) this.#accounts.desk.leave(ofRequest)
    // Of governance: nobody else sets it.
    else x.inFlight = [...((x.inFlight ?? []) as readonly ConcurrencyDocument[]), ...ofRequest]
  }

  #giveBack(): void {
    this.#accounts.desk.giveBack(this)
    this.charges.length = 0
  }

  #chargesJson(final: readonly number[] | null): string {
    if (this.charges.length === 0) return '[]'
    let text = '['
    for (let at = 0; at < this.charges.length; at++) {
      const { period, amount } = this.charges[at] as Charge // in range
      text += `${at === 0 ? '' : ','}["${this.budgets[at]?.counter}",${period},${final === null ? amount : final[at]}]`
    }
    return `${text}]`
  }
}

/** The reserve hook of routes that cost something. */
export function createReserve(accounts: Accounts): ReserveHook {
  const reserve = (x: Exchange, candidate: Candidate): void => {
    if (!accounts.accepting()) return proceed(x, journalUnavailable())
    // What the attempt before held is free when its settlement is written, at the end of the turn: a budget that covers
    // one attempt covers the next one too.
    if (reservationOf(x)?.state === 'settling') {
      if (!accounts.journal.healthy) return proceed(x, journalUnavailable())
      setImmediate(() => inLaterTurn(x, candidate))
      return
    }
    const { port, values: source } = accounts
    const groups = x.principal === null ? null : principalOf(x).charged.rules
    let values: RequestValue[] | null = null
    if (groups !== null && source !== undefined) {
      values = []
      const missing = valuesOf(x, candidate, { groups, port, found: values })
      if (missing instanceof GatewayError) return proceed(x, missing)
      if (missing !== null) {
        source.ask(missing, (refusal) => (refusal === null ? inLaterTurn(x, candidate) : proceed(x, refusal)))
        return
      }
      for (const { document } of values) source.use(document)
    }
    const reservation = new Reservation(x, accounts, { estimate: port.estimate(x, candidate), values })
    const refusal = reservation.take(taken)
    if (refusal !== WAIT) begin(x, reservation, refusal)
  }
  const begin = (x: Exchange, reservation: Reservation, refusal: Refusal | null): void => {
    if (refusal !== null) return proceed(x, refusal.error)
    x.reservation = reservation
    accounts.journal.reserve(reservation.entry(), reservation)
  }
  const taken: Taken = (x, takings, refusal) => {
    if (refusal === null && x.settled) return accounts.desk.giveBack(takings)
    if (takings instanceof Reservation && !x.settled) begin(x, takings, refusal)
  }
  const inLaterTurn = (x: Exchange, candidate: Candidate): void => {
    if (x.settled) return
    try {
      reserve(x, candidate)
    } catch (error) {
      fault(x, error)
    }
  }
  return reserve
}

/** The hook of the same routes for an attempt that gives way: its reservation ends before the next one's begins. */
export function createGiveWay(port: TrafficPort): GiveWayHook {
  return (x, failure) => reservationOf(x)?.giveWay(port.abandon(x, failure))
}

/** The hook of the same routes for requests with a double: both were reserved on top of the same attempts before them. */
export function createJoin(): JoinHook {
  return (goesOn, other) => {
    const over = reservationOf(other)
    if (over !== null) reservationOf(goesOn)?.join(over)
  }
}

function isOfAttempt({ by }: RequestValue): boolean {
  return by === 'provider' || by === 'model'
}

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list
}

function reservationOf(x: Exchange): Reservation | null {
  return x.reservation instanceof Reservation ? x.reservation : null
}

function journalUnavailable(cause?: Error): GatewayError {
  const message = 'The gateway cannot write its journal, so it takes no paid request. Try again soon.'
  return new GatewayError('journal_unavailable', message, { cause, retryAfterSeconds: 1 })
}

function unpriced(): GatewayError {
  const message = 'This API key has a budget in USD, and the requested model has no price. Ask the operator to set one.'
  return new GatewayError('unpriced', message)
}
