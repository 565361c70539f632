import type { Failure } from './balance/outcome.ts'
import type { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerHeaders, Candidate } from './phases.ts'

/** No further attempt: what came of this one is the answer. */
export const NO_MORE = -1

/** What is known of an attempt that came to nothing. */
export interface FailedDispatch {
  readonly failure: Failure
  /** `no`: no byte of the request was sent. */
  readonly processed: 'no' | 'unknown'
}

/**
 * Decides where the attempts of one request go, one after the other, and learns how they went. Waits are milliseconds
 * until the next attempt, or NO_MORE. Only asked as long as no byte of an answer has reached the client.
 */
export interface Attempting {
  /** Where the next attempt goes, or why there is none. */
  next(x: Exchange): Candidate | GatewayError
  /** The current attempt failed. */
  onFailure(x: Exchange, failed: FailedDispatch): number
  /** The head of an answer came. */
  onHead(x: Exchange, status: number, headers: AnswerHeaders): number
  /** The answer broke off, or stood still, after its head was passed on. */
  onBroken(x: Exchange, failure: Failure): void
  /** The request has ended, whatever became of it; called once. */
  onEnd(x: Exchange): void
}
