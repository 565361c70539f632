/**
 * One request, phase by phase. Features do not add lines here: they are hooks of a route (see phases.ts).
 */
import { beginAttempt } from './attempt.ts'
import type { ClientStream } from './client-stream.ts'
import { GatewayError } from './errors.ts'
import { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import type { RequestHead } from './http1/request-head.ts'
import { readBody } from './listen/body.ts'
import { match } from './match/match.ts'
import { splitTarget } from './match/target.ts'
import { fault } from './respond/fault.ts'
import { refuse } from './respond/refuse.ts'

/** Serves one request of a listener. Never throws. */
export function handle(gateway: Gateway, client: ClientStream, head: RequestHead): Exchange {
  const target = splitTarget(head.target)
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
  const route = x.route
  if (route === null) return refuse(x, new GatewayError('not_found', 'No route matches this path.'))
  if (route.identify !== null) {
    const unknown = route.identify(x)
    if (unknown !== null) return refuse(x, unknown)
  }
  if (route.admit !== null) {
    for (const hook of route.admit) {
      const refused = hook(x)
      if (refused !== null) return refuse(x, refused)
    }
  }
  if (route.bodyLimit < 0) return inspect(x)
  readBody(x, route.bodyLimit, afterRead)
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
    const problem = hook(x)
    if (problem !== null) return refuse(x, problem)
  }
  if (x.settled) return
  if (x.candidates === null) throw new Error(`route ${x.route?.name} neither answered nor named a candidate`)
  beginAttempt(x)
}
