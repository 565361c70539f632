import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Usage } from '../../models/price.ts'
import { count, NOTHING, readUsageObject } from '../usage.ts'

/** The usage that an answer, or an event of one, tells, in whatever dialect its members show it to be; null: none. */
export function readAnyUsage(value: JsonObject): Usage | null {
  const { usageMetadata } = value
  if (isObject(usageMetadata)) return googleUsage(usageMetadata)
  for (const holder of [value, value['response'], value['message']]) {
    if (!isObject(holder) || !isObject(holder['usage'])) continue
    const { usage } = holder
    return isDisjoint(usage) ? disjointUsage(usage) : readUsageObject(usage)
  }
  return null
}

/** Anthropic counts what was cached beside the input (Messages API, "usage"); others within it. */
function isDisjoint(usage: JsonObject): boolean {
  return 'cache_read_input_tokens' in usage || 'cache_creation_input_tokens' in usage
}

function disjointUsage(usage: JsonObject): Usage {
  return {
    ...NOTHING,
    inputTokens: count(usage['input_tokens']) ?? 0,
    cacheReadTokens: count(usage['cache_read_input_tokens']) ?? 0,
    cacheWriteTokens: count(usage['cache_creation_input_tokens']) ?? 0,
    outputTokens: count(usage['output_tokens']) ?? 0,
  }
}

function googleUsage(usage: JsonObject): Usage {
  const input = count(usage['promptTokenCount']) ?? 0
  const cached = Math.min(count(usage['cachedContentTokenCount']) ?? 0, input)
  return {
    ...NOTHING,
    inputTokens: input - cached,
    cacheReadTokens: cached,
    outputTokens: count(usage['candidatesTokenCount']) ?? 0,
    reasoningTokens: count(usage['thoughtsTokenCount']) ?? 0,
  }
}

/** What a later event of one stream says replaces what it says too; what only an earlier one said stays. */
export function laterUsage(earlier: Usage | null, later: Usage): Usage {
  if (earlier === null) return later
  return {
    ...earlier,
    ...later,
    inputTokens: later.inputTokens > 0 ? later.inputTokens : earlier.inputTokens,
    cacheReadTokens: Math.max(later.cacheReadTokens, earlier.cacheReadTokens),
    cacheWriteTokens: Math.max(later.cacheWriteTokens, earlier.cacheWriteTokens),
    outputTokens: Math.max(later.outputTokens, earlier.outputTokens),
  }
}
