import { Available } from './available.ts'
import { type Breaker, FORCED, ORDINARY, type Permit, REFUSED } from './breaker.ts'
import type { Outcome, Policy } from './contract.ts'
import type { Ejector } from './ejection.ts'
import { outcomeOfStatus } from './outcome.ts'
import type { TargetState } from './target-state.ts'

export interface BalancerOptions {
  /** In the order of the targets; never empty. */
  readonly states: readonly TargetState[]
  readonly policy: Policy
  /** The route's breakers, in the order of the targets; null without breakers. */
  readonly breakers: readonly Breaker[] | null
  /** Null without passive health. */
  readonly ejector: Ejector | null
  /** `checked`: active checks run. `unchecked`: what they may once have said does not count. */
  readonly health: 'checked' | 'unchecked'
  /**
   * When a smaller share of the targets than this is healthy and not ejected, or none is, both are ignored ("panic"): so
   * many failures at once are more likely a wrong check than dead servers, and the rest could not bear the load. Where
   * breakers leave no target either, they hold back only what goes beyond MAX_FORCED requests each. Null: never; then a pool
   * without a target that is healthy and whose breaker admits a request refuses.
   */
  readonly panicBelow: number | null
  /** Requests in flight to one target, over all threads; absent: without a bound. */
  readonly maxRequests?: number
  /** Statuses of an answer that are failures for the breakers. */
  readonly failing: ReadonlySet<number>
}

/**
 * Requests in flight of one route in one thread that go past the open breaker of a target, as there is nowhere else to go: many
 * while none of them has failed, since the target may be back and those of a server that has just died depend on it; few
 * for a while after one has.
 */
const MAX_FORCED = 512
const MAX_FORCED_FAILING = 64
const FAILING_MS = 1_000

/**
 * Why there is a target or none: `exhausted` when only targets that were tried already are available, `full` when those that are
 * left have as many requests as they may.
 */
export type Verdict = 'chosen' | 'exhausted' | 'full' | 'open' | 'unhealthy'

/** The target of one attempt. Each request has one of its own, used for its attempts one after the other. */
export class Choice {
  /** Position in the pool; -1 when there is none. */
  target = -1
  /** It was chosen although the pool's health said otherwise. */
  panicked = false
  /** Belongs to the balancer. */
  permit: Permit = ORDINARY
}

/** The targets of a route as one thread sees them: chooses one for each attempt, and learns how it went. */
export class Balancer {
  readonly #options: BalancerOptions
  readonly #available: Available
  /** Healthy targets that are needed to do without panic. */
  readonly #needed: number
  readonly #maxRequests: number
  /** By target: requests that went past its breaker, and when the last of them failed. */
  readonly #forced: Uint16Array
  readonly #forcedFailedAt: Float64Array
  /** A target was not taken because it has as many requests as it may. */
  #full = false

  constructor(options: BalancerOptions) {
    this.#options = options
    this.#available = new Available(options.states.length)
    this.#forced = new Uint16Array(options.states.length)
    this.#forcedFailedAt = new Float64Array(options.states.length).fill(Number.NEGATIVE_INFINITY)
    this.#maxRequests = options.maxRequests ?? Number.POSITIVE_INFINITY
    const share = options.panicBelow
    this.#needed = share === null ? 0 : Math.max(1, Math.ceil(share * options.states.length))
  }

