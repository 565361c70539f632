import { ControlError } from './errors.ts'
import type { ControlPort } from './port.ts'
import { keyIdOf } from './query.ts'
import { type Answer, type ControlRequest, ok } from './resource.ts'
import { usagePage } from './usage-page.ts'

const DAY_MS = 86_400_000
const DEFAULT_DAYS = 30
/** Bounds the answer, which has a row per day, key, provider and model. */
const MAX_DAYS = 366

/** The first moments of the first and of the last day. */
export interface DayRange {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * Usage from one date (UTC) to another, both included; by default the last 30 days. By what is said in `by` and `per`, in pages; by
 * day, key, provider and model where neither is.
 */
export async function showUsage(port: ControlPort, { query }: ControlRequest): Promise<Answer> {
  const range = rangeOf(query)
  if (['by', 'per', 'limit', 'cursor'].some((name) => query.has(name))) return await usagePage(port, query, range)
  const { fromMs, toMs } = range
  const data = await port.usage({ fromMs, toMs, keyId: keyIdOf(query) })
  return ok({ from: dateOf(fromMs), to: dateOf(toMs), data })
}

function rangeOf(query: ReadonlyMap<string, string>): DayRange {
  const toMs = dayOf(query, 'to') ?? startOfDay(Date.now())
  const fromMs = dayOf(query, 'from') ?? toMs - (DEFAULT_DAYS - 1) * DAY_MS
  if (fromMs > toMs) throw new ControlError('invalid_request', 'from: lies after `to`.', { param: 'from' })
  if (toMs - fromMs >= MAX_DAYS * DAY_MS) {
    throw new ControlError('invalid_request', `from: at most ${MAX_DAYS} days in one answer.`, { param: 'from' })
  }
  return { fromMs, toMs }
}

function dayOf(query: ReadonlyMap<string, string>, name: string): number | null {
  const text = query.get(name)
  if (text === undefined) return null
  const timeMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  // `2026-02-30` would become a day in March.
  if (!Number.isNaN(timeMs) && dateOf(timeMs) === text) return timeMs
  throw new ControlError('invalid_request', `${name}: expected a date (UTC), such as 2026-01-31.`, { param: name })
}

function startOfDay(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS
}

export function dateOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}
