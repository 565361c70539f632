import {
  type AnswerHeaders,
  type Attempting,
  type Candidate,
  type Exchange,
  type FailedDispatch,
  type Failure,
  GatewayError,
  NO_MORE,
  ORDINARY,
  type Outcome,
  outcomeOfFailure,
  type Permit,
  REFUSED,
  TAKEN_OVER,
  WAIT,
} from '../../core/index.ts'
import { spentForMs } from '../dialects/limit-resets.ts'
import type { PastAttempt } from './attempt-history.ts'
import {
  type AskedTarget,
  type AttemptRules,
  type AttemptTarget,
  classOfRejection,
  endPermit,
  type HedgedAttempts,
  type HedgeEnd,
  kindOf,
  type Mirror,
  restAfter,
  restUntilReset,
} from './attempt-target.ts'
import type { CanaryDraw } from './canary/canary.ts'
import { classOfError, classOfFailure } from './failures/classify.ts'
import type { FailureClass } from './failures/failure-class.ts'
import { FAILURE_RULES } from './failures/failure-rules.ts'
import { Hedging } from './hedge/hedging.ts'
import { isPaid, maySave, stepAfter } from './next-step.ts'
import { OrderWalk } from './order-walk.ts'
import { PlaceWait, resumeAfterWait } from './place-wait.ts'
import { nobodyTakes, verdictOf } from './verdict.ts'

/** What a group has beside its targets, for one request. */
export interface AttemptParts {
  /** Labels of an A/B test or a canary, by place in the order; empty for none. */
  readonly variants: readonly (string | null)[]
  readonly canary: CanaryDraw | null
  readonly mirror: Mirror | null
}

const NOTHING: AttemptParts = { variants: [], canary: null, mirror: null }

/** Refusals of a reservation that another target may not meet: it may cost less, or no rule may count it. */
const OF_ONE_TARGET: ReadonlySet<string> = new Set(['budget_exceeded', 'unpriced', 'rate_limit_exceeded', 'saturated'])

/** The attempts of one request: down the order of its targets, as the class of each failure allows. */
export class ModelAttempts implements Attempting, HedgedAttempts {
  readonly #walk: OrderWalk
  readonly #variants: readonly (string | null)[]
  readonly #rules: AttemptRules
  readonly history: PastAttempt[] = []
  #made = 0
  /** The same target is asked again. */
  #again = false
  /** It may be asked, and waits for what the request needs. */
  #waiting: AttemptTarget | null = null
  #permit: Permit = REFUSED
  /** When the current attempt began. */
  #begunMs = 0
  #status = 0
  /** What the current answer says: its target gives nothing more for so long. */
  #spentMs = 0
  #firstAtMs = 0
  /** Sends a copy of the request, once. */
  #mirror: Mirror | null
  /** Whose target is the first of the order. */
  readonly #canary: CanaryDraw | null
  /** Of models that are hedged. */
  #hedging: Hedging | null = null
  /** It was given a place at the current target after it had waited for one. */
  #hasPlace = false
  /** Why the caller may not spend what a target would cost that was passed over for it. */
  #refusal: GatewayError | null = null
  /** It has waited for a place as long as it may. */
  #waitedInVain = false

  constructor(order: readonly AttemptTarget[], rules: AttemptRules, parts: AttemptParts = NOTHING) {
    const { canary } = parts
    this.#walk = new OrderWalk(order)
    this.#mirror = parts.mirror
    this.#canary = canary !== null && canary.target !== null ? canary : null
    this.#variants = parts.variants
    this.#rules = rules
    rules.budget?.deposit()
  }

  /** Attempts that were made ready; not those that cannot carry the request, or whose caller may not spend so much. */
  get made(): number {
    return this.#made
  }

  /** Label of the variant that the current target is of; null without a test. */
  get variant(): string | null {
    return this.#variants[this.#walk.place] ?? null
  }

  get current(): AttemptTarget | null {
    return this.#walk.current
  }

  next(x: Exchange): Candidate | GatewayError | typeof WAIT {
    const found = this.#find(x)
    const { hedge } = this.#rules
    if (hedge !== undefined && hedge !== null && found !== WAIT && !(found instanceof GatewayError)) {
      this.#hedging ??= new Hedging(x, this, hedge)
      this.#hedging.watch()
    }
    return found
  }

  #find(x: Exchange): Candidate | GatewayError | typeof WAIT {
    const nowMs = this.#rules.now()
    const waiting = this.#waiting
    if (waiting !== null) {
      this.#waiting = null
      return this.#ready(x, waiting) ?? this.#beyond(x, nowMs)
    }
    const again = this.#again
    const target = this.current
    this.#again = false
    if (target !== null && (this.#hasPlace || (again && isDue(target, nowMs) && this.#take(target, nowMs)))) {
      this.#hasPlace = false
      return this.#ready(x, target) ?? this.#beyond(x, nowMs)
    }
    return this.#beyond(x, nowMs, again ? this.#walk.place : -1)
  }

