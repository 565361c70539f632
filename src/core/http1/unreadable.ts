import type { GatewayError } from '../errors.ts'

/** The answer to what is no request of HTTP/1.1. There is no route here, so the body is plain JSON. */
export function unreadableAnswer({ status, code, message }: GatewayError): Buffer {
  const type = status >= 500 ? 'server_error' : 'invalid_request_error'
  return Buffer.from(JSON.stringify({ error: { message, type, param: null, code } }))
}
