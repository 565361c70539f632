/** Whether a request's conditions hold for what would be sent (RFC 9110, section 13). */
import { hash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { parseHttpDate } from '../../lib/index.ts'
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
    const since = secondsOf(head.get('if-unmodified-since'))
    if (since !== null && modified > since) return 'failed'
  }
  const ifNoneMatch = listValue(head, 'if-none-match')
  if (ifNoneMatch !== null) return matches(ifNoneMatch, etag, 'weak') ? 'unchanged' : 'go'
  const since = secondsOf(head.get('if-modified-since'))
  return since !== null && modified <= since ? 'unchanged' : 'go'
}

/** True when a Range may be heeded: there is no If-Range, or it names exactly this state (section 13.1.5). */
export function rangeHolds(head: RequestHead, { etag, modified }: Validators): boolean {
  const ifRange = head.get('if-range')
  if (ifRange === null) return true
  if (ifRange.endsWith('"')) return ifRange === etag && !etag.startsWith('W/')
  return secondsOf(ifRange) === modified
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

/** Seconds since the epoch; null for what is no date. */
function secondsOf(date: string | null): number | null {
  const ms = date === null ? null : parseHttpDate(date, Date.now())
  return ms === null ? null : ms / 1000
}
