import type { Exchange } from '../exchange.ts'
import { settle } from '../settle.ts'

/** Answers a request from the gateway itself with a whole body, and settles it. */
export function answer(x: Exchange, status: number, contentType: string, body: Buffer | string): void {
  if (x.settled) return
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const headers = ['content-type', contentType, 'content-length', String(bytes.length)]
  headers.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id)
  x.route?.editAnswer?.(x, status, headers)
  x.status = status
  if (x.method !== 'HEAD') x.bytesOut = bytes.length
  x.client.answer(status, headers, bytes)
  settle(x)
}
