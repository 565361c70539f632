import { type Exchange, type Gate, GatewayError, type Hook, resume, WAIT } from '../core/index.ts'
import type { CounterDesk, Taken } from './counter-desk.ts'
import { principalOf } from './identify.ts'
import { type ConcurrencyDocument, levelInWords } from './level-document.ts'

/** Refuses keys that do not hold the scope, and those of a level that is switched off. */
export function createScopeCheck(scope: string): Hook {
  const message = `This API key does not have the scope "${scope}", which this endpoint needs. Use a key that has it.`
  const error = () => new GatewayError('insufficient_scope', message)
  return (x) => {
    const { scopes } = principalOf(x)
    return scopes === null || scopes.has(scope) ? null : error()
  }
}

/** Refuses keys of a level that is switched off, or of which nothing is known. */
export function levelCheck(x: Exchange): GatewayError | null {
  const { closed } = principalOf(x).charged
  if (closed === null) return null
  return new GatewayError('level_disabled', `Access is switched off for ${levelInWords(closed)}. Ask the operator.`)
}

/**
 * Takes one request from the rate limits of all levels, and a place in flight, or nothing. It has its place from here to its end, which
 * `endInFlight` must be told: a request that sends its body slowly is in flight too.
 */
export function createRateCheck(desk: CounterDesk): Gate {
  const taken: Taken = (x, takings, refusal) => {
    if (refusal === null && x.settled) return desk.giveBack(takings)
    if (refusal === null) x.inFlight = takings.concurrency
    resume(x, refusal?.error ?? null)
  }
  return (x) => {
    const { admission } = principalOf(x).charged
    if (admission === null) return null
    const refusal = desk.take(x, admission, taken)
    if (refusal === WAIT) return WAIT
    if (refusal !== null) return refusal.error
    x.inFlight = admission.concurrency
    return null
  }
}

/** The request has ended: others may begin. */
export function endInFlight(x: Exchange, desk: CounterDesk): void {
  if (x.inFlight === null) return
  desk.leave(x.inFlight as readonly ConcurrencyDocument[]) // createRateCheck's, nobody else sets it
  x.inFlight = null
}
