import type { TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { wordOf } from '../../ir/lax.ts'
import type { Losses } from '../../ir/losses.ts'
import { decodeOpenAIUsage } from '../openai-usage.ts'

const NANOS = 1_000_000_000

/** The vendor's convention (API reference, "CompletionUsage", 2026-11). Null for what is no report. */
export const decodeUsage = decodeOpenAIUsage

/** What an answer, or a chunk of a streamed one, tells of its usage and of how it was served. */
export function usageOfAnswer(answer: JsonObject): TokenUsage | null {
  const { usage: told, service_tier: tier, x_groq: groq } = answer
  return servedAs(decodeUsage(told) ?? (isObject(groq) ? decodeUsage(groq['usage']) : null), tier)
}

/** The usage with its tier. */
export function servedAs(usage: TokenUsage | null, tier: unknown): TokenUsage | null {
  return usage === null || wordOf(tier) === undefined ? usage : { ...usage, tier: wordOf(tier) }
}

/** The same, in the vendor's convention. */
export function encodeUsage(usage: TokenUsage, losses: Losses): JsonObject {
  if (usage.webSearches !== undefined) losses.drop('usage.web_searches')
  const written = (usage.cacheWrite ?? 0) + (usage.cacheWrite1h ?? 0)
  const read = usage.cacheRead ?? 0
  const prompt = usage.input + read + written + (usage.audioInput ?? 0) + (usage.imageInput ?? 0)
  const reasoning = usage.reasoning ?? 0
  const completion = usage.output + reasoning + (usage.audioOutput ?? 0) + (usage.imageOutput ?? 0)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: read,
      audio_tokens: usage.audioInput ?? 0,
      ...(written === 0 ? {} : { cache_write_tokens: written }),
      ...(usage.imageInput === undefined ? {} : { image_tokens: usage.imageInput }),
    },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: usage.audioOutput ?? 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
      ...(usage.imageOutput === undefined ? {} : { image_tokens: usage.imageOutput }),
    },
    ...(usage.costNanos === undefined ? {} : { cost: usage.costNanos / NANOS }),
  }
}
