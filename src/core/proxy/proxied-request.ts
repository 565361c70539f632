import { type Attempting, type FailedDispatch, NO_MORE } from '../attempting.ts'
import { backoffMs, retryAfterMs } from '../balance/backoff.ts'
import { type Balancer, Choice } from '../balance/balancer.ts'
import { type Failure, outcomeOfFailure } from '../balance/outcome.ts'
import type { RetryBudget } from '../balance/retry-budget.ts'
import { decideRetry, type RetryDecision, type RetryLimits } from '../balance/retry-rule.ts'
import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import type { AnswerHeaders, Candidate } from '../phases.ts'
import type { RelayedBody } from './relayed-body.ts'

/** The servers that a route's requests may go to at one time. */
export interface ProxyServers {
  readonly candidates: readonly Candidate[]
  /** Of as many targets, in the same order. */
  readonly balancer: Balancer
}

/** What all requests of one proxy route share in one thread. */
export interface ProxyRules {
  readonly pool: string
  /** Those that count now: the same object as long as they are the same. */
  readonly servers: () => ProxyServers
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
  #servers: ProxyServers
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
    this.#servers = rules.servers()
    this.#key = rules.keyOf(x)
    this.target = target
    this.body = parts.body
    this.upgrade = parts.upgrade
    rules.budget.deposit()
  }

  next(): Candidate | GatewayError {
    this.#follow()
    const { balancer, candidates } = this.#servers
    const nowMs = this.#rules.now()
    const choice = this.#choice
    const chosen = this.#again && balancer.chooseAgain(choice, this.#last, nowMs)
    if (!chosen) {
      let verdict = balancer.choose(choice, nowMs, this.#key, this.#tried)
      // The one that was left when the retry was decided may be gone by now: better one that failed than none.
      if (verdict === 'exhausted' || (verdict === 'full' && this.#tried !== null)) {
        verdict = balancer.choose(choice, nowMs, this.#key, null)
      }
      if (verdict === 'full') return this.#full()
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
    this.#servers.balancer.report(this.#choice, outcomeOfFailure(failure), nowMs)
    this.#servers.balancer.release(this.#choice, nowMs)
    return this.#decide(x, failure, { processed, retryAfter: null })
  }

  onHead(x: Exchange, status: number, headers: AnswerHeaders): number {
    const nowMs = this.#rules.now()
    this.#servers.balancer.reportStatus(this.#choice, status, nowMs)
    if (!this.#rules.retry.statuses.has(status) && status !== 421) return NO_MORE
    const retryAfter = headers['retry-after']
    const wait = this.#decide(x, status, {
      processed: 'unknown',
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
    })
    if (wait !== NO_MORE) this.#servers.balancer.release(this.#choice, nowMs)
    return wait
  }

  onBroken(_x: Exchange, failure: Failure): void {
    this.#servers.balancer.report(this.#choice, outcomeOfFailure(failure), this.#rules.now())
  }

  onEnd(): void {
    this.#servers.balancer.release(this.#choice, this.#rules.now())
  }

  /** Goes over to the servers that count now; between attempts, when no choice is held. What was tried stays tried. */
  #follow(): void {
    const { candidates } = this.#servers
    const servers = this.#rules.servers()
    if (servers === this.#servers) return
    this.#servers = servers
    const placeOf = (position: number) =>
      servers.candidates.findIndex(({ name }) => name === candidates[position]?.name)
    this.#tried = this.#tried?.map(placeOf).filter((position) => position >= 0) ?? null
    this.#last = this.#last < 0 ? -1 : placeOf(this.#last)
    if (this.#last < 0) this.#again = false
  }

  /** Milliseconds until the next attempt, or NO_MORE. */
  #decide(
    x: Exchange,
    cause: Failure | number,
    more: { processed: 'no' | 'unknown'; retryAfter: string | null },
  ): number {
    const { retry, now, totalMs } = this.#rules
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
        othersLeft: this.#servers.balancer.hasOther(
          now(),
          this.#tried,
          typeof cause === 'number' ? 'answer' : 'failure',
        ),
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

  #full(): GatewayError {
    const message = `All servers of ${this.#rules.pool} have as many requests as they may; try again soon.`
    return new GatewayError('saturated', message, { retryAfterSeconds: 1 })
  }

  #nobody(nowMs: number): GatewayError {
    const { pool } = this.#rules
    const waitMs = this.#servers.balancer.waitMs(nowMs)
    const retryAfterSeconds = waitMs > 0 && Number.isFinite(waitMs) ? Math.ceil(waitMs / 1000) : 1
    return new GatewayError('upstream_unavailable', `No server of ${pool} is available; try again soon.`, {
      retryAfterSeconds,
    })
  }
}
