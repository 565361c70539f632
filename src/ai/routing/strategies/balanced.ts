import type { RoutingTarget, Strategy } from '../contract.ts'
import { costOf } from '../cost.ts'
import { figureOf } from '../draft.ts'
import { explored } from './explore.ts'

/** What each part counts; 0 leaves it out. */
export interface BalancedWeights {
  readonly cost: number
  readonly latency: number
  readonly health: number
  /** Share of the requests that go to a random member first, so that what is known of all stays new; absent: 0. */
  readonly explore?: number
}

/**
 * The least of `cost × c/c₀ + latency × t/t₀ + health × 10f`: c the price of the request and t the median time to the first
 * byte, each by the least of the group (c₀, t₀) that is above zero; f the share of failures. What is not known of a member
 * counts as the mean of what is known of the others.
 */
export function balanced(weights: BalancedWeights): Strategy {
  return (draft, context) => {
    const { facts, statistics, nowMs, random } = context
    const kind = facts.stream ? 'stream' : 'whole'
    const { scores, figures, positions, members, kept, count } = draft
    const cost = costOf(context)
    const firstByte = (target: RoutingTarget) => statistics.firstByteMs(target, kind)
    const failures = (target: RoutingTarget) => statistics.failureShare(target, nowMs)
    const [costs, times] = [new Scale(), new Scale()]
    for (let place = 0; place < count; place++) {
      const at = positions[place] ?? 0
      const member = members[at]
      if (member === undefined) continue
      // Most members are targets; a call of `figureOf` for each of many costs as much as what it tells.
      const { target } = member
      figures[at] = costs.add(target === null ? figureOf(member, kept, cost) : cost(target))
      scores[at] = times.add(target === null ? figureOf(member, kept, firstByte) : firstByte(target))
    }
    const first = explored(draft, weights.explore ?? 0, random)
    draft.open()
    for (let place = 0; place < count; place++) {
      const at = positions[place] ?? 0
      const member = members[at]
      if (member === undefined) continue
      const parts = weights.cost * costs.of(figures[at] ?? 0) + weights.latency * times.of(scores[at] ?? 0)
      if (place === first) draft.offer(at, Number.NEGATIVE_INFINITY)
      else if (parts <= draft.bar) {
        const failed = member.target === null ? figureOf(member, kept, failures) : failures(member.target)
        draft.offer(at, parts + weights.health * 10 * failed)
      }
    }
    draft.close()
  }
}

/** Figures of one kind, each to be told by the least that is above zero. */
class Scale {
  #least = Number.POSITIVE_INFINITY
  #known = 0
  #sum = 0

  /** Gives back what it takes; NaN is unknown. */
  add(figure: number): number {
    if (Number.isNaN(figure)) return figure
    if (figure > 0 && figure < this.#least) this.#least = figure
    this.#known++
    this.#sum += figure
    return figure
  }

  of(figure: number): number {
    if (this.#known === 0) return 0
    return (Number.isNaN(figure) ? this.#sum / this.#known : figure) / this.#least
  }
}
