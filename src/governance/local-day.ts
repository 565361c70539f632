const DAY_MS = 86_400_000
/** No zone is further from UTC, and none changes its clocks by more within a day. */
const FURTHEST_MS = 26 * 3_600_000

/** Formats that tell the date in a zone; making one takes longer than a thousand uses. */
const formats = new Map<string, Intl.DateTimeFormat>()

/** The date in a time zone (IANA name) at a moment (ms since the epoch), as days since the epoch. */
export function localDay(timeMs: number, timeZone: string): number {
  if (timeZone === 'UTC') return Math.floor(timeMs / DAY_MS)
  let year = 0
  let month = 0
  let day = 0
  for (const { type, value } of formatOf(timeZone).formatToParts(timeMs)) {
    if (type === 'year') year = Number(value)
    else if (type === 'month') month = Number(value)
    else if (type === 'day') day = Number(value)
  }
  return Date.UTC(year, month - 1, day) / DAY_MS
}

/** The first moment at which a zone's date is this day or, where a zone left it out, a later one. */
export function momentOfDay(day: number, timeZone: string): number {
  if (timeZone === 'UTC') return day * DAY_MS
  let before = day * DAY_MS - FURTHEST_MS
  let from = day * DAY_MS + FURTHEST_MS
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2)
    if (localDay(middle, timeZone) >= day) from = middle
    else before = middle
  }
  return from
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (format === undefined) {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric' } as const
    format = new Intl.DateTimeFormat('en-US-u-ca-gregory', { timeZone, ...numeric })
    formats.set(timeZone, format)
  }
  return format
}
