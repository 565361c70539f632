import type { Strategy } from '../contract.ts'
import { costOf } from '../cost.ts'
import { figureOf } from '../draft.ts'

/** By the price of the request as estimated; `unpriced` says where members without a price stand. */
export function lowestCost({ unpriced }: { readonly unpriced: 'last' | 'skip' | 'first' }): Strategy {
  const unknown = { last: Number.MAX_VALUE, skip: Number.NaN, first: -1 }[unpriced]
  return (draft, context) => {
    const { members, positions, kept, count } = draft
    const cost = costOf(context)
    draft.open()
    for (let place = 0; place < count; place++) {
      const at = positions[place] ?? 0
      const member = members[at]
      if (member === undefined) continue
      const nanos = member.target === null ? figureOf(member, kept, cost) : cost(member.target)
      draft.offer(at, Number.isNaN(nanos) ? unknown : nanos)
    }
    draft.close()
  }
}
