import type { Usage } from '../models/price.ts'

/** Larger counts are a fault of the upstream, never real. */
const LARGEST = 1_000_000_000

/**
 * Usage as OpenAI's dialect reports it (API reference, "usage" of a chat completion): prompt_tokens contain
 * prompt_tokens_details.cached_tokens, completion_tokens contain completion_tokens_details.reasoning_tokens.
 * Given as disjoint counters; null when the report cannot be believed.
 */
export function readUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null
  const prompt = count(value['prompt_tokens'])
  const completion = count(value['completion_tokens'] ?? 0)
  if (prompt === null || completion === null) return null
  const cached = Math.min(detail(value['prompt_tokens_details'], 'cached_tokens'), prompt)
  const reasoning = Math.min(detail(value['completion_tokens_details'], 'reasoning_tokens'), completion)
  return {
    inputTokens: prompt - cached,
    cacheReadTokens: cached,
    cacheWriteTokens: 0,
    outputTokens: completion - reasoning,
    reasoningTokens: reasoning,
  }
}

function detail(value: unknown, name: string): number {
  return isObject(value) ? (count(value[name] ?? 0) ?? 0) : 0
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LARGEST ? value : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
