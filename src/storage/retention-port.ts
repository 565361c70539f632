import type { SegmentName } from './journal/format.ts'

/** Removes records of requests, with their ledger, when they are old enough. Sums of usage stay, and with them what budgets know. */
export interface RetentionPort {
  /** Takes notice of the segments that are there now: what they may tell of stays. */
  see(segments: readonly SegmentName[], nowMs: number): void
  /**
   * Removes some of what began before `beforeMs`; true when there may be more. At most `mostRows` rows of usage keep all that was said in
   * a day, see ForgottenUsage. Throws what the database says.
   */
  forget(beforeMs: number, mostRows: number): boolean
}
