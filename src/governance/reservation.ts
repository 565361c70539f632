import {
  beginAttempt,
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
import type { BudgetWarning } from './budget-warnings.ts'
import { type ChargingMoment, chargesJson } from './charging.ts'
import { type Begun, type Combined, combine, isOf } from './combined-values.ts'
import type { Counted, CounterDesk, Refusal, Taken, Takings, Used } from './counter-desk.ts'
import { principalOf } from './identify.ts'
import type { Charged } from './key-principal.ts'
import type {
  BudgetDocument,
  ConcurrencyDocument,
  RateDocument,
  TokenRateDocument,
  ValueDocument,
  ValueName,
} from './level-document.ts'
import { valuesOf } from './request-values.ts'
import { budgetNanos, type Estimate, type Traffic, type TrafficPort, totalTokens, trafficInAll } from './traffic.ts'
import type { RequestValue } from './value-rules.ts'

export interface Accounts {
  readonly desk: CounterDesk
  readonly journal: JournalAppender
  readonly port: TrafficPort
  /** False while the journal has grown past its limit: nothing that must be settled is begun. */
  readonly accepting: () => boolean
  /** A budget has reached a threshold; absent: nobody wants to know. */
  readonly onWarning?: (warning: BudgetWarning, requestId: string) => void
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

const NOTHING_BEGUN: Begun = { rates: null, concurrency: null, places: null }
/** What a request takes that nobody's key asked for. */
const NOBODYS = combine({ budgets: null, rates: null, tokenRates: null, concurrency: null }, [])
/** Of a request that nobody's key asked for. */
const NOBODY = { idJson: 'null', levelsJson: '' }

/** What a reservation is made of. */
interface ReservedFor {
  readonly estimate: Estimate
  readonly candidate: Candidate
  readonly combined: Combined
}

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
  readonly nanos: number
  readonly owed: boolean
  readonly budgets: readonly BudgetDocument[]
  readonly periods: readonly number[]
  readonly #moment: ChargingMoment
  /** Null: not known yet. */
  #used: Used | null = null
  /** Of the attempt before, which gave way to this one. */
  readonly #previous: Reservation | null
  /** 1 for the first. Not the number of dispatches: one that found no connection was reserved and settled all the same. */
  readonly attempt: number
  readonly reservedAt: number
  readonly estimate: Estimate
  readonly candidate: Candidate
  state: ReservationState = 'taken'
  /** What the request has used in attempts that gave way. */
  before: Traffic | null
  /** The highest number of an attempt of the request so far. */
  #last: number
  readonly #begun: Begun
  readonly #combined: Combined

  constructor(x: Exchange, accounts: Accounts, { estimate, candidate, combined }: ReservedFor) {
    this.#x = x
    this.candidate = candidate
    this.#accounts = accounts
    this.#previous = reservationOf(x)
    this.owed = estimate.owed === true
    // What is owed was asked for before.
    this.#begun = this.owed ? NOTHING_BEGUN : this.#previous === null ? combined.first : combined.later
    this.rates = this.#begun.rates
    this.concurrency = this.#begun.concurrency
    this.tokenRates = this.owed ? null : combined.tokenRates
    this.#combined = combined
    this.before = this.#previous?.before ?? null
    this.attempt = (this.#previous === null ? 0 : this.#previous.#last) + 1
    this.#last = this.attempt
    this.reservedAt = Date.now()
    this.#moment = combined.charging.at(this.reservedAt)
    this.budgets = this.#moment.budgets
    this.periods = this.#moment.periods
    this.estimate = estimate
    this.tokens = estimate.tokens
    this.nanos = estimate.nanos ?? 0
  }

  /** Values that rules count the request by. */
  get values(): readonly RequestValue[] {
    return this.#combined.values
  }

  /** Takes from every budget and every rate of tokens, or from none. */
  take(taken: Taken): Refusal | typeof WAIT | null {
    const { rates, concurrency, tokenRates, budgets } = this
    if (rates === null && concurrency === null && tokenRates === null && budgets.length === 0) return null
    if (this.estimate.nanos === null && budgets.some(({ unit }) => unit === 'nanos')) {
      return { error: unpriced(), budget: null }
    }
    return this.#accounts.desk.take(this.#x, this, taken)
  }

  /** All rates that the request is counted by, those of levels and of rules. */
  get counted(): Counted {
    return this.#combined
  }

  /** The journal's entry of this reservation. */
  entry(): string {
    const { tokens, nanos, providerJson, modelJson, priceRuleJson } = this.estimate
    const { idJson: key, levelsJson } = this.#x.principal === null ? NOBODY : principalOf(this.#x)
    const head = `["r","${this.#x.id}",${this.attempt},${this.reservedAt},${key},${providerJson},${modelJson}`
    const charges = chargesJson(this.#moment, tokens, this.nanos)
    return `${head},${tokens},${nanos ?? 0},${priceRuleJson},${charges}${levelsJson}]`
  }

  journaled(error: Error | null): void {
    const x = this.#x
    if (error !== null) {
      this.#accounts.desk.giveBack(this)
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
    const { places } = this.#begun
    if (places !== null) this.#accounts.desk.leave(places)
    this.#used = { tokens, nanos: charged }
    const head = `["s","${this.#x.id}",${this.attempt},${tokens},${nanos},"${usageSource}"`
    const charges = chargesJson(this.#moment, tokens, charged)
    this.#accounts.journal.settle(`${head},${charges},${record}]`, this)
  }

  /** Thresholds of budgets that are reached with what was used, as the record has them; null: none. Before `settle`. */
  warnings(tokens: number, charged: number): string | null {
    return this.#warn({ tokens, nanos: charged })
  }

  #warn(used: Used | null): string | null {
    const found = this.#accounts.desk.warnings(this, used)
    if (found === null) return null
    for (const warning of found) this.#accounts.onWarning?.(warning, this.#x.id)
    return found.map(({ budget, threshold }) => `warn(${budget.counter}=${threshold})`).join(', ')
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
    if (this.#used !== null && (this.tokenRates !== null || this.budgets.length > 0)) {
      this.#accounts.desk.settle(this, this.#used)
      // Of several that end at once, none alone may reach what they reach together.
      this.#warn(null)
    }
  }

  /** The request has its places until it ends; those of the attempt until that is over. */
  #occupy(): void {
    const x = this.#x
    const { ofRequest, ofAdmission, inFlight } = this.#combined
    if (this.#previous !== null || ofRequest === null) return
    if (x.settled) this.#accounts.desk.leave(ofRequest)
    else if (x.inFlight === ofAdmission) x.inFlight = inFlight
    // The levels were others when it was admitted. Governance's: nobody else sets it.
    else x.inFlight = [...((x.inFlight ?? []) as readonly ConcurrencyDocument[]), ...ofRequest]
  }
}

/** The reserve hook of routes that cost something. */
export function createReserve(accounts: Accounts): ReserveHook {
  /** Of the request that is reserved for. */
  const found: RequestValue[] = []
  const reserve = (x: Exchange, candidate: Candidate, closer: Estimate | null = null): void => {
    if (!accounts.accepting()) return proceed(x, journalUnavailable())
    // What the attempt before held is free when its settlement is written, at the end of the turn: a budget that covers
    // one attempt covers the next one too.
    if (reservationOf(x)?.state === 'settling') {
      if (!accounts.journal.healthy) return proceed(x, journalUnavailable())
      setImmediate(() => inLaterTurn(x, candidate, closer))
      return
    }
    const { port, values: source } = accounts
    const charged = x.principal === null ? null : principalOf(x).charged
    const groups = charged?.rules ?? null
    found.length = 0
    if (groups !== null && source !== undefined) {
      const missing = valuesOf(x, candidate, { groups, port, found })
      if (missing instanceof GatewayError) return proceed(x, missing)
      if (missing !== null) {
        source.ask(missing, (refusal) => (refusal === null ? inLaterTurn(x, candidate, closer) : proceed(x, refusal)))
        return
      }
      for (const { document } of found) source.use(document)
    }
    const reservation = new Reservation(x, accounts, {
      estimate: closer ?? port.estimate(x, candidate),
      candidate,
      combined: charged === null ? NOBODYS : combinedFor(charged, found),
    })
    if (closer !== null) counted.add(reservation)
    const refusal = reservation.take(taken)
    if (refusal !== WAIT) begin(x, reservation, refusal)
  }
  /** Reservations with the closest estimate that there is. */
  const counted = new WeakSet<Reservation>()
  /** What has no room by the size of its text is counted properly before it is refused; false: nobody can. */
  const isCounted = (x: Exchange, reservation: Reservation, refusal: Refusal): boolean => {
    if (refusal.ofAmount !== true || reservation.owed || counted.has(reservation)) return false
    const { candidate, estimate } = reservation
    const closer = accounts.port.closer?.(x, candidate, estimate) ?? null
    if (closer === null) return false
    counted.add(reservation)
    const refuse = () => (x.settled ? undefined : begin(x, reservation, refusal))
    closer.then((found) => (found === null ? refuse() : inLaterTurn(x, candidate, found)), refuse)
    return true
  }
  const begin = (x: Exchange, reservation: Reservation, refusal: Refusal | null): void => {
    if (refusal !== null) {
      if (isCounted(x, reservation, refusal)) return
      const { switchModel, counter } = refusal.budget ?? {}
      const isFirst = reservation.attempt === 1 && switchModel !== undefined && counter !== undefined
      if (isFirst && accounts.port.switchModel(x, { model: switchModel, counter })) return beginAttempt(x)
      return proceed(x, refusal.error)
    }
    x.reservation = reservation
    accounts.journal.reserve(reservation.entry(), reservation)
  }
  const taken: Taken = (x, takings, refusal) => {
    if (refusal === null && x.settled) return accounts.desk.giveBack(takings)
    if (takings instanceof Reservation && !x.settled) begin(x, takings, refusal)
  }
  const inLaterTurn = (x: Exchange, candidate: Candidate, closer: Estimate | null): void => {
    if (x.settled) return
    try {
      reserve(x, candidate, closer)
    } catch (error) {
      fault(x, error)
    }
  }
  return (x, candidate) => reserve(x, candidate)
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

function combinedFor(charged: Charged, values: readonly RequestValue[]): Combined {
  const last = charged.combined
  if (last !== null && isOf(last, values)) return last
  charged.combined = combine(charged, values)
  return charged.combined
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
