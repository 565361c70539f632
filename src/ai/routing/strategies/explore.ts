import type { Draft } from '../draft.ts'

/**
 * Puts a random member first in this share of the requests, whatever is known of it: what was slow or failed may be well by
 * now. Those that rest, or whose breaker is open, are put last afterwards all the same.
 */
export function exploreWith({ positions, scores, count }: Draft, share: number, random: () => number): void {
  if (count < 2 || share === 0 || random() >= share) return
  scores[positions[Math.floor(random() * count)] ?? 0] = Number.NEGATIVE_INFINITY
}
