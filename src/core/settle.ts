import { type ErrorCode, GatewayError } from './errors.ts'
import type { EndState, Exchange } from './exchange.ts'
import { giveMemory } from './listen/body-memory.ts'

/** Ends a request exactly once, whatever happened to it: stops its attempt, runs the route's settle hooks. */
export function settle(x: Exchange): void {
  if (x.settled) return
  x.settled = true
  x.watched = null
  x.endedAt = performance.now()
  x.waiting?.cancel()
  x.waiting = null
  x.attempt?.release()
  x.upload?.close()
  x.attempting?.onEnd(x)
  const hooks = (x.route ?? x.plan.fallback).settle
  if (hooks !== null) for (const hook of hooks) hook(x)
  x.gateway.end(x)
  x.body = null
  if (x.bodyMemory !== null && !x.keepsBody && x.bodyClaims === 0 && x.attempts > 0) giveMemory(x.bodyMemory)
  x.bodyMemory = null
}

/** The client left before the answer was complete: cancels the upstream at once and settles what was used. */
export function cancel(x: Exchange): void {
  if (x.settled) return
  x.cancelled = true
  end(x, 'cancelled', new GatewayError('client_closed', 'The client closed the connection.'))
}

/** Ends a request with an error that cannot be sent (any more). */
export function end(x: Exchange, state: EndState, error: GatewayError): void {
  if (x.settled) return
  x.end = state
  x.error = error
  x.attempt?.abort(error)
  settle(x)
}

/** The end state that an error stands for. */
export function endStateOf(error: GatewayError): EndState {
  const special = SPECIAL[error.code]
  if (special !== undefined) return special
  return error.source === 'upstream' ? 'upstream_error' : error.source === 'client' ? 'refused' : 'gateway_error'
}

const SPECIAL: Partial<Record<ErrorCode, EndState>> = {
  upstream_timeout: 'timeout',
  draining: 'drained',
  client_closed: 'cancelled',
  client_stalled: 'cancelled',
  saturated: 'refused',
  journal_unavailable: 'refused',
  governance_backend_unavailable: 'refused',
  not_ready: 'refused',
}
