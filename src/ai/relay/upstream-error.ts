import { type AnswerHeaders, type ErrorCode, GatewayError } from '../../core/index.ts'
import { limitedForMs } from '../dialects/limit-resets.ts'
import { millisecondsOf, rateLimitsOf } from '../dialects/rate-limits.ts'
import { isObject } from '../ir/json.ts'
import { classOfAnswer } from '../routing/failures/classify.ts'
import type { AnswerSource } from './answer-source.ts'

const LONGEST_QUOTE = 500
const LONGEST_DETAILS = 65_536
const BACKSLASH = 0x5c

interface StatusRow {
  readonly code: ErrorCode
  /** Status for the client; null keeps the upstream's. */
  readonly status: number | null
  /** The upstream's own error body goes to the client. */
  readonly passBody: boolean
  /** Its message is for the client, as it stands: programs know some by their beginnings. */
  readonly own: boolean
}

/** What an upstream's status means for the client. What is about our credential or account is no error of the client. */
const STATUSES: Readonly<Record<number, StatusRow>> = {
  401: { code: 'upstream_auth', status: 502, passBody: false, own: false },
  402: { code: 'upstream_auth', status: 502, passBody: false, own: false },
  403: { code: 'upstream_auth', status: 502, passBody: false, own: false },
  407: { code: 'upstream_auth', status: 502, passBody: false, own: false },
  408: { code: 'upstream_timeout', status: 504, passBody: false, own: false },
  429: { code: 'upstream_rate_limited', status: 429, passBody: true, own: true },
  503: { code: 'upstream_overloaded', status: 503, passBody: false, own: true },
  504: { code: 'upstream_timeout', status: 504, passBody: false, own: false },
  529: { code: 'upstream_overloaded', status: 503, passBody: false, own: true },
}
const REJECTIONS: ReadonlyMap<string, number> = new Map([
  ['context_length', 400],
  ['content_refused', 400],
  ['withdrawn', 404],
])
/** An answer that is no success: what it is must be in its words. */
const UNTOLD = 400
const CLIENT_FAULT: StatusRow = { code: 'upstream_rejected', status: null, passBody: true, own: true }
const SERVER_FAULT: StatusRow = { code: 'upstream_error', status: 502, passBody: false, own: false }

/** The error that an upstream's error answer becomes for a client of the same dialect: its own words pass. */
export function errorOfAnswer(
  target: AnswerSource,
  status: number,
  headers: AnswerHeaders,
  body: Buffer,
): GatewayError {
  const said = reveals(target, body) ? null : errorMessage(body)
  return errorOfStatus(target, status, headers, said, body)
}

/**
 * The same with the upstream's message, read by whoever knows its dialect; `body` goes to the client when it may, `told` is what
 * the upstream sent.
 */
export function errorOfStatus(
  target: AnswerSource,
  status: number,
  headers: AnswerHeaders,
  said: string | null,
  body: Buffer | null,
  told: Buffer | null = body,
): GatewayError {
  const reason = classOfAnswer(status, headers, told)
  const row = STATUSES[status] ?? (status < 500 ? CLIENT_FAULT : SERVER_FAULT)
  const name = target.upstream.name
  const retryAfterSeconds =
    retryAfter(headers) ?? retryDelay(status, told) ?? (status === 429 ? limitReset(headers) : null)
  const limits = rateLimitsOf(headers, target.secretTexts)
  const pass = row.passBody && said !== null && body !== null
  const options = {
    ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }),
    status: row.status ?? (pass ? status : statusOfClass(reason, status)),
    reason,
    ...(limits === null ? {} : { limits }),
  }
  if (row.code === 'upstream_auth') {
    return new GatewayError(
      'upstream_auth',
      `${name} refused the gateway's credential or account (${status}).`,
      options,
    )
  }
  const message =
    said === null || said === ''
      ? `${name} answered ${status}.`
      : row.own
        ? said
        : `${name} answered ${status}: ${said}`
  return new GatewayError(row.code, message, pass ? { ...options, body, contentType: 'application/json' } : options)
}

