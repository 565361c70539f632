import type { Exchange } from '../exchange.ts'
import { settle } from '../settle.ts'

/** Answers with headers of its own (flat, without the length) and a whole body, and settles the request. */
export function reply(x: Exchange, status: number, headers: string[], body: Buffer | string): void {
  if (x.settled) return
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  headers.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id)
  x.route?.editAnswer?.(x, status, headers)
  x.status = status
  if (x.method !== 'HEAD') x.bytesOut = bytes.length
  x.client.answer(status, headers, bytes)
  settle(x)
}
