import { decodeOpenAIUsage } from '../dialects/openai-usage.ts'
import { isObject, type JsonObject } from '../ir/json.ts'
import type { Usage } from '../models/price.ts'
import { withWays } from '../models/service-tier.ts'
import { usageOfTokens } from '../models/token-usage.ts'

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
export function unitsOf(unit: Unit, amount: number): Usage {
  return { ...NOTHING, unit, units: Math.min(Math.ceil(amount), LARGEST) }
}

/**
 * What an answer of OpenAI's API, or of one like it, says in its `usage` (API reference: embeddings, images, transcriptions,
 * batches, realtime, 2026-11): tokens, or seconds. Null for what cannot be believed.
 */
export function readToldUsage({ usage: told, service_tier: tier }: JsonObject): Usage | null {
  if (isObject(told) && told['type'] === 'duration') {
    const { seconds } = told
    return typeof seconds === 'number' && seconds >= 0 ? unitsOf('seconds', seconds) : null
  }
  const tokens = decodeOpenAIUsage(told)
  return tokens === null ? null : withWays(usageOfTokens(tokens), { tier })
}

const COUNTERS = [
  'inputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'outputTokens',
  'reasoningTokens',
  'audioInputTokens',
  'audioOutputTokens',
  'imageInputTokens',
  'imageOutputTokens',
] as const

/**
 * Two reports of one session as one. Units of different kinds cannot be added: the first kind stays. A way of serving that only
 * one of them had is the whole's.
 */
export function addUsage(a: Usage, b: Usage): Usage {
  const sum: Record<string, number> = {}
  for (const name of [...COUNTERS, 'webSearches'] as const) {
    const total = (a[name] ?? 0) + (b[name] ?? 0)
    if (total > 0) sum[name] = total
  }
  const unit = a.unit ?? b.unit
  const units =
    unit === undefined ? undefined : (a.unit === unit ? (a.units ?? 0) : 0) + (b.unit === unit ? (b.units ?? 0) : 0)
  // Only if both say what they cost does the sum.
  const cost = a.costNanos === undefined || b.costNanos === undefined ? undefined : a.costNanos + b.costNanos
  const { serviceTier, speed, region } = { ...a, ...b }
  return {
    ...NOTHING,
    ...sum,
    ...(unit === undefined ? {} : { unit, units }),
    ...(cost === undefined ? {} : { costNanos: cost }),
    ...(serviceTier === undefined ? {} : { serviceTier }),
    ...(speed === undefined ? {} : { speed }),
    ...(region === undefined ? {} : { region }),
  }
}

/** All tokens of it. */
export function tokensOf(usage: Usage): number {
  return COUNTERS.reduce((sum, name) => sum + (usage[name] ?? 0), 0)
}
