import type { RoutingTarget, Strategy } from '../contract.ts'
import { costOf } from '../cost.ts'
import { type Draft, leastOf } from '../draft.ts'

/** What each part counts; 0 leaves it out. */
export interface BalancedWeights {
  readonly cost: number
  readonly latency: number
  readonly health: number
}

/**
 * The least of `cost × c/c₀ + latency × t/t₀ + health × 10f`: c the price of the request and t the median time to the first
 * byte, each by the least of the group (c₀, t₀) that is above zero; f the share of failures. What is not known of a member
 * counts as the mean of what is known of the others.
 */
export function balanced({ cost, latency, health }: BalancedWeights): Strategy {
  return (draft, context) => {
    const { statistics } = context
    const { scores, positions, members, kept, count } = draft
    for (let place = 0; place < count; place++) scores[positions[place] ?? 0] = 0
    if (cost > 0) addPart(draft, cost, costOf(context))
    if (latency > 0) addPart(draft, latency, (target) => statistics.firstByteMs(target))
    for (let place = 0; health > 0 && place < count; place++) {
      const at = positions[place] ?? 0
      const member = members[at]
      if (member === undefined) continue
      const share = leastOf(member, kept, (target) => statistics.failureShare(target))
      scores[at] = (scores[at] ?? 0) + health * 10 * share
    }
    draft.sort()
  }
}

/** Adds `weight × figure/least` to each score. */
function addPart(draft: Draft, weight: number, figure: (target: RoutingTarget) => number): void {
  const { scores, figures, positions, members, kept, count } = draft
  let least = Number.POSITIVE_INFINITY
  let known = 0
  let sum = 0
  for (let place = 0; place < count; place++) {
    const at = positions[place] ?? 0
    const member = members[at]
    const value = member === undefined ? Number.NaN : leastOf(member, kept, figure)
    figures[at] = value
    if (Number.isNaN(value)) continue
    if (value > 0 && value < least) least = value
    known++
    sum += value
  }
  if (known === 0) return
  const mean = sum / known
  for (let place = 0; place < count; place++) {
    const at = positions[place] ?? 0
    const value = figures[at] ?? Number.NaN
    scores[at] = (scores[at] ?? 0) + (weight * (Number.isNaN(value) ? mean : value)) / least
  }
}
