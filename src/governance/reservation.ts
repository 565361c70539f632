import {
  type Candidate,
  type Exchange,
  fault,
  GatewayError,
  type GiveWayHook,
  type JoinHook,
  proceed,
  type ReserveHook,
} from '../core/index.ts'
import type { JournalAppender, ReserveWaiter, SettleWaiter } from '../storage/index.ts'
import { ALL_RESERVED, type Charge, giveBack, INTENTS_FULL, reserveAll, settle } from './budget.ts'
import { principalOf } from './identify.ts'
import type { Intents } from './intents.ts'
import { type BudgetDocument, levelInWords, type TokenRateDocument } from './level-document.ts'
import { periodEnd, periodOf } from './period.ts'
import { giveTokensBack, takeTokens } from './token-rate.ts'
import { budgetNanos, type Estimate, type Traffic, type TrafficPort, totalTokens, trafficInAll } from './traffic.ts'

export interface Accounts {
  readonly counters: BigInt64Array
  readonly intents: Intents
  readonly journal: JournalAppender
  readonly port: TrafficPort
  /** False while the journal has grown past its limit: nothing that must be settled is begun. */
  readonly accepting: () => boolean
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
export class Reservation implements ReserveWaiter, SettleWaiter {
  readonly #x: Exchange
  readonly #accounts: Accounts
  readonly #budgets: readonly BudgetDocument[]
  readonly #tokenRates: readonly TokenRateDocument[] | null
  readonly #charges: Charge[] = []
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

  constructor(x: Exchange, accounts: Accounts, estimate: Estimate) {
    this.#x = x
    this.#accounts = accounts
    const charged = x.principal === null ? null : principalOf(x).charged
    this.#budgets = charged?.budgets ?? NONE
    this.#tokenRates = estimate.owed === true ? null : (charged?.tokenRates ?? null)
    this.#previous = reservationOf(x)
    this.before = this.#previous?.before ?? null
    this.attempt = (this.#previous === null ? 0 : this.#previous.#last) + 1
    this.#last = this.attempt
    this.reservedAt = Date.now()
    this.estimate = estimate
  }

  /** Takes from every budget and every rate of tokens, or from none. */
  take(): GatewayError | null {
    const rates = this.#tokenRates
    if (rates === null) return this.#takeBudgets()
    const { counters } = this.#accounts
    const refusal = takeTokens(counters, rates, this.estimate.tokens)
    if (refusal !== null) return refusal
    const refused = this.#takeBudgets()
    if (refused !== null) giveTokensBack(counters, rates, this.estimate.tokens, 0)
    return refused
  }

  #takeBudgets(): GatewayError | null {
    if (this.#budgets.length === 0) return null
    for (const budget of this.#budgets) {
      const amount = budget.unit === 'tokens' ? this.estimate.tokens : this.estimate.nanos
      if (amount === null) {
        const message =
          'This API key has a budget in USD, and the requested model has no price. Ask the operator to set one.'
        return new GatewayError('unpriced', message)
      }
      const period = periodOf(budget.per, this.reservedAt, budget.timeZone)
      this.#charges.push({ index: budget.slot, period, amount, limit: budget.limit })
    }
    const { counters, intents } = this.#accounts
    const asked = this.estimate.owed === true ? this.#charges.map(unlimited) : this.#charges
    const refusing = reserveAll(counters, asked, intents)
    if (refusing === ALL_RESERVED) return null
    this.#charges.length = 0
    if (refusing === INTENTS_FULL) {
      return new GatewayError('saturated', 'Too many requests arrived at once; try again.', { retryAfterSeconds: 1 })
    }
    return exhausted(this.#budgets[refusing] as BudgetDocument, this.reservedAt) // the index is one of charges, thus of budgets
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
    if (x.settled) this.settleUnused()
    else proceed(x, null)
  }

  /**
   * Appends the settlement. The shared counters follow when it is written. `record` is JSON text, or `null`; `charged` is what USD
   * budgets lose where the cost is not known.
   */
  settle(tokens: number, nanos: number, usageSource: string, record: string, charged = nanos): void {
    this.state = 'settling'
    for (const budget of this.#budgets) this.#final.push(budget.unit === 'tokens' ? tokens : charged)
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
    const { counters, intents } = this.#accounts
    const charges = this.#charges
    if (this.#tokenRates !== null) {
      giveTokensBack(counters, this.#tokenRates, this.estimate.tokens, this.#usedTokens)
    }
    for (let at = 0; at < charges.length; at++) {
      const { index, period, amount, limit } = charges[at] as Charge // in range
      settle(counters, index, period, amount, this.#final[at] ?? 0, limit, intents)
    }
  }

  #giveBack(): void {
    const { counters, intents } = this.#accounts
    for (const { index, period, amount } of this.#charges) giveBack(counters, index, period, amount, intents)
    this.#charges.length = 0
    if (this.#tokenRates !== null) giveTokensBack(counters, this.#tokenRates, this.estimate.tokens, 0)
    intents.dropPending()
  }

  #chargesJson(final: readonly number[] | null): string {
    if (this.#charges.length === 0) return '[]'
    let text = '['
    for (let at = 0; at < this.#charges.length; at++) {
      const { period, amount } = this.#charges[at] as Charge // in range
      text += `${at === 0 ? '' : ','}["${this.#budgets[at]?.counter}",${period},${final === null ? amount : final[at]}]`
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
    const reservation = new Reservation(x, accounts, accounts.port.estimate(x, candidate))
    const refused = reservation.take()
    if (refused !== null) return proceed(x, refused)
    x.reservation = reservation
    accounts.journal.reserve(reservation.entry(), reservation)
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

function unlimited(charge: Charge): Charge {
  return { ...charge, limit: Number.MAX_SAFE_INTEGER }
}

function reservationOf(x: Exchange): Reservation | null {
  return x.reservation instanceof Reservation ? x.reservation : null
}

function journalUnavailable(cause?: Error): GatewayError {
  const message = 'The gateway cannot write its journal, so it takes no paid request. Try again soon.'
  return new GatewayError('journal_unavailable', message, { cause, retryAfterSeconds: 1 })
}

function exhausted(budget: BudgetDocument, now: number): GatewayError {
  const unit = budget.unit === 'tokens' ? `${budget.limit} tokens` : `${budget.limit / 1e9} USD`
  const end = periodEnd(budget.per, now, budget.timeZone)
  const until = end === null ? '' : ` It starts anew at ${new Date(end).toISOString()}.`
  const period = budget.per === 'total' ? 'in total' : `per ${budget.per}`
  const message = `The budget of ${levelInWords(budget.level)} (${unit} ${period}) does not cover this request.${until}`
  return new GatewayError('budget_exceeded', message)
}
