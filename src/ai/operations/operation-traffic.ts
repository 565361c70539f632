import type { Candidate, Exchange, Failure } from '../../core/index.ts'
import type { Estimate, Traffic, TrafficPort } from '../../governance/index.ts'
import { type AnswerEnding, endingOf, endingOfAttempt } from '../models/answer-ending.ts'
import { believed } from '../models/believable.ts'
import { chargeAt, chargeBy } from '../models/charge.ts'
import type { Usage } from '../models/price.ts'
import { wayTold } from '../routing/way-told.ts'
import { type OperationState, operationStateOf } from './operation-state.ts'
import { NOTHING, tokensOf } from './usage.ts'

/** What operations cost: reserved before dispatch, charged when they end. */
export const operationTraffic: Omit<TrafficPort, 'said' | 'switchModel'> = {
  estimate(x: Exchange, _candidate: Candidate): Estimate {
    const state = operationStateOf(x)
    const target = state?.target ?? null
    if (state === null || target === null) throw new Error(`request ${x.id} is no operation`)
    const most = state.operation.meter.most(state.facts, target.bytesPerToken)
    const charge = target.prices === null ? null : chargeBy(target.prices, most, x.time)
    return target.estimateOf(tokensOf(most), charge?.nanos ?? null)
  },

  traffic(x: Exchange): Traffic | null {
    const state = operationStateOf(x)
    return state === null ? null : trafficOf(x, state, endingOf(x))
  },

  abandon(x: Exchange, failure: Failure | null): Traffic | null {
    const state = operationStateOf(x)
    if (state === null) return null
    const traffic = trafficOf(x, state, endingOfAttempt(failure))
    state.forgetAnswer()
    return traffic
  },
}

function trafficOf(x: Exchange, state: OperationState, ending: AnswerEnding): Traffic {
  const { target } = state
  const [usage, usageSource] = usageOf(x, state, ending)
  const charge = target === null ? null : chargeAt(target, usage, usageSource === 'reported', x.time)
  const isUsed = usageSource !== 'none'
  const way = wayTold(x)
  return {
    modelRequested: state.facts.model,
    modelServed: target?.model ?? null,
    provider: target?.provider ?? null,
    upstream: target?.upstream.origin ?? null,
    ...usage,
    usageSource,
    costNanos: charge === null ? null : isUsed ? charge.nanos : 0,
    leastNanos: isUsed ? charge?.leastNanos : 0,
    priceRule: isUsed ? (charge?.rule ?? null) : (target?.prices?.rule ?? null),
    translation: state.losses === null || state.losses.fidelity === 'exact' ? null : state.losses.header(),
    ...way,
    series: target?.series(seriesNameOf(state), way.variant ?? null) ?? null,
  }
}

/** What copies do is told apart. */
function seriesNameOf({ operation, isCopy }: OperationState): string {
  return isCopy ? `${operation.name}.shadow` : operation.name
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
