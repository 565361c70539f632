import type { PolicyConfig } from '../../config/index.ts'

type WindowConfig = NonNullable<PolicyConfig['match']['times']>[number]

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const DAY_MINUTES = 1_440
const WEEK_MINUTES = 7 * DAY_MINUTES
const MINUTE_MS = 60_000

/** Whether a moment (ms since the epoch) lies in a window of the week. */
export type TimeCheck = (timeMs: number) => boolean

/** Compiles a window; one whose end is not after its beginning ends on the next day. */
export function compileWindow({ days, from, to, time_zone: zone = 'UTC' }: WindowConfig): TimeCheck {
  const start = minutesOf(from)
  const end = minutesOf(to)
  const length = end > start ? end - start : end + DAY_MINUTES - start
  const begins = (days ?? DAYS).map((day) => DAYS.indexOf(day) * DAY_MINUTES + start)
  return (timeMs) => {
    const now = minuteOfWeek(timeMs, zone)
    return begins.some((at) => (now - at + WEEK_MINUTES) % WEEK_MINUTES < length)
  }
}

function minutesOf(clock: string): number {
  const [hours, minutes] = clock.split(':')
  return Number(hours) * 60 + Number(minutes)
}

/** The minute of the week that was asked for last, by zone: zones are whole minutes from UTC, and requests come many a minute. */
const known = new Map<string, { readonly minute: number; readonly ofWeek: number }>()

/** Minutes since Monday's midnight by a zone's clock. */
export function minuteOfWeek(timeMs: number, zone: string): number {
  const minute = Math.floor(timeMs / MINUTE_MS)
  const last = known.get(zone)
  if (last !== undefined && last.minute === minute) return last.ofWeek
  const ofWeek = read(timeMs, zone)
  known.set(zone, { minute, ofWeek })
  return ofWeek
}

const formats = new Map<string, Intl.DateTimeFormat>()

function read(timeMs: number, zone: string): number {
  let format = formats.get(zone)
  if (format === undefined) {
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, ...parts })
    formats.set(zone, format)
  }
  let minutes = 0
  for (const { type, value } of format.formatToParts(timeMs)) {
    if (type === 'weekday') minutes += DAYS.findIndex((day) => value.toLowerCase().startsWith(day)) * DAY_MINUTES
    else if (type === 'hour') minutes += Number(value) * 60
    else if (type === 'minute') minutes += Number(value)
  }
  return minutes
}
