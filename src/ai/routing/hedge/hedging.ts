import {
  type AnswerHeaders,
  type Attempting,
  accountFor,
  beginDouble,
  type Candidate,
  dropDouble,
  type Exchange,
  type FailedDispatch,
  type Failure,
  type GatewayError,
  makeDouble,
  NO_MORE,
  outcomeOfFailure,
  takeOver,
  type WAIT,
} from '../../../core/index.ts'
import { monotonicUs } from '../../../lib/index.ts'
import { spentForMs } from '../../dialects/limit-resets.ts'
import { type AskedTarget, classOfRejection, type HedgedAttempts, kindOf, restAfter } from '../attempt-target.ts'
import { classOfFailure } from '../failures/classify.ts'
import type { FailureClass } from '../failures/failure-class.ts'
import { FAILURE_RULES } from '../failures/failure-rules.ts'
import type { HedgeRule } from './hedge-rule.ts'

/**
 * The second attempt of one request at the same time: begun when the first has given no answer for a while, at the next
 * target of the order. Whoever has an answer first serves the request; whatever becomes of the second, the first goes on.
 */
export class Hedging implements Attempting {
  readonly #x: Exchange
  readonly #attempts: HedgedAttempts
  readonly #rule: HedgeRule
  #timer: NodeJS.Timeout | null = null
  #watchedAt = 0
  #afterMs = 0
  /** While it is under way. */
  #double: Exchange | null = null
  #asked: AskedTarget | null = null
  /** What became of it; null: nobody else took part in its end. */
  #failure: Failure | 'rejected' | null = null
  #used = false
  /** Place in the order of the target that was asked; -1 while none is, or was. */
  #place = -1
  /** The double whose attempt serves the request. */
  #successor: Exchange | null = null

  constructor(x: Exchange, attempts: HedgedAttempts, rule: HedgeRule) {
    this.#x = x
    this.#attempts = attempts
    this.#rule = rule
  }

  /** An attempt begins: when it says nothing for too long, another one follows. A request has one such in all. */
  watch(): void {
    const { current } = this.#attempts
    if (this.#used || current === null) return
    const afterMs = this.#rule.afterMs(current, kindOf(this.#x))
    if (afterMs === null) return
    this.#afterMs = afterMs
    this.#watchedAt = performance.now()
    this.#arm(afterMs)
  }

  /** Whether this place of the order is asked because another was slow. */
  isHedge(place: number): boolean {
    return place === this.#place
  }

  /** The request's own attempt has failed: the other one, when it is under way, goes on in its place. */
  takesOver(failure: Failure | null): boolean {
    const double = this.#double
    if (double === null) return false
    if (double.attempt === null) {
      // It was not sent yet: the usual order decides, and may come back to its target.
      this.#drop()
      return false
    }
    this.#succeed(double, failure)
    return true
  }

  /** The attempt that serves the request has an answer. */
  first(): void {
    this.#drop()
  }

  /** The request has ended. */
  close(): void {
    this.#drop()
    const x = this.#x
    const successor = this.#successor
    // An error that an upstream's own event told: it was noted where its answer was read.
    if (successor === null || x.end !== 'success' || successor.end === 'success') return
    x.end = successor.end
    x.error = successor.error
  }

  // From here on it decides for the double.

  next(double: Exchange): Candidate | GatewayError | typeof WAIT {
    const { target } = this.#held
    return target.prepare(double) ?? target.candidate
  }

  onHead(_double: Exchange, status: number, headers: AnswerHeaders): number {
    const asked = this.#held
    asked.status = status
    asked.spentMs = status < 400 ? spentForMs(headers, Date.now()) : 0
    return NO_MORE
  }

  onFirst(double: Exchange): void {
    const x = this.#x
    this.#rule.count('won')
    this.#attempts.beOvertaken(x, this.#afterMs)
    this.#succeed(double, 'overtaken')
    this.#attempts.beAnswered(x)
  }

  onFailure(_double: Exchange, { failure, error }: FailedDispatch): number {
    this.#failure = failure
    this.#fail(classOfFailure(failure), error, outcomeOfFailure(failure))
    return NO_MORE
  }

  onRejected(_double: Exchange, error: GatewayError): number {
    const found = classOfRejection(this.#held.status, error)
    this.#failure = 'rejected'
    const { target, begunMs } = this.#held
    restAfter(target, found, error, { begunMs, nowMs: monotonicUs() / 1_000 })
    this.#fail(found, error, FAILURE_RULES[found].outcome)
    return NO_MORE
  }

  /** Nothing of it reaches a client before it serves the request. */
  onBroken(): void {
    throw new Error('a double has passed on an answer')
  }

  /** It came to nothing, or too late, or the gateway cut it. */
  onEnd(double: Exchange): void {
    const failure = this.#failure
    this.#double = null
    if (double.attempts === 0 && failure === null) {
      this.#attempts.takeBack(this.#held)
      this.#place = -1
    } else {
      this.#rule.count(failure === null ? 'lost' : 'failed')
      if (failure === null) this.#attempts.endHedge(this.#held, double, { failure: 'cancelled', outcome: 'neutral' })
    }
    accountFor(this.#x, double, failure === 'rejected' ? null : (failure ?? 'overtaken'))
  }

  #arm(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#onTime, Math.ceil(ms))
  }

  readonly #onTime = (): void => {
    this.#timer = null
    const x = this.#x
    const { attempt } = x
    if (x.settled || x.client.headSent) return
    const isSent = x.dispatchedAt >= this.#watchedAt
    const waitedMs = isSent ? performance.now() - x.dispatchedAt : 0
    if (waitedMs < this.#afterMs - 1) return this.#arm(this.#afterMs - waitedMs)
    // What follows an attempt that failed is watched by itself.
    if (attempt === null || attempt.done) return
    try {
      this.#begin()
    } catch (error) {
      x.gateway.onFault(error, x)
    }
  }

  #begin(): void {
    const asked = this.#attempts.askOther()
    if (asked === null) return
    this.#used = true
    this.#asked = asked
    this.#place = asked.place
    const { doubles } = this.#rule
    const surface = doubles.surfaceOf(this.#x, 'answer')
    const double = makeDouble(this.#x, { surface, attempting: this })
    double.reservation = this.#x.reservation
    doubles.share(double, this.#x)
    this.#double = double
    beginDouble(double)
  }

  #succeed(double: Exchange, failure: Failure | null): void {
    this.#double = null
    this.#successor = double
    takeOver(this.#x, double, failure)
    this.#attempts.succeedBy(this.#held)
  }

  #drop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#double !== null) dropDouble(this.#double)
  }

  #fail(found: FailureClass, error: GatewayError, outcome: 'success' | 'failure' | 'down' | 'neutral'): void {
    const double = this.#double
    if (double !== null) this.#attempts.endHedge(this.#held, double, { failure: found, outcome, error })
  }

  get #held(): AskedTarget {
    if (this.#asked === null) throw new Error(`request ${this.#x.id} has no second attempt`)
    return this.#asked
  }
}
