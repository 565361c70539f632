import type { Failure } from './outcome.ts'

/** What a route allows. */
export interface RetryLimits {
  /** Attempts on one target, the first included. */
  readonly attemptsPerTarget: number
  /** Attempts in all, the first included. */
  readonly attempts: number
  /** Answers that are not good enough to be final. */
  readonly statuses: ReadonlySet<number>
  /**
   * Requests whose method is not idempotent and that may have been acted on. `never` repeats none of them,
   * `with_idempotency_key` those whose client says with a key that its server would notice, `always` all: a route whose
   * requests change nothing, whatever their method.
   */
  readonly unsafe: 'never' | 'with_idempotency_key' | 'always'
}

/** One attempt that did not go well, and the request's situation. */
export interface FailedAttempt {
  readonly method: string
  /** It has an `Idempotency-Key`. */
  readonly idempotencyKey: boolean
  /** The body is empty or still held whole. */
  readonly replayable: boolean
  /** What went wrong: a failure, or the status of an answer. */
  readonly cause: Failure | number
  /**
   * `no`: the target provably did not act on it; no byte was sent, or it said so (a refused HTTP/2 stream). What has no
   * connection is always `no`.
   */
  readonly processed: 'no' | 'unknown'
  /** A byte of this request's answer has reached the client. */
  readonly answerBegan: boolean
  /** Attempts on this target so far, at least 1. */
  readonly attemptsOnTarget: number
  /** Attempts on all targets so far, at least 1. */
  readonly attempts: number
  /** There is an available target that was not tried: `Balancer.hasOther`. */
  readonly othersLeft: boolean
  /** Milliseconds until the total deadline. */
  readonly leftMs: number
}

/** Why a request is not sent again; words for logs and metrics. */
export type StopReason =
  | 'answer_began'
  | 'not_retryable'
  | 'not_idempotent'
  | 'body_gone'
  | 'attempts_used'
  | 'no_other_target'
  | 'deadline'

export type RetryDecision =
  /** `backoff`: wait as `backoff.ts` says; `at_once`: nothing would be gained by waiting. */
  | { readonly action: 'retry'; readonly where: 'same' | 'next'; readonly wait: 'backoff' | 'at_once' }
  | { readonly action: 'stop'; readonly reason: StopReason }

/** Methods that may be repeated (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Where the next attempt goes. The words after `_or_` are for when that is not possible. */
type Place = 'same_or_next' | 'next_or_same' | 'next' | 'nowhere'

const PLACES: Readonly<Record<Failure, Place>> = {
  saturated: 'next',
  unreachable: 'next_or_same',
  // A certificate does not become valid by asking again.
  untrusted: 'next',
  stale_connection: 'same_or_next',
  closed: 'same_or_next',
  invalid_answer: 'next',
  // A target that has kept one request waiting would keep the next waiting too.
  first_byte_timeout: 'next',
  idle_timeout: 'next',
  truncated: 'next_or_same',
  total_timeout: 'nowhere',
  cancelled: 'nowhere',
  overtaken: 'nowhere',
}

/** Statuses that say something of the target rather than of this one request: another may do better at once. */
const NEXT_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** Misdirected (RFC 9110, 15.5.20): refused unread, and may be repeated on another connection whatever the method. */
const MISDIRECTED = 421

/** Failures before there was a connection. */
const NEVER_SENT: ReadonlySet<Failure | number> = new Set<Failure>(['saturated', 'unreachable', 'untrusted'])

const SAME: RetryDecision = { action: 'retry', where: 'same', wait: 'backoff' }
const SAME_AT_ONCE: RetryDecision = { action: 'retry', where: 'same', wait: 'at_once' }
const NEXT: RetryDecision = { action: 'retry', where: 'next', wait: 'at_once' }

/**
 * Decides whether a request is sent again, and where. The first reason to stop wins, in this order: the client has seen
 * the answer, the cause is none that a repetition mends, it may have been acted on and must not be twice, the body is
 * gone, attempts or targets are used up, no time is left. Who acts on it takes from the retry budget first, and gives
 * up when the wait would end after the deadline.
 */
export function decideRetry(attempt: FailedAttempt, limits: RetryLimits): RetryDecision {
  if (attempt.answerBegan) return stop('answer_began')
  const place = placeOf(attempt.cause, limits)
  if (place === 'nowhere') return stop('not_retryable')
  if (!mayRepeat(attempt, limits)) return stop('not_idempotent')
  if (!attempt.replayable) return stop('body_gone')
  if (attempt.attempts >= limits.attempts) return stop('attempts_used')
  if (attempt.leftMs <= 0) return stop('deadline')
  return go(place, attempt, limits)
}

function go(place: Place, attempt: FailedAttempt, limits: RetryLimits): RetryDecision {
  const again = attempt.attemptsOnTarget < limits.attemptsPerTarget
  if (place === 'same_or_next' && again) return attempt.cause === 'stale_connection' ? SAME_AT_ONCE : SAME
  if (attempt.othersLeft) return NEXT
  if (place === 'next') return stop('no_other_target')
  return again ? SAME : stop('attempts_used')
}

function placeOf(cause: Failure | number, limits: RetryLimits): Place {
  if (typeof cause !== 'number') return PLACES[cause]
  if (cause === MISDIRECTED) return 'same_or_next'
  if (!limits.statuses.has(cause)) return 'nowhere'
  return NEXT_STATUSES.has(cause) ? 'next_or_same' : 'same_or_next'
}

function mayRepeat(attempt: FailedAttempt, limits: RetryLimits): boolean {
  const { cause, method } = attempt
  if (attempt.processed === 'no' || NEVER_SENT.has(cause) || cause === MISDIRECTED) return true
  if (IDEMPOTENT.has(method)) return true
  switch (limits.unsafe) {
    case 'never':
      return false
    case 'with_idempotency_key':
      return attempt.idempotencyKey
    case 'always':
      return true
  }
}

function stop(reason: StopReason): RetryDecision {
  return { action: 'stop', reason }
}
