import { GatewayError, type Hook } from '../core/index.ts'
import { monotonicUs } from '../lib/index.ts'
import { principalOf } from './identify.ts'
import { take } from './rate-limit.ts'

/** Refuses keys that do not hold the scope. */
export function createScopeCheck(scope: string): Hook {
  const message = `This API key does not have the scope "${scope}", which this endpoint needs. Use a key that has it.`
  const error = () => new GatewayError('insufficient_scope', message)
  return (x) => {
    const { scopes } = principalOf(x)
    return scopes === null || scopes.has(scope) ? null : error()
  }
}

/** Takes one request from the key's requests per minute. */
export function createRateCheck(counters: BigInt64Array): Hook {
  return (x) => {
    const { rate } = principalOf(x)
    if (rate === null) return null
    if (rate.requestsPerMinute === 0) return limited(rate.requestsPerMinute, 60)
    const waitUs = take(counters, rate.slot, monotonicUs(), rate.intervalUs, rate.burst)
    return waitUs === 0 ? null : limited(rate.requestsPerMinute, Math.ceil(waitUs / 1_000_000))
  }
}

function limited(perMinute: number, seconds: number): GatewayError {
  const message = `Rate limit reached: ${perMinute} requests per minute for this API key. Retry in ${seconds} s.`
  return new GatewayError('rate_limit_exceeded', message, { retryAfterSeconds: seconds })
}
