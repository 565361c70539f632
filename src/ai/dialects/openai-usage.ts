import type { TokenUsage } from '../ir/answer.ts'
import { isObject, type JsonObject } from '../ir/json.ts'
import { tokenCount } from '../ir/token-count.ts'

const NANOS = 1_000_000_000
/** xAI, "Cost tracking", 2026-11: ten thousand million ticks are a dollar. */
const TICKS_PER_NANO = 10

/**
 * Every `usage` object of OpenAI's API and of those that copy it (API reference: completions, responses, embeddings, images,
 * transcriptions, realtime, batches, 2026-11), under the old names and the new ones. Input contains cached, cache-written,
 * audio and image tokens; output contains reasoning, audio, image and both kinds of prediction tokens. Some compatible
 * upstreams count reasoning beside the output, seen by a total that is larger than both: the surplus is reasoning. The counters
 * given here add up to the upstream's total, whatever its details claim. Null for what is no report, or cannot be believed.
 */
export function decodeOpenAIUsage(value: unknown): TokenUsage | null {
  if (!isObject(value)) return null
  const told = value['input_tokens'] ?? value['prompt_tokens']
  const made = value['output_tokens'] ?? value['completion_tokens'] ?? 0
  const total = count(value['total_tokens'])
  // Who only reads says the total alone, at times.
  const input = told === undefined && made === 0 ? total : count(told)
  const output = count(made)
  if (input === null || output === null) return null
  const into = detailsOf(value['input_tokens_details'], value['input_token_details'], value['prompt_tokens_details'])
  const from = detailsOf(
    value['output_tokens_details'],
    value['output_token_details'],
    value['completion_tokens_details'],
  )
  // What was cached of sounds and pictures is already counted as cached.
  const cachedKinds = detailsOf(into['cached_tokens_details'])

  const read = new Share(input)
  const cacheRead = read.take(
    count(into['cached_tokens']) ??
      count(value['prompt_cache_hit_tokens']) ??
      count(value['cached_tokens']) ??
      count(value['cache_read_input_tokens']),
  )
  const cacheWrite = read.take(count(into['cache_write_tokens']) ?? count(value['cache_creation_input_tokens']))
  const audioInput = read.take(beyond(into['audio_tokens'], cachedKinds['audio_tokens']))
  const imageInput = read.take(beyond(into['image_tokens'], cachedKinds['image_tokens']))

  const beside = Math.max(0, (total ?? 0) - input - output)
  const written = new Share(output + beside)
  const thought = count(from['reasoning_tokens']) ?? count(value['reasoning_tokens']) ?? 0
  const reasoning = written.take(Math.max(thought, beside))
  const audioOutput = written.take(count(from['audio_tokens']))
  const imageOutput = written.take(count(from['image_tokens']))
  return {
    input: read.rest,
    cacheRead,
    cacheWrite,
    audioInput,
    imageInput,
    output: written.rest,
    reasoning,
    audioOutput,
    imageOutput,
    webSearches: count(value['num_search_queries']) || count(value['num_sources_used']) || undefined,
    costNanos: toldCost(value),
  }
}

/** What of a count is not in the other. */
function beyond(whole: unknown, part: unknown): number {
  return Math.max(0, (count(whole) ?? 0) - (count(part) ?? 0))
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

const NO_DETAILS: JsonObject = {}

/** The first of these that is an object. */
function detailsOf(newest: unknown, newer?: unknown, old?: unknown): JsonObject {
  if (isObject(newest)) return newest
  if (isObject(newer)) return newer
  return isObject(old) ? old : NO_DETAILS
}

/** A count; absurd ones stay absurd, for whoever charges to refuse them. */
export function count(value: unknown): number | null {
  return tokenCount(value) ?? null
}

/**
 * What the vendor says that it takes: dollars, an object with their sum (Perplexity), or ticks (xAI). Who brings a key of
 * the model's vendor to a router pays that vendor as well (OpenRouter, "Usage accounting", 2026-11).
 */
export function toldCost(usage: JsonObject): number | undefined {
  const { cost, cost_in_usd_ticks: ticks, is_byok: ownKey, cost_details: details } = usage
  if (typeof ticks === 'number' && Number.isSafeInteger(ticks) && ticks >= 0) return Math.round(ticks / TICKS_PER_NANO)
  const own = nanosOf(isObject(cost) ? cost['total_cost'] : cost)
  if (own === undefined || ownKey !== true) return own
  const upstream = nanosOf(isObject(details) ? details['upstream_inference_cost'] : undefined)
  // A fee for the router alone is not what the answer costs.
  return upstream === undefined ? undefined : own + upstream
}

function nanosOf(dollars: unknown): number | undefined {
  if (typeof dollars !== 'number' || !Number.isFinite(dollars) || dollars < 0) return undefined
  return Math.min(Math.round(dollars * NANOS), Number.MAX_SAFE_INTEGER)
}
