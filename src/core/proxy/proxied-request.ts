import { type Attempting, type FailedDispatch, NO_MORE } from '../attempting.ts'
import { backoffMs, retryAfterMs } from '../balance/backoff.ts'
import { type Balancer, Choice } from '../balance/balancer.ts'
import { type Failure, outcomeOfFailure, outcomeOfStatus } from '../balance/outcome.ts'
import type { RetryBudget } from '../balance/retry-budget.ts'
import { decideRetry, type RetryDecision, type RetryLimits } from '../balance/retry-rule.ts'
import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import type { AnswerHeaders, Candidate } from '../phases.ts'
import type { RelayedBody } from './relayed-body.ts'

/** What all requests of one proxy route share in one thread. */
export interface ProxyRules {
  readonly pool: string
  readonly candidates: readonly Candidate[]
  readonly balancer: Balancer
  readonly retry: RetryLimits
  readonly budget: RetryBudget
  readonly backoff: { readonly baseMs: number; readonly maxMs: number; readonly maxRetryAfterMs: number }
  readonly totalMs: number
  /** Hash of what keeps a request on one target, or NO_KEY. */
  readonly keyOf: (x: Exchange) => number
  /** Milliseconds of the clock that all threads share. */
  readonly now: () => number
  readonly random: () => number
}

/** One request to a pool: which targets were tried, and whether another attempt may follow. */
export class ProxiedRequest implements Attempting {
  readonly #rules: ProxyRules
  readonly #key: number
  readonly #choice = new Choice()
  #tried: number[] | null = null
  #last = -1
  #again = false
  #attemptsOnTarget = 0
  #attempts = 0
  /** The path and query that go upstream. */
  readonly target: string
  readonly body: RelayedBody | null
  /** The protocol that the client asks to switch to. */
  readonly upgrade: string | null

  constructor(
    x: Exchange,
    rules: ProxyRules,
    target: string,
    parts: { body: RelayedBody | null; upgrade: string | null },
  ) {
    this.#rules = rules
    this.#key = rules.keyOf(x)
    this.target = target
    this.body = parts.body
    this.upgrade = parts.upgrade
    rules.budget.deposit()
  }

  next(): Candidate | GatewayError {
    const { balancer, candidates, now } = this.#rules
    const nowMs = now()
    const choice = this.#choice
    const chosen = this.#again && balancer.chooseAgain(choice, this.#last, nowMs)
    if (!chosen) {
      const verdict = balancer.choose(choice, nowMs, this.#key, this.#tried)
      if (verdict !== 'chosen') return this.#nobody(nowMs)
      this.#attemptsOnTarget = 0
    }
    this.#last = choice.target
    this.#attempts++
    this.#attemptsOnTarget++
    return candidates[choice.target] as Candidate // the balancer has as many targets as there are candidates
  }

  onFailure(x: Exchange, { failure, processed }: FailedDispatch): number {
    const nowMs = this.#rules.now()
    this.#rules.balancer.report(this.#choice, outcomeOfFailure(failure), nowMs)
    this.#rules.balancer.release(this.#choice, nowMs)
    return this.#decide(x, failure, { processed, retryAfter: null })
  }

  onHead(x: Exchange, status: number, headers: AnswerHeaders): number {
    const nowMs = this.#rules.now()
    this.#rules.balancer.report(this.#choice, outcomeOfStatus(status), nowMs)
    if (!this.#rules.retry.statuses.has(status) && status !== 421) return NO_MORE
    const retryAfter = headers['retry-after']
    const wait = this.#decide(x, status, {
      processed: 'unknown',
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
    })
    if (wait !== NO_MORE) this.#rules.balancer.release(this.#choice, nowMs)
    return wait
  }

  onBroken(_x: Exchange, failure: Failure): void {
    this.#rules.balancer.report(this.#choice, outcomeOfFailure(failure), this.#rules.now())
  }

  onEnd(): void {
    this.#rules.balancer.release(this.#choice, this.#rules.now())
  }

  /** Milliseconds until the next attempt, or NO_MORE. */
  #decide(
    x: Exchange,
    cause: Failure | number,
    more: { processed: 'no' | 'unknown'; retryAfter: string | null },
  ): number {
    const { retry, candidates, totalMs } = this.#rules
    this.#tried ??= []
    if (!this.#tried.includes(this.#last)) this.#tried.push(this.#last)
    const leftMs = totalMs - (performance.now() - x.startedAt)
    const decision = decideRetry(
      {
        method: x.method,
        idempotencyKey: x.head.get('idempotency-key') !== null,
        replayable: this.body === null || this.body.replayable,
        cause,
        processed: more.processed,
        answerBegan: x.client.headSent,
        attemptsOnTarget: this.#attemptsOnTarget,
        attempts: this.#attempts,
        othersLeft: this.#tried.length < candidates.length,
        leftMs,
      },
      retry,
    )
    return decision.action === 'stop' ? NO_MORE : this.#wait(decision, more.retryAfter, leftMs)
  }

  #wait(decision: RetryDecision & { action: 'retry' }, retryAfter: string | null, leftMs: number): number {
    const { backoff, budget, now, random } = this.#rules
    this.#again = decision.where === 'same'
    let wait = 0
    if (decision.wait === 'backoff') {
      const asked = retryAfterMs(retryAfter, Date.now())
      const found = backoffMs(backoff, this.#attemptsOnTarget - 1, { retryAfterMs: asked, random })
      if (found === null || found >= leftMs) return NO_MORE
      wait = found
    }
    return budget.take(now()) ? wait : NO_MORE
  }

  #nobody(nowMs: number): GatewayError {
    const { pool, balancer } = this.#rules
    const waitMs = balancer.waitMs(nowMs)
    const retryAfterSeconds = waitMs > 0 && Number.isFinite(waitMs) ? Math.ceil(waitMs / 1000) : 1
    return new GatewayError('upstream_unavailable', `No server of ${pool} is available; try again soon.`, {
      retryAfterSeconds,
    })
  }
}
