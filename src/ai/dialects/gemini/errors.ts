import type { GatewayError } from '../../../core/index.ts'
import type { AnswerFault } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { clientCodeName } from '../code-names.ts'

/** Names of google.rpc.Code by the HTTP status that they are sent with (cloud.google.com/apis/design/errors). */
const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'RESOURCE_EXHAUSTED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** google.rpc.Status within `error`, with the details that the vendor's clients know how to read. */
export function encodeError(error: GatewayError, requestId: string): JsonObject {
  const { status, message, param, retryAfterSeconds } = error
  const word = STATUS_WORDS[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL')
  const details: JsonObject[] = [
    detail('ErrorInfo', { reason: clientCodeName(error).toUpperCase(), domain: 'ferro-gateway' }),
  ]
  if (param !== null) details.push(detail('BadRequest', { fieldViolations: [{ field: param, description: message }] }))
  if (retryAfterSeconds !== null) details.push(detail('RetryInfo', { retryDelay: `${retryAfterSeconds}s` }))
  details.push(detail('RequestInfo', { requestId }))
  return { error: { code: status, message, status: word, details } }
}

function detail(type: string, members: JsonObject): JsonObject {
  return { '@type': `type.googleapis.com/google.rpc.${type}`, ...members }
}

/** What an error body says; null when it is none of this dialect. */
export function decodeError(body: JsonObject): AnswerFault | null {
  const { error } = body
  if (!isObject(error)) return null
  const { message, status, code } = error
  if (typeof message !== 'string') return null
  return { message, ...(typeof (status ?? code) !== 'undefined' && { kind: String(status ?? code) }) }
}
