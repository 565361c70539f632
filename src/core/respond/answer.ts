import type { Exchange } from '../exchange.ts'
import { closeAfterUnreadBody } from '../listen/linger.ts'
import { settle } from '../settle.ts'

/** Answers a request from the gateway itself with a whole body, and settles it. */
export function answer(x: Exchange, status: number, contentType: string, body: Buffer | string): void {
  if (x.settled) return
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const headers = ['content-type', contentType, 'content-length', String(bytes.length)]
  headers.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id)
  if (x.body === null && (x.head.chunked || x.head.contentLength > 0)) {
    headers.push('connection', 'close')
    closeAfterUnreadBody(x.req, x.res)
  } else if (x.gateway.leaving) headers.push('connection', 'close')
  x.status = status
  x.res.writeHead(status, headers)
  if (x.method === 'HEAD') x.res.end()
  else {
    x.bytesOut = bytes.length
    x.res.end(bytes)
  }
  settle(x)
}
