import { type Exchange, GatewayError } from '../core/index.ts'
import { monotonicUs, numberOf } from '../lib/index.ts'
import { ALL_RESERVED, giveBack, INTENTS_FULL, reserveAll, settle } from './budget.ts'
import { type BudgetWarning, warningOf } from './budget-warnings.ts'
import { amountFor, ChargeList } from './charging.ts'
import { ALL_OCCUPIED, occupyAll, vacateAll } from './concurrency.ts'
import type { Counted, CounterDesk, LimitLeft, LimitsLeft, Refusal, Takings, Used } from './counter-desk.ts'
import type { Intents } from './intents.ts'
import {
  type BudgetDocument,
  type ConcurrencyDocument,
  levelInWords,
  type RateDocument,
  type TokenRateDocument,
} from './level-document.ts'
import { periodEnd } from './period.ts'
import * as rateLimit from './rate-limit.ts'
import { giveTokensBack, remainingTokens, takeTokens } from './token-rate.ts'

/** The counters of one machine: memory that all workers share, exact over all of them. It never waits. */
export class SharedCounters implements CounterDesk {
  readonly cells: BigInt64Array
  readonly #seat: number
  readonly #intents: Intents | null
  readonly #charges = new ChargeList()

  /** `seat`: this worker's, where its requests in flight are counted. `intents`: null where nothing is reserved. */
  constructor(cells: BigInt64Array, { seat = 0, intents = null }: { seat?: number; intents?: Intents | null } = {}) {
    this.cells = cells
    this.#seat = seat
    this.#intents = intents
  }

