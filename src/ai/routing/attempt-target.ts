import type { Candidate, Exchange, GatewayError, Outcome, Permit, RetryBudget, WAIT } from '../../core/index.ts'
import type { AnswerKind } from './contract.ts'
import { classOfError } from './failures/classify.ts'
import type { FailureClass } from './failures/failure-class.ts'
import { FAILURE_RULES } from './failures/failure-rules.ts'
import type { HedgeRule } from './hedge/hedge-rule.ts'
import type { TargetMemory } from './state/target-memory.ts'

/** A target as attempts need it. */
export interface AttemptTarget {
  /** `provider/model` */
  readonly name: string
  readonly candidate: Candidate
  /** Null where nothing is remembered. */
  readonly memory: TargetMemory | null
  /** Other names may have the same memory: that one of them is not there says nothing of the others. */
  readonly isShared?: boolean
  /** Attempts on it that one request may make. */
  readonly attempts: number
  /** Tokens that it takes; null when nobody knows. */
  readonly contextTokens: number | null
  /** Makes the request ready for it; an error when it cannot carry the request; WAIT: it is asked again by `beginAttempt`. */
  prepare(x: Exchange): GatewayError | typeof WAIT | null
}

/** What all requests of a group may do; made with the plan. */
export interface AttemptRules {
  /** Attempts of one request in all. */
  readonly attempts: number
  /** Milliseconds from the first dispatch within which a target may be asked again; others may be asked at any time. */
  readonly withinMs: number
  /** The longest wait for one that asked to be left alone. */
  readonly longestWaitMs: number
  readonly backoff: { readonly baseMs: number; readonly maxMs: number }
  /** Another target may be asked for what one refused to talk about. */
  readonly onRefusal: 'stop' | 'next'
  /** Of the whole process; null without one. */
  readonly budget: RetryBudget | null
  /** When a second attempt begins beside one that is slow; absent or null: never. */
  readonly hedge?: HedgeRule | null
  /** Milliseconds of the clock that all threads share. */
  readonly now: () => number
  readonly random: () => number
}

/** A target that is asked beside the current one, with leave to do so. */
export interface AskedTarget {
  /** In the order. */
  readonly place: number
  readonly target: AttemptTarget
  permit: Permit
  readonly begunMs: number
  /** Of its answer; 0 before its head. */
  status: number
  /** What its answer says: it gives nothing more for so long. */
  spentMs: number
}

/** How the attempt at such a target ended. */
export interface HedgeEnd {
  readonly failure: FailureClass
  readonly outcome: Outcome
  readonly error?: GatewayError
}

/** Sends the copy of a request; called when its first attempt is on its way. Never throws. */
export type Mirror = (x: Exchange) => void

/** What a second attempt at once needs of the attempts of its request. */
export interface HedgedAttempts {
  /** The target that is asked, or was asked last; null before the first. */
  readonly current: AttemptTarget | null
  /** The next target of the order for a second attempt at once, paid for; null when none may be made. */
  askOther(): AskedTarget | null
  /** Such an attempt was never sent. */
  takeBack(asked: AskedTarget): void
  /** Such an attempt came to nothing. */
  endHedge(asked: AskedTarget, double: Exchange, end: HedgeEnd): void
  /** The other attempt has an answer, and the current one none yet; that one was to follow after so many milliseconds. */
  beOvertaken(x: Exchange, afterMs: number): void
  /** The other attempt is the current one from now on. */
  succeedBy(asked: AskedTarget): void
  /** The answer of the current one has begun. */
  beAnswered(x: Exchange): void
}

/** What an answer that may not be used says of its target. */
export function classOfRejection(status: number, error: GatewayError): FailureClass {
  // Who sends elsewhere will do so again.
  return status >= 300 && status < 400 ? 'withdrawn' : classOfError(error)
}

/** When an attempt began, and when it ended; of the clock that all threads share. */
export interface AttemptTimes {
  readonly begunMs: number
  readonly nowMs: number
}

/** Leaves a target or its credential alone, as the class of a failure says. */
export function restAfter(target: AttemptTarget, found: FailureClass, error: GatewayError, times: AttemptTimes): void {
  const { restMs: leastMs, mostRestMs: mostMs, outcome, ...rule } = FAILURE_RULES[found]
  const { memory } = target
  const { retryAfterSeconds } = error
  // A server that works badly may say for how long.
  const isPaused = retryAfterSeconds !== null && (outcome === 'failure' || outcome === 'down')
  const rests = rule.rests === 'nothing' && isPaused ? 'target' : rule.rests
  if (rests === 'nothing' || memory === null || (found === 'withdrawn' && target.isShared === true)) return
  if (retryAfterSeconds === null)
    return memory.rest(rests, { why: 'guessed', ...times, leastMs, mostMs, failure: found })
  const untilMs = times.nowMs + Math.min(retryAfterSeconds * 1_000, LONGEST_REST_MS)
  memory.rest(rests, { why: 'asked', nowMs: times.nowMs, untilMs, failure: found })
}

/** A server that asks for more is asked again after this all the same: its answer tells more than its wish. */
const LONGEST_REST_MS = 3_600_000

/** Leaves a target alone until its limit is whole again: its answer was the last for now. */
export function restUntilReset(target: AttemptTarget, spentMs: number, nowMs: number): void {
  // Who alone can serve the next request is asked all the same: it may have something earlier.
  target.memory?.rest('target', { why: 'supposed', nowMs, untilMs: nowMs + spentMs, failure: 'throttled' })
}

/** By what its client waits for. */
export function kindOf({ wantsStream }: Exchange): AnswerKind {
  return wantsStream ? 'stream' : 'whole'
}

/** Gives leave back: the attempt at a target is over, and says this of it. */
export function endPermit(target: AttemptTarget, permit: Permit, outcome: Outcome, nowMs: number): void {
  target.memory?.end(permit, outcome, nowMs)
}
