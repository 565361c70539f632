import type { Candidate, Exchange, Failure } from '../../../core/index.ts'
import type { Estimate, Traffic, TrafficPort } from '../../../governance/index.ts'
import { believed } from '../../models/believable.ts'
import { chargeAt, chargeBy } from '../../models/charge.ts'
import { wayTold } from '../../routing/way-told.ts'
import { NOTHING } from '../usage.ts'
import { forwardStateOf } from './forward-state.ts'

/** What the ledger has where it has the name of a model. */
const NO_MODEL = '""'

/** What forwarded requests cost, as far as anybody says. */
export const forwardTraffic: Omit<TrafficPort, 'said' | 'switchModel'> = {
  estimate(x: Exchange, _candidate: Candidate): Estimate {
    const state = forwardStateOf(x)
    if (state === null) throw new Error(`request ${x.id} is not forwarded`)
    const { target, isFree, mostTokens, reserved, isOwed } = state
    const providerJson = JSON.stringify(state.provider.upstream.name)
    if (reserved !== null) return { ...reserved, providerJson, modelJson: NO_MODEL, priceRuleJson: 'null' }
    const prices = target?.prices ?? null
    const most = { ...NOTHING, outputTokens: mostTokens, audioOutputTokens: state.upgrade === null ? undefined : 0 }
    const nanos = isFree ? 0 : prices === null ? null : chargeBy(prices, most, x.time).nanos
    const owed = isOwed ? true : undefined
    if (target !== null) return { ...target.estimateOf(mostTokens, nanos), owed }
    return { tokens: mostTokens, nanos, providerJson, modelJson: NO_MODEL, priceRuleJson: 'null', owed }
  },

  traffic(x: Exchange): Traffic | null {
    const state = forwardStateOf(x)
    if (state === null) return null
    const { target, isFree } = state
    const usage = believed(state.usage, state.name === 'batches' ? 'batch' : 'answer')
    const ofTarget = target === null || usage === null ? null : chargeAt(target, usage, true, x.time)
    const charge = usage === null ? null : (state.charge ?? ofTarget)
    const way = wayTold(x)
    const cost = usage === null ? (isFree ? 0 : null) : (charge?.nanos ?? null)
    return {
      modelRequested: state.modelRequested,
      modelServed: target?.model ?? null,
      provider: state.provider.upstream.name,
      upstream: state.provider.upstream.origin,
      ...(usage ?? NOTHING),
      usageSource: usage === null ? 'none' : 'reported',
      costNanos: cost,
      leastNanos: charge?.leastNanos,
      priceRule: charge?.rule ?? null,
      ...way,
      series: target?.series(state.name, way.variant ?? null) ?? null,
      held: state.answered && state.reserved !== null ? true : undefined,
    }
  },

  abandon(x: Exchange, _failure: Failure | null): Traffic | null {
    const traffic = forwardTraffic.traffic(x)
    forwardStateOf(x)?.forgetAnswer()
    return traffic
  },
}
