import {
  Breaker,
  type BreakerRules,
  breakerSlot,
  type GuessedRest,
  inPlaces,
  ORDINARY,
  type Outcome,
  type Permit,
  type PlaceQueue,
  type PlaceWaiter,
  placeQueueAt,
  placesSlot,
  RECENT_ANSWERS_CELLS,
  REFUSED,
  RecentAnswers,
  Rests,
  recentAnswersSlot,
  restsSlot,
  type SharedState,
  type SlotNeed,
  TargetState,
  targetSlot,
} from '../../../core/index.ts'
import type { AnswerKind, ConcurrencySettings, SharedMemory } from '../contract.ts'
import { FAILURE_CLASSES, type FailureClass } from '../failures/failure-class.ts'

/** What the slots of all models' targets are called by, as the pools of routes are by their names. */
export const MODELS = 'models'

export interface TargetMemoryOptions {
  /** `RoutingTarget.id`: whoever has a target of this name, whatever the group, learns from all. */
  readonly id: string
  /** Null or absent: the target has a memory of its own. */
  readonly sharedBy?: SharedMemory | null
  /** `RoutingTarget.credentialId`: what is known of the credential holds for all models. */
  readonly credentialId: string
  readonly shared: SharedState
  /** Null: never opens. */
  readonly breaker: BreakerRules | null
  /** Null or absent: any number of requests at a time. */
  readonly concurrency?: ConcurrencySettings | null
  readonly random?: () => number
  /** Absent: nobody counts. */
  readonly count?: AttemptCounts | null
}

/** Counts what is learned, by the names that the configuration has for it. */
export interface AttemptCounts {
  attempted(target: string, failure: FailureClass | null): void
  rested(what: string, failure: FailureClass): void
}

/** Why something is left alone, and how long. `nowMs`: the moment it begins. */
export type TargetRest = { readonly nowMs: number; readonly failure: FailureClass } & (
  | { readonly why: 'asked' | 'supposed'; readonly untilMs: number }
  | ({ readonly why: 'guessed' } & Pick<GuessedRest, 'begunMs' | 'leastMs' | 'mostMs'>)
)

/** Classes of failures that say: not so many. */
const THROTTLED: ReadonlySet<FailureClass | undefined> = new Set(['throttled', 'quota'])

/** One that goes first after a rest, and says nothing for so long, is no longer waited for. */
const TRIAL_LEASE_MS = 10_000

/** So many attempts in a row that were overtaken before there was a head: slow ones are answered now and then. */
const MISSED_IN_A_ROW = 10

/** What all threads know of one model of one provider with one credential. Times are of the clock that they share, milliseconds. */
export class TargetMemory {
  /** Of whole answers; the share of failures is that of all. */
  readonly recent: RecentAnswers
  readonly concurrency: ConcurrencySettings | null
  readonly #streamed: RecentAnswers
  /** Of few names, so that clients cannot make series. */
  readonly #name: string
  /** Among those of its name. */
  readonly #place: number
  readonly #credentialId: string
  readonly #count: AttemptCounts | null
  readonly #state: TargetState
  readonly #breaker: Breaker | null
  readonly #rests: Rests
  readonly #credential: Rests
  readonly #places: PlaceQueue | null
  /** Places that requests of this thread have; which of them is whose does not matter. */
  readonly #held: number[] = []
  /** Attempts of this thread that were overtaken without a word since the last head. */
  #missed = 0

  constructor(options: TargetMemoryOptions) {
    const { credentialId, shared, breaker, concurrency = null, random = Math.random, count = null } = options
    const { cells, seat, indexOf } = shared
    const { name, place, places, tag } = options.sharedBy ?? { name: options.id, place: 0, places: 1, tag: 0 }
    const at = (need: SlotNeed) => indexOf(inPlaces(need, places)) + place * need.cells
    this.#name = name
    this.#place = place
    this.#credentialId = credentialId
    this.#count = count
    const answers = at(recentAnswersSlot(MODELS, name))
    this.recent = new RecentAnswers(cells, answers)
    this.#streamed = new RecentAnswers(cells, answers + RECENT_ANSWERS_CELLS)
    this.concurrency = concurrency
    this.#state = new TargetState(cells, at(targetSlot(MODELS, name, seat.of)), seat)
    const index = at(breakerSlot(MODELS, name, seat.of))
    this.#breaker = breaker === null ? null : new Breaker({ cells, index, seat, random }, breaker)
    this.#rests = new Rests(cells, indexOf(restsSlot(MODELS, name, places)), places, tag)
    this.#credential = new Rests(cells, indexOf(restsSlot(MODELS, credentialId, 1)), 1)
    // However many names share the server: its places are one number.
    this.#places = concurrency === null ? null : placeQueueAt(cells, indexOf(placesSlot(MODELS, name, seat.of)), seat)
  }

  /** How long its answers of a kind took lately. */
  answers(kind: AnswerKind): RecentAnswers {
    return kind === 'stream' ? this.#streamed : this.recent
  }

