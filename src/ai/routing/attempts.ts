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
  type Mirror,
  restAfter,
  restUntilReset,
} from './attempt-target.ts'
import type { CanaryDraw } from './canary/canary.ts'
import { classOfError, classOfFailure } from './failures/classify.ts'
import type { FailureClass } from './failures/failure-class.ts'
import { FAILURE_RULES } from './failures/failure-rules.ts'
import { Hedging } from './hedge/hedging.ts'
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

  onRefused(x: Exchange, error: GatewayError): GatewayError | null {
    const isExtra = this.#canary !== null && this.#walk.place === 0
    const isLater = this.history.some(({ failure }) => failure !== 'ours')
    // Whom the client's model is served by is not changed in silence: only who was asked on top is passed over.
    if (!(isExtra || isLater) || !OF_ONE_TARGET.has(error.code)) return error
    this.#release('neutral')
    this.#made--
    this.#refusal = error
    this.#note(x, 'ours', null)
    return this.#walk.hasOther(this.#rules.now()) ? null : (this.#verdict(this.#rules.now()) ?? error)
  }

  onHead(x: Exchange, status: number, headers: AnswerHeaders): number {
    this.#status = status
    this.#spentMs = status < 400 ? spentForMs(headers, Date.now()) : 0
    const memory = this.current?.memory ?? null
    memory?.hear()
    if (status < 400) memory?.recent.time(performance.now() - x.dispatchedAt)
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

  onFirst(): void {
    this.#hedging?.first()
    this.beAnswered()
  }

  beAnswered(): void {
    const memory = this.current?.memory ?? null
    if (memory === null || this.#status === 0 || this.#status >= 400) return
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
      if (!this.#isPaid(nowMs)) {
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

  beOvertaken(x: Exchange): void {
    // How long its first byte would have taken nobody knows: at least as long.
    const memory = this.#status === 0 ? (this.current?.memory ?? null) : null
    memory?.recent.time(performance.now() - x.dispatchedAt)
    this.#release(memory?.miss() === true ? 'failure' : 'neutral')
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
    const nowMs = rules.now()
    const { again, others, outcome } = FAILURE_RULES[found]
    const mayGoOn = others === 'if-allowed' ? rules.onRefusal === 'next' : others !== 'none'
    if (mayGoOn && this.#hedging?.takesOver(failure) === true) return TAKEN_OVER
    if (this.#made >= rules.attempts) return NO_MORE
    // What was sent of a body that came piece by piece is gone.
    if (x.upload?.replayable === false) return NO_MORE
    if (found === 'context_length') this.#walk.seekLarger()
    const other = mayGoOn ? this.#walk.firstOther(nowMs) : null
    const askedMs = error.retryAfterSeconds === null ? 0 : error.retryAfterSeconds * 1_000
    const atOnce = again === 'backoff' && (other === null || askedMs === 0)
    const repeats = (this.current?.attempts ?? 1) > this.#walk.onTarget
    if (repeats && (atOnce || (again === 'last-resort' && other === null))) {
      const waitMs = askedMs + Math.floor(rules.random() * this.#upperMs())
      if (askedMs <= rules.longestWaitMs && this.#fits(x, waitMs, nowMs) && this.#isPaid(nowMs)) {
        this.#again = true
        return waitMs
      }
    }
    if (other === null) return NO_MORE
    // However late it is: who was silent for minutes must not be the reason that nobody else is asked.
    // What only this request meets, or only this credential, is no outage that more requests would make worse.
    const isFree = outcome === 'neutral' && isWell(other, nowMs)
    return isFree || this.#isPaid(nowMs) ? 0 : NO_MORE
  }

  #upperMs(): number {
    const { baseMs, maxMs } = this.#rules.backoff
    return Math.min(maxMs, baseMs * 2 ** Math.min(this.#walk.onTarget - 1, 20))
  }

  #fits(x: Exchange, waitMs: number, nowMs: number): boolean {
    const { withinMs } = this.#rules
    const leftMs = this.#walk.totalMsAt(this.#walk.place) - (performance.now() - x.startedAt)
    return waitMs < leftMs && nowMs + waitMs - this.#firstAtMs <= withinMs
  }

  #isPaid(nowMs: number): boolean {
    return this.#rules.budget?.take(nowMs) ?? true
  }
}

/** Timers may be early by so much. */
const EARLY_MS = 2

/** Whether its server does not ask, meanwhile, for a longer pause than was waited for. */
function isDue({ memory }: AttemptTarget, nowMs: number): boolean {
  return memory === null || memory.waitMs(nowMs) <= EARLY_MS
}

/** Fewer failures than these are no outage: a single one is a twentieth. */
const WELL_SHARE = 0.1

/** A request more is no burden to it: it neither rests nor has failed lately. What nobody remembers may be ill. */
function isWell({ memory, isShared }: AttemptTarget, nowMs: number): boolean {
  if (memory === null || isShared === true || memory.restsMs(nowMs) > 0) return false
  return memory.recent.failureShare(nowMs) < WELL_SHARE
}
