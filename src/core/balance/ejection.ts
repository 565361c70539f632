import type { Outcome } from './contract.ts'
import { outcomeOfStatus } from './outcome.ts'
import type { TargetState } from './target-state.ts'

export interface EjectionRules {
  /** Failures in a row, over all threads and routes, that eject a target. */
  readonly failures: number
  /** Length of the first ejection; the n-th in a row lasts n times as long. */
  readonly baseMs: number
  readonly maxMs: number
  /** Largest share of the pool's targets that may be ejected at once, 0 to 1; one may be in any pool of two or more. */
  readonly maxShare: number
  /** Statuses of an answer that are failures. */
  readonly statuses: ReadonlySet<number>
}

/**
 * Passive health: a target that fails request after request is left alone for a while, by every route of its pool. No
 * probe brings it back but time: it returns, and one ejection is forgotten for each `baseMs` that it stays in.
 */
export class Ejector {
  readonly #states: readonly TargetState[]
  readonly #rules: EjectionRules
  readonly #most: number
  readonly #lengthMs: (ejections: number) => number

  constructor(states: readonly TargetState[], rules: EjectionRules) {
    this.#states = states
    this.#rules = rules
    // Never the last target: ejecting it would turn some failures into only failures.
    this.#most = Math.min(states.length - 1, Math.max(1, Math.floor(states.length * rules.maxShare)))
    this.#lengthMs = (ejections) => Math.min(rules.maxMs, rules.baseMs * ejections)
  }

  /** What the status of an answer says. */
  outcomeOf(status: number): Outcome {
    return outcomeOfStatus(status, this.#rules.statuses)
  }

  /** Learns from an attempt; true when the target was ejected because of it. */
  record(position: number, outcome: Outcome, nowMs: number): boolean {
    const state = this.#states[position]
    if (state === undefined || outcome === 'neutral') return false
    if (outcome === 'success') {
      state.clearFailures()
      return false
    }
    // What fails while it is ejected was sent before, and is the trouble that is known already.
    if (state.isEjected(nowMs)) return false
    return state.addFailure() >= this.#rules.failures && this.#eject(state, nowMs)
  }

  /**
   * Ejects first and counts afterwards: of threads that eject different targets in one moment, all or all but one see
   * too many and take theirs back. The other way round, all could see room and go beyond the share.
   */
  #eject(state: TargetState, nowMs: number): boolean {
    const ejection = state.eject(nowMs, this.#rules.baseMs, this.#lengthMs)
    if (ejection === null) return false
    let ejected = 0
    for (const other of this.#states) if (other.isEjected(nowMs)) ejected++
    if (ejected > this.#most) {
      state.undo(ejection)
      return false
    }
    state.clearFailures()
    return true
  }
}
