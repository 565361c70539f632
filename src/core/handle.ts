/**
 * One request, phase by phase. Features do not add lines here: they are hooks of a route (see phases.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { beginAttempt } from './attempt.ts'
import { GatewayError } from './errors.ts'
import { Exchange } from './exchange.ts'
import { type BoundResponse, EXCHANGE, type Gateway } from './gateway.ts'
import { readBody } from './listen/body.ts'
import { RequestHead, readHead } from './listen/request-head.ts'
import { match } from './match/match.ts'
import { splitTarget } from './match/target.ts'
import { fault } from './respond/fault.ts'
import { refuse } from './respond/refuse.ts'
import { cancel } from './settle.ts'

/** Serves one request of a listener. Never throws. */
export function handle(gateway: Gateway, req: IncomingMessage, res: ServerResponse): void {
  const head = readHead(req.rawHeaders, req.httpVersionMajor, req.httpVersionMinor)
  const target = splitTarget(req.url ?? '')
  const usable = head instanceof GatewayError ? new RequestHead([], []) : head
  const located = target instanceof GatewayError
  const x = new Exchange(
    gateway,
    gateway.plan,
    req,
    res,
    usable,
    located ? '' : target.path,
    located ? '' : target.query,
  )
  const bound = res as BoundResponse // the symbol is set on the next line
  bound[EXCHANGE] = x
  res.on('close', onClose)
  gateway.begin(x)
  try {
    if (head instanceof GatewayError) {
      // A head that was refused says nothing reliable of a body.
      x.bodyPending = true
      refuse(x, head)
    } else if (located) refuse(x, target)
    else matchAndAdmit(x)
  } catch (error) {
    fault(x, error)
  }
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

function onClose(this: ServerResponse): void {
  cancel((this as BoundResponse)[EXCHANGE]) // set in handle() before this listener was added
}
