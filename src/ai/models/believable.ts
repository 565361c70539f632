import { MOST_TOKENS } from '../ir/token-count.ts'
import type { Usage } from './price.ts'

/** Requests of one batch: its report is the sum of theirs. */
const MOST_IN_ONE = 50_000

/**
 * The report of an upstream, or null when one of its counters cannot be true: one wrong number must not use up a budget, nor make a
 * record that no database takes. `of`: an answer, or a batch of them.
 */
export function believed(usage: Usage | null, of: 'answer' | 'batch' = 'answer'): Usage | null {
  if (usage === null) return null
  const most = of === 'batch' ? MOST_TOKENS * MOST_IN_ONE : MOST_TOKENS
  for (const [name, value] of Object.entries(usage)) {
    // What a vendor says that it costs is counted in nano-dollars.
    const largest = name === 'costNanos' ? Number.MAX_SAFE_INTEGER : most
    if (typeof value === 'number' && !isWithin(value, largest)) return null
  }
  return usage
}

function isWithin(value: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= most
}
