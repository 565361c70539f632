import type { TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { tokenCount } from '../../ir/token-count.ts'

/**
 * `tokens` counts what went through the model, `billed_units` what is paid for: the vendor's own additions to a prompt are
 * not billed. The billed numbers count here; where they are absent, the others. Input contains `cached_tokens`; thoughts
 * are output and not told apart.
 */
export function decodeUsage(usage: JsonObject): TokenUsage {
  const billed = isObject(usage['billed_units']) ? usage['billed_units'] : {}
  const tokens = isObject(usage['tokens']) ? usage['tokens'] : {}
  const input = count(billed['input_tokens'] ?? tokens['input_tokens'])
  const output = count(billed['output_tokens'] ?? tokens['output_tokens'])
  const cached = Math.min(input, count(usage['cached_tokens']))
  const searches = count(billed['search_units'])
  return {
    input: input - cached,
    output,
    ...(cached > 0 && { cacheRead: cached }),
    ...(searches > 0 && { webSearches: searches }),
  }
}

function count(value: unknown): number {
  return tokenCount(typeof value === 'number' ? Math.round(value) : value) ?? 0
}
