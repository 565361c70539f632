import { mix } from '../../../core/index.ts'
import type { RoutingContext, StickySource } from '../contract.ts'
import type { Draft } from '../draft.ts'
import { offerDraw } from './weighted-draw.ts'

/**
 * Weighted rendezvous hashing: each member draws from the key and its own name, and the least draw is first. It is the same
 * for every worker and machine without any memory; a member that leaves moves its own keys only, to all others by weight.
 */
export function orderByHash(draft: Draft, key: number): void {
  const { hashes, positions, count } = draft
  draft.open()
  for (let place = 0; place < count; place++) {
    const at = positions[place] ?? 0
    offerDraw(draft, at, mix(key ^ (hashes[at] ?? 0)) / 2 ** 32)
  }
  draft.close()
}

/** Hash of the first of these that the request has; -1 when it has none. */
export function keyOf(by: readonly StickySource[], { facts }: RoutingContext): number {
  for (const source of by) {
    const key = facts.hashOf(source)
    if (key >= 0) return key
  }
  return -1
}
