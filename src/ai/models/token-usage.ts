import type { TokenUsage } from '../ir/answer.ts'
import type { Usage } from './price.ts'
import { withWays } from './service-tier.ts'

/** A report of the neutral form in the counters that records and prices have. */
export function usageOfTokens(tokens: TokenUsage): Usage {
  const usage = {
    inputTokens: tokens.input,
    cacheReadTokens: tokens.cacheRead ?? 0,
    cacheWriteTokens: tokens.cacheWrite ?? 0,
    outputTokens: tokens.output,
    reasoningTokens: tokens.reasoning ?? 0,
  }
  return withWays(isPlain(tokens) ? usage : { ...usage, ...rare(tokens) }, tokens)
}

/** Nothing but the five counters that nearly every answer has. */
function isPlain(tokens: TokenUsage): boolean {
  const { cacheWrite1h, audioInput, audioOutput, imageInput, imageOutput, webSearches, costNanos } = tokens
  const counts = (cacheWrite1h ?? 0) + (audioInput ?? 0) + (audioOutput ?? 0) + (imageInput ?? 0) + (imageOutput ?? 0)
  return counts + (webSearches ?? 0) === 0 && costNanos === undefined
}

function rare(tokens: TokenUsage): Partial<Usage> {
  const counters = {
    cacheWrite1hTokens: tokens.cacheWrite1h,
    audioInputTokens: tokens.audioInput,
    audioOutputTokens: tokens.audioOutput,
    imageInputTokens: tokens.imageInput,
    imageOutputTokens: tokens.imageOutput,
    webSearches: tokens.webSearches,
    costNanos: tokens.costNanos,
  }
  return Object.fromEntries(Object.entries(counters).filter(([, value]) => value !== undefined))
}
