import type { Draft } from '../draft.ts'

/** Beyond every draw of a positive weight. */
const LAST = 1e12

/**
 * A draw for a member of this weight from a number of [0, 1): whoever draws least is first with a chance of its share of
 * the weights, and what follows is as if the first had not been there. Efraimidis and Spirakis, "Weighted random sampling
 * with a reservoir" (2006), as exponential waiting times. A member of weight 0 comes behind all others.
 */
export function weightedDraw(weight: number, uniform: number): number {
  return weight > 0 ? -Math.log(1 - uniform) / weight : LAST + uniform
}

/** A little less than 1: what is left out for the sake of its logarithm is never left out for its rounding. */
const NEARLY = 1 - 1e-9

/** Offers a member by its draw. */
export function offerDraw(draft: Draft, at: number, uniform: number): void {
  const weight = draft.weights[at] ?? 0
  // -ln(1 - u) is never below u: of many members most need no logarithm.
  if (weight > 0 && uniform * NEARLY > draft.bar * weight) return
  draft.offer(at, weightedDraw(weight, uniform))
}
