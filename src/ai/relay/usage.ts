import { decodeUsage } from '../dialects/openai-chat/usage.ts'
import type { Usage } from '../models/price.ts'
import { usageOfTokens } from '../models/token-usage.ts'

/** Larger counts are a fault of the upstream, never real. */
const LARGEST = 1_000_000_000

/** Usage as OpenAI's dialect reports it, in disjoint counters; null when the report cannot be believed. */
export function readUsage(value: unknown): Usage | null {
  if (!isObject(value) || !isCount(value['prompt_tokens']) || !isCount(value['completion_tokens'] ?? 0)) return null
  const tokens = decodeUsage(value)
  return tokens === null ? null : usageOfTokens(tokens)
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LARGEST
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
