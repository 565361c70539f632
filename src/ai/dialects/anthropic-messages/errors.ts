import type { GatewayError } from '../../../core/index.ts'
import type { AnswerFault } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { clientCodeName } from '../code-names.ts'

/** Messages API, "Errors": the type for each status. */
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

const OVERLOADED = 529
const TOO_LONG = /^prompt is too long|exceed context limit/i

const KNOWN: ReadonlySet<string> = new Set([...Object.values(TYPES), 'invalid_request_error', 'api_error'])

function typeOf(status: number): string {
  return TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}

/** The status that the API itself has for an error. */
export function statusOf(error: GatewayError): number {
  return error.code === 'upstream_overloaded' ? OVERLOADED : error.status
}

/** Clients know a prompt that is too long by the words of the message alone, since the API has no code for it. */
function wordsOf(error: GatewayError): string {
  const { message } = error
  if (clientCodeName(error) !== 'context_length_exceeded' || TOO_LONG.test(message)) return message
  return `prompt is too long: ${message}`
}

/** The API's error object. Its words have no place for the member that is wrong: it opens the message, as the API has it. */
export function encodeError(error: GatewayError, requestId: string): JsonObject {
  const message = error.param === null ? wordsOf(error) : `${error.param}: ${error.message}`
  return {
    type: 'error',
    error: { type: typeOf(statusOf(error)), message, code: clientCodeName(error) },
    request_id: requestId,
  }
}

/** A fault of the upstream within a stream, for a client of this dialect. */
export function encodeFault(fault: AnswerFault): JsonObject {
  const type = fault.kind !== undefined && KNOWN.has(fault.kind) ? fault.kind : 'api_error'
  return { type: 'error', error: { type, message: fault.message } }
}

/** Reads `{type: 'error', error: {type, message}}`; the outer type is missing at some who speak the dialect. */
export function decodeError(body: JsonObject): AnswerFault | null {
  const error = body['error']
  if (!isObject(error) || typeof error['message'] !== 'string') return null
  return { message: error['message'], kind: typeof error['type'] === 'string' ? error['type'] : undefined }
}
