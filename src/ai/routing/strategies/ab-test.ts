import type { StickySource, Strategy } from '../contract.ts'
import { keyOf, orderByHash } from './rendezvous.ts'
import { weighted } from './weighted.ts'

export interface AbTestSettings {
  /** What keeps a key or a session on its variant; the first that the request has counts. */
  readonly by: readonly StickySource[]
  /** Differs from test to test, so that one test's halves are no other's. */
  readonly salt: number
}

/** One variant by weight; the others follow for when it fails. A request that nothing holds on a variant gets one at random. */
export function abTest({ by, salt }: AbTestSettings): Strategy {
  return (draft, context) => {
    const key = keyOf(by, context)
    if (key < 0) return weighted(draft, context)
    orderByHash(draft, (key ^ salt) >>> 0)
  }
}
