import type { Draft } from '../draft.ts'

/**
 * In this share of the requests the place of a random member, which goes first whatever is known of it: what was slow or failed may
 * be well by now. Those that rest, or whose breaker is open, are put last afterwards all the same. -1: none does.
 */
export function explored({ count }: Draft, share: number, random: () => number): number {
  return count < 2 || share === 0 || random() >= share ? -1 : Math.floor(random() * count)
}
