import type { Exchange } from '../exchange.ts'
import { settle } from '../settle.ts'

/** Answers a request from the gateway itself with a whole body, and settles it. */
export function answer(x: Exchange, status: number, contentType: string, body: Buffer | string): void {
  if (x.settled) return
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  answerWith(x, status, { headers: ['content-type', contentType], body: bytes })
}

export interface WholeAnswer {
  readonly headers: string[]
  readonly body: Buffer
}

/** The same with headers of one's own (flat, none that frames the body). */
export function answerWith(x: Exchange, status: number, { headers, body }: WholeAnswer): void {
  if (x.settled) return
  headers.push('content-length', String(body.length))
  headers.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id)
  x.route?.editAnswer?.(x, status, headers)
  x.status = status
  if (x.method !== 'HEAD') x.bytesOut = body.length
  x.client.answer(status, headers, body)
  settle(x)
}
