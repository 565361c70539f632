const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Sun, 06 Nov 1994 08:49:37 GMT */
const FIXED = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/
/** Sunday, 06-Nov-94 08:49:37 GMT */
const RFC_850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/
/** Sun Nov  6 08:49:37 1994 */
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/

const FIFTY_YEARS = 50

/**
 * Reads a date of HTTP in any of its three forms (RFC 9110, 5.6.7): milliseconds since the epoch, or null when it is
 * none. `nowMs` decides the century of a year with two digits. The name of the day is not checked.
 */
export function parseHttpDate(text: string, nowMs: number): number | null {
  const fixed = FIXED.exec(text)
  if (fixed !== null) return timeOf([fixed[3], fixed[2], fixed[1], fixed[4], fixed[5], fixed[6]])
  const asctime = ASCTIME.exec(text)
  if (asctime !== null) return timeOf([asctime[6], asctime[1], asctime[2], asctime[3], asctime[4], asctime[5]])
  const old = RFC_850.exec(text)
  if (old === null) return null
  const year = String(fullYear(Number(old[3]), new Date(nowMs).getUTCFullYear()))
  return timeOf([year, old[2], old[1], old[4], old[5], old[6]])
}

/** A year that seems more than 50 years ahead is the most recent past one with the same digits. */
function fullYear(digits: number, thisYear: number): number {
  const year = thisYear - (thisYear % 100) + digits
  return year > thisYear + FIFTY_YEARS ? year - 100 : year
}

/** Year, month's name, day, hour, minute, second; a leap second is the one after it. */
function timeOf(parts: readonly (string | undefined)[]): number | null {
  const month = MONTHS.indexOf(parts[1] ?? '')
  const [year = 0, , day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number)
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return null
  const time = Date.UTC(year, month, day, hour, minute, second)
  // A day that its month does not have would roll over into the next.
  return new Date(Date.UTC(year, month, day)).getUTCDate() === day && day > 0 ? time : null
}
