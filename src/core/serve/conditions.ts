/** Whether a request's conditions hold for what would be sent (RFC 9110, section 13). */
import { hash } from 'node:crypto'
import type { Stats } from 'node:fs'
import type { RequestHead } from '../http1/request-head.ts'
import { listValue } from './accept-encoding.ts'

/** What tells one state of a file from another. */
export interface Validators {
  readonly etag: string
  /** Whole seconds since the epoch. */
  readonly modified: number
}

/**
 * The tag tells states of a file apart by length, time of change (as finely as the file system keeps it) and inode,
 * which a file that was put in place of another does not share. Hashed: none of it is the client's business.
 */
export function validatorsOf({ size, mtimeMs, ino }: Stats): Validators {
  const tag = hash('sha1', `${size}.${mtimeMs}.${ino}`, 'base64url').slice(0, 22)
  return { etag: `"${tag}"`, modified: Math.floor(mtimeMs / 1000) }
}

/** `go`: serve it. `unchanged`: 304. `failed`: 412. */
export type Verdict = 'go' | 'unchanged' | 'failed'

/** In the order of section 13.2.2: a tag that is there makes the date beside it count for nothing. */
export function checkConditions(head: RequestHead, { etag, modified }: Validators): Verdict {
  const ifMatch = listValue(head, 'if-match')
  if (ifMatch !== null) {
    if (!matches(ifMatch, etag, 'strong')) return 'failed'
  } else {
    const since = readHttpDate(head.get('if-unmodified-since'))
    if (since !== null && modified > since) return 'failed'
  }
  const ifNoneMatch = listValue(head, 'if-none-match')
  if (ifNoneMatch !== null) return matches(ifNoneMatch, etag, 'weak') ? 'unchanged' : 'go'
  const since = readHttpDate(head.get('if-modified-since'))
  return since !== null && modified <= since ? 'unchanged' : 'go'
}

/** True when a Range may be heeded: there is no If-Range, or it names exactly this state (section 13.1.5). */
export function rangeHolds(head: RequestHead, { etag, modified }: Validators): boolean {
  const ifRange = head.get('if-range')
  if (ifRange === null) return true
  if (ifRange.endsWith('"')) return ifRange === etag && !etag.startsWith('W/')
  return readHttpDate(ifRange) === modified
}

const TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g

function matches(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  if (comparison === 'strong' && etag.startsWith('W/')) return false
  for (const [tag] of list.matchAll(TAG)) {
    if (tag === etag) return true
    if (comparison === 'weak' && opaque(tag) === opaque(etag)) return true
  }
  return false
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}

const IMF_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/
const RFC850_DATE =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/
const ASCTIME_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/
/** A year of two digits that seems further ahead than this lies a century back (RFC 9110, 5.6.7). */
const FUTURE_YEARS = 50

/** Seconds since the epoch of an HTTP date in any of its three forms; null for what is none. */
export function readHttpDate(text: string | null): number | null {
  if (text === null) return null
  let spelled: string | null = null
  if (IMF_DATE.test(text)) spelled = text
  else {
    const [, day, month, year, time] = RFC850_DATE.exec(text) ?? []
    if (day !== undefined) spelled = `${day} ${month} ${centuryOf(Number(year))} ${time} GMT`
    const [, shortMonth, shortDay, shortTime, fullYear] = ASCTIME_DATE.exec(text) ?? []
    if (shortMonth !== undefined) spelled = `${shortDay?.trim()} ${shortMonth} ${fullYear} ${shortTime} GMT`
  }
  const ms = spelled === null ? Number.NaN : Date.parse(spelled)
  return Number.isNaN(ms) ? null : ms / 1000
}

function centuryOf(shortYear: number): number {
  const now = new Date().getUTCFullYear()
  const year = now - (now % 100) + shortYear
  return year > now + FUTURE_YEARS ? year - 100 : year
}
