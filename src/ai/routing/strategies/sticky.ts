import type { RoutingContext, StickySource, Strategy } from '../contract.ts'
import { cachedCostOf, costOf } from '../cost.ts'
import { type Draft, figureOf } from '../draft.ts'
import { keyOf, orderByHash } from './rendezvous.ts'
import { weighted } from './weighted.ts'

export interface StickySettings {
  /** The first that the request has counts. */
  readonly by: readonly StickySource[]
  /** `price`: another member goes first where it costs less even than the home with its cache. */
  readonly switch: 'never' | 'price'
}

/** Requests with the same key go to the same member, their home; those without a key at random by weight. */
export function sticky({ by, switch: switching }: StickySettings): Strategy {
  return (draft, context) => {
    const key = keyOf(by, context)
    if (key < 0) return weighted(draft, context)
    orderByHash(draft, key)
    if (switching === 'price') sortByPrice(draft, context)
  }
}

/** The home's input comes from its cache, the others' does not; equal ones stay as they are, those without a price go last. */
function sortByPrice(draft: Draft, context: RoutingContext): void {
  const { members, positions, figures, kept, count } = draft
  const [cached, plain] = [cachedCostOf(context), costOf(context)]
  draft.open()
  for (let place = 0; place < count; place++) {
    const at = positions[place] ?? 0
    const member = members[at]
    const nanos = member === undefined ? Number.NaN : figureOf(member, kept, place === 0 ? cached : plain)
    figures[at] = place
    // An unpriced home stays first, since nothing says that another costs less.
    const unpriced = place === 0 ? -1 : Number.MAX_VALUE
    draft.offer(at, Number.isNaN(nanos) ? unpriced : nanos, figures)
  }
  draft.close()
}
