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
import { mostUseful, type PastAttempt, withShortestWait } from './attempt-history.ts'
import {
  type AskedTarget,
  type AttemptRules,
  type AttemptTarget,
  classOfRejection,
  type HedgedAttempts,
  type HedgeEnd,
  type Mirror,
  restAfter,
} from './attempt-target.ts'
import type { CanaryDraw } from './canary/canary.ts'
import { classOfError, classOfFailure } from './failures/classify.ts'
import type { FailureClass } from './failures/failure-class.ts'
import { FAILURE_RULES } from './failures/failure-rules.ts'
import { Hedging } from './hedge/hedging.ts'
import { crowded, type FullTarget, PlaceWait, resumeAfterWait } from './place-wait.ts'

/** What a group has beside its targets, for one request. */
export interface AttemptParts {
  /** Labels of an A/B test or a canary, by place in the order; empty for none. */
  readonly variants: readonly (string | null)[]
  readonly canary: CanaryDraw | null
  readonly mirror: Mirror | null
}

const NOTHING: AttemptParts = { variants: [], canary: null, mirror: null }

/** The attempts of one request: down the order of its targets, as the class of each failure allows. */
export class ModelAttempts implements Attempting, HedgedAttempts {
  readonly #order: readonly AttemptTarget[]
  readonly #variants: readonly (string | null)[]
  readonly #rules: AttemptRules
  readonly history: PastAttempt[] = []
  /** Place in the order of the current target; -1 before the first. */
  #at = -1
  readonly #tried: number[] = []
  #onTarget = 0
  #made = 0
  /** The same target is asked again. */
  #again = false
  /** It may be asked, and waits for what the request needs. */
  #waiting: AttemptTarget | null = null
  #permit: Permit = REFUSED
  #status = 0
  /** What the current answer says: its target gives nothing more for so long. */
  #spentMs = 0
  /** Targets behind this many tokens only, after one was too small. */
  #largerThan = 0
  #firstAtMs = 0
  /** Sends a copy of the request, once. */
  #mirror: Mirror | null
  /** Whose target is the first of the order. */
  readonly #canary: CanaryDraw | null
  /** Of models that are hedged. */
  #hedging: Hedging | null = null
  /** It was given a place at the current target after it had waited for one. */
  #hasPlace = false
  /** It has waited for a place as long as it may. */
  #waitedInVain = false

  constructor(order: readonly AttemptTarget[], rules: AttemptRules, parts: AttemptParts = NOTHING) {
    const { canary } = parts
    this.#order = order
    this.#mirror = parts.mirror
    this.#canary = canary !== null && canary.target !== null ? canary : null
    this.#variants = parts.variants
    this.#rules = rules
    rules.budget?.deposit()
  }

  /** Attempts that were dispatched, or could not be made ready. */
  get made(): number {
    return this.#made
  }

  /** Label of the variant that the current target is of; null without a test. */
  get variant(): string | null {
    return this.#variants[this.#at] ?? null
  }

