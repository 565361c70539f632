import { Available } from './available.ts'
import { type Breaker, ORDINARY, type Permit, REFUSED } from './breaker.ts'
import type { Outcome, Policy } from './contract.ts'
import type { Ejector } from './ejection.ts'
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
   * many failures at once are more likely a wrong check than dead servers, and the rest could not bear the load. Null:
   * never; then a pool without a healthy target refuses. Breakers are not ignored: an open one is a promise.
   */
  readonly panicBelow: number | null
}

/** Why there is a target or none: `exhausted` when only targets that were tried already are available. */
export type Verdict = 'chosen' | 'exhausted' | 'open' | 'unhealthy'

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

  constructor(options: BalancerOptions) {
    this.#options = options
    this.#available = new Available(options.states.length)
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
    while (available.count > 0) {
      const position = policy.pick(available, key)
      if (this.#take(choice, position, nowMs)) return 'chosen'
      available.remove(position)
    }
    return this.#whyNone(nowMs, tried, healthy)
  }

  /** True when `choose` would find a target that was not tried; what `decideRetry` asks. */
  hasOther(nowMs: number, tried: readonly number[] | null): boolean {
    if (this.#collect(nowMs, tried) < this.#needed) this.#collectAll(nowMs, tried)
    return this.#available.count > 0
  }

  /** Takes the same target once more; false when its breaker does not admit a request. */
  chooseAgain(choice: Choice, position: number, nowMs: number): boolean {
    choice.panicked = false
    return this.#take(choice, position, nowMs)
  }

  /**
   * Enters what is known of the target now; the first report decides a half-open breaker's probe. An answer whose head
   * was a success and whose body breaks off is reported twice.
   */
  report(choice: Choice, outcome: Outcome, nowMs: number): void {
    const { target, permit } = choice
    if (target < 0) return
    choice.permit = ORDINARY
    this.#options.breakers?.[target]?.record(permit, outcome, nowMs)
    this.#options.ejector?.record(target, outcome, nowMs)
  }

  /** Ends the attempt, whatever became of it; a second call does nothing. */
  release(choice: Choice, nowMs: number): void {
    const { target, permit } = choice
    if (target < 0) return
    choice.target = -1
    choice.permit = ORDINARY
    this.#options.states[target]?.end()
    // A probe that has nothing to report makes room for the next.
    if (permit > ORDINARY) this.#options.breakers?.[target]?.record(permit, 'neutral', nowMs)
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

  #take(choice: Choice, position: number, nowMs: number): boolean {
    const permit = this.#options.breakers?.[position]?.admit(nowMs) ?? ORDINARY
    if (permit === REFUSED) return false
    choice.target = position
    choice.permit = permit
    this.#options.states[position]?.begin()
    return true
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
    if (tried?.some((position) => this.#admits(position, nowMs)) === true) return 'exhausted'
    return healthy === 0 && this.#needed === 0 ? 'unhealthy' : 'open'
  }
}