  /** Requests in flight, in all threads. */
  get inFlight(): number {
    return this.#state.inFlight
  }

  /** Milliseconds until a request may go there; 0 when one may now, though it may be of little use. */
  waitMs(nowMs: number): number {
    const asked = Math.max(this.#rests.askedMs(this.#place, nowMs), this.#credential.askedMs(0, nowMs))
    return Math.max(asked, this.opensInMs(nowMs))
  }

  /** Whether it must not be asked now because it was asked too much, and for no other reason. */
  isThrottled(nowMs: number): boolean {
    if (this.opensInMs(nowMs) > 0) return false
    const own = this.#rests.askedMs(this.#place, nowMs)
    const all = this.#credential.askedMs(0, nowMs)
    if (own === 0 && all === 0) return false
    const reason = own >= all ? this.#rests.askedReason(this.#place) : this.#credential.askedReason(0)
    return THROTTLED.has(FAILURE_CLASSES[reason])
  }

  /** Milliseconds that it is better left alone: it rests, or its credential does. */
  restsMs(nowMs: number): number {
    return Math.max(this.#rests.leftMs(this.#place, nowMs), this.#credential.leftMs(0, nowMs))
  }

  /** Milliseconds that its breaker refuses yet. */
  opensInMs(nowMs: number): number {
    return this.#breaker?.waitMs(nowMs) ?? 0
  }

  /**
   * Leave to send one request; REFUSED when its breaker has none to give, or as many are on their way as may be. Every other
   * one is given back by `end`. `turn`: it has waited, and all who came before it have been served.
   */
  begin(nowMs: number, turn: 'new' | 'turn' = 'new'): Permit {
    if (!this.#takePlace(turn)) return REFUSED
    const permit = this.#breaker?.admit(nowMs) ?? ORDINARY
    if (permit === REFUSED) this.#givePlaceBack()
    else {
      this.#state.begin()
      this.#rests.begin(this.#place, nowMs, TRIAL_LEASE_MS)
      this.#credential.begin(0, nowMs, TRIAL_LEASE_MS)
    }
    return permit
  }

  /** The attempt is over, and says this of the target. */
  end(permit: Permit, outcome: Outcome, nowMs: number): void {
    this.#state.end()
    this.#givePlaceBack()
    this.#breaker?.record(permit, outcome, nowMs)
    if (outcome !== 'neutral') this.recent.judge(outcome !== 'success', nowMs)
  }

  /** The head of an answer came. */
  hear(): void {
    this.#missed = 0
  }

  /** An attempt was overtaken before it had a head; true: so many in a row that it seems to hang. */
  miss(): boolean {
    return ++this.#missed >= MISSED_IN_A_ROW
  }

  /** Waits for a place; false when nobody can, or as many do as may. */
  join(waiter: PlaceWaiter): boolean {
    return this.#places !== null && this.concurrency !== null && this.#places.join(waiter, this.concurrency.queue)
  }

  /** Waits no longer. */
  leave(waiter: PlaceWaiter): void {
    this.#places?.leave(waiter)
  }

  /** Whether this is where one waits for its places. */
  isQueue(queue: PlaceQueue): boolean {
    return queue === this.#places
  }

  /** It is left alone until then, or its credential is, whatever the model. */
  rest(which: 'target' | 'credential', rest: TargetRest): void {
    const rests = which === 'target' ? this.#rests : this.#credential
    const place = which === 'target' ? this.#place : 0
    const reason = FAILURE_CLASSES.indexOf(rest.failure)
    if (rest.why === 'guessed') rests.guess(place, { ...rest, reason })
    else rests.rest(place, { why: rest.why, nowMs: rest.nowMs, untilMs: rest.untilMs, reason })
    this.#count?.rested(which === 'target' ? this.#name : this.#credentialId, rest.failure)
  }

  /** An attempt is over; null: it was answered. */
  count(failure: FailureClass | null): void {
    this.#count?.attempted(this.#name, failure)
  }

  /** An attempt that began then was answered: what was thought to be of no use before is of use. What its server asked for stays. */
  wake(begunMs: number): void {
    this.#rests.end(this.#place, begunMs)
    this.#credential.end(0, begunMs)
  }

  /** Its answer has begun: a probe has found out what it was to find out. What its end says is that of an ordinary attempt. */
  pass(permit: Permit, nowMs: number): Permit {
    if (permit <= ORDINARY) return permit
    this.#breaker?.record(permit, 'success', nowMs)
    return ORDINARY
  }

  #takePlace(turn: 'new' | 'turn'): boolean {
    if (this.#places === null || this.concurrency === null) return true
    const { max } = this.concurrency
    const place = turn === 'turn' ? this.#places.takeInTurn(max) : this.#places.take(max)
    if (place >= 0) this.#held.push(place)
    return place >= 0
  }

  #givePlaceBack(): void {
    const place = this.#held.pop()
    if (place !== undefined) this.#places?.giveBack(place)
  }
}
