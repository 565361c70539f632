/**
 * The seam between what decides about requests and where their counters are: all that a request takes from limits and budgets, and all
 * that it gives back, passes through a `CounterDesk`. Nobody else touches a counter while requests are served.
 *
 *     admission     take ──────────────► leave, when the request has ended
 *     attempt       take ─► journal ─┬─► settle, when the settlement is in the journal, and leave
 *                                    └─► giveBack, when it could not be written
 */
import type { Exchange, GatewayError, WAIT } from '../core/index.ts'
import type { BudgetWarning } from './budget-warnings.ts'
import type { BudgetDocument, ConcurrencyDocument, RateDocument, TokenRateDocument } from './level-document.ts'

/** What a request, or an attempt of it, takes: all of it or nothing. Null: nothing of the kind. */
export interface Takings {
  readonly rates: readonly RateDocument[] | null
  readonly concurrency: readonly ConcurrencyDocument[] | null
  readonly tokenRates: readonly TokenRateDocument[] | null
  /** What each rate and each budget of tokens is asked for. */
  readonly tokens: number
  /** What each budget of USD is asked for, in nano-dollars. */
  readonly nanos: number
  readonly budgets: readonly BudgetDocument[]
  /** The period of each budget, at its place. */
  readonly periods: readonly number[]
  /** It was used already: no budget refuses it. */
  readonly owed: boolean
}

/** Limits that answers tell of; null: none of the kind. */
export interface Counted {
  readonly rates: readonly RateDocument[] | null
  readonly tokenRates: readonly TokenRateDocument[] | null
}

/** What was used of it. */
export interface Used {
  readonly tokens: number
  /** What budgets of USD are charged. */
  readonly nanos: number
}

/** Nothing was taken. */
export interface Refusal {
  readonly error: GatewayError
  /** The budget that has no room, when it is one. */
  readonly budget: BudgetDocument | null
  /** What the request may use at most has no room, and less may have. Absent: no. */
  readonly ofAmount?: true
}

/** Hears what came of a `take` that had to wait. When the request has ended meanwhile, it gives back what was taken. */
export type Taken = (x: Exchange, takings: Takings, refusal: Refusal | null) => void

/** What is left of one limit. */
export interface LimitLeft {
  /** What may come at once after a pause, and the seconds in which as much comes back. */
  readonly quota: number
  readonly windowS: number
  readonly remaining: number
  /** Until all of it is there again. */
  readonly resetMs: number
}

/** Of the limits of a kind the one of which least is left; null: there is none. */
export interface LimitsLeft {
  readonly requests: LimitLeft | null
  readonly tokens: LimitLeft | null
}

export interface CounterDesk {
  /** Null: all of it is taken. WAIT: that is not known yet, and `taken` is called once, later. */
  take(x: Exchange, takings: Takings, taken: Taken): Refusal | typeof WAIT | null
  /** Returns what was taken and never used. */
  giveBack(takings: Takings): void
  /** Places are free again: what had them is over. */
  leave(concurrency: readonly ConcurrencyDocument[]): void
  /** Replaces what was taken by what was used. */
  settle(takings: Takings, used: Used): void
  /**
   * Thresholds that are reached with what was used; null: what is settled has been counted. Each is told once in a period, to
   * whoever asks first.
   */
  warnings(takings: Takings, used: Used | null): readonly BudgetWarning[] | null
  /** What is left of these, as far as it is known without a wait. */
  left(counted: Counted): LimitsLeft
}
