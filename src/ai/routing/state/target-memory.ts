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
import { Lanes } from './lanes.ts'

/** What the slots of all models' targets are called by, as the pools of routes are by their names. */
export const MODELS = 'models'

export interface TargetMemoryOptions {
  /** `provider/model`: whoever has a target of this name, whatever the group, learns from all. */
  readonly name: string
  readonly shared: SharedState
  /** Null: never opens. */
  readonly breaker: BreakerRules | null
  /** Weights of the provider's credentials, in their order. */
  readonly lanes: readonly number[]
  readonly random?: () => number
}

/** What all threads know of one model of one provider. Times are of the clock that they share, milliseconds. */
export class TargetMemory {
  readonly recent: RecentAnswers
  readonly #state: TargetState
  readonly #breaker: Breaker | null
  readonly #rests: Rests
  readonly #lanes: Lanes

  constructor({ name, shared, breaker, lanes, random = Math.random }: TargetMemoryOptions) {
    const { cells, seat, indexOf } = shared
    this.recent = new RecentAnswers(cells, indexOf(recentAnswersSlot(MODELS, name)))
    this.#state = new TargetState(cells, indexOf(targetSlot(MODELS, name, seat.of)), seat)
    const index = indexOf(breakerSlot(MODELS, name, seat.of))
    this.#breaker = breaker === null ? null : new Breaker({ cells, index, seat, random }, breaker)
    this.#rests = new Rests(cells, indexOf(restsSlot(MODELS, name, lanes.length + 1)), lanes.length + 1)
    this.#lanes = new Lanes(lanes)
  }

  /** Requests in flight, in all threads. */
  get inFlight(): number {
    return this.#state.inFlight
  }

  /** Milliseconds until a request may go there; 0 when one may now, though it may be of little use. */
  waitMs(nowMs: number): number {
    const rests = this.#rests
    const asked = this.#least((place) => rests.askedMs(place, nowMs))
    return Math.max(asked, this.#breaker?.waitMs(nowMs) ?? 0)
  }

  /** Milliseconds that it is better left alone: it rests, or all of its credentials do. */
  restsMs(nowMs: number): number {
    const rests = this.#rests
    return this.#least((place) => rests.leftMs(place, nowMs))
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

  /** Which credential the next request uses: in turn by weight, those that rest last. */
  nextLane(nowMs: number): number {
    return this.#lanes.next((lane) => this.#rests.leftMs(lane, nowMs) === 0)
  }

  /** A credential is left alone until then. */
  restLane(lane: number, untilMs: number, why: 'asked' | 'supposed'): void {
    this.#rests.rest(lane, untilMs, why)
  }

  /** The target is left alone until then, whatever the credential. */
  rest(untilMs: number, why: 'asked' | 'supposed'): void {
    this.#rests.rest(this.#rests.places - 1, untilMs, why)
  }

  /** A credential that was to rest, and works: another process, or an operator, has changed something. */
  wake(lane: number): void {
    this.#rests.end(lane)
    this.#rests.end(this.#rests.places - 1)
  }

  /** The target's own, and the least of its credentials'. */
  #least(ofPlace: (place: number) => number): number {
    const lanes = this.#rests.places - 1
    let least = lanes === 0 ? 0 : Number.POSITIVE_INFINITY
    for (let lane = 0; lane < lanes; lane++) least = Math.min(least, ofPlace(lane))
    return Math.max(ofPlace(lanes), least)
  }
}
