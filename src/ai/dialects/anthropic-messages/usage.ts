import type { TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { tokenCount } from '../../ir/token-count.ts'

/**
 * Messages API, "Usage": `input_tokens` counts neither what was read from the cache nor what was written to it; the total
 * written is split by lifetime in `cache_creation`; `output_tokens` contains thinking. Where a conversation was compacted on
 * the way, the totals leave that out, and `iterations` tells it ("Compaction", 2026).
 */
export function decodeUsage(raw: JsonObject): TokenUsage {
  let usage = counters(raw)
  const iterations = raw['iterations']
  if (Array.isArray(iterations)) {
    for (const item of iterations) {
      if (isObject(item) && item['type'] === 'compaction') usage = sum(usage, counters(item))
    }
  }
  const searches = isObject(raw['server_tool_use'])
    ? tokenCount(raw['server_tool_use']['web_search_requests'])
    : undefined
  const told = { webSearches: searches || undefined, ...waysOf(raw) }
  return Object.values(told).every((value) => value === undefined) ? usage : { ...usage, ...told }
}

/** "Service tiers", "Fast mode", "Data residency", 2026-11: each has a price of its own. */
function waysOf(raw: JsonObject): Pick<TokenUsage, 'tier' | 'speed' | 'region'> {
  const ways = { tier: raw['service_tier'], speed: raw['speed'], region: raw['inference_geo'] }
  return Object.fromEntries(Object.entries(ways).filter(([, word]) => typeof word === 'string' && word !== ''))
}

/** A later report of a stream over an earlier one: totals are cumulative, and what it leaves out stays. */
export function mergedUsage(before: JsonObject, later: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...before }
  for (const name of Object.keys(later)) if (later[name] !== null) merged[name] = later[name]
  return merged
}

function counters(raw: JsonObject): TokenUsage {
  const split = isObject(raw['cache_creation']) ? raw['cache_creation'] : null
  const hour = tokenCount(split?.['ephemeral_1h_input_tokens'])
  const written =
    tokenCount(raw['cache_creation_input_tokens']) ??
    (tokenCount(split?.['ephemeral_5m_input_tokens']) ?? 0) + (hour ?? 0)
  const writtenHour = Math.min(hour ?? 0, written)
  const output = tokenCount(raw['output_tokens']) ?? 0
  const details = raw['output_tokens_details']
  const thinking = isObject(details) ? tokenCount(details['thinking_tokens']) : undefined
  const reasoning = thinking === undefined ? undefined : Math.min(thinking, output)
  return {
    input: tokenCount(raw['input_tokens']) ?? 0,
    cacheRead: tokenCount(raw['cache_read_input_tokens']) || undefined,
    cacheWrite: written === 0 && split === null ? undefined : written - writtenHour,
    cacheWrite1h: hour === undefined ? undefined : writtenHour,
    output: output - (reasoning ?? 0),
    reasoning,
  }
}

function sum(one: TokenUsage, other: TokenUsage): TokenUsage {
  return {
    input: one.input + other.input,
    cacheRead: plus(one.cacheRead, other.cacheRead),
    cacheWrite: plus(one.cacheWrite, other.cacheWrite),
    cacheWrite1h: plus(one.cacheWrite1h, other.cacheWrite1h),
    output: one.output + other.output,
    reasoning: plus(one.reasoning, other.reasoning),
  }
}

function plus(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : one + (other ?? 0)
}

/** Usage as the API tells it; sound and pictures, which it does not count apart, stand with the text. */
export function encodeUsage(usage: TokenUsage, serviceTier: string | undefined): JsonObject {
  const { cacheWrite = 0, cacheWrite1h = 0, reasoning } = usage
  const raw: Record<string, unknown> = {
    input_tokens: usage.input + (usage.audioInput ?? 0) + (usage.imageInput ?? 0),
    cache_creation_input_tokens: cacheWrite + cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead ?? 0,
  }
  if (usage.cacheWrite1h !== undefined) {
    raw['cache_creation'] = { ephemeral_5m_input_tokens: cacheWrite, ephemeral_1h_input_tokens: cacheWrite1h }
  }
  raw['output_tokens'] = usage.output + (reasoning ?? 0) + (usage.audioOutput ?? 0) + (usage.imageOutput ?? 0)
  if (reasoning !== undefined) raw['output_tokens_details'] = { thinking_tokens: reasoning }
  if (usage.webSearches !== undefined) raw['server_tool_use'] = { web_search_requests: usage.webSearches }
  const tier = serviceTier === undefined ? undefined : TIERS_ENCODED[serviceTier]
  if (tier !== undefined) raw['service_tier'] = tier
  if (usage.speed !== undefined) raw['speed'] = usage.speed
  if (usage.region !== undefined) raw['inference_geo'] = usage.region
  return raw
}

const TIERS_ENCODED: Readonly<Record<string, string>> = {
  default: 'standard',
  standard: 'standard',
  priority: 'priority',
  batch: 'batch',
}

/** The tier that served an answer, in neutral words; undefined when it does not say. */
export function decodeTier(raw: unknown): string | undefined {
  if (typeof raw !== 'string') return undefined
  return raw === 'standard' ? 'default' : raw
}
