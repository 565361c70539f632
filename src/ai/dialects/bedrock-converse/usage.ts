import type { TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { tokenCount } from '../../ir/token-count.ts'

/**
 * Converse API, "TokenUsage": `inputTokens` counts neither what was read from the cache nor what was written to it, and
 * `cacheDetails` splits the written by lifetime. `totalTokens` holds them all. `outputTokens` contains reasoning, which is not told apart.
 */
export function decodeUsage(raw: JsonObject): TokenUsage {
  const written = tokenCount(raw['cacheWriteInputTokens'])
  const hour = hourWritten(raw['cacheDetails'])
  const writtenHour = hour === undefined ? undefined : Math.min(hour, written ?? hour)
  const short = written === undefined ? undefined : written - (writtenHour ?? 0)
  return {
    input: tokenCount(raw['inputTokens']) ?? 0,
    cacheRead: tokenCount(raw['cacheReadInputTokens']) || undefined,
    cacheWrite: short || undefined,
    cacheWrite1h: writtenHour || undefined,
    output: tokenCount(raw['outputTokens']) ?? 0,
  }
}

/** What an answer, or the last event of a stream, tells of its usage and of its tier. */
export function usageOfAnswer({ usage, serviceTier }: JsonObject): TokenUsage | null {
  if (!isObject(usage)) return null
  const tier = decodeTier(serviceTier)
  return tier === undefined ? decodeUsage(usage) : { ...decodeUsage(usage), tier }
}

function hourWritten(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined
  const hour = details.find((item) => isObject(item) && item['ttl'] === '1h')
  return isObject(hour) ? tokenCount(hour['inputTokens']) : undefined
}

/** The tier that served an answer. */
export function decodeTier(raw: unknown): string | undefined {
  return isObject(raw) && typeof raw['type'] === 'string' ? raw['type'] : undefined
}
