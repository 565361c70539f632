import type { StickySource, Strategy } from '../contract.ts'
import { drawByHash } from './rendezvous.ts'
import { weighted } from './weighted.ts'

/**
 * One variant by weight; the others follow for when it fails. `by` keeps a key or a session on its variant; null, and a request
 * that has neither: at random. `salt` differs from test to test, so that one test's halves are no other's.
 */
export function abTest({ by, salt }: { readonly by: StickySource | null; readonly salt: number }): Strategy {
  return (draft, context) => {
    const key = by === null ? -1 : context.facts.hashOf(by)
    if (key < 0) return weighted(draft, context)
    drawByHash(draft, (key ^ salt) >>> 0)
    draft.sort()
  }
}
