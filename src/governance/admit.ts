import { type Exchange, GatewayError, type Hook } from '../core/index.ts'
import { monotonicUs } from '../lib/index.ts'
import { ALL_OCCUPIED, occupyAll, vacateAll } from './concurrency.ts'
import { principalOf } from './identify.ts'
import { type ConcurrencyDocument, levelInWords, type RateDocument } from './level-document.ts'
import { giveBack, take } from './rate-limit.ts'

/** Where requests in flight are counted, and as whose. */
export interface InFlight {
  readonly counters: BigInt64Array
  /** This worker's seat. */
  readonly seat: number
}

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
 * Takes one request from the rate limits of all levels, or from none. With `inFlight` it counts from here to its end as
 * one in flight, which `endInFlight` must be told: a request that sends its body slowly is one too.
 */
export function createRateCheck(counters: BigInt64Array, inFlight?: InFlight): Hook {
  return (x) => {
    const { rates, concurrency } = principalOf(x).charged
    const refused = rates === null ? null : takeAll(counters, rates)
    if (refused !== null || concurrency === null || inFlight === undefined) return refused
    const full = occupyAll(counters, concurrency, inFlight.seat)
    if (full === ALL_OCCUPIED) {
      x.inFlight = concurrency
      return null
    }
    if (rates !== null) giveBackFirst(counters, rates, rates.length)
    return tooMany(concurrency[full] as ConcurrencyDocument) // the position of one of them
  }
}

/** The request has ended: others may begin. */
export function endInFlight(x: Exchange, { counters, seat }: InFlight): void {
  if (x.inFlight === null) return
  vacateAll(counters, x.inFlight as readonly ConcurrencyDocument[], seat) // createRateCheck's, nobody else sets it
  x.inFlight = null
}

function takeAll(counters: BigInt64Array, rates: readonly RateDocument[]): GatewayError | null {
  const nowUs = monotonicUs()
  for (let at = 0; at < rates.length; at++) {
    const rate = rates[at] as RateDocument // in range
    const waitUs = rate.limit === 0 ? 60_000_000 : take(counters, rate.slot, nowUs, rate.intervalUs, rate.burst)
    if (waitUs === 0) continue
    giveBackFirst(counters, rates, at)
    return limited(rate, Math.ceil(waitUs / 1_000_000))
  }
  return null
}

function giveBackFirst(counters: BigInt64Array, rates: readonly RateDocument[], count: number): void {
  for (let at = count - 1; at >= 0; at--) {
    const { slot, intervalUs } = rates[at] as RateDocument // in range
    giveBack(counters, slot, intervalUs)
  }
}

function limited({ limit, per, level }: RateDocument, seconds: number): GatewayError {
  const message = `Rate limit reached: ${limit} requests per ${per} for ${levelInWords(level)}. Retry in ${seconds} s.`
  return new GatewayError('rate_limit_exceeded', message, { retryAfterSeconds: seconds })
}

function tooMany({ limit, level }: ConcurrencyDocument): GatewayError {
  const message = `Too many requests at once: ${limit} may be in flight for ${levelInWords(level)}. Retry when one has ended.`
  return new GatewayError('rate_limit_exceeded', message, { retryAfterSeconds: 1 })
}
