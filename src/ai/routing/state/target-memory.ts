import {
  Breaker,
  type BreakerRules,
  breakerSlot,
  ORDINARY,
  type Outcome,
  type Permit,
  REFUSED,
  RecentAnswers,
  Rests,
  recentAnswersSlot,
  restsSlot,
  type SharedState,
  TargetState,
  targetSlot,
} from '../../../core/index.ts'

/** What the slots of all models' targets are called by, as the pools of routes are by their names. */
export const MODELS = 'models'

export interface TargetMemoryOptions {
  /** `RoutingTarget.id`: whoever has a target of this name, whatever the group, learns from all. */
  readonly id: string
  /** `RoutingTarget.credentialId`: what is known of the credential holds for all models. */
  readonly credentialId: string
  readonly shared: SharedState
  /** Null: never opens. */
  readonly breaker: BreakerRules | null
  readonly random?: () => number
}

/** What all threads know of one model of one provider with one credential. Times are of the clock that they share, milliseconds. */
export class TargetMemory {
  readonly recent: RecentAnswers
  readonly #state: TargetState
  readonly #breaker: Breaker | null
  readonly #rests: Rests
  readonly #credential: Rests

  constructor({ id, credentialId, shared, breaker, random = Math.random }: TargetMemoryOptions) {
    const { cells, seat, indexOf } = shared
    this.recent = new RecentAnswers(cells, indexOf(recentAnswersSlot(MODELS, id)))
    this.#state = new TargetState(cells, indexOf(targetSlot(MODELS, id, seat.of)), seat)
    const index = indexOf(breakerSlot(MODELS, id, seat.of))
    this.#breaker = breaker === null ? null : new Breaker({ cells, index, seat, random }, breaker)
    this.#rests = new Rests(cells, indexOf(restsSlot(MODELS, id, 1)), 1)
    this.#credential = new Rests(cells, indexOf(restsSlot(MODELS, credentialId, 1)), 1)
  }

  /** Requests in flight, in all threads. */
  get inFlight(): number {
    return this.#state.inFlight
  }

  /** Milliseconds until a request may go there; 0 when one may now, though it may be of little use. */
  waitMs(nowMs: number): number {
    const asked = Math.max(this.#rests.askedMs(0, nowMs), this.#credential.askedMs(0, nowMs))
    return Math.max(asked, this.opensInMs(nowMs))
  }

  /** Milliseconds that it is better left alone: it rests, or its credential does. */
  restsMs(nowMs: number): number {
    return Math.max(this.#rests.leftMs(0, nowMs), this.#credential.leftMs(0, nowMs))
  }

  /** Milliseconds that its breaker refuses yet. */
  opensInMs(nowMs: number): number {
    return this.#breaker?.waitMs(nowMs) ?? 0
  }

  /** Leave to send one request; REFUSED when the breaker has none to give. Every other one is given back by `end`. */
  begin(nowMs: number): Permit {
    const permit = this.#breaker?.admit(nowMs) ?? ORDINARY
    if (permit !== REFUSED) this.#state.begin()
    return permit
  }

  /** The attempt is over, and says this of the target. */
  end(permit: Permit, outcome: Outcome, nowMs: number): void {
    this.#state.end()
    this.#breaker?.record(permit, outcome, nowMs)
    if (outcome !== 'neutral') this.recent.judge(outcome !== 'success')
  }

  /** It is left alone until then, or its credential is, whatever the model. */
  rest(which: 'target' | 'credential', untilMs: number, why: 'asked' | 'supposed'): void {
    const rests = which === 'target' ? this.#rests : this.#credential
    rests.rest(0, untilMs, why)
  }

  /** It was to rest, and works: an operator, or time, has changed something. */
  wake(): void {
    this.#rests.end(0)
    this.#credential.end(0)
  }
}
