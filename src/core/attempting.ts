import type { Failure } from './balance/outcome.ts'
import type { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerHeaders, Candidate, WAIT } from './phases.ts'

/** No further attempt: what came of this one is the answer. */
export const NO_MORE = -1

/** The attempt of the request's double goes on in place of this one: see `double.ts`. */
export const TAKEN_OVER = -2

/** What is known of an attempt that came to nothing. */
export interface FailedDispatch {
  readonly failure: Failure
  /** What the client would be told of it. */
  readonly error: GatewayError
  /** `no`: no byte of the request was sent. */
  readonly processed: 'no' | 'unknown'
}

/**
 * Decides where the attempts of one request go, one after the other, and learns how they went. Waits are milliseconds
 * until the next attempt, or NO_MORE, or TAKEN_OVER. Only asked as long as no byte of an answer has reached the client.
 */
export interface Attempting {
  /** Where the next attempt goes, or why there is none; WAIT when that is not known yet: `beginAttempt` asks again. */
  next(x: Exchange): Candidate | GatewayError | typeof WAIT
  /** The request is on its way to the candidate. Must not throw. */
  onSent?(x: Exchange): void
  /** The current attempt failed. */
  onFailure(x: Exchange, failed: FailedDispatch): number
  /**
   * The current attempt is not sent: its caller may not spend what it would cost. Null: the request goes on to another;
   * else what the client is told. Absent: that.
   */
  onRefused?(x: Exchange, error: GatewayError): GatewayError | null
  /** The head of an answer came. */
  onHead(x: Exchange, status: number, headers: AnswerHeaders): number
  /** The candidate's own observer calls the answer an error, before or after its head was passed on. Absent: it is final. */
  onRejected?(x: Exchange, error: GatewayError): number
  /** Something of an answer that may be used is about to reach the client: no other can be the answer any more. */
  onFirst?(x: Exchange): void
  /** The answer is complete. */
  onAnswer?(x: Exchange): void
  /** Of all that came of the attempts, what the client is told; `error` came of the last one. Absent: that. */
  verdict?(x: Exchange, error: GatewayError): GatewayError
  /** The answer broke off, or stood still, after its head was passed on. */
  onBroken(x: Exchange, failure: Failure): void
  /** The request has ended, whatever became of it; called once. */
  onEnd(x: Exchange): void
}
