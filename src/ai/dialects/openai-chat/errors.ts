import type { GatewayError } from '../../../core/index.ts'
import type { AnswerFault } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { clientCodeName } from '../code-names.ts'

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'insufficient_quota',
  403: 'permission_error',
  429: 'rate_limit_error',
}

/** The vendor's error object (API reference, "Errors"): message, type, param, code. */
export function encodeError(error: GatewayError): JsonObject {
  const type = TYPES[error.status] ?? (error.status >= 500 ? 'server_error' : 'invalid_request_error')
  return { error: { message: error.message, type, param: error.param, code: clientCodeName(error) } }
}

/**
 * What an error body says: the vendor's, Azure's with the filter that struck inside, and what compatible servers send:
 * a text for `error`, the members without their envelope (`object: "error"`), FastAPI's `detail`. Null for anything else.
 */
export function decodeError(body: JsonObject): AnswerFault | null {
  const { error } = body
  if (typeof error === 'string' && error !== '') return { message: error, kind: wordOf(body['error_type']) }
  if (isObject(error)) return faultOf(error)
  if (body['object'] === 'error' || (body['type'] === 'error' && typeof body['message'] === 'string')) {
    return faultOf(body)
  }
  const { detail } = body
  if (typeof detail === 'string') return { message: detail }
  if (Array.isArray(detail) && isObject(detail[0]) && typeof detail[0]['msg'] === 'string') {
    return { message: detail[0]['msg'], kind: wordOf(detail[0]['type']) }
  }
  return null
}

function faultOf(error: JsonObject): AnswerFault {
  const inner = error['innererror']
  const code = (isObject(inner) ? wordOf(inner['code']) : undefined) ?? wordOf(error['code'])
  const message = error['message']
  return {
    message: typeof message === 'string' && message !== '' ? message : 'The upstream reported an error.',
    kind: code ?? wordOf(error['type']),
  }
}

/** Codes are words at the vendor and numbers (of statuses) elsewhere. */
function wordOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}
