/**
 * One request, phase by phase. Features do not add lines here: they are hooks of a route (see phases.ts).
 */
import { beginAttempt } from './begin-attempt.ts'
import type { ClientStream } from './client-stream.ts'
import { GatewayError } from './errors.ts'
import { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import type { RequestHead } from './http1/request-head.ts'
import { readBody } from './listen/body.ts'
import { match } from './match/match.ts'
import { splitRouteTarget, splitTarget } from './match/target.ts'
import { type Gate, type Route, WAIT } from './phases.ts'
import { fault } from './respond/fault.ts'
import { refuse } from './respond/refuse.ts'

const OVERLOADED = 2
/** Value of `x.gate` while `inspect` waits: behind every gate. */
const INSPECTING = Number.MAX_SAFE_INTEGER

/** Serves one request of a listener. Never throws. */
export function handle(gateway: Gateway, client: ClientStream, head: RequestHead): Exchange {
  const hasRoutes = gateway.plan.routes !== undefined && gateway.plan.routes !== null
  const { lineBytes } = gateway.headLimits
  const target = hasRoutes ? splitRouteTarget(head.target, lineBytes) : splitTarget(head.target, lineBytes)
  const located = !(target instanceof GatewayError)
  const x = new Exchange(gateway, gateway.plan, client, head, located ? target.path : '', located ? target.query : '')
  gateway.begin(x)
  try {
    if (head.problem !== null) refuse(x, head.problem)
    else if (located) matchAndAdmit(x)
    else refuse(x, target)
  } catch (error) {
    fault(x, error)
  }
  return x
}

function matchAndAdmit(x: Exchange): void {
  const missing = match(x)
  if (missing !== null) return refuse(x, missing)
  if (x.route === null) return refuse(x, new GatewayError('not_found', 'No route matches this path.'))
  if (x.gateway.loadLevel > 0 && x.gateway.loadLevel >= (x.route.shedFrom ?? OVERLOADED)) {
    return refuse(
      x,
      new GatewayError('saturated', 'The gateway is overloaded; try again soon.', { retryAfterSeconds: 1 }),
    )
  }
  passGates(x, x.route)
}

/** Goes on with a request whose gate, or `inspect`, had to wait. */
export function resume(x: Exchange, problem: GatewayError | null): void {
  if (x.settled || x.route === null) return
  x.waiting = null
  try {
    if (problem !== null) refuse(x, problem)
    else if (x.gate === INSPECTING) inspect(x)
    else passGates(x, x.route)
  } catch (error) {
    fault(x, error)
  }
}

/** Goes on with a request behind every gate. Never throws. */
export function beginAtInspect(x: Exchange): void {
  try {
    inspect(x)
  } catch (error) {
    fault(x, error)
  }
}

/** From the gate that comes next. A gate counts as passed when it is asked: it decides once. */
function passGates(x: Exchange, route: Route): void {
  if (x.gate === 0) {
    x.gate = 1
    if (route.identify !== null && !passes(x, route.identify)) return
  }
  const { admit } = route
  while (admit !== null && x.gate <= admit.length) {
    const gate = admit[x.gate - 1] as Gate // in range
    x.gate++
    if (!passes(x, gate)) return
  }
  read(x, route)
}

/** False when the request ended here, or waits. */
function passes(x: Exchange, gate: Gate): boolean {
  const verdict = gate(x)
  if (verdict === null) return !x.settled
  if (verdict !== WAIT) refuse(x, verdict)
  return false
}

function read(x: Exchange, route: Route): void {
  const { head } = x
  const relayed = route.relayAbove !== undefined && (head.chunked || head.contentLength > route.relayAbove)
  if (route.bodyLimit < 0 || relayed) inspect(x)
  else readBody(x, route.bodyLimit, afterRead)
}

function afterRead(x: Exchange, problem: GatewayError | null): void {
  try {
    if (problem !== null) return refuse(x, problem)
    inspect(x)
  } catch (error) {
    fault(x, error)
  }
}

function inspect(x: Exchange): void {
  const hook = x.route?.inspect ?? null
  if (hook !== null) {
    const verdict = hook(x)
    if (verdict === WAIT) {
      x.gate = INSPECTING
      return
    }
    if (verdict !== null) return refuse(x, verdict)
  }
  if (x.settled) return
  if (x.candidates === null && x.attempting === null)
    throw new Error(`route ${x.route?.name} neither answered nor named a candidate`)
  beginAttempt(x)
}
