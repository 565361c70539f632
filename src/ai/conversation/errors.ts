import type { Exchange, GatewayError, RenderedError } from '../../core/index.ts'
import { chatCodeName } from '../dialects/code-names.ts'

export { chatCodeName } from '../dialects/code-names.ts'

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 402) return 'insufficient_quota'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** OpenAI's error object (API reference, "Errors"): message, type, param, code. */
function errorJson(error: GatewayError): string {
  const code = chatCodeName(error.code)
  return JSON.stringify({ error: { message: error.message, type: typeOf(error.status), param: error.param, code } })
}

/** An error as a whole answer. */
export function renderChatError(_x: Exchange, error: GatewayError): RenderedError {
  if (error.body !== null) return { body: error.body, contentType: error.contentType ?? 'application/json' }
  return { body: Buffer.from(errorJson(error)), contentType: 'application/json' }
}

/** An error within a stream: the dialect's clients raise it. No `[DONE]` follows: that would be a proper end. */
export function renderChatStreamError(_x: Exchange, error: GatewayError): Buffer {
  return Buffer.from(`data: ${errorJson(error)}\n\n`)
}