/** What an upstream means by its words, where it does not say it by a status; null for whatever is no rejection. */
export function rejectionOf(said: string, words: Buffer): GatewayError | null {
  const reason = classOfAnswer(UNTOLD, {}, words)
  const status = REJECTIONS.get(reason)
  return status === undefined ? null : new GatewayError('upstream_rejected', said, { status, reason })
}

/** The status of a rejection whose reason is known: vendors use several for one and the same. */
function statusOfClass(reason: string, status: number): number {
  return REJECTIONS.get(reason) ?? status
}

/** The error that an upstream's answer is which looked like a success. */
export function errorWithin(target: AnswerSource, body: Buffer): GatewayError {
  const said = reveals(target, body) ? null : errorMessage(body)
  const rejection = said === null ? null : rejectionOf(said, body)
  if (rejection !== null) return rejection
  return new GatewayError(
    'upstream_error',
    `${target.upstream.name} reported an error${said === null ? '.' : `: ${said}`}`,
  )
}

/** Whether a body holds a secret of the target, as it stands or in another spelling that JSON allows. */
export function reveals(target: AnswerSource, body: Buffer): boolean {
  const { secrets } = target
  if (secrets.length === 0) return false
  if (secrets.some((secret) => body.includes(secret))) return true
  // Only an escape can hide one.
  if (!body.includes(BACKSLASH)) return false
  const text = JSON.stringify(parsed(body) ?? null)
  return secrets.some((secret) => text.includes(JSON.stringify(secret.toString()).slice(1, -1)))
}

/** The message in an error body of OpenAI's shape, or null: then the body is not passed on. */
function errorMessage(body: Buffer): string | null {
  const value = parsed(body)
  if (typeof value !== 'object' || value === null || !('error' in value)) return null
  const error = value.error
  if (typeof error === 'string') return error.slice(0, LONGEST_QUOTE)
  if (typeof error !== 'object' || error === null || !('message' in error)) return null
  return typeof error.message === 'string' ? error.message.slice(0, LONGEST_QUOTE) : null
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null // an HTML page or a cut body: nothing to quote
  }
}

/** Whole seconds until the limit that was reached is there again, by the headers that tell of limits; null without one. */
function limitReset(headers: AnswerHeaders): number | null {
  const ms = limitedForMs(headers, Date.now())
  return ms === 0 ? null : Math.ceil(ms / 1_000)
}

/** Whole seconds from `retry-after-ms` or a Retry-After header (RFC 9110, 10.2.3: seconds or a date), or null. */
function retryAfter(headers: AnswerHeaders): number | null {
  const milliseconds = headers['retry-after-ms']
  if (typeof milliseconds === 'string' && /^\d{1,9}$/.test(milliseconds)) return Math.ceil(Number(milliseconds) / 1000)
  const value = headers['retry-after']
  if (typeof value !== 'string') return null
  if (/^\d{1,6}$/.test(value)) return Number(value)
  // A date begins with its day; without that, Date.parse takes nearly anything for one.
  const at = /^[A-Za-z]{3}/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? null : Math.min(Math.max(0, Math.ceil((at - Date.now()) / 1000)), 999_999)
}

/**
 * Whole seconds that a body asks for, or null: Google has no header for that, but a detail `RetryInfo` (google.rpc, error_details.proto).
 */
function retryDelay(status: number, body: Buffer | null): number | null {
  if (body === null || body.length > LONGEST_DETAILS || (status !== 429 && status !== 503)) return null
  if (!body.includes('retryDelay')) return null
  const value = parsed(body)
  const told = Array.isArray(value) ? value[0] : value
  const error = isObject(told) ? told['error'] : null
  const details = isObject(error) ? error['details'] : null
  if (!Array.isArray(details)) return null
  for (const detail of details) {
    const delay = isObject(detail) ? detail['retryDelay'] : null
    const ms = typeof delay === 'string' ? millisecondsOf(delay) : null
    if (ms !== null) return Math.ceil(ms / 1_000)
  }
  return null
}
