import type { ErrorCode, GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { endStateOf, settle } from '../settle.ts'

/** Who sends such a request may mean something else by what follows it. */
const CLOSES: ReadonlySet<ErrorCode> = new Set(['malformed_request', 'invalid_target', 'uri_too_long'])

/**
 * Answers with an error in the client's own dialect, when nothing was sent yet; within a stream sends the dialect's
 * error event; else cuts the connection. Settles the request.
 */
export function refuse(x: Exchange, error: GatewayError): void {
  if (x.settled) return
  x.error = error
  x.end = endStateOf(error)
  x.attempt?.abort(error)
  if (x.client.headSent) endBegunAnswer(x, error)
  else sendError(x, error)
  settle(x)
}

function sendError(x: Exchange, error: GatewayError): void {
  if (x.client.ended) {
    x.cancelled = true
    return
  }
  const route = x.route ?? x.plan.fallback
  const rendered = route.renderError(x, error)
  const headers = ['content-type', rendered.contentType, 'content-length', String(rendered.body.length)]
  headers.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id)
  if (error.retryAfterSeconds !== null) headers.push('retry-after', String(error.retryAfterSeconds))
  if (rendered.headers !== undefined) headers.push(...rendered.headers)
  if (error.allow !== null) headers.push('allow', error.allow)
  if (error.authenticate !== null) headers.push('www-authenticate', error.authenticate)
  if (error.retry === 'never' && rendered.hints !== 'none') headers.push('x-should-retry', 'false')
  if (CLOSES.has(error.code)) x.client.closeAfterAnswer()
  const status = rendered.status ?? error.status
  x.route?.editAnswer?.(x, status, headers)
  x.status = status
  if (x.method !== 'HEAD') x.bytesOut += rendered.body.length
  x.client.answer(status, headers, rendered.body)
}

function endBegunAnswer(x: Exchange, error: GatewayError): void {
  const render = (x.route ?? x.plan.fallback).renderStreamError
  const eventful = x.attempt?.eventful ?? false
  if (render === null || !eventful || x.client.ended) {
    x.client.cut()
    return
  }
  const event = render(x, error)
  x.bytesOut += event.length
  x.client.end(event)
}
