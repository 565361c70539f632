import type { TokenUsage } from '../ir/answer.ts'
import type { Usage } from './price.ts'

/** A report of the neutral form in the counters that records and prices have. */
export function usageOfTokens(tokens: TokenUsage): Usage {
  return {
    inputTokens: tokens.input + (tokens.audioInput ?? 0) + (tokens.imageInput ?? 0),
    cacheReadTokens: tokens.cacheRead ?? 0,
    cacheWriteTokens: (tokens.cacheWrite ?? 0) + (tokens.cacheWrite1h ?? 0),
    outputTokens: tokens.output + (tokens.audioOutput ?? 0) + (tokens.imageOutput ?? 0),
    reasoningTokens: tokens.reasoning ?? 0,
  }
}
