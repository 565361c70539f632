import type { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { closeAfterUnreadBody } from '../listen/linger.ts'
import { endStateOf, settle } from '../settle.ts'

/**
 * Answers with an error in the client's own dialect, when nothing was sent yet; within a stream sends the dialect's
 * error event; else cuts the connection. Settles the request.
 */
export function refuse(x: Exchange, error: GatewayError): void {
  if (x.settled) return
  x.error = error
  x.end = endStateOf(error)
  x.attempt?.abort(error)
  const res = x.res
  if (res.headersSent) endBegunAnswer(x, error)
  else sendError(x, error)
  settle(x)
}

function sendError(x: Exchange, error: GatewayError): void {
  const res = x.res
  if (res.destroyed) {
    x.cancelled = true
    return
  }
  const route = x.route ?? x.plan.fallback
  const rendered = route.renderError(x, error)
  const headers = ['content-type', rendered.contentType, 'content-length', String(rendered.body.length)]
  headers.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id)
  if (error.retryAfterSeconds !== null) headers.push('retry-after', String(error.retryAfterSeconds))
  if (error.allow !== null) headers.push('allow', error.allow)
  if (error.retry === 'never') headers.push('x-should-retry', 'false')
  const unread = x.bodyPending || (x.body === null && (x.head.chunked || x.head.contentLength > 0))
  if (unread || x.gateway.leaving || error.code === 'malformed_request') {
    headers.push('connection', 'close')
    closeAfterUnreadBody(x.req, res)
  }
  x.status = error.status
  res.writeHead(error.status, headers)
  if (x.method === 'HEAD') res.end()
  else {
    x.bytesOut += rendered.body.length
    res.end(rendered.body)
  }
}

function endBegunAnswer(x: Exchange, error: GatewayError): void {
  const render = (x.route ?? x.plan.fallback).renderStreamError
  const eventful = x.attempt?.eventful ?? false
  if (render === null || !eventful || x.res.destroyed) {
    x.res.destroy()
    return
  }
  const event = render(x, error)
  x.bytesOut += event.length
  x.res.end(event)
}
