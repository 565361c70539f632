import type { RoutingTarget, Strategy } from '../contract.ts'
import { figureOf } from '../draft.ts'
import { exploreWith } from './explore.ts'

/** A target with as many failures is not fast, whatever its answers took; time and `explore` find out whether it is well again. */
export const UNHEALTHY_SHARE = 0.5

/** `explore`: share of the requests that go to a random member first, so that one that became fast is seen. */
export function leastLatency({ explore }: { readonly explore: number }): Strategy {
  return (draft, { facts, statistics, random, nowMs }) => {
    const { members, positions, scores, kept, count } = draft
    const kind = facts.stream ? 'stream' : 'whole'
    const firstByteMs = (target: RoutingTarget) => statistics.firstByteMs(target, kind)
    const failureShare = (target: RoutingTarget) => statistics.failureShare(target, nowMs)
    const inFlight = (target: RoutingTarget) => statistics.inFlight(target)
    let known = 0
    let sum = 0
    for (let place = 0; place < count; place++) {
      const at = positions[place] ?? 0
      const member = members[at]
      if (member === undefined) continue
      const ms = figureOf(member, kept, firstByteMs)
      scores[at] = ms
      if (Number.isNaN(ms)) continue
      known++
      sum += ms
    }
    for (let place = 0; place < count; place++) {
      const at = positions[place] ?? 0
      const member = members[at]
      if (member === undefined) continue
      if (figureOf(member, kept, failureShare) >= UNHEALTHY_SHARE) {
        scores[at] = Number.MAX_VALUE
      } else if (Number.isNaN(scores[at])) {
        // One that was never measured is tried at once, but not by everybody until its first answer has come.
        const isTried = figureOf(member, kept, inFlight) > 0
        scores[at] = isTried && known > 0 ? sum / known : -1 - random()
      }
    }
    exploreWith(draft, explore, random)
    draft.sort()
  }
}
