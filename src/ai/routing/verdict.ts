import { GatewayError } from '../../core/index.ts'
import { mostUseful, type PastAttempt, withShortestWait } from './attempt-history.ts'
import type { OrderWalk } from './order-walk.ts'
import { crowded } from './place-wait.ts'

/** What a client is told after these attempts; null when none of them left an error. `leftMs`: nobody may be asked before. */
export function verdictOf(history: readonly PastAttempt[], leftMs: number): GatewayError | null {
  const best = mostUseful(history)
  if (best === null || best.error === null) return null
  const told = best.failure === 'throttled' ? withShortestWait(best.error, history) : best.error
  if (told.retryAfterSeconds === null || !Number.isFinite(leftMs)) return told
  // Others may have been told of a longer pause meanwhile.
  const seconds = Math.ceil(leftMs / 1_000)
  return seconds > told.retryAfterSeconds ? told.withRetryAfter(seconds) : told
}

/** What a client is told of a request that nobody was asked to serve. `waited`: it has waited for a place as long as it may. */
export function nobodyTakes(walk: OrderWalk, nowMs: number, waited: boolean): GatewayError {
  if (waited || walk.full(nowMs, -1).length > 0) return crowded(waited)
  const shortest = walk.shortestWaitMs(nowMs)
  const seconds = Number.isFinite(shortest) ? Math.max(1, Math.ceil(shortest / 1_000)) : 1
  if (walk.isThrottled(nowMs)) {
    const told = `Every target of this model asked for a pause; try again in ${seconds} s.`
    return new GatewayError('upstream_rate_limited', told, { retryAfterSeconds: seconds })
  }
  const message = `No target of this model takes requests at the moment; try again in ${seconds} s.`
  return new GatewayError('upstream_unavailable', message, { retryAfterSeconds: seconds })
}
