import { type Exchange, GatewayError } from '../core/index.ts'
import { monotonicUs } from '../lib/index.ts'
import { ALL_RESERVED, type Charge, giveBack, INTENTS_FULL, reserveAll, settle } from './budget.ts'
import { type BudgetWarning, warningOf } from './budget-warnings.ts'
import { ALL_OCCUPIED, occupyAll, vacateAll } from './concurrency.ts'
import type { CounterDesk, LimitLeft, LimitsLeft, Refusal, Takings } from './counter-desk.ts'
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

  /** `seat`: this worker's, where its requests in flight are counted. `intents`: null where nothing is reserved. */
  constructor(cells: BigInt64Array, { seat = 0, intents = null }: { seat?: number; intents?: Intents | null } = {}) {
    this.cells = cells
    this.#seat = seat
    this.#intents = intents
  }

  take(_x: Exchange, { rates, concurrency, tokenRates, tokens, budgets, charges, owed }: Takings): Refusal | null {
    const { cells } = this
    let refused = rates === null ? null : this.#takeRates(rates)
    if (refused !== null) return refused
    if (concurrency !== null) {
      const full = occupyAll(cells, concurrency, this.#seat)
      if (full !== ALL_OCCUPIED) refused = tooMany(concurrency[full] as ConcurrencyDocument) // the position of one of them
    }
    if (refused === null) {
      if (tokenRates !== null) refused = this.#takeTokens(tokenRates, tokens)
      if (refused === null) {
        if (charges.length === 0) return null
        const position = reserveAll(cells, owed ? charges.map(unlimited) : charges, this.#intents)
        if (position === ALL_RESERVED) return null
        refused = position === INTENTS_FULL ? crowded() : exhausted(budgets[position] as BudgetDocument) // a position of charges, thus of budgets
        if (tokenRates !== null) giveTokensBack(cells, tokenRates, tokens, 0)
      }
      if (concurrency !== null) vacateAll(cells, concurrency, this.#seat)
    }
    if (rates !== null) giveFirstBack(cells, rates, rates.length)
    return refused
  }

  giveBack({ rates, concurrency, tokenRates, tokens, charges }: Takings): void {
    const { cells } = this
    for (const { index, period, amount } of charges) giveBack(cells, index, period, amount, this.#intents)
    if (tokenRates !== null) giveTokensBack(cells, tokenRates, tokens, 0)
    if (concurrency !== null) vacateAll(cells, concurrency, this.#seat)
    if (rates !== null) giveFirstBack(cells, rates, rates.length)
    if (charges.length > 0) this.#intents?.dropPending()
  }

  leave(concurrency: readonly ConcurrencyDocument[]): void {
    vacateAll(this.cells, concurrency, this.#seat)
  }

  settle({ tokenRates, tokens, charges }: Takings, final: readonly number[], used: number): void {
    const { cells } = this
    if (tokenRates !== null) giveTokensBack(cells, tokenRates, tokens, used)
    for (let at = 0; at < charges.length; at++) {
      const { index, period, amount, limit } = charges[at] as Charge // in range
      settle(cells, index, period, amount, final[at] ?? 0, limit, this.#intents)
    }
  }

  warnings({ budgets, charges }: Takings, final: readonly number[] | null): readonly BudgetWarning[] | null {
    let found: BudgetWarning[] | null = null
    for (let at = 0; at < charges.length; at++) {
      const budget = budgets[at] as BudgetDocument // as many as charges
      if (budget.warnAt === undefined) continue
      const warning = warningOf(this.cells, budget, charges[at]?.period ?? 0, final?.[at] ?? 0)
      if (warning === null) continue
      found ??= []
      found.push(warning)
    }
    return found
  }

  left(rates: readonly RateDocument[] | null, tokenRates: readonly TokenRateDocument[] | null): LimitsLeft {
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
      const ahead = Math.max(0, Number(Atomics.load(this.cells, rate.slot)) - nowUs)
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
    const aheadUs = Math.max(0, Number(Atomics.load(this.cells, least.slot)) - nowUs)
    return { quota: least.limit, windowS: 60, remaining, resetMs: aheadUs / 1_000 }
  }

  #takeRates(rates: readonly RateDocument[]): Refusal | null {
    const nowUs = monotonicUs()
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

  #takeTokens(rates: readonly TokenRateDocument[], tokens: number): Refusal | null {
    const error = takeTokens(this.cells, rates, tokens)
    return error === null ? null : { error, budget: null }
  }
}

function unlimited(charge: Charge): Charge {
  return { ...charge, limit: Number.MAX_SAFE_INTEGER }
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
  return { error: new GatewayError('budget_exceeded', message), budget }
}
