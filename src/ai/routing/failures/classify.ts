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

/** How vendors say a class: what its codes hold, and how its messages read. Who names it need not say it. */
interface Words {
  readonly class: FailureClass
  readonly names: RegExp
  readonly says: RegExp | null
}

/*
 * Where a code says something specific it decides, whatever the message. Vendors put the caller's own words into messages; so
 * those that rest what others use too must begin with the vendor's, while for the rest a phrase of theirs suffices.
 */
const UNPAID: Words = {
  class: 'quota',
  names:
    /insufficient_(?:quota|balance|funds|credits?)|exceeded_current_quota|quota_exceeded|billing|credit_balance|payment_required|per_?day/,
  says: /^(?:error: )?(?:(?:your|the|this|you have|you've|you) )?(?:(?:team|account|project|organi[sz]ation|workspace)\b[^.]{0,120}? )?(?:credit balance is too low|insufficient (?:balance|funds|credits?|quota)|(?:run |ran |is )?out of credits?|(?:either )?used all (?:available |your )?credits|(?:prepayment |prepaid )?credits? (?:is|are|have been) (?:depleted|exhausted|used up)|credit limit (?:exceeded|reached)|payment required|(?:has |have )?(?:reached|exceeded|hit) (?:its|the|your) (?:specified|monthly|spend|billing|hard)[^.]{0,30}(?:limit|cap)|is (?:suspended|not active|in arrears))/,
}
const LIMITED: Words = { class: 'throttled', names: /rate_?limit|throttl|too_?many_?requests|per_?minute/, says: null }
const KEYLESS: Words = {
  class: 'credential',
  names: /(?:invalid|incorrect|expired)_?api_?key|api_?key_?(?:invalid|expired|not_found)|unrecognizedclient/,
  says: /^(?:error: )?(?:(?:the |your )?(?:provided )?api.?key (?:is |has )?(?:not valid|not found|invalid|expired)|(?:invalid|incorrect) api.?key)/,
}
const TOO_LONG: Words = {
  class: 'context_length',
  names:
    /context_(?:length|window|limit|size)|string_above_max_length|max_prompt_tokens|prompt_too_long|tokens_limit_reached/,
  says: /context length|context window|context size|prompt is too long|exceeds? (?:the )?context limit|input is too long|too many (?:input )?tokens|maximum (?:number of )?(?:input )?tokens|exceeds? the (?:maximum|limit) (?:of|number of)[^.]{0,40}tokens|token count[^.]{0,40}exceeds/,
}
const REFUSED: Words = {
  class: 'content_refused',
  names:
    /content_?(?:filter|policy)|responsibleai|safety|moderation|prohibited_content|policy_violation|recitation|data_?inspection/,
  says: /content (?:policy|management policy|filter)|content exists risk|(?:prohibited|inappropriate) content|safety (?:system|filter|setting|polic|guideline|reason)|(?:blocked|rejected|refused|filtered)\b[^.]{0,40}\b(?:safety|polic|moderation|filter)|requires moderation|flagged|usage (?:polic|guideline)/,
}
const GONE: Words = {
  class: 'withdrawn',
  names:
    /(?:model|deployment)_?not_?(?:found|available|ready|supported|exist)|model_?(?:decommissioned|deprecated|retired)|(?:unknown|invalid|unsupported|no_such)_model$/,
  says: /^(?:error: )?(?:\/\S+ )?(?:(?:(?:the|this|your|api|requested|provided|specified|publisher|foundation|chosen|selected) )*(?:model|deployment|engine)s?\b(?:[: /]+[^\s:,;]+){0,5}? (?:(?:does|do) not exist|not (?:found|available|exist)|not supported(?! (?:with|when|together))|is (?:unknown|invalid)|decommissioned|deprecated|retired|removed|end of (?:its )?life)|(?:unknown|invalid|no such|unsupported) model\b|could not resolve the (?:foundation )?model|this is not a chat model|no endpoints found(?! that support)|\S+ is not a valid model)/,
}
/** Of a request that asks for what is not there. The rest of a message is not looked at: ids that callers make up stand there. */
const OF_MODEL: Words = {
  class: 'withdrawn',
  names: GONE.names,
  says: /^models?(?:[:/]| …)|\b(?:the|this|such|requested|selected) (?:model|deployment|engine)\b/,
}
/** Nothing is there at all: what was asked is no more known than where. */
const NOTHING: Words = {
  class: 'withdrawn',
  names: /^unknownoperation/,
  says: /^(?:error: )?(?:404:? ?)?(?:(?:(?:the )?(?:requested )?(?:resource|page|path|route|endpoint) (?:was )?)?not found(?: on this server)?[.!]?$|(?:the )?(?:requested )?url\b|invalid url|no such (?:route|endpoint|path))/,
}
const BUSY: Words = {
  class: 'transient',
  names: /overloaded|unavailable/,
  says: /\b(?:overloaded|at capacity|(?:temporarily|currently) unavailable|try again (?:later|shortly|soon))\b/,
}
/** What is wrong with a request, by name: whatever else its message quotes. */
const WRONG: Words = {
  class: 'caller',
  names:
    /^(?:invalid_(?:value|type|json|image|function_parameters|tool|parameter)|unsupported_|unknown_parameter|missing_required|integer_|decimal_|array_|object_|string_|empty_)/,
  says: null,
}

const WORDS: readonly { readonly statuses: (status: number) => boolean; readonly rows: readonly Words[] }[] = [
  {
    statuses: (status) => status === 400 || status === 413 || status === 422,
    rows: [TOO_LONG, KEYLESS, UNPAID, REFUSED, GONE, WRONG],
  },
  { statuses: (status) => status === 401 || status === 403, rows: [UNPAID, REFUSED, GONE] },
  { statuses: (status) => status === 429, rows: [UNPAID, LIMITED] },
  { statuses: (status) => status === 404, rows: [GONE, BUSY, OF_MODEL, NOTHING] },
]

const STATUSES: Readonly<Record<number, FailureClass>> = {
  401: 'credential',
  402: 'quota',
  403: 'credential',
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
  const { names, says } = errorWords(headers, body)
  for (const { statuses, rows } of WORDS) {
    if (!statuses(status)) continue
    const found =
      rows.find((row) => names.some((name) => row.names.test(name))) ??
      rows.find((row) => says.some((message) => row.says?.test(message) === true))
    if (found !== undefined) return found.class
  }
  // Who says nothing of it is asked in vain for anything; who does means what this request names.
  if (status === 404) return says.length === 0 ? 'withdrawn' : 'caller'
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
