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
  const isTrue =
    isWithin(usage.inputTokens, most) &&
    isWithin(usage.cacheReadTokens, most) &&
    isWithin(usage.cacheWriteTokens, most) &&
    isWithin(usage.outputTokens, most) &&
    isWithin(usage.reasoningTokens, most) &&
    isWithin(usage.cacheWrite1hTokens, most) &&
    isWithin(usage.audioInputTokens, most) &&
    isWithin(usage.audioOutputTokens, most) &&
    isWithin(usage.imageInputTokens, most) &&
    isWithin(usage.imageOutputTokens, most) &&
    isWithin(usage.webSearches, most) &&
    isWithin(usage.units, most) &&
    // What a vendor says that it costs is counted in nano-dollars.
    isWithin(usage.costNanos, Number.MAX_SAFE_INTEGER)
  return isTrue ? usage : null
}

function isWithin(value: number | undefined, most: number): boolean {
  return value === undefined || (Number.isSafeInteger(value) && value >= 0 && value <= most)
}