  take(_x: Exchange, takings: Takings): Refusal | null {
    const { cells } = this
    const { rates, concurrency, tokenRates, tokens, budgets } = takings
    const nowUs = rates === null && tokenRates === null ? 0 : monotonicUs()
    let refused = rates === null ? null : this.#takeRates(rates, nowUs)
    if (refused !== null) return refused
    if (concurrency !== null) {
      const full = occupyAll(cells, concurrency, this.#seat)
      if (full !== ALL_OCCUPIED) refused = tooMany(concurrency[full] as ConcurrencyDocument) // the position of one of them
    }
    if (refused === null) {
      if (tokenRates !== null) refused = this.#takeTokens(tokenRates, { tokens, nowUs })
      if (refused === null) {
        if (budgets.length === 0) return null
        const position = reserveAll(cells, this.#charges.of(takings), this.#intents)
        if (position === ALL_RESERVED) return null
        refused = position === INTENTS_FULL ? crowded() : exhausted(budgets[position] as BudgetDocument) // one of its positions
        if (tokenRates !== null) giveTokensBack(cells, tokenRates, tokens, 0)
      }
      if (concurrency !== null) vacateAll(cells, concurrency, this.#seat)
    }
    if (rates !== null) giveFirstBack(cells, rates, rates.length)
    return refused
  }

  giveBack(takings: Takings): void {
    const { cells } = this
    const { rates, concurrency, tokenRates, tokens, budgets } = takings
    const charges = this.#charges.of(takings)
    for (const { index, period, amount } of charges) giveBack(cells, index, period, amount, this.#intents)
    if (tokenRates !== null) giveTokensBack(cells, tokenRates, tokens, 0)
    if (concurrency !== null) vacateAll(cells, concurrency, this.#seat)
    if (rates !== null) giveFirstBack(cells, rates, rates.length)
    if (budgets.length > 0) this.#intents?.dropPending()
  }

  leave(concurrency: readonly ConcurrencyDocument[]): void {
    vacateAll(this.cells, concurrency, this.#seat)
  }

  settle(takings: Takings, used: Used): void {
    const { cells } = this
    const { tokenRates, tokens, budgets, periods } = takings
    if (tokenRates !== null) giveTokensBack(cells, tokenRates, tokens, used.tokens)
    for (let at = 0; at < budgets.length; at++) {
      const budget = budgets[at] as BudgetDocument // in range
      const amount = amountFor(budget, takings)
      settle(cells, budget.slot, periods[at] ?? 0, amount, amountFor(budget, used), budget.limit, this.#intents)
    }
  }

  warnings({ budgets, periods }: Takings, used: Used | null): readonly BudgetWarning[] | null {
    let found: BudgetWarning[] | null = null
    for (let at = 0; at < budgets.length; at++) {
      const budget = budgets[at] as BudgetDocument // in range
      if (budget.warnAt === undefined) continue
      const more = used === null ? 0 : amountFor(budget, used)
      const warning = warningOf(this.cells, budget, periods[at] ?? 0, more)
      if (warning === null) continue
      found ??= []
      found.push(warning)
    }
    return found
  }

  left({ rates, tokenRates }: Counted): LimitsLeft {
    const nowUs = monotonicUs()
    return {
      requests: rates === null ? null : this.#leastRequests(rates, nowUs),
      tokens: tokenRates === null ? null : this.#leastTokens(tokenRates, nowUs),
    }
  }

  #leastRequests(rates: readonly RateDocument[], nowUs: number): LimitLeft | null {
    let least: RateDocument | null = null
    let remaining = Number.POSITIVE_INFINITY
    let aheadUs = 0
    for (const rate of rates) {
      const ahead = Math.max(0, numberOf(this.cells[rate.slot] ?? 0n) - nowUs)
      const left = rate.limit === 0 ? 0 : Math.max(0, Math.floor(rate.burst - ahead / rate.intervalUs))
      if (left >= remaining) continue
      least = rate
      remaining = left
      aheadUs = ahead
    }
    if (least === null) return null
    const { burst, intervalUs } = least
    return { quota: burst, windowS: Math.ceil((burst * intervalUs) / 1e6), remaining, resetMs: aheadUs / 1_000 }
  }

  #leastTokens(rates: readonly TokenRateDocument[], nowUs: number): LimitLeft | null {
    let least: TokenRateDocument | null = null
    let remaining = Number.POSITIVE_INFINITY
    for (const rate of rates) {
      const left = remainingTokens(this.cells, rate, nowUs)
      if (left >= remaining) continue
      least = rate
      remaining = left
    }
    if (least === null) return null
    const aheadUs = Math.max(0, numberOf(this.cells[least.slot] ?? 0n) - nowUs)
    return { quota: least.limit, windowS: 60, remaining, resetMs: aheadUs / 1_000 }
  }

  #takeRates(rates: readonly RateDocument[], nowUs: number): Refusal | null {
    for (let at = 0; at < rates.length; at++) {
      const rate = rates[at] as RateDocument // in range
      const { slot, intervalUs, burst } = rate
      const waitUs = rate.limit === 0 ? 60_000_000 : rateLimit.take(this.cells, slot, nowUs, intervalUs, burst)
      if (waitUs === 0) continue
      giveFirstBack(this.cells, rates, at)
      return limited(rate, Math.ceil(waitUs / 1_000_000))
    }
    return null
  }

  #takeTokens(rates: readonly TokenRateDocument[], of: { tokens: number; nowUs: number }): Refusal | null {
    const error = takeTokens(this.cells, rates, of)
    return error === null ? null : { error, budget: null, ofAmount: true }
  }
}

function giveFirstBack(cells: BigInt64Array, rates: readonly RateDocument[], count: number): void {
  for (let at = count - 1; at >= 0; at--) {
    const { slot, intervalUs } = rates[at] as RateDocument // in range
    rateLimit.giveBack(cells, slot, intervalUs)
  }
}

export function limited({ limit, per, level }: RateDocument, seconds: number): Refusal {
  const message = `Rate limit reached: ${limit} requests per ${per} for ${levelInWords(level)}. Retry in ${seconds} s.`
  return { error: new GatewayError('rate_limit_exceeded', message, { retryAfterSeconds: seconds }), budget: null }
}

export function tooMany({ limit, level }: ConcurrencyDocument): Refusal {
  const message = `Too many requests at once: ${limit} may be in flight for ${levelInWords(level)}. Retry when one has ended.`
  return { error: new GatewayError('rate_limit_exceeded', message, { retryAfterSeconds: 1 }), budget: null }
}

export function crowded(): Refusal {
  const message = 'Too many requests arrived at once; try again.'
  return { error: new GatewayError('saturated', message, { retryAfterSeconds: 1 }), budget: null }
}

/** A budget has no room; the moment decides what is said of the end of its period. */
export function exhausted(budget: BudgetDocument, nowMs = Date.now()): Refusal {
  const unit = budget.unit === 'tokens' ? `${budget.limit} tokens` : `${budget.limit / 1e9} USD`
  const end = periodEnd(budget.per, nowMs, budget.timeZone)
  const until = end === null ? '' : ` It starts anew at ${new Date(end).toISOString()}.`
  const period = budget.per === 'total' ? 'in total' : `per ${budget.per}`
  const message = `The budget of ${levelInWords(budget.level)} (${unit} ${period}) does not cover this request.${until}`
  return { error: new GatewayError('budget_exceeded', message), budget, ofAmount: true }
}
