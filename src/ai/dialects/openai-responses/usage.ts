import type { TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import { tokenCount } from '../../ir/token-count.ts'

/**
 * Usage in the vendor's convention (API reference, "ResponseUsage", 2026-11): input_tokens contain what was read from and written to
 * a cache, output_tokens contain reasoning. The counters given here add up to both. Null for what is no report.
 */
export function decodeUsage(value: unknown, searches?: number): TokenUsage | null {
  if (!isObject(value)) return null
  const whole = count(value['input_tokens'])
  const made = count(value['output_tokens'])
  if (whole === null && made === null) return null
  const into = detailsOf(value['input_tokens_details'])
  const from = detailsOf(value['output_tokens_details'])
  let input = whole ?? 0
  const take = (tokens: number | null): number | undefined => {
    const taken = Math.min(tokens ?? 0, input)
    input -= taken
    return taken === 0 ? undefined : taken
  }
  const cacheRead = take(into('cached_tokens'))
  const cacheWrite = take(into('cache_write_tokens'))
  const output = made ?? 0
  const reasoning = Math.min(from('reasoning_tokens') ?? 0, output)
  return {
    input,
    cacheRead,
    cacheWrite,
    output: output - reasoning,
    reasoning: reasoning === 0 ? undefined : reasoning,
    webSearches: searches === 0 ? undefined : searches,
  }
}

function detailsOf(value: unknown): (name: string) => number | null {
  return isObject(value) ? (name) => count(value[name]) : () => null
}

function count(value: unknown): number | null {
  return tokenCount(value) ?? null
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
