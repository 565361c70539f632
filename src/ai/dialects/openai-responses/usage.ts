import type { TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { wordOf } from '../../ir/lax.ts'
import type { Losses } from '../../ir/losses.ts'
import { decodeOpenAIUsage } from '../openai-usage.ts'

/** The vendor's convention (API reference, "ResponseUsage", 2026-11). Null for what is no report. */
export function decodeUsage(value: unknown, searches?: number): TokenUsage | null {
  const usage = decodeOpenAIUsage(value)
  if (usage === null || searches === undefined || searches === 0) return usage
  return { ...usage, webSearches: searches }
}

/** What a response tells of its usage, of the searches in its output, and of how it was served. */
export function usageOfAnswer({ usage: told, output, service_tier: tier }: JsonObject): TokenUsage | null {
  const usage = decodeUsage(told, Array.isArray(output) ? searchesOf(output) : undefined)
  return usage === null || wordOf(tier) === undefined ? usage : { ...usage, tier: wordOf(tier) }
}

/** Searches are billed one by one; looking at a page is none. */
function searchesOf(items: readonly unknown[]): number {
  let searches = 0
  for (const item of items) {
    if (!isObject(item) || item['type'] !== 'web_search_call') continue
    const { action } = item
    if (!isObject(action) || action['type'] === undefined || action['type'] === 'search') searches++
  }
  return searches
}

/** The same, in the vendor's convention. */
export function encodeUsage(usage: TokenUsage, losses: Losses): JsonObject {
  if (usage.webSearches !== undefined) losses.drop('usage.web_searches')
  const read = usage.cacheRead ?? 0
  const written = (usage.cacheWrite ?? 0) + (usage.cacheWrite1h ?? 0)
  const input = usage.input + read + written + (usage.audioInput ?? 0) + (usage.imageInput ?? 0)
  const reasoning = usage.reasoning ?? 0
  const output = usage.output + reasoning + (usage.audioOutput ?? 0) + (usage.imageOutput ?? 0)
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: read, cache_write_tokens: written },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}
