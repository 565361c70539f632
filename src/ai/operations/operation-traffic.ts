import type { Candidate, Exchange, Failure } from '../../core/index.ts'
import type { Estimate, Traffic, TrafficPort } from '../../governance/index.ts'
import { type AnswerEnding, endingOf, endingOfAttempt } from '../models/answer-ending.ts'
import { believed } from '../models/believable.ts'
import { costOf, type PriceRule, type Prices, ruleFor, type Usage } from '../models/price.ts'
import { type OperationState, operationStateOf } from './operation-state.ts'
import { NOTHING, tokensOf } from './usage.ts'

/** What operations cost: reserved before dispatch, charged when they end. */
export const operationTraffic: TrafficPort = {
  estimate(x: Exchange, _candidate: Candidate): Estimate {
    const state = operationStateOf(x)
    const target = state?.target ?? null
    if (state === null || target === null) throw new Error(`request ${x.id} is no operation`)
    const most = state.operation.meter.most(state.facts, target.bytesPerToken)
    return target.estimateOf(tokensOf(most), priceOf(ruleAt(target.prices, most, x.time), most))
  },

  traffic(x: Exchange): Traffic | null {
    const state = operationStateOf(x)
    return state === null ? null : trafficOf(x, state, endingOf(x))
  },

  abandon(x: Exchange, failure: Failure | null): Traffic | null {
    const state = operationStateOf(x)
    if (state === null) return null
    const traffic = trafficOf(x, state, endingOfAttempt(failure))
    state.usage = null
    state.answered = false
    return traffic
  },
}

function trafficOf(x: Exchange, state: OperationState, ending: AnswerEnding): Traffic {
  const { target } = state
  const [usage, usageSource] = usageOf(x, state, ending)
  const prices = target?.prices ?? null
  const rule = prices === null ? null : ruleFor(prices, usage, x.time)
  return {
    modelRequested: state.facts.model,
    modelServed: target?.model ?? null,
    provider: target?.provider ?? null,
    upstream: target?.upstream.origin ?? null,
    ...usage,
    usageSource,
    costNanos: usageSource === 'none' ? (rule === null ? null : 0) : priceOf(rule, usage),
    priceRule: rule?.rule ?? null,
    translation: state.losses === null || state.losses.fidelity === 'exact' ? null : state.losses.header(),
    series: target?.series(state.operation.name) ?? null,
  }
}

function ruleAt(prices: Prices | null, usage: Usage, atMs: number): PriceRule | null {
  return prices === null ? null : ruleFor(prices, usage, atMs)
}

/** Nano-dollars; null when there is no price, or none for what was used: never a silent zero. */
export function priceOf(prices: PriceRule | null, usage: Usage): number | null {
  if (prices === null) return null
  const { unit, units = 0 } = usage
  const isSold = unit === undefined || units === 0 || prices.units?.[unit] !== undefined || prices.request > 0
  if (!isSold && !(tokensOf(usage) > 0 && sellsTokens(prices))) return null
  return costOf(prices, usage)
}

function sellsTokens({ input, output }: PriceRule): boolean {
  return input > 0 || output > 0
}

/** The upstream's own numbers win; an answer that began, or a request that was cut after it was sent, is estimated. */
function usageOf(
  x: Exchange,
  state: OperationState,
  ending: AnswerEnding,
): [usage: Usage, source: Traffic['usageSource']] {
  if (x.attempts === 0) return [NOTHING, 'none']
  const told = believed(state.usage)
  if (told !== null) return [told, 'reported']
  if (!state.answered && !(ending === 'cut' && x.sent)) return [NOTHING, 'none']
  const uploadBytes = state.facts.uploadBytes > 0 ? state.facts.uploadBytes : x.bytesIn
  return [state.operation.meter.guess({ ...state.facts, uploadBytes }), 'estimated']
}
