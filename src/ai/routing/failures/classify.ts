import type { AnswerHeaders, ErrorCode, Failure, GatewayError } from '../../../core/index.ts'
import { errorWords } from './error-words.ts'
import { type FailureClass, isFailureClass } from './failure-class.ts'

/** Transport failures. A silent upstream is as good as none: whoever waits once more waits as long again. */
const FAILURES: Readonly<Record<Failure, FailureClass>> = {
  saturated: 'ours',
  unreachable: 'dead',
  untrusted: 'dead',
  stale_connection: 'transient',
  closed: 'transient',
  invalid_answer: 'transient',
  first_byte_timeout: 'dead',
  idle_timeout: 'dead',
  total_timeout: 'cancelled',
  truncated: 'transient',
  cancelled: 'cancelled',
  overtaken: 'cancelled',
}

/** Errors that were made of an answer without a status of their own: within a stream, or an answer that is none. */
const CODES: Partial<Record<ErrorCode, FailureClass>> = {
  upstream_rejected: 'caller',
  upstream_rate_limited: 'throttled',
  upstream_auth: 'credential',
  upstream_unreachable: 'dead',
  upstream_tls: 'dead',
  saturated: 'ours',
}

interface Words {
  readonly class: FailureClass
  readonly words: RegExp
}

/*
 * What vendors write into the codes, types and messages of their errors, by status. The first row that matches counts.
 */
const UNPAID: Words = {
  class: 'quota',
  words:
    /insufficient_quota|billing|credit balance|out of credits?|insufficient (?:balance|funds|credits?)|payment required|spend(?:ing)? limit|quota_exceeded|perday/,
}
const KEYLESS: Words = {
  class: 'credential',
  words: /api.?key (?:not valid|invalid|expired)|api_key_invalid|invalid.?api.?key|unrecognizedclient/,
}
const TOO_LONG: Words = {
  class: 'context_length',
  words:
    /context_length|context length|context window|context size|prompt is too long|exceeds? (?:the )?context limit|input is too long|too many (?:input )?tokens|maximum (?:number of )?(?:input )?tokens|exceeds? the (?:maximum|limit) (?:of|number of)[^.]{0,40}tokens|string_above_max_length|max_prompt_tokens|token count[^.]{0,40}exceeds/,
}
const REFUSED: Words = {
  class: 'content_refused',
  words:
    /content_filter|content_policy|content policy|content management policy|responsibleai|safety|moderation|flagged|usage policies|prohibited_content|recitation|data_inspection/,
}
const GONE: Words = {
  class: 'withdrawn',
  words:
    /model_not_found|model_not_available|model_decommissioned|deploymentnotfound|unknown_model|invalid_model|modelnotready|model[^.]{0,120}(?:does not exist|not (?:found|supported|available|exist)|unknown|decommissioned|deprecated|retired|been removed)|(?:unknown|invalid|no such|unsupported) model|end of (?:its )?life/,
}
const BUSY: Words = { class: 'transient', words: /overloaded|capacity|unavailable|try again/ }

const WORDS: readonly { readonly statuses: (status: number) => boolean; readonly rows: readonly Words[] }[] = [
  {
    statuses: (status) => status === 400 || status === 413 || status === 422,
    rows: [TOO_LONG, KEYLESS, UNPAID, REFUSED, GONE],
  },
  { statuses: (status) => status === 401 || status === 403, rows: [UNPAID, REFUSED, GONE] },
  { statuses: (status) => status === 429, rows: [UNPAID] },
  { statuses: (status) => status === 404, rows: [BUSY] },
]

const STATUSES: Readonly<Record<number, FailureClass>> = {
  401: 'credential',
  402: 'quota',
  403: 'credential',
  404: 'withdrawn',
  405: 'withdrawn',
  407: 'credential',
  408: 'transient',
  409: 'transient',
  410: 'withdrawn',
  425: 'transient',
  429: 'throttled',
  498: 'throttled',
  499: 'transient',
}

/** Of an answer whose status is no success; `body` is as much of it as is known. */
export function classOfAnswer(status: number, headers: AnswerHeaders, body: Buffer | null): FailureClass {
  const text = errorWords(headers, body)
  for (const { statuses, rows } of WORDS) {
    if (!statuses(status)) continue
    for (const { words, class: found } of rows) if (words.test(text)) return found
  }
  return STATUSES[status] ?? (status >= 500 ? 'transient' : 'caller')
}

/** Of a dispatch that brought no answer. */
export function classOfFailure(failure: Failure): FailureClass {
  return FAILURES[failure]
}

/** Of an answer that its observer calls an error: by its reason where that is a class, else by its code. */
export function classOfError(error: GatewayError): FailureClass {
  if (isFailureClass(error.reason)) return error.reason
  return CODES[error.code] ?? (error.source === 'upstream' ? 'transient' : 'ours')
}
