import type { DatabaseSync } from 'node:sqlite'
import { firstIdAt } from './migrations.ts'

const DAY_MS = 86_400_000
/** Codes of refusals that come before a key's rate limit, or from it. */
const NOT_ADMITTED = "'address_not_allowed', 'insufficient_scope', 'rate_limit_exceeded'"

/** What one key spent, in the periods that an instant lies in (UTC). */
export interface KeySpending {
  readonly keyId: string
  readonly day: Spent
  readonly month: Spent
  readonly total: Spent
}
export interface Spent {
  readonly tokens: number
  readonly nanos: number
}

/** Sums of all settled attempts per key, for the day and month of `nowMs` and in total. */
export function spendingByKey(database: DatabaseSync, nowMs: number): KeySpending[] {
  const now = new Date(nowMs)
  const today = Math.floor(nowMs / DAY_MS)
  const monthStart = Math.floor(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1) / DAY_MS)
  const nextMonth = Math.floor(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) / DAY_MS)
  const query = database.prepare(
    `SELECT key_id,
       sum(iif(day = ?1, tokens, 0)) AS day_tokens, sum(iif(day = ?1, nanos, 0)) AS day_nanos,
       sum(iif(day >= ?2 AND day < ?3, tokens, 0)) AS month_tokens, sum(iif(day >= ?2 AND day < ?3, nanos, 0)) AS month_nanos,
       sum(tokens) AS tokens, sum(nanos) AS nanos
     FROM usage_daily WHERE key_id <> '' GROUP BY key_id`,
  )
  return query.all(today, monthStart, nextMonth).map((row) => ({
    keyId: String(row.key_id),
    day: { tokens: Number(row.day_tokens), nanos: Number(row.day_nanos) },
    month: { tokens: Number(row.month_tokens), nanos: Number(row.month_nanos) },
    total: { tokens: Number(row.tokens), nanos: Number(row.nanos) },
  }))
}

/** Which admissions are asked for. */
export interface AdmissionQuery {
  /** Only requests that began later (ms since the epoch). */
  readonly sinceMs: number
  /** Routes whose requests count. */
  readonly routes: readonly string[]
}

/**
 * Start times (ms since the epoch, ascending) of each key's requests that its rate limit admitted: all but those that were
 * refused by it or before it.
 */
export function recentAdmissions(database: DatabaseSync, { sinceMs, routes }: AdmissionQuery): Map<string, number[]> {
  // A request that was lost has no route.
  const query = database.prepare(
    `SELECT key_id, time FROM requests
     WHERE id >= ? AND time > ? AND key_id IS NOT NULL
       AND (attempts > 0 OR error_code IS NULL OR error_code NOT IN (${NOT_ADMITTED}))
       AND (route IS NULL OR route IN (SELECT value FROM json_each(?))) ORDER BY time`,
  )
  const admissions = new Map<string, number[]>()
  for (const row of query.iterate(firstIdAt(sinceMs), sinceMs, JSON.stringify(routes))) {
    const keyId = String(row.key_id)
    const times = admissions.get(keyId)
    if (times === undefined) admissions.set(keyId, [Number(row.time)])
    else times.push(Number(row.time))
  }
  return admissions
}