  onFailure(x: Exchange, { failure, error }: FailedDispatch): number {
    const found = classOfFailure(failure)
    this.#release(outcomeOfFailure(failure))
    this.#note(x, found, error)
    return this.#decide(x, found, error, failure)
  }

  onSent(x: Exchange): void {
    const mirror = this.#mirror
    if (mirror === null) return
    this.#mirror = null
    mirror(x)
  }

  /** Who is asked now is asked on top of whom the client's model has: its canary. */
  get isExtra(): boolean {
    return this.#canary !== null && this.#walk.place === 0
  }

  onRefused(x: Exchange, error: GatewayError): GatewayError | null {
    const { isExtra } = this
    const isLater = this.history.some(({ failure }) => failure !== 'ours')
    // Whom the client's model is served by is not changed in silence: only who was asked on top is passed over.
    if (!(isExtra || isLater) || !OF_ONE_TARGET.has(error.code)) return error
    this.#release('neutral')
    this.#made--
    this.#refusal = error
    this.#note(x, 'ours', null)
    return this.#walk.hasOther(this.#rules.now()) ? null : (this.#verdict(this.#rules.now()) ?? error)
  }

  onHead(_x: Exchange, status: number, headers: AnswerHeaders): number {
    this.#status = status
    this.#spentMs = status < 400 ? spentForMs(headers, Date.now()) : 0
    this.current?.memory?.hear()
    return NO_MORE
  }

