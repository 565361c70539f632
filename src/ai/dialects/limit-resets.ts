import type { AnswerHeaders } from '../../core/index.ts'
import { millisecondsOf } from './rate-limits.ts'

/**
 * No target rests longer than this for a header that says when a limit is whole again: it may give something much earlier, and
 * some vendors tell of a day. A `Retry-After` is believed for longer.
 */
export const LONGEST_RESET_MS = 60_000

/**
 * What is left of a limit, and when there is more: OpenAI's and those who took them over ("Rate limits", 2026-11), Cerebras's, Anthropic's
 * (RFC 3339) and those of the IETF's draft (RateLimit header fields for HTTP, seconds).
 */
const LIMITS: readonly (readonly [remaining: string, reset: string])[] = [
  ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  ['x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
  ['x-ratelimit-remaining-requests-day', 'x-ratelimit-reset-requests-day'],
  ['x-ratelimit-remaining-tokens-minute', 'x-ratelimit-reset-tokens-minute'],
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
  ['anthropic-ratelimit-requests-remaining', 'anthropic-ratelimit-requests-reset'],
  ['anthropic-ratelimit-tokens-remaining', 'anthropic-ratelimit-tokens-reset'],
  ['anthropic-ratelimit-input-tokens-remaining', 'anthropic-ratelimit-input-tokens-reset'],
  ['anthropic-ratelimit-output-tokens-remaining', 'anthropic-ratelimit-output-tokens-reset'],
  ['ratelimit-remaining', 'ratelimit-reset'],
]
const SPENT = /^0+(?:\.0*)?$/

/** Milliseconds until those limits are there again that an answer calls used up; 0 when it calls none so. */
export function spentForMs(headers: AnswerHeaders, wallMs: number): number {
  if (!mayTellLimits(headers)) return 0
  let longest = 0
  for (const [remaining, reset] of LIMITS) {
    const left = headers[remaining]
    if (typeof left === 'string' && SPENT.test(left)) longest = Math.max(longest, untilMs(headers[reset], wallMs))
  }
  return Math.min(longest, LONGEST_RESET_MS)
}

/** Whether a name begins as those of LIMITS do: to ask for each of them takes longer than all else that is done with most heads. */
function mayTellLimits(headers: AnswerHeaders): boolean {
  for (const name in headers) {
    const first = name.charCodeAt(0)
    if (first === 0x78 || first === 0x61 || first === 0x72) return true // x, a, r
  }
  return false
}

/** The same of an answer that says that a limit was reached: where it does not say which, the latest of all; 0 without one. */
export function limitedForMs(headers: AnswerHeaders, wallMs: number): number {
  const spent = spentForMs(headers, wallMs)
  if (spent > 0) return spent
  const all = LIMITS.map(([, reset]) => untilMs(headers[reset], wallMs))
  return Math.min(Math.max(...all), LONGEST_RESET_MS)
}

/** Milliseconds to the moment that a header names: a length of time, a date, or seconds or milliseconds since the epoch. */
function untilMs(value: AnswerHeaders[string], wallMs: number): number {
  if (typeof value !== 'string') return 0
  if (/^\d{9,13}$/.test(value)) {
    const number = Number(value)
    return Math.max(0, (number < 1e11 ? number * 1_000 : number) - wallMs)
  }
  const length = millisecondsOf(value)
  if (length !== null) return length
  const at = /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? 0 : Math.max(0, at - wallMs)
}
