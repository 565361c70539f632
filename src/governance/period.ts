import { assertNever } from '../lib/index.ts'
import type { BudgetPeriod } from '../storage/index.ts'
import { localDay, momentOfDay } from './local-day.ts'

const DAY_MS = 86_400_000
/** Day 0 of the epoch was a Thursday; weeks begin on Mondays. */
const MONDAY_SHIFT = 3

/** A period's number, and its moments in ms since the epoch: from the first one to before that of the next period. */
export interface Period {
  readonly number: number
  readonly startMs: number
  /** Infinity for `total`. */
  readonly endMs: number
}

const TOTAL: Period = { number: 0, startMs: 0, endMs: Number.POSITIVE_INFINITY }

/** The periods that were asked for last, by kind and time zone: nearly every question is about the current one. */
const known = new Map<string, Map<BudgetPeriod, Period>>()

/**
 * The number of the period in which a moment (ms since the epoch) lies, in UTC unless told: consecutive, and never below
 * 0. It is that of the local date, so that a summer time makes one day longer and none twice.
 */
export function periodOf(per: BudgetPeriod, timeMs: number, timeZone = 'UTC'): number {
  return per === 'total' ? 0 : periodAt(per, timeMs, timeZone).number
}

/** When the period began in which a moment lies: ms since the epoch, 0 for `total`. */
export function periodStart(per: BudgetPeriod, timeMs: number, timeZone = 'UTC'): number {
  return periodAt(per, timeMs, timeZone).startMs
}

/** When the period ends in which a moment lies: the first ms of the next one, null for `total`. */
export function periodEnd(per: BudgetPeriod, timeMs: number, timeZone = 'UTC'): number | null {
  const { endMs } = periodAt(per, timeMs, timeZone)
  return endMs === Number.POSITIVE_INFINITY ? null : endMs
}

function periodAt(per: BudgetPeriod, timeMs: number, timeZone: string): Period {
  if (per === 'total') return TOTAL
  let ofZone = known.get(timeZone)
  if (ofZone === undefined) {
    ofZone = new Map()
    known.set(timeZone, ofZone)
  }
  let period = ofZone.get(per)
  if (period === undefined || timeMs < period.startMs || timeMs >= period.endMs) {
    period = find(per, timeMs, timeZone)
    ofZone.set(per, period)
  }
  return period
}

function find(per: Exclude<BudgetPeriod, 'total'>, timeMs: number, timeZone: string): Period {
  const number = numberOfDay(per, localDay(timeMs, timeZone))
  return {
    number,
    startMs: momentOfDay(firstDay(per, number), timeZone),
    endMs: momentOfDay(firstDay(per, number + 1), timeZone),
  }
}

function numberOfDay(per: Exclude<BudgetPeriod, 'total'>, day: number): number {
  switch (per) {
    case 'day':
      return day
    case 'week':
      return Math.floor((day + MONDAY_SHIFT) / 7)
    case 'month': {
      const date = new Date(day * DAY_MS)
      return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
    }
    default:
      return assertNever(per)
  }
}

/** The local day with which a period begins, in days since the epoch. */
function firstDay(per: Exclude<BudgetPeriod, 'total'>, number: number): number {
  switch (per) {
    case 'day':
      return number
    case 'week':
      return number * 7 - MONDAY_SHIFT
    case 'month':
      return Date.UTC(1970, number) / DAY_MS
    default:
      return assertNever(per)
  }
}
