/**
 * A double of a request: a second exchange that goes upstream beside it, through the same phases from `attempt` on. Nobody hears its
 * answer, unless its attempt takes the place of the request's own:
 *
 *   request ── attempt A ──────────┐ A is slow: a double begins
 *      └─ double ── attempt B ─────┴─► whoever has an answer first serves the request; the other is aborted
 */

import type { Attempting } from './attempting.ts'
import type { Failure } from './balance/outcome.ts'
import { beginAttempt } from './begin-attempt.ts'
import { GatewayError } from './errors.ts'
import { Exchange, type Identity } from './exchange.ts'
import { RequestHead } from './http1/request-head.ts'
import type { Route } from './phases.ts'
import { fault } from './respond/fault.ts'
import { end } from './settle.ts'
import { UnheardClient } from './unheard-client.ts'

export interface DoubleParts {
  /** Absent: the request's own, since it is the same request. */
  readonly identity?: Identity
  /** Belongs to the surface, which makes one of its own for each exchange. */
  readonly surface: unknown
  readonly attempting: Attempting
  /** Absent: the request's own, but that nothing of it sees the end. */
  readonly route?: Route
}

const ROUTES = new WeakMap<Route, Route>()

/** Makes a double of a request that has its whole body, and that waits for an answer. `beginDouble` sends it. */
export function makeDouble(x: Exchange, { identity = x, surface, attempting, route }: DoubleParts): Exchange {
  const head = identity === x ? x.head : withoutClientId(x.head)
  const client = new UnheardClient(x.client, (): void => {
    end(double, 'cancelled', new GatewayError('request_too_large', 'The answer that nobody reads is too long.'))
  })
  const double = new Exchange(x.gateway, x.plan, client, head, x.path, x.query, identity)
  double.route = route ?? (x.route === null ? null : routeOfDouble(x.route))
  double.found = x.found
  double.origin = x.origin
  double.rest = x.rest
  double.principal = x.principal
  double.gate = x.gate
  double.overlay = x.overlay
  double.wantsStream = x.wantsStream
  double.body = x.body
  // Two read it now, and the request may end first.
  x.keepsBody = true
  double.keepsBody = true
  double.surface = surface
  double.attempting = attempting
  return double
}

/** Sends a double on its way. Never throws: what goes wrong is the double's own affair. */
export function beginDouble(double: Exchange): void {
  double.gateway.begin(double)
  try {
    beginAttempt(double)
  } catch (error) {
    fault(double, error)
  }
}

/**
 * The attempt of the double serves the request from now on. The request's own attempt, which came to nothing or was `overtaken`, is
 * over and accounted for.
 */
export function takeOver(x: Exchange, double: Exchange, failure: Failure | null): void {
  const { attempt } = double
  if (attempt === null) throw new Error(`the double of request ${x.id} was not sent`)
  x.attempt?.abort(new Error('another attempt goes on'))
  x.route?.giveWay?.(x, failure)
  x.route?.join?.(double, x)
  double.settled = true
  double.watched = null
  double.gateway.end(double)
  // Who watches its answer asks its client what was sent.
  double.client = x.client
  x.candidate = double.candidate
  x.surface = double.surface
  x.reservation = double.reservation
  x.attempts += double.attempts
  x.sent = double.sent
  x.dispatchedAt = double.dispatchedAt
  x.firstByteAt = double.firstByteAt
  attempt.serve(x)
}

/** Nobody needs the double any more. Its `attempting` hears of the end. */
export function dropDouble(double: Exchange): void {
  end(double, 'cancelled', new GatewayError('client_closed', 'Another attempt answered first.'))
}

/** A double has ended without an answer for the request: what it used is the request's. */
export function accountFor(x: Exchange, double: Exchange, failure: Failure | null): void {
  x.attempts += double.attempts
  // It never came to a reservation of its own.
  if (double.reservation === x.reservation) return
  double.route?.giveWay?.(double, failure)
  x.route?.join?.(x, double)
}

/** The client knows one request by its id. */
function withoutClientId(head: RequestHead): RequestHead {
  const own = Object.assign(new RequestHead(head.method, head.target), head)
  own.clientRequestId = null
  return own
}

/** The request's own hooks for an attempt; nothing that belongs to its beginning or its end. */
function routeOfDouble(route: Route): Route {
  let own = ROUTES.get(route)
  if (own === undefined) {
    own = { ...route, identify: null, admit: null, inspect: null, settle: null, editAnswer: null }
    ROUTES.set(route, own)
  }
  return own
}
