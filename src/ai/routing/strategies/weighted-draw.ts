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
