import type { ServerResponse } from 'node:http'
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

function errorBody(code: ControlCode, message: string, param: string | null = null): object {
  return { error: { message, type: errorType(CONTROL_CODES[code]), param, code } }
}

function jsonOf(value: object): { text: string; contentType: string } {
  return { text: `${JSON.stringify(value)}\n`, contentType: 'application/json' }
}
