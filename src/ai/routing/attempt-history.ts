import type { GatewayError } from '../../core/index.ts'
import { FAILURE_CLASSES, type FailureClass } from './failures/failure-class.ts'
import { FAILURE_RULES } from './failures/failure-rules.ts'

/** One attempt that came to nothing, or the one that did not. */
export interface PastAttempt {
  /** `provider/model` */
  readonly target: string
  /** Null: it was answered well. */
  readonly failure: FailureClass | null
  /** Status of the upstream's answer; 0 without one. */
  readonly status: number
  /** From its dispatch to its end, milliseconds. */
  readonly ms: number
  readonly error: GatewayError | null
  /** It was made beside another that was slow. */
  readonly isHedge?: boolean
}

/** What is wrong with a request, as one target sees it. */
const IS_OF_REQUEST: ReadonlySet<FailureClass> = new Set(['caller', 'context_length', 'content_refused', 'withdrawn'])
/** More are possible by no configuration. */
const MOST_TOLD = 32

/** As records and headers tell it: `openai/gpt-4o=throttled(429,12ms), …`. */
export function historyText(history: readonly PastAttempt[]): string {
  return history
    .slice(0, MOST_TOLD)
    .map(({ target, failure, status, ms, isHedge }) => {
      const mark = isHedge === true ? ',hedge' : ''
      return `${target}=${failure ?? 'ok'}(${status === 0 ? '' : `${status},`}${Math.round(ms)}ms${mark})`
    })
    .join(', ')
}

/**
 * Of all errors the one that helps the client most: what is wrong with its request wins over what will pass, and that
 * over what is broken here or there; of equals the latest. But where a target failed for something that passes, what a later
 * one finds wrong is no answer: the first may well serve the same request, and a client that is told so does not try again.
 */
export function mostUseful(history: readonly PastAttempt[]): PastAttempt | null {
  let best: PastAttempt | null = null
  for (const past of history) {
    if (past.error === null || past.failure === null) continue
    if (best !== null && passes(best.failure) && IS_OF_REQUEST.has(past.failure) && past.target !== best.target)
      continue
    const better = best === null ? 1 : rankOf(best.failure) - rankOf(past.failure)
    // Of targets that cannot carry the request the first one says what the client asked for in vain.
    if (better > 0 || (better === 0 && past.failure !== 'ours')) best = past
  }
  return best
}

/** Of several that throttled, one may be asked again first; where none says when, all of them rest for a moment. */
export function withShortestWait(error: GatewayError, history: readonly PastAttempt[]): GatewayError {
  let seconds = Number.POSITIVE_INFINITY
  for (const past of history) {
    if (past.failure === 'throttled' && past.error?.retryAfterSeconds != null) {
      seconds = Math.min(seconds, past.error.retryAfterSeconds)
    }
  }
  if (!Number.isFinite(seconds)) seconds = Math.ceil(FAILURE_RULES.throttled.restMs / 1_000)
  if (seconds === error.retryAfterSeconds) return error
  return error.withRetryAfter(seconds)
}

function passes(failure: FailureClass | null): boolean {
  return failure === 'throttled' || failure === 'transient' || failure === 'dead'
}

function rankOf(failure: FailureClass | null): number {
  return failure === null ? FAILURE_CLASSES.length : FAILURE_CLASSES.indexOf(failure)
}
