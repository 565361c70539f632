import { assertNever } from '../lib/index.ts'
import type { BudgetPeriod } from '../storage/index.ts'

const DAY_MS = 86_400_000

/** The number of the period in which a moment (ms since the epoch) lies, in UTC: consecutive, and never below 0. */
export function periodOf(per: BudgetPeriod, timeMs: number): number {
  switch (per) {
    case 'day':
      return Math.floor(timeMs / DAY_MS)
    case 'month':
      return monthOf(timeMs)
    case 'total':
      return 0
    default:
      return assertNever(per)
  }
}

/** When the period began in which a moment lies: ms since the epoch, 0 for `total`. */
export function periodStart(per: BudgetPeriod, timeMs: number): number {
  return startOf(per, periodOf(per, timeMs))
}

/** When the period ends in which a moment lies: the first ms of the next one, null for `total`. */
export function periodEnd(per: BudgetPeriod, timeMs: number): number | null {
  return per === 'total' ? null : startOf(per, periodOf(per, timeMs) + 1)
}

/** The month that was asked for last: nearly every question is about the current one. */
const known = { month: 0, start: 0, end: Date.UTC(1970, 1) }

function monthOf(timeMs: number): number {
  if (timeMs < known.start || timeMs >= known.end) {
    const date = new Date(timeMs)
    known.month = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
    known.start = Date.UTC(1970, known.month)
    known.end = Date.UTC(1970, known.month + 1)
  }
  return known.month
}

function startOf(per: BudgetPeriod, period: number): number {
  switch (per) {
    case 'day':
      return period * DAY_MS
    case 'month':
      return Date.UTC(1970, period)
    case 'total':
      return 0
    default:
      return assertNever(per)
  }
}