  /**
   * Chooses a target and counts a request in flight to it, until `release`. `key`: see Policy. `tried` holds positions
   * that this request is done with; null for none.
   */
  choose(choice: Choice, nowMs: number, key: number, tried: readonly number[] | null): Verdict {
    const available = this.#available
    const healthy = this.#collect(nowMs, tried)
    choice.panicked = healthy < this.#needed
    if (choice.panicked) this.#collectAll(nowMs, tried)
    const { policy } = this.#options
    this.#full = false
    while (available.count > 0) {
      const position = policy.pick(available, key)
      if (this.#take(choice, position, nowMs)) return 'chosen'
      available.remove(position)
    }
    if (this.#full) return 'full'
    const last = this.#collectLast(nowMs, tried)
    if (last === 'none') return this.#whyNone(nowMs, tried, healthy)
    choice.panicked = true
    const position = policy.pick(available, key)
    // Between the look and the choice another thread may have taken the probe.
    if (last === 'ejected' && this.#take(choice, position, nowMs)) return 'chosen'
    return !this.#full && this.#force(choice, position) ? 'chosen' : 'full'
  }

  /**
   * True when `choose` would find a target that was not tried; what `decideRetry` asks. `instead`: of an answer, which
   * is better than what may come of a target whose breaker is open.
   */
  hasOther(nowMs: number, tried: readonly number[] | null, instead: 'failure' | 'answer' = 'failure'): boolean {
    if (this.#collect(nowMs, tried) < this.#needed) this.#collectAll(nowMs, tried)
    return this.#available.count > 0 || (instead === 'failure' && this.#collectLast(nowMs, tried) !== 'none')
  }

  /** Takes the same target once more; false when its breaker does not admit a request, or it is full. */
  chooseAgain(choice: Choice, position: number, nowMs: number): boolean {
    choice.panicked = false
    return this.#take(choice, position, nowMs)
  }

  /**
   * Enters what is known of the target now; the first report decides a half-open breaker's probe. An answer whose head
   * was a success and whose body breaks off is reported twice.
   */
  report(choice: Choice, outcome: Outcome, nowMs: number): void {
    const { target } = choice
    if (target < 0) return
    this.#recordBreaker(choice, outcome, nowMs)
    this.#recordEjection(choice, outcome, nowMs)
  }

  /** Enters the status of an answer, which may mean one thing for the breaker and another for ejection. */
  reportStatus(choice: Choice, status: number, nowMs: number): void {
    const { target } = choice
    if (target < 0) return
    this.#recordBreaker(choice, outcomeOfStatus(status, this.#options.failing), nowMs)
    const { ejector } = this.#options
    if (ejector !== null) this.#recordEjection(choice, ejector.outcomeOf(status), nowMs)
  }

  /** Ends the attempt, whatever became of it; a second call does nothing. */
  release(choice: Choice, nowMs: number): void {
    const { target, permit } = choice
    if (target < 0) return
    this.#options.states[target]?.end()
    // A probe that has nothing to report makes room for the next.
    if (permit !== ORDINARY) this.#recordBreaker(choice, 'neutral', nowMs)
    choice.target = -1
  }

  /** Milliseconds until the first target may be available again, for `Retry-After`; 0 when one is, or nobody knows. */
  waitMs(nowMs: number): number {
    const { states, breakers } = this.#options
    let least = Number.POSITIVE_INFINITY
    for (const [position, state] of states.entries()) {
      const wait = Math.max(state.ejectedForMs(nowMs), breakers?.[position]?.waitMs(nowMs) ?? 0)
      least = Math.min(least, wait)
    }
    return least
  }

  #recordBreaker(choice: Choice, outcome: Outcome, nowMs: number): void {
    const { target, permit } = choice
    choice.permit = ORDINARY
    if (permit === FORCED) this.#endForced(target, outcome, nowMs)
    this.#options.breakers?.[target]?.record(permit, outcome, nowMs)
  }

  #endForced(target: number, outcome: Outcome, nowMs: number): void {
    this.#forced[target] = (this.#forced[target] ?? 1) - 1
    if (outcome === 'failure' || outcome === 'down') this.#forcedFailedAt[target] = nowMs
  }

  /** Whether one more may go past its breaker. */
  #mayForce(target: number, nowMs: number): boolean {
    const isFailing = nowMs - (this.#forcedFailedAt[target] ?? 0) < FAILING_MS
    return (this.#forced[target] ?? 0) < (isFailing ? MAX_FORCED_FAILING : MAX_FORCED)
  }

  #recordEjection({ target, panicked }: Choice, outcome: Outcome, nowMs: number): void {
    // It was asked although it is ejected, and works.
    if (panicked && outcome === 'success') this.#options.states[target]?.takeBack()
    this.#options.ejector?.record(target, outcome, nowMs)
  }

  /** Takes a target whose breaker admits nothing; false when it is full. */
  #force(choice: Choice, position: number): boolean {
    if (!this.#enter(position)) return false
    choice.target = position
    choice.permit = FORCED
    this.#forced[position] = (this.#forced[position] ?? 0) + 1
    return true
  }

  #take(choice: Choice, position: number, nowMs: number): boolean {
    // First of all: a breaker that has admitted a probe waits for it.
    if (!this.#enter(position)) return false
    const permit = this.#options.breakers?.[position]?.admit(nowMs) ?? ORDINARY
    if (permit === REFUSED) {
      this.#options.states[position]?.end()
      return false
    }
    choice.target = position
    choice.permit = permit
    return true
  }

  /** Counts a request in flight; false when that is one too many. It is counted before the look, so that two threads do not both take the last place. */
  #enter(position: number): boolean {
    const state = this.#options.states[position]
    if (state === undefined) return false
    state.begin()
    if (this.#maxRequests === Number.POSITIVE_INFINITY || state.inFlight <= this.#maxRequests) return true
    state.end()
    this.#full = true
    return false
  }

  /** Gathers the targets that may be chosen; answers how many are healthy, whatever their breakers say. */
  #collect(nowMs: number, tried: readonly number[] | null): number {
    const { states } = this.#options
    const available = this.#available
    available.clear()
    let healthy = 0
    for (let position = 0; position < states.length; position++) {
      if (!this.#isHealthy(position, nowMs)) continue
      healthy++
      if (this.#admits(position, nowMs) && tried?.includes(position) !== true) available.add(position)
    }
    return healthy
  }

  #collectAll(nowMs: number, tried: readonly number[] | null): void {
    const available = this.#available
    available.clear()
    for (let position = 0; position < available.size; position++) {
      if (this.#admits(position, nowMs) && tried?.includes(position) !== true) available.add(position)
    }
  }

  /**
   * Gathers what is left when no target may be chosen, by checks alone: those that are only ejected, else those whose
   * breakers are open. Where checks call none healthy, or there are none, all count as healthy; and so do those that were
   * not tried once all healthy ones were: a check may be older than what an attempt has just found.
   */
  #collectLast(nowMs: number, tried: readonly number[] | null): 'none' | 'ejected' | 'forced' {
    const { states, health, panicBelow } = this.#options
    const available = this.#available
    available.clear()
    if (panicBelow === null) return 'none'
    const untried = [...states.keys()].filter((position) => tried?.includes(position) !== true)
    const healthy = health === 'unchecked' ? untried : untried.filter((at) => states[at]?.unhealthy === false)
    const left = healthy.length > 0 ? healthy : untried
    const admitting = left.filter((position) => this.#admits(position, nowMs))
    for (const position of admitting) available.add(position)
    if (admitting.length > 0) return 'ejected'
    for (const position of left) if (this.#mayForce(position, nowMs)) available.add(position)
    return available.count > 0 ? 'forced' : 'none'
  }

  #isHealthy(position: number, nowMs: number): boolean {
    const { states, health, ejector } = this.#options
    const state = states[position]
    if (state === undefined || (health === 'checked' && state.unhealthy)) return false
    return ejector === null || !state.isEjected(nowMs)
  }

  #admits(position: number, nowMs: number): boolean {
    const breaker = this.#options.breakers?.[position]
    return breaker === undefined || breaker.waitMs(nowMs) === 0
  }

  #whyNone(nowMs: number, tried: readonly number[] | null, healthy: number): Verdict {
    const mayForce = (position: number) => this.#needed > 0 && this.#mayForce(position, nowMs)
    if (tried?.some((position) => mayForce(position) || this.#admits(position, nowMs)) === true) return 'exhausted'
    return healthy === 0 && this.#needed === 0 ? 'unhealthy' : 'open'
  }
}
