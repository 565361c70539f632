import type { AnswerHeaders, Exchange } from '../../core/index.ts'
import type { Losses } from '../ir/losses.ts'
import type { AnswerSource } from './answer-source.ts'

/**
 * Headers of an upstream that go to the client: what says how its body is to be read and kept, when to come again, and what the vendors'
 * own clients read. All others stay here, known or not: they are of the connection, of the vendor's edge, or tell who the operator's
 * account is.
 */
const PASSED: ReadonlySet<string> = new Set([
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-range',
  'content-type',
  'date',
  'deprecation',
  'etag',
  'expires',
  'last-modified',
  'openai-model',
  'openai-processing-ms',
  'openai-version',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'sunset',
  'vary',
  'warning',
  'x-should-retry',
])
/** Limits that the vendors' clients read. */
const PASSED_STARTS = ['x-ratelimit-', 'ratelimit-', 'anthropic-ratelimit-', 'anthropic-fast-'] as const

/** Headers for the client, flat. `length` is the body's when it is known. */
export function clientHeaders(
  x: Exchange,
  target: AnswerSource,
  headers: AnswerHeaders,
  length: number | null,
  events: boolean,
  losses: Losses | null = null,
): string[] {
  const out: string[] = []
  const listed = connectionListed(headers['connection'])
  for (const name in headers) {
    if (!isPassed(name) || listed?.has(name) === true) continue
    const value = headers[name]
    if (value === undefined || showsSecret(target, value)) continue
    if (typeof value === 'string') out.push(name, value)
    else for (const item of value) out.push(name, item)
  }
  const upstreamId = headers['x-request-id']
  if (typeof upstreamId === 'string' && !showsSecret(target, upstreamId)) out.push('x-upstream-request-id', upstreamId)
  if (length !== null) out.push('content-length', String(length))
  if (events) out.push('x-accel-buffering', 'no')
  out.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id, 'x-ferro-model', target.name)
  out.push('x-ferro-translation', losses === null ? 'exact' : losses.header())
  return out
}

/** Names seen before, and whether they pass. */
const KNOWN_NAMES = new Map<string, boolean>()
const MAX_KNOWN_NAMES = 512

function isPassed(name: string): boolean {
  let passes = KNOWN_NAMES.get(name)
  if (passes !== undefined) return passes
  passes = PASSED.has(name) || PASSED_STARTS.some((start) => name.startsWith(start))
  if (KNOWN_NAMES.size < MAX_KNOWN_NAMES && name.length <= 64) KNOWN_NAMES.set(name, passes)
  return passes
}

/** Whether a header gives away what the provider was sent to prove who the operator is. */
function showsSecret({ secretTexts }: AnswerSource, value: string | string[]): boolean {
  for (const secret of secretTexts) {
    if (typeof value === 'string' ? holds(value, secret) : value.some((item) => holds(item, secret))) return true
  }
  return false
}

/** Most values are shorter than a secret, and a search is a call of V8's runtime. */
function holds(value: string, secret: string): boolean {
  return value.length >= secret.length && value.includes(secret)
}

/** Names that the upstream's Connection header declares to be of the connection only. */
function connectionListed(value: string | string[] | undefined): ReadonlySet<string> | null {
  if (value === undefined || value === 'keep-alive' || value === 'close') return null
  const text = Array.isArray(value) ? value.join(',') : value
  return new Set(text.split(',').map((name) => name.trim().toLowerCase()))
}
