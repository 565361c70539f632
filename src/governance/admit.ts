import { type Exchange, type Gate, GatewayError, type Hook, resume, WAIT } from '../core/index.ts'
import type { CounterDesk, Taken, Takings } from './counter-desk.ts'
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
    if (refusal === null) admitted(x, takings)
    resume(x, refusal?.error ?? null)
  }
  return (x) => {
    const { admission } = principalOf(x).charged
    if (admission === null) return null
    const refusal = desk.take(x, admission, taken)
    if (refusal === WAIT) return WAIT
    if (refusal !== null) return refusal.error
    admitted(x, admission)
    return null
  }
}

function admitted(x: Exchange, takings: Takings): void {
  x.inFlight = takings.concurrency
  if (takings.rates !== null) x.admission = takings
}

/** Refusals by what is looked at after the admission. */
const LATER = new Set(['budget_exceeded', 'rate_limit_exceeded', 'unpriced', 'governance_backend_unavailable'])

/**
 * Of what a rate gives at once, so much has come back by itself by then: whoever holds requests for longer keeps what they took, or could
 * gather it, and have it back all at once.
 */
const SHARE_OF_BURST = 1 / 4

/**
 * The request has ended: when a later limit refused it and nothing was ever reserved for it, it takes nothing from the rates either.
 * Not sooner, since what one target would cost may be refused and another one be asked.
 */
export function giveAdmissionBack(x: Exchange, desk: CounterDesk): void {
  const taken = x.admission as Takings // createRateCheck's, nobody else sets it
  x.admission = null
  if (x.reservation !== null || x.attempts > 0 || !LATER.has(x.error?.code ?? '')) return
  const heldUs = (x.endedAt - x.startedAt) * 1_000
  const rates = (taken.rates ?? []).filter(({ burst, intervalUs }) => heldUs <= burst * intervalUs * SHARE_OF_BURST)
  if (rates.length === 0) return
  const nothing = { concurrency: null, tokenRates: null, tokens: 0, nanos: 0, budgets: [], periods: [], owed: false }
  desk.giveBack({ rates, ...nothing })
}

/** The request has ended: others may begin. */
export function endInFlight(x: Exchange, desk: CounterDesk): void {
  if (x.inFlight === null) return
  desk.leave(x.inFlight as readonly ConcurrencyDocument[]) // createRateCheck's, nobody else sets it
  x.inFlight = null
}
