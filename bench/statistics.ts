/** Middle and extremes of repeated measurements. */
export type Spread = { readonly median: number; readonly low: number; readonly high: number }

/** The median of the values; NaN for none. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Median, smallest and largest of the values that are finite; null when there is none. */
export const spreadOf = (values: readonly number[]): Spread | null => {
  const finite = values.filter((value) => Number.isFinite(value))
  if (finite.length === 0) return null
  return { median: median(finite), low: Math.min(...finite), high: Math.max(...finite) }
}

/** A copy in random order (Fisher–Yates over `Math.random`). */
export const shuffled = <Item>(items: readonly Item[]): Item[] => {
  const copy = [...items]
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1))
    const moved = copy[last]!
    copy[last] = copy[other]!
    copy[other] = moved
  }
  return copy
}
