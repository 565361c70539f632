import type { Strategy } from '../contract.ts'
import { costOf } from '../cost.ts'
import { figureOf } from '../draft.ts'

/** By the price of the request as estimated; `unpriced` says where members without a price stand. */
export function lowestCost({ unpriced }: { readonly unpriced: 'last' | 'skip' | 'first' }): Strategy {
  const unknown = { last: Number.MAX_VALUE, skip: Number.NaN, first: -1 }[unpriced]
  return (draft, context) => {
    const { members, positions, scores, kept, count } = draft
    const cost = costOf(context)
    for (let place = 0; place < count; place++) {
      const at = positions[place] ?? 0
      const member = members[at]
      const nanos = member === undefined ? Number.NaN : figureOf(member, kept, cost)
      scores[at] = Number.isNaN(nanos) ? unknown : nanos
    }
    draft.sort()
  }
}
