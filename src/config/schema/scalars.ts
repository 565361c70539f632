/**
 * The kinds of values that a configuration file writes as text and the program uses as numbers: durations, sizes,
 * addresses, money and points in time. Each has an id, under which the published JSON Schema defines it once.
 */
import * as z from 'zod'
import { LISTEN_HELP, type ListenAddress, parseListen } from './listen.ts'

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g
/** Node's timers hold a signed 32-bit number of milliseconds; a longer one fires at once. */
const LONGEST_TIMER_MS = 2_147_483_647

/** A length of time such as `30s` or `1h30m`, in milliseconds. A bare number is refused: its unit would be a guess. */
export const duration = z
  .string({ error: 'expected a duration with a unit, such as `30s` or `500ms`' })
  .regex(DURATION, { error: 'expected a duration with a unit (ms, s, m, h, d), such as `30s` or `500ms`', abort: true })
  .transform((text, context) => {
    let ms = 0
    for (const [, amount, unit] of text.matchAll(DURATION_PART)) ms += Number(amount) * (MS_PER_UNIT[unit ?? ''] ?? NaN)
    const whole = Math.round(ms)
    if (whole <= LONGEST_TIMER_MS && (whole > 0 || ms === 0)) return whole
    const message = whole > 0 ? 'longer than the longest duration, 24 days' : 'shorter than a millisecond'
    context.addIssue({ code: 'custom', message, input: text })
    return z.NEVER
  })
  .meta({ id: 'duration', description: 'A length of time with a unit: `20ms`, `30s`, `5m`, `1h30m`, `2d`.' })

/** A duration of at least one millisecond, for deadlines that cannot be switched off. */
export const positiveDuration = duration.refine((ms) => ms > 0, { error: 'must be longer than zero' })

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}
const SIZE = /^(\d+(?:\.\d+)?) ?([kKMGT]i?B|B)$/
const SIZE_HELP = 'expected a size, such as `32MiB`, `1GB` or a number of bytes'

/** An amount of memory or disk such as `32MiB` or `1GB`, or a whole number of bytes; in bytes. */
export const size = z
  .union([z.int().min(0), z.string().regex(SIZE, { error: SIZE_HELP })], { error: SIZE_HELP })
  .transform((value, context) => {
    if (typeof value === 'number') return value
    const [, amount, unit] = SIZE.exec(value) ?? []
    const bytes = Math.round(Number(amount) * (BYTES_PER_UNIT[unit ?? ''] ?? NaN))
    if (Number.isSafeInteger(bytes)) return bytes
    context.addIssue({ code: 'custom', message: SIZE_HELP, input: value })
    return z.NEVER
  })
  .meta({ id: 'size', description: 'Bytes: a whole number, or a number with a unit (`64KiB`, `32MiB`, `1GB`).' })

/** `host:port`, as `{ host, port }`. */
export const listenAddress = z
  .string({ error: LISTEN_HELP })
  .transform((text, context): ListenAddress => {
    const address = parseListen(text)
    if (address !== null) return address
    context.addIssue({ code: 'custom', message: LISTEN_HELP, input: text })
    return z.NEVER
  })
  .meta({ id: 'listen', description: '`host:port` or `[IPv6]:port`; port 0 takes a free one.' })

/** Exact nano-units of a decimal number, or null when it has more than nine decimals or is out of range. */
function toNanos(value: number): number | null {
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const zeros = 9 + Number(exponent) - fraction.length
  const digits = `${whole}${fraction}`
  if (zeros < 0 && !/^0*$/.test(digits.slice(zeros))) return null
  const nanos = Number(zeros < 0 ? digits.slice(0, zeros) || '0' : digits + '0'.repeat(zeros))
  return Number.isSafeInteger(nanos) ? nanos : null
}

const USD_HELP = 'expected an amount of US dollars as a number, such as `0.15`'

/** US dollars with at most nine decimals, as an integer number of nano-dollars. */
export const usd = z
  .number({ error: USD_HELP })
  .min(0, { error: 'must not be negative', abort: true })
  .transform((value, context) => {
    const nanos = toNanos(value)
    if (nanos !== null) return nanos
    const message =
      value > 9_000_000 ? 'more than the largest amount, 9,007,199 US dollars' : 'has more than nine decimals'
    context.addIssue({ code: 'custom', message, input: value })
    return z.NEVER
  })
  .meta({ id: 'usd', description: 'US dollars, at most nine decimals.' })

const INSTANT_HELP = 'expected a date and time with an offset, such as `2027-01-01T00:00:00Z`'

/** An ISO 8601 date and time with an offset, in milliseconds since the epoch. */
export const instant = z
  .string({ error: INSTANT_HELP })
  .transform((text, context) => {
    if (z.iso.datetime({ offset: true }).safeParse(text).success) return Date.parse(text)
    context.addIssue({ code: 'custom', message: INSTANT_HELP, input: text })
    return z.NEVER
  })
  .meta({ id: 'instant', description: 'Date and time with an offset: `2027-01-01T00:00:00Z`.', format: 'date-time' })

const STATUS_HELP = 'expected a status such as `200`, or a class such as `2xx`'

/** A status of an answer, or a class of them; in the document always a range. */
export const statusRange = z
  .union([z.int().min(100).max(599), z.string().regex(/^[1-5]xx$/, { error: STATUS_HELP })], { error: STATUS_HELP })
  .transform((value) => {
    if (typeof value === 'number') return { from: value, to: value }
    const first = Number(value[0]) * 100
    return { from: first, to: first + 99 }
  })
  .meta({ id: 'status-range', description: 'A status, or a class of them: `200`, `2xx`.' })
