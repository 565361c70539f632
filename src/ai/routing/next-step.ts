import type { Exchange, GatewayError } from '../../core/index.ts'
import type { AttemptRules, AttemptTarget } from './attempt-target.ts'
import type { FailureClass } from './failures/failure-class.ts'
import { FAILURE_RULES } from './failures/failure-rules.ts'
import type { OrderWalk } from './order-walk.ts'

/** What follows a failed attempt: the same target after so many milliseconds, or the next one at once. */
export interface NextStep {
  readonly again: boolean
  readonly waitMs: number
}

/** An attempt that has failed, and may be followed by another. */
export interface FailedAttempt {
  readonly x: Exchange
  readonly found: FailureClass
  readonly error: GatewayError
  readonly nowMs: number
  /** When the first attempt of the request began. */
  readonly firstAtMs: number
}

/** Whether a failure of this class may be saved by another target. */
export function maySave(found: FailureClass, { onRefusal }: AttemptRules): boolean {
  const { others } = FAILURE_RULES[found]
  return others === 'if-allowed' ? onRefusal === 'next' : others !== 'none'
}

/** As the class of the failure says, within what the request and the process may still spend; null: nothing follows. */
export function stepAfter(failed: FailedAttempt, walk: OrderWalk, rules: AttemptRules): NextStep | null {
  const { found, error, nowMs } = failed
  const { again, outcome } = FAILURE_RULES[found]
  if (found === 'context_length') walk.seekLarger()
  const other = maySave(found, rules) ? walk.firstOther(nowMs) : null
  const askedMs = error.retryAfterSeconds === null ? 0 : error.retryAfterSeconds * 1_000
  const atOnce = again === 'backoff' && (other === null || askedMs === 0)
  const repeats = (walk.current?.attempts ?? 1) > walk.onTarget
  if (repeats && (atOnce || (again === 'last-resort' && other === null))) {
    const waitMs = askedMs + Math.floor(rules.random() * upperMs(walk, rules))
    const fits = askedMs <= rules.longestWaitMs && fitsWithin(waitMs, failed, walk, rules)
    if (fits && isPaid(rules, nowMs)) return { again: true, waitMs }
  }
  // However late it is: who was silent for minutes must not be the reason that nobody else is asked.
  if (other === null || !mayGoTo(other, { outcome, nowMs }, rules)) return null
  return { again: false, waitMs: 0 }
}

/** Takes one further attempt from what the process may make; false when there is none. */
export function isPaid({ budget }: AttemptRules, nowMs: number): boolean {
  return budget?.take(nowMs) ?? true
}

/**
 * A target that is well gets no more than its share, however many come to it from others: it is asked in any case. What only this request
 * meets, or only this credential, is no outage; after an outage, the budget pays for it later, so that all that fail are a part of all.
 */
function mayGoTo(
  other: AttemptTarget,
  { outcome, nowMs }: { readonly outcome: string; readonly nowMs: number },
  rules: AttemptRules,
): boolean {
  if (!isWell(other, nowMs)) return isPaid(rules, nowMs)
  if (outcome !== 'neutral') rules.budget?.owe()
  return true
}

function upperMs({ onTarget }: OrderWalk, { backoff: { baseMs, maxMs } }: AttemptRules): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(onTarget - 1, 20))
}

function fitsWithin(waitMs: number, failed: FailedAttempt, walk: OrderWalk, { withinMs }: AttemptRules): boolean {
  const { x, nowMs, firstAtMs } = failed
  const leftMs = walk.totalMsAt(walk.place) - (performance.now() - x.startedAt)
  return waitMs < leftMs && nowMs + waitMs - firstAtMs <= withinMs
}

/** Fewer failures than these are no outage: a single one is a twentieth. */
const WELL_SHARE = 0.1

/** A request more is no burden to it: it neither rests nor has failed lately. What nobody remembers may be ill. */
function isWell({ memory }: AttemptTarget, nowMs: number): boolean {
  if (memory === null || memory.restsMs(nowMs) > 0) return false
  return memory.recent.failureShare(nowMs) < WELL_SHARE
}