  onRejected(x: Exchange, error: GatewayError): number {
    const found = classOfRejection(this.#status, error)
    const rule = FAILURE_RULES[found]
    if (this.current !== null) {
      restAfter(this.current, found, error, { begunMs: this.#begunMs, nowMs: this.#rules.now() })
    }
    this.#release(rule.outcome)
    this.#note(x, found, error)
    return x.client.headSent ? NO_MORE : this.#decide(x, found, error, null)
  }

  onFirst(x: Exchange): void {
    this.#hedging?.first()
    this.beAnswered(x)
  }

  beAnswered(x: Exchange): void {
    const memory = this.current?.memory ?? null
    if (memory === null || this.#status === 0 || this.#status >= 400) return
    memory.answers(kindOf(x)).time(performance.now() - x.dispatchedAt)
    memory.wake(this.#begunMs)
    this.#permit = memory.pass(this.#permit, this.#rules.now())
  }

  onAnswer(x: Exchange): void {
    const target = this.current
    target?.memory?.wake(this.#begunMs)
    if (target !== null && this.#spentMs > 0) restUntilReset(target, this.#spentMs, this.#rules.now())
    this.#release('success')
    this.#note(x, null, null)
  }

  onBroken(x: Exchange, failure: Failure): void {
    this.#release(outcomeOfFailure(failure))
    this.#note(x, classOfFailure(failure), null)
  }

  onEnd(x: Exchange): void {
    this.#hedging?.close()
    if (this.#permit === REFUSED) return
    this.#release('neutral')
    this.#note(x, 'cancelled', null)
  }

  verdict(x: Exchange, error: GatewayError): GatewayError {
    return x.client.headSent ? error : (this.#verdict(this.#rules.now()) ?? error)
  }

  askOther(): AskedTarget | null {
    const { attempts, now } = this.#rules
    const nowMs = now()
    if (this.#made >= attempts) return null
    for (let place = 0; place < this.#walk.length; place++) {
      const target = this.#walk.openAt(place)
      if (target === null) continue
      const { memory } = target
      if (memory !== null && (memory.waitMs(nowMs) > 0 || memory.restsMs(nowMs) > 0)) continue
      const permit = memory?.begin(nowMs) ?? ORDINARY
      if (permit === REFUSED) continue
      if (!isPaid(this.#rules, nowMs)) {
        memory?.end(permit, 'neutral', nowMs)
        return null
      }
      this.#walk.mark(place)
      this.#made++
      return { place, target, permit, begunMs: nowMs, status: 0, spentMs: 0 }
    }
    return null
  }

  takeBack(asked: AskedTarget): void {
    this.#made--
    this.#walk.unmark(asked.place)
    endPermit(asked.target, asked.permit, 'neutral', this.#rules.now())
  }

  endHedge(asked: AskedTarget, double: Exchange, { failure, outcome, error }: HedgeEnd): void {
    endPermit(asked.target, asked.permit, outcome, this.#rules.now())
    const ms = double.dispatchedAt === 0 ? 0 : performance.now() - double.dispatchedAt
    const { target, status } = asked
    target.memory?.count(failure)
    this.history.push({ target: target.name, failure, status, ms, error: error ?? null, isHedge: true })
  }

  beOvertaken(x: Exchange, afterMs: number): void {
    const memory = this.current?.memory ?? null
    // How long it would have taken nobody knows. The delay itself tells that it was slow; what the other attempt took on
    // top would make the delay longer with each that is overtaken.
    memory?.answers(kindOf(x)).time(Math.min(performance.now() - x.dispatchedAt, afterMs))
    this.#release(this.#status === 0 && memory?.miss() === true ? 'failure' : 'neutral')
    this.#note(x, 'cancelled', null)
  }

  succeedBy({ place, permit, begunMs, status, spentMs }: AskedTarget): void {
    this.#walk.place = place
    this.#walk.onTarget = 1
    this.#permit = permit
    this.#begunMs = begunMs
    this.#status = status
    this.#spentMs = spentMs
  }

  /**
   * The next target in the order that may be asked now and can carry the request. One that has as many requests as it takes
   * is waited for when there is no other; those that rest come last. `again`: one that may be asked again.
   */
  #beyond(x: Exchange, nowMs: number, again = -1): Candidate | GatewayError | typeof WAIT {
    const found = this.#search(x, nowMs, false) ?? this.#wait(x, nowMs, again) ?? this.#search(x, nowMs, true)
    if (found !== null) return found
    return this.#verdict(nowMs) ?? this.#refusal ?? nobodyTakes(this.#walk, nowMs, this.#waitedInVain)
  }

  #verdict(nowMs: number): GatewayError | null {
    return verdictOf(this.history, this.#walk.shortestWaitMs(nowMs))
  }

  #wait(x: Exchange, nowMs: number, again: number): typeof WAIT | null {
    if (this.#waitedInVain) return null
    const full = this.#walk.full(nowMs, again)
    const [first] = full
    if (first === undefined) return null
    const totalMs = this.#walk.totalMsAt(first.at)
    const wait = PlaceWait.begin(full, {
      now: this.#rules.now,
      leftMs: totalMs - (performance.now() - x.startedAt),
      resting: this.#walk.resting(nowMs),
      onPlace: (at, permit) => this.#taken(at, permit),
      resume: (isInVain) => {
        this.#waitedInVain ||= isInVain
        resumeAfterWait(x)
      },
    })
    if (wait === null) return null
    x.waiting = wait
    return WAIT
  }

  #taken(at: number, permit: Permit): void {
    this.#permit = permit
    this.#hasPlace = true
    this.#walk.choose(at)
  }

  #search(x: Exchange, nowMs: number, resting: boolean): Candidate | typeof WAIT | null {
    const walk = this.#walk
    for (let at = 0; at < walk.length; at++) {
      const target = walk.openAt(at)
      if (target === null) continue
      const { memory } = target
      if (memory !== null && (memory.waitMs(nowMs) > 0 || (!resting && memory.restsMs(nowMs) > 0))) continue
      if (!this.#take(target, nowMs)) continue
      walk.choose(at)
      const ready = this.#ready(x, target)
      if (ready !== null) return ready
    }
    return null
  }

  #take(target: AttemptTarget, nowMs: number): boolean {
    this.#permit = target.memory?.begin(nowMs) ?? ORDINARY
    return this.#permit !== REFUSED
  }

  #ready(x: Exchange, target: AttemptTarget): Candidate | typeof WAIT | null {
    this.#status = 0
    this.#begunMs = this.#rules.now()
    if (this.#firstAtMs === 0) this.#firstAtMs = this.#begunMs
    const problem = target.prepare(x)
    if (problem === WAIT) {
      this.#waiting = target
      return WAIT
    }
    if (problem === null) {
      this.#made++
      this.#walk.onTarget++
      return target.candidate
    }
    this.#release('neutral')
    this.#note(x, classOfError(problem), problem)
    return null
  }

  #release(outcome: Outcome): void {
    if (this.#permit === REFUSED) return
    const { current } = this
    if (current !== null) endPermit(current, this.#permit, outcome, this.#rules.now())
    this.#permit = REFUSED
  }

  #note(x: Exchange, failure: FailureClass | null, error: GatewayError | null): void {
    const target = this.current
    if (target === null) return
    const { place } = this.#walk
    const ms = x.dispatchedAt === 0 ? 0 : performance.now() - x.dispatchedAt
    if (place === 0) this.#canary?.judge(failure)
    target.memory?.count(failure)
    const isHedge = this.#hedging?.isHedge(place) === true
    this.history.push({ target: target.name, failure, status: this.#status, ms, error, isHedge })
  }

  /** Milliseconds until the next attempt, or NO_MORE. */
  #decide(x: Exchange, found: FailureClass, error: GatewayError, failure: Failure | null): number {
    const rules = this.#rules
    if (maySave(found, rules) && this.#hedging?.takesOver(failure) === true) return TAKEN_OVER
    if (this.#made >= rules.attempts) return NO_MORE
    // What was sent of a body that came piece by piece is gone.
    if (x.upload?.replayable === false) return NO_MORE
    const step = stepAfter({ x, found, error, nowMs: rules.now(), firstAtMs: this.#firstAtMs }, this.#walk, rules)
    if (step === null) return NO_MORE
    this.#again = step.again
    return step.waitMs
  }
}

/** Timers may be early by so much. */
const EARLY_MS = 2

/** Whether its server does not ask, meanwhile, for a longer pause than was waited for. */
function isDue({ memory }: AttemptTarget, nowMs: number): boolean {
  return memory === null || memory.waitMs(nowMs) <= EARLY_MS
}
