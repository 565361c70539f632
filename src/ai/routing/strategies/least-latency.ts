import type { RoutingTarget, Strategy } from '../contract.ts'
import { figureOf } from '../draft.ts'

/** A target with as many failures is not fast, whatever its answers took. */
export const UNHEALTHY_SHARE = 0.5

/** `explore`: share of the requests that go to a random member first, so that one that became fast is seen. */
export function leastLatency({ explore }: { readonly explore: number }): Strategy {
  return (draft, { statistics, random }) => {
    const { members, positions, scores, kept, count } = draft
    const firstByteMs = (target: RoutingTarget) => statistics.firstByteMs(target)
    const failureShare = (target: RoutingTarget) => statistics.failureShare(target)
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
    if (count > 1 && random() < explore) {
      const chosen = positions[Math.floor(random() * count)] ?? 0
      if (scores[chosen] !== Number.MAX_VALUE) scores[chosen] = Number.NEGATIVE_INFINITY
    }
    draft.sort()
  }
}