  get current(): AttemptTarget | null {
    return this.#order[this.#at] ?? null
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
    const target = this.#order[this.#at]
    this.#again = false
    if (target !== undefined && (this.#hasPlace || (again && this.#take(target, nowMs)))) {
      this.#hasPlace = false
      return this.#ready(x, target) ?? this.#beyond(x, nowMs)
    }
    return this.#beyond(x, nowMs, again ? this.#at : -1)
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

  onHead(x: Exchange, status: number, headers: AnswerHeaders): number {
    this.#status = status
    this.#spentMs = status < 400 ? spentForMs(headers, Date.now()) : 0
    if (status < 400) this.#order[this.#at]?.memory?.recent.time(performance.now() - x.dispatchedAt)
    return NO_MORE
  }

  onRejected(x: Exchange, error: GatewayError): number {
    const found = classOfRejection(this.#status, error)
    const rule = FAILURE_RULES[found]
    if (this.current !== null) restAfter(this.current, found, error, this.#rules.now())
    this.#release(rule.outcome)
    this.#note(x, found, error)
    return x.client.headSent ? NO_MORE : this.#decide(x, found, error, null)
  }

  onFirst(): void {
    this.#hedging?.first()
  }

  onAnswer(x: Exchange): void {
    const target = this.#order[this.#at]
    target?.memory?.wake()
    // The answer was the last for now. Who alone can serve the next request is asked all the same: it may have something earlier.
    if (this.#spentMs > 0 && target?.isShared !== true) {
      target?.memory?.rest('target', {
        untilMs: this.#rules.now() + this.#spentMs,
        why: 'supposed',
        failure: 'throttled',
      })
    }
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
    if (x.client.headSent) return error
    const best = mostUseful(this.history)
    if (best === null || best.error === null) return error
    return best.failure === 'throttled' ? withShortestWait(best.error, this.history) : best.error
  }

  askOther(): AskedTarget | null {
    const { attempts, withinMs, now } = this.#rules
    const nowMs = now()
    if (this.#made >= attempts || nowMs - this.#firstAtMs > withinMs) return null
    for (let place = 0; place < this.#order.length; place++) {
      const target = this.#order[place]
      if (target === undefined || this.#isTried(place) || !this.#isLargeEnough(target)) continue
      const { memory } = target
      if (memory !== null && (memory.waitMs(nowMs) > 0 || memory.restsMs(nowMs) > 0)) continue
      const permit = memory?.begin(nowMs) ?? ORDINARY
      if (permit === REFUSED) continue
      if (!this.#isPaid(nowMs)) {
        memory?.end(permit, 'neutral', nowMs)
        return null
      }
      this.#tried.push(place)
      this.#made++
      return { place, target, permit, status: 0, spentMs: 0 }
    }
    return null
  }

  takeBack(asked: AskedTarget): void {
    this.#made--
    this.#tried.splice(this.#tried.indexOf(asked.place), 1)
    this.#giveLeave(asked, 'neutral')
  }

  endHedge(asked: AskedTarget, double: Exchange, { failure, outcome, error }: HedgeEnd): void {
    this.#giveLeave(asked, outcome)
    const ms = double.dispatchedAt === 0 ? 0 : performance.now() - double.dispatchedAt
    const { target, status } = asked
    target.memory?.count(failure)
    this.history.push({ target: target.name, failure, status, ms, error: error ?? null, isHedge: true })
  }

  beOvertaken(x: Exchange): void {
    // How long its first byte would have taken nobody knows: at least as long.
    if (this.#status === 0) this.current?.memory?.recent.time(performance.now() - x.dispatchedAt)
    this.#release('neutral')
    this.#note(x, 'cancelled', null)
  }

  succeedBy({ place, permit, status, spentMs }: AskedTarget): void {
    this.#at = place
    this.#permit = permit
    this.#status = status
    this.#spentMs = spentMs
    this.#onTarget = 1
  }

  #giveLeave({ target, permit }: AskedTarget, outcome: Outcome): void {
    const said = target.isShared === true && outcome === 'failure' ? 'neutral' : outcome
    target.memory?.end(permit, said, this.#rules.now())
  }

  /**
   * The next target in the order that may be asked now and can carry the request. One that has as many requests as it takes
   * is waited for when there is no other; those that rest come last. `again`: one that may be asked again.
   */
  #beyond(x: Exchange, nowMs: number, again = -1): Candidate | GatewayError | typeof WAIT {
    const found = this.#search(x, nowMs, false) ?? this.#wait(x, nowMs, again) ?? this.#search(x, nowMs, true)
    if (found !== null) return found
    const best = mostUseful(this.history)?.error
    return best == null ? this.#nobody(nowMs) : this.verdict(x, best)
  }

  #wait(x: Exchange, nowMs: number, again: number): typeof WAIT | null {
    if (this.#waitedInVain) return null
    const full = this.#full(nowMs, again)
    if (full.length === 0) return null
    const totalMs = full[0] === undefined ? 0 : (this.#order[full[0].at]?.candidate.upstream.timeouts.totalMs ?? 0)
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

  /** Targets that could be asked if they did not have as many requests as they take. */
  #full(nowMs: number, again: number): FullTarget[] {
    const full: FullTarget[] = []
    for (let at = 0; at < this.#order.length; at++) {
      const target = this.#order[at]
      if (target === undefined || (this.#isTried(at) && at !== again) || !this.#isLargeEnough(target)) continue
      const { memory } = target
      if (memory === null || memory.concurrency === null || memory.waitMs(nowMs) > 0) continue
      if (memory.restsMs(nowMs) === 0) full.push({ at, memory })
    }
    return full
  }

  #taken(at: number, permit: Permit): void {
    this.#permit = permit
    this.#hasPlace = true
    this.#choose(at)
  }

  /** This target is the current one. */
  #choose(at: number): void {
    this.#at = at
    if (this.#isTried(at)) return
    this.#tried.push(at)
    this.#onTarget = 0
  }

  #search(x: Exchange, nowMs: number, resting: boolean): Candidate | typeof WAIT | null {
    const order = this.#order
    for (let at = 0; at < order.length; at++) {
      const target = order[at]
      if (target === undefined || this.#isTried(at) || !this.#isLargeEnough(target)) continue
      const { memory } = target
      if (memory !== null && (memory.waitMs(nowMs) > 0 || (!resting && memory.restsMs(nowMs) > 0))) continue
      if (!this.#take(target, nowMs)) continue
      this.#choose(at)
      const ready = this.#ready(x, target)
      if (ready !== null) return ready
    }
    return null
  }

  #nobody(nowMs: number): GatewayError {
    if (this.#waitedInVain || this.#full(nowMs, -1).length > 0) return crowded(this.#waitedInVain)
    let shortest = Number.POSITIVE_INFINITY
    for (const { memory } of this.#order) if (memory !== null) shortest = Math.min(shortest, memory.waitMs(nowMs))
    const seconds = Number.isFinite(shortest) ? Math.max(1, Math.ceil(shortest / 1_000)) : 1
    const message = `No target of this model takes requests at the moment; try again in ${seconds} s.`
    return new GatewayError('upstream_unavailable', message, { retryAfterSeconds: seconds })
  }

  #isTried(at: number): boolean {
    return this.#tried.includes(at)
  }

  #take(target: AttemptTarget, nowMs: number): boolean {
    this.#permit = target.memory?.begin(nowMs) ?? ORDINARY
    return this.#permit !== REFUSED
  }

  #ready(x: Exchange, target: AttemptTarget): Candidate | typeof WAIT | null {
    this.#status = 0
    if (this.#firstAtMs === 0) this.#firstAtMs = this.#rules.now()
    const problem = target.prepare(x)
    if (problem === WAIT) {
      this.#waiting = target
      return WAIT
    }
    this.#made++
    this.#onTarget++
    if (problem === null) return target.candidate
    this.#release('neutral')
    this.#note(x, classOfError(problem), problem)
    return null
  }

  #release(outcome: 'success' | 'failure' | 'down' | 'neutral'): void {
    if (this.#permit === REFUSED) return
    const target = this.#order[this.#at]
    const said = target?.isShared === true && outcome === 'failure' ? 'neutral' : outcome
    target?.memory?.end(this.#permit, said, this.#rules.now())
    this.#permit = REFUSED
  }

  #note(x: Exchange, failure: FailureClass | null, error: GatewayError | null): void {
    const target = this.#order[this.#at]
    if (target === undefined) return
    const ms = x.dispatchedAt === 0 ? 0 : performance.now() - x.dispatchedAt
    if (this.#at === 0) this.#canary?.judge(failure)
    target.memory?.count(failure)
    const isHedge = this.#hedging?.isHedge(this.#at) === true
    this.history.push({ target: target.name, failure, status: this.#status, ms, error, isHedge })
  }

  /** Milliseconds until the next attempt, or NO_MORE. */
  #decide(x: Exchange, found: FailureClass, error: GatewayError, failure: Failure | null): number {
    const rules = this.#rules
    const nowMs = rules.now()
    const { again, others } = FAILURE_RULES[found]
    const mayGoOn = others === 'if-allowed' ? rules.onRefusal === 'next' : others !== 'none'
    if (mayGoOn && this.#hedging?.takesOver(failure) === true) return TAKEN_OVER
    if (this.#made >= rules.attempts || nowMs - this.#firstAtMs > rules.withinMs) return NO_MORE
    // What was sent of a body that came piece by piece is gone.
    if (x.upload?.replayable === false) return NO_MORE
    if (found === 'context_length') this.#largerThan = this.#order[this.#at]?.contextTokens ?? Number.POSITIVE_INFINITY
    const other = mayGoOn && this.#hasOther(nowMs)
    const askedMs = error.retryAfterSeconds === null ? 0 : error.retryAfterSeconds * 1_000
    const atOnce = again === 'backoff' && (!other || askedMs === 0)
    const repeats = (this.#order[this.#at]?.attempts ?? 1) > this.#onTarget
    if (repeats && (atOnce || (again === 'last-resort' && !other))) {
      const waitMs = askedMs + Math.floor(rules.random() * this.#upperMs())
      if (this.#fits(x, waitMs, nowMs) && this.#isPaid(nowMs)) {
        this.#again = true
        return waitMs
      }
    }
    return other && this.#isPaid(nowMs) ? 0 : NO_MORE
  }

  #upperMs(): number {
    const { baseMs, maxMs } = this.#rules.backoff
    return Math.min(maxMs, baseMs * 2 ** Math.min(this.#onTarget - 1, 20))
  }

  #fits(x: Exchange, waitMs: number, nowMs: number): boolean {
    const { longestWaitMs, withinMs } = this.#rules
    const timeouts = this.#order[this.#at]?.candidate.upstream.timeouts
    const leftMs = (timeouts?.totalMs ?? 0) - (performance.now() - x.startedAt)
    return waitMs <= longestWaitMs && waitMs < leftMs && nowMs + waitMs - this.#firstAtMs <= withinMs
  }

  #isPaid(nowMs: number): boolean {
    return this.#rules.budget?.take(nowMs) ?? true
  }

  #hasOther(nowMs: number): boolean {
    for (let at = 0; at < this.#order.length; at++) {
      const target = this.#order[at]
      if (target === undefined || this.#isTried(at) || !this.#isLargeEnough(target)) continue
      if ((target.memory?.waitMs(nowMs) ?? 0) === 0) return true
    }
    return false
  }

  #isLargeEnough({ contextTokens }: AttemptTarget): boolean {
    return this.#largerThan === 0 || (contextTokens !== null && contextTokens > this.#largerThan)
  }
}
