import { Attempt } from './attempt.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { WAIT } from './phases.ts'
import { fault } from './respond/fault.ts'
import { refuse } from './respond/refuse.ts'

/**
 * Starts an attempt at the candidate whose turn it is: reserve, journal, dispatch. Whoever answered WAIT in place of a
 * candidate calls it again.
 */
export function beginAttempt(x: Exchange): void {
  const candidate = x.attempting === null ? x.candidates?.[x.candidateIndex] : x.attempting.next(x)
  if (candidate === WAIT) return
  if (candidate instanceof GatewayError) return refuse(x, candidate)
  if (candidate === undefined) throw new Error(`request ${x.id} has no candidate ${x.candidateIndex}`)
  x.candidate = candidate
  const reserve = x.route?.reserve ?? null
  if (reserve === null) proceed(x, null)
  else reserve(x, candidate)
}

/** Goes on with an attempt whose reservation is now durable, or was refused. */
export function proceed(x: Exchange, problem: GatewayError | null): void {
  if (x.settled) return
  try {
    if (problem === null) return dispatch(x)
    const { attempting } = x
    const told = attempting?.onRefused === undefined ? problem : attempting.onRefused(x, problem)
    if (told === null) beginAttempt(x)
    else refuse(x, told)
  } catch (error) {
    fault(x, error)
  }
}

function dispatch(x: Exchange): void {
  const { candidate } = x
  if (candidate === null) throw new Error(`request ${x.id} goes on without a candidate`)
  const request = candidate.encode(x)
  const attempt = new Attempt(x, candidate, beginAgain)
  x.attempt = attempt
  x.attempts++
  x.bodyClaims++
  if (request.freesBody !== true) x.keepsBody = true
  x.dispatchedAt = performance.now()
  if (candidate.upstream.transport.dispatch(request, attempt)) return
  x.attempts--
  const message = `All connections to ${candidate.upstream.name} are busy; try again soon.`
  attempt.fail(new GatewayError('saturated', message, { retryAfterSeconds: 1 }), 'saturated')
}

/** Begins the next attempt, now or after a while; not when the client has left meanwhile. */
function beginAgain(x: Exchange, waitMs: number): void {
  x.sent = false
  x.firstByteAt = 0
  const begin = () => {
    if (x.settled) return
    try {
      beginAttempt(x)
    } catch (error) {
      fault(x, error)
    }
  }
  if (waitMs > 0) setTimeout(begin, waitMs)
  else begin()
}
