/** Ten times the longest context that is sold: a larger counter is a fault of whoever tells it. */
export const MOST_TOKENS = 100_000_000

/** Stands for every number that is larger: a counter that nobody believes must not become one of zero. */
const ABSURD = 1_000_000_000

/**
 * A counter of an upstream's report as a whole number that is not negative; undefined for what is none. Of absurd ones, and of
 * fractions, it only says that they are absurd: `isBelievable` refuses the report that they stand in, and what was used is estimated.
 */
export function tokenCount(value: unknown): number | undefined {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) return undefined
  return Number.isInteger(value) ? Math.min(value, ABSURD) : ABSURD
}
