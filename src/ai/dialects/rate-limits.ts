import type { AnswerHeaders } from '../../core/index.ts'
import type { ClientDialectName } from '../conversation/readers.ts'

/** Names that begin so tell how much is left at a vendor, and when there is more. */
const OPENAI = 'x-ratelimit-'
const ANTHROPIC = 'anthropic-ratelimit-'
const WAIT = 'retry-after-ms'
const TELLING = /^(?:retry-after-ms$|x-ratelimit-|anthropic-ratelimit-)/

/** Who reads which names. Google's clients read none: there the wait is in the error's details. */
const FAMILIES: Readonly<Record<ClientDialectName, typeof OPENAI | typeof ANTHROPIC | null>> = {
  'openai-chat': OPENAI,
  'openai-responses': OPENAI,
  'openai-completions': OPENAI,
  'anthropic-messages': ANTHROPIC,
  gemini: null,
}

/** The same number at both: OpenAI's name ends `limit-requests`, Anthropic's `requests-limit`. */
const COUNTED = [
  ['requests', ['requests']],
  // Anthropic's `tokens` is whichever limit is nearest; some who speak its dialect have the single ones alone.
  ['tokens', ['tokens', 'input-tokens']],
] as const
const FACTS = ['limit', 'remaining', 'reset'] as const

/** The headers of an answer that tell of limits, or null where none does; `secrets` stay here. */
export function rateLimitsOf(headers: AnswerHeaders, secrets: readonly string[]): AnswerHeaders | null {
  let found: Record<string, string> | null = null
  for (const name in headers) {
    const value = headers[name]
    if (!TELLING.test(name) || typeof value !== 'string' || secrets.some((secret) => value.includes(secret))) continue
    found ??= {}
    found[name] = value
  }
  return found
}

/** Limits in the names and units that a client of `dialect` reads, flat; its own pass as they are. */
export function rateLimitHeaders(dialect: ClientDialectName, limits: AnswerHeaders, now: number): string[] {
  const out: string[] = []
  const family = FAMILIES[dialect]
  const own = family !== null && Object.keys(limits).some((name) => name.startsWith(family))
  for (const name in limits) {
    const value = limits[name]
    const passes = name === WAIT || (own && name.startsWith(family))
    if (passes && typeof value === 'string') out.push(name, value)
  }
  if (family === null || own) return out
  for (const [what, others] of COUNTED) {
    for (const fact of FACTS) {
      const value =
        family === OPENAI
          ? first(
              limits,
              others.map((other) => `${ANTHROPIC}${other}-${fact}`),
            )
          : first(limits, [`${OPENAI}${fact}-${what}`])
      if (value === null) continue
      const said = fact === 'reset' ? resetFor(family, value, now) : value
      if (said !== null) out.push(family === OPENAI ? `${OPENAI}${fact}-${what}` : `${ANTHROPIC}${what}-${fact}`, said)
    }
  }
  return out
}

function first(limits: AnswerHeaders, names: readonly string[]): string | null {
  for (const name of names) {
    const value = limits[name]
    if (typeof value === 'string') return value
  }
  return null
}

/** OpenAI says how long (`6m0s`), Anthropic until when (RFC 3339). */
function resetFor(family: typeof OPENAI | typeof ANTHROPIC, value: string, now: number): string | null {
  if (family === OPENAI) {
    const at = Date.parse(value)
    return Number.isNaN(at) ? null : `${Math.max(0, at - now) / 1000}s`
  }
  const length = millisecondsOf(value)
  return length === null ? null : new Date(Math.ceil((now + length) / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}

const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }
const LONGEST_MS = 366 * 86_400_000

/** Of `1d2h3m4.5s`, `20ms`, or of bare seconds; null for anything else. */
export function millisecondsOf(text: string): number | null {
  if (/^\d{1,8}(?:\.\d{1,9})?$/.test(text)) return bounded(Number(text) * 1000)
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|[dhms])){1,5}$/.test(text)) return null
  let sum = 0
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|[dhms])/g)) sum += Number(amount) * (UNITS[unit ?? ''] ?? 0)
  return bounded(sum)
}

function bounded(ms: number): number | null {
  return ms <= LONGEST_MS ? ms : null
}
