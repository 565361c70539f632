import { isObject, type JsonObject } from '../ir/json.ts'
import type { Usage } from '../models/price.ts'

/** Larger counts are a fault of the upstream, never real. */
const LARGEST = 1_000_000_000

export const NOTHING: Usage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
}

/** Units that answers are counted in where there are no tokens. */
export type Unit = NonNullable<Usage['unit']>

/** So many units, rounded up. */
export function unitsOf(unit: Unit, count: number): Usage {
  return { ...NOTHING, unit, units: Math.min(Math.ceil(count), LARGEST) }
}

/**
 * A `usage` object of OpenAI's API (API reference: embeddings, images, transcriptions, batches, realtime, 2026-11): tokens
 * under their old or new names, or seconds. Counters of the result share nothing. Null for what cannot be believed.
 */
export function readUsageObject(usage: unknown): Usage | null {
  if (!isObject(usage)) return null
  const seconds = usage['seconds']
  if (usage['type'] === 'duration')
    return typeof seconds === 'number' && seconds >= 0 ? unitsOf('seconds', seconds) : null
  const input = firstCount(usage, 'input_tokens', 'prompt_tokens', 'total_tokens')
  const output = firstCount(usage, 'output_tokens', 'completion_tokens') ?? 0
  if (input === null) return null
  const read = detailsOf(usage, 'input_tokens_details', 'input_token_details', 'prompt_tokens_details')
  const made = detailsOf(usage, 'output_tokens_details', 'output_token_details', 'completion_tokens_details')
  const cached = Math.min(count(read['cached_tokens']) ?? 0, input)
  // What was cached of sounds and pictures is already counted as cached.
  const cachedKinds = isObject(read['cached_tokens_details']) ? read['cached_tokens_details'] : {}
  const kind = (name: string) => Math.max(0, (count(read[name]) ?? 0) - (count(cachedKinds[name]) ?? 0))
  const audioInput = Math.min(kind('audio_tokens'), input - cached)
  const imageInput = Math.min(kind('image_tokens'), input - cached - audioInput)
  const audioOutput = Math.min(count(made['audio_tokens']) ?? 0, output)
  const imageOutput = Math.min(count(made['image_tokens']) ?? 0, output - audioOutput)
  const reasoning = Math.min(count(made['reasoning_tokens']) ?? 0, output - audioOutput - imageOutput)
  return {
    inputTokens: input - cached - audioInput - imageInput,
    cacheReadTokens: cached,
    cacheWriteTokens: 0,
    outputTokens: output - audioOutput - imageOutput - reasoning,
    reasoningTokens: reasoning,
    ...(audioInput > 0 ? { audioInputTokens: audioInput } : {}),
    ...(audioOutput > 0 ? { audioOutputTokens: audioOutput } : {}),
    ...(imageInput > 0 ? { imageInputTokens: imageInput } : {}),
    ...(imageOutput > 0 ? { imageOutputTokens: imageOutput } : {}),
  }
}

const COUNTERS = [
  'inputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
  'audioInputTokens',
  'audioOutputTokens',
  'imageInputTokens',
  'imageOutputTokens',
] as const

/** Two reports of one session as one. Units of different kinds cannot be added: the first kind stays. */
export function addUsage(a: Usage, b: Usage): Usage {
  const sum: Record<string, number> = {}
  for (const name of COUNTERS) {
    const total = (a[name] ?? 0) + (b[name] ?? 0)
    if (total > 0) sum[name] = total
  }
  const unit = a.unit ?? b.unit
  const units =
    unit === undefined ? undefined : (a.unit === unit ? (a.units ?? 0) : 0) + (b.unit === unit ? (b.units ?? 0) : 0)
  return { ...NOTHING, ...sum, ...(unit === undefined ? {} : { unit, units }) }
}

/** All tokens of it. */
export function tokensOf(usage: Usage): number {
  return COUNTERS.reduce((sum, name) => sum + (usage[name] ?? 0), 0)
}

/** A count that can be believed, else null. */
export function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LARGEST ? value : null
}

function firstCount(usage: JsonObject, ...names: readonly string[]): number | null {
  for (const name of names) {
    const value = count(usage[name])
    if (value !== null) return value
  }
  return null
}

function detailsOf(usage: JsonObject, ...names: readonly string[]): JsonObject {
  for (const name of names) {
    const value = usage[name]
    if (isObject(value)) return value
  }
  return {}
}
