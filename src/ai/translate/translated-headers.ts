import type { AnswerHeaders, Exchange } from '../../core/index.ts'
import { requestIdHeaders } from '../conversation/errors.ts'
import type { ClientDialectName } from '../conversation/readers.ts'
import { rateLimitHeaders, rateLimitsOf } from '../dialects/rate-limits.ts'
import type { ModelTarget } from '../models/target.ts'

/** Names under which vendors give their own id of a request. */
const UPSTREAM_IDS = ['x-request-id', 'request-id', 'x-amzn-requestid', 'x-goog-request-id', 'apim-request-id']

/** What tells a client how faithful its translation was. */
export const TRANSLATION = 'x-ferro-translation'

/**
 * Headers of an answer that was translated, flat. Nothing of the upstream's passes but its id of the request,
 * and how much it still gives in the client's words: the rest belongs to another dialect, or to the operator's account.
 */
export function translatedHeaders(
  x: Exchange,
  target: ModelTarget,
  headers: AnswerHeaders,
  length: number | null,
  events: boolean,
  report: string,
  dialect: ClientDialectName,
): string[] {
  const out = ['content-type', events ? 'text/event-stream; charset=utf-8' : 'application/json']
  if (events) out.push('cache-control', 'no-cache', 'x-accel-buffering', 'no')
  const upstreamId = idOf(headers)
  if (upstreamId !== null && !target.secretTexts.some((secret) => upstreamId.includes(secret))) {
    out.push('x-upstream-request-id', upstreamId)
  }
  const limits = rateLimitsOf(headers, target.secretTexts)
  if (limits !== null) out.push(...rateLimitHeaders(dialect, limits, x.time))
  if (length !== null) out.push('content-length', String(length))
  out.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id, 'x-ferro-model', target.name)
  out.push(TRANSLATION, report, ...requestIdHeaders(dialect, x))
  return out
}

function idOf(headers: AnswerHeaders): string | null {
  for (const name of UPSTREAM_IDS) {
    const value = headers[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return null
}
