import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { CONTROL_CODES, type ControlCode, ControlError, errorType } from './errors.ts'
import type { Answer } from './resource.ts'

/** The answer to a request that failed. Says nothing about what is not a ControlError. */
export function errorAnswer(error: unknown, requestId: string): Answer {
  if (!(error instanceof ControlError)) {
    const message = `The gateway failed to answer; its log says why, under the request id ${requestId}.`
    return { status: 500, body: errorBody('internal_error', message) }
  }
  const { status, headers, code, message, param } = error
  return { status, headers, body: errorBody(code, message, param) }
}

/** Sends an answer whole. */
export function sendAnswer(
  res: ServerResponse,
  { answer, requestId, headOnly }: { answer: Answer; requestId: string; headOnly: boolean },
): void {
  const { text, contentType } = 'text' in answer.body ? answer.body : jsonOf(answer.body)
  const bytes = Buffer.from(text)
  for (const [name, value] of Object.entries(answer.headers ?? {})) res.setHeader(name, value)
  res.setHeader('content-type', contentType)
  res.setHeader('content-length', bytes.length)
  res.setHeader('cache-control', 'no-store')
  res.setHeader('x-content-type-options', 'nosniff')
  res.setHeader('x-request-id', requestId)
  res.statusCode = answer.status
  res.end(headOnly ? undefined : bytes)
}

const UNREADABLE: Readonly<Record<string, readonly [ControlCode, string, string]>> = {
  HPE_HEADER_OVERFLOW: [
    'headers_too_large',
    'Request Header Fields Too Large',
    'The head of the request is too large.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'Request Timeout', 'The request did not arrive in time.'],
}

/** Answers what Node's parser could not read, and closes the connection. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  // Within an answer any further byte would be read as part of it.
  const busy = '_httpMessage' in socket && socket._httpMessage !== null && socket._httpMessage !== undefined
  if (!socket.writable || busy) {
    socket.destroy()
    return
  }
  const [code, reason, message] = UNREADABLE[error.code ?? ''] ?? [
    'malformed_request',
    'Bad Request',
    'The request is not valid HTTP/1.1.',
  ]
  const body = JSON.stringify(errorBody(code, message))
  const head = [
    `HTTP/1.1 ${CONTROL_CODES[code]} ${reason}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  const timer = setTimeout(() => socket.destroy(), 1_000)
  socket.once('close', () => clearTimeout(timer))
}

function errorBody(code: ControlCode, message: string, param: string | null = null): object {
  return { error: { message, type: errorType(CONTROL_CODES[code]), param, code } }
}

function jsonOf(value: object): { text: string; contentType: string } {
  return { text: `${JSON.stringify(value)}\n`, contentType: 'application/json' }
}
