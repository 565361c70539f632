import type { Effort } from '../ir/request.ts'

/** Every effort, from the least on. */
export const EFFORTS: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/**
 * Tokens that an effort stands for, where a model is told one and its client says the other. Ours, near what Google's table for OpenAI's
 * efforts says (ai.google.dev, "OpenAI compatibility", 2026): vendors that count efforts give none.
 */
export const EFFORT_BUDGETS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 512,
  low: 1_024,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_768,
  max: 65_536,
}

/** The effort whose budget this is, or the one below it: there and back it stays the same. */
export function effortOf(budgetTokens: number): Effort {
  return EFFORTS.findLast((effort) => EFFORT_BUDGETS[effort] <= budgetTokens) ?? 'none'
}
