import type { TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import { tokenCount } from '../../ir/token-count.ts'

const NANOS = 1_000_000_000

/**
 * Usage in the vendor's convention (API reference, "CompletionUsage", 2026-11): prompt_tokens contain cached, cache-written,
 * audio and image tokens; completion_tokens contain reasoning, audio, image and both kinds of prediction tokens.
 * Some compatible upstreams count reasoning beside completion_tokens, seen by a total that is larger than both: the
 * surplus is output. The counters given here add up to the upstream's total, whatever its details claim. Null for what
 * is no report.
 */
export function decodeUsage(value: unknown): TokenUsage | null {
  if (!isObject(value)) return null
  const prompt = count(value['prompt_tokens'])
  const completion = count(value['completion_tokens'])
  if (prompt === null && completion === null) return null
  const into = detailsOf(value['prompt_tokens_details'])
  const from = detailsOf(value['completion_tokens_details'])

  const input = new Share(prompt ?? 0)
  const cacheRead = input.take(
    into('cached_tokens') ??
      count(value['prompt_cache_hit_tokens']) ??
      count(value['cached_tokens']) ??
      count(value['cache_read_input_tokens']),
  )
  const cacheWrite = input.take(into('cache_write_tokens') ?? count(value['cache_creation_input_tokens']))
  const audioInput = input.take(into('audio_tokens'))
  const imageInput = input.take(into('image_tokens'))

  const beside = Math.max(0, (count(value['total_tokens']) ?? 0) - (prompt ?? 0) - (completion ?? 0))
  const output = new Share((completion ?? 0) + beside)
  const reasoning = output.take(Math.max(from('reasoning_tokens') ?? count(value['reasoning_tokens']) ?? 0, beside))
  const audioOutput = output.take(from('audio_tokens'))
  const imageOutput = output.take(from('image_tokens'))
  return {
    input: input.rest,
    cacheRead,
    cacheWrite,
    audioInput,
    imageInput,
    output: output.rest,
    reasoning,
    audioOutput,
    imageOutput,
    webSearches: count(value['num_search_queries']) || undefined,
    costNanos: costOf(value['cost']),
  }
}

/** A count that is divided: nothing is taken twice, and never more than there is. */
class Share {
  rest: number

  constructor(whole: number) {
    this.rest = whole
  }

  take(tokens: number | null | undefined): number | undefined {
    const taken = Math.min(tokens ?? 0, this.rest)
    this.rest -= taken
    return taken === 0 ? undefined : taken
  }
}

function detailsOf(value: unknown): (name: string) => number | null {
  return isObject(value) ? (name) => count(value[name]) : () => null
}

function count(value: unknown): number | null {
  return tokenCount(value) ?? null
}

/** Dollars as a number, or an object with their sum, as routers of models tell them. */
function costOf(value: unknown): number | undefined {
  const dollars = isObject(value) ? value['total_cost'] : value
  if (typeof dollars !== 'number' || !Number.isFinite(dollars) || dollars < 0) return undefined
  return Math.round(dollars * NANOS)
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
