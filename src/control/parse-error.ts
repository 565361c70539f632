import type { Socket } from 'node:net'
import { isRefused, markRefused } from './linger.ts'

type ParseError = Error & { code?: string }

/** Answers what Node's parser could not read, and closes. There is no route here, so the body is plain JSON. */
export function answerParseError(error: ParseError, socket: Socket): void {
  // With an answer under way (or the peer gone) any byte of ours would be read as part of it.
  const busy = '_httpMessage' in socket && socket._httpMessage !== null && socket._httpMessage !== undefined
  if (!socket.writable || busy || isRefused(socket)) {
    socket.destroy()
    return
  }
  markRefused(socket)
  const [status, reason, code, message] = describe(error.code ?? '')
  const type = status >= 500 ? 'server_error' : 'invalid_request_error'
  const body = JSON.stringify({ error: { message, type, param: null, code } })
  const head = `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`
  socket.end(head + body)
  const timer = setTimeout(() => socket.destroy(), 1_000)
  socket.once('close', () => clearTimeout(timer))
}

function describe(code: string): [status: number, reason: string, code: string, message: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'Request Header Fields Too Large', 'headers_too_large', 'The head of the request is too large.']
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'Payload Too Large', 'request_too_large', 'The chunk extensions of the body are too large.']
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'Request Timeout', 'request_timeout', 'The request did not arrive in time.']
    case 'HPE_INVALID_VERSION':
      return [505, 'HTTP Version Not Supported', 'version_not_supported', 'Only HTTP/1.1 and HTTP/1.0 are supported.']
    default:
      return [400, 'Bad Request', 'malformed_request', `The request is not valid HTTP/1.1 (${code || 'unreadable'}).`]
  }
}
