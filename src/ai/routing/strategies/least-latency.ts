import type { RoutingTarget, Strategy } from '../contract.ts'
import { figureOf } from '../draft.ts'
import { explored } from './explore.ts'

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
      const ms = member.target === null ? figureOf(member, kept, firstByteMs) : firstByteMs(member.target)
      scores[at] = ms
      if (Number.isNaN(ms)) continue
      known++
      sum += ms
    }
    const first = explored(draft, explore, random)
    draft.open()
    for (let place = 0; place < count; place++) {
      const at = positions[place] ?? 0
      const member = members[at]
      const ms = scores[at] ?? 0
      if (member === undefined) continue
      if (place === first) {
        draft.offer(at, Number.NEGATIVE_INFINITY)
        continue
      }
      if (ms > draft.bar) continue
      const failed = member.target === null ? figureOf(member, kept, failureShare) : failureShare(member.target)
      if (failed >= UNHEALTHY_SHARE) draft.offer(at, Number.MAX_VALUE)
      else if (!Number.isNaN(ms)) draft.offer(at, ms)
      else {
        // One that was never measured is tried at once, but not by everybody until its first answer has come.
        const isTried = figureOf(member, kept, inFlight) > 0
        draft.offer(at, isTried && known > 0 ? sum / known : -1 - random())
      }
    }
    draft.close()
  }
}
