import type { Candidate, Exchange, Failure } from '../../../core/index.ts'
import type { Estimate, Traffic, TrafficPort } from '../../../governance/index.ts'
import { believed } from '../../models/believable.ts'
import { chargeAt, chargeBy } from '../../models/charge.ts'
import { type Prices, type Usage, worstCost } from '../../models/price.ts'
import { estimateTokens } from '../../relay/delivered.ts'
import { wayTold } from '../../routing/way-told.ts'
import { addUsage, NOTHING } from '../usage.ts'
import { type ForwardState, forwardStateOf } from './forward-state.ts'

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
    const nanos = isFree ? 0 : prices === null ? null : mostNanos(prices, mostTokens, x.time)
    const owed = isOwed ? true : undefined
    if (target !== null) return { ...target.estimateOf(mostTokens, nanos), owed }
    return { tokens: mostTokens, nanos, providerJson, modelJson: NO_MODEL, priceRuleJson: 'null', owed }
  },

  traffic(x: Exchange): Traffic | null {
    const state = forwardStateOf(x)
    if (state === null) return null
    const { target, isFree } = state
    const told = believed(state.usage, state.name === 'batches' ? 'batch' : 'answer')
    const rest = restOf(state, told)
    const usage = rest === null ? told : told === null ? rest : addUsage(told, rest)
    const usageSource = usage === null ? 'none' : rest === null ? 'reported' : 'estimated'
    const ofTarget =
      target === null || usage === null ? null : chargeAt(target, usage, usageSource === 'reported', x.time)
    const charge = usage === null ? null : (state.charge ?? ofTarget)
    const way = wayTold(x)
    // Of an answer in nobody's words, of which nothing was told, no price can be said.
    const isUntold = told === null && rest !== null && state.untold === null
    const cost = usage === null ? (isFree ? 0 : null) : isUntold ? null : (charge?.nanos ?? null)
    return {
      modelRequested: state.modelRequested,
      modelServed: target?.model ?? null,
      provider: state.provider.upstream.name,
      upstream: state.provider.upstream.origin,
      ...(usage ?? NOTHING),
      usageSource,
      costNanos: cost,
      leastNanos: charge?.leastNanos,
      priceRule: charge === null ? null : isUntold ? `${charge.rule}+unpriced:usage` : charge.rule,
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

/** The most that so many tokens of any kind cost; null where not all of them have a price. */
function mostNanos(prices: Prices, tokens: number, atMs: number): number | null {
  if (chargeBy(prices, { ...NOTHING, outputTokens: tokens }, atMs).nanos === null) return null
  return Math.max(worstCost(prices, tokens, 0, atMs), worstCost(prices, 0, tokens, atMs))
}

/**
 * What was probably used beyond what was told: in a session, or by an answer of a model that told nothing; null: nothing. What names no
 * model makes, lists or ends something, and costs nothing by itself.
 */
function restOf(state: ForwardState, told: Usage | null): Usage | null {
  const { untold, answered, isFree, target, body, textBytes, mostTokens } = state
  if (untold !== null) return untold()
  if (told !== null || !answered || isFree || target === null) return null
  const bytes = body?.length ?? 0
  const outputTokens = Math.min(estimateTokens(textBytes), Math.max(0, mostTokens - bytes))
  return { ...NOTHING, inputTokens: estimateTokens(bytes), outputTokens }
}
