import { parseHttpDate } from '../../lib/index.ts'
import type { Random } from './contract.ts'

export interface BackoffRules {
  /** Upper end of the first wait; doubled for each that follows. */
  readonly baseMs: number
  readonly maxMs: number
  /** Longest `Retry-After` that is waited for; whoever asks for more is not asked again. */
  readonly maxRetryAfterMs: number
}

/**
 * How long to wait before the n-th retry on one target (from 0): anything between nothing and an upper end that doubles
 * ("full jitter": requests that failed together must not come back together). What `Retry-After` asked for is waited in
 * full and the jitter comes on top; null when it asked for too much.
 */
export function backoffMs(
  rules: BackoffRules,
  retry: number,
  options: { retryAfterMs: number | null; random: Random },
): number | null {
  const asked = options.retryAfterMs ?? 0
  if (asked > rules.maxRetryAfterMs) return null
  const upper = Math.min(rules.maxMs, rules.baseMs * 2 ** Math.min(retry, 30))
  return asked + Math.floor(options.random() * upper)
}

const SECONDS = /^[0-9]{1,10}$/

/**
 * Milliseconds that a `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date), 0 for a date that has passed; null
 * when it says nothing that can be understood. `nowMs` is the wall clock, since the epoch.
 */
export function retryAfterMs(value: string | null, nowMs: number): number | null {
  if (value === null) return null
  const text = value.trim()
  if (SECONDS.test(text)) return Number(text) * 1000
  const dateMs = parseHttpDate(text, nowMs)
  return dateMs === null ? null : Math.max(0, dateMs - nowMs)
}
