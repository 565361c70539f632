import { GATEWAY_LEVEL } from '../ledger/settlement-sums.ts'
import { RECORD_LEVELS } from '../records.ts'
import type { SqlDatabase } from '../sql/sql-database.ts'
import { firstIdAt } from './migrations.ts'

/** Codes of refusals that come before a key's rate limit, or from it. */
const NOT_ADMITTED = "'address_not_allowed', 'insufficient_scope', 'rate_limit_exceeded'"

/** Which admissions are asked for. */
export interface AdmissionQuery {
  /** Only requests that began later (ms since the epoch). */
  readonly sinceMs: number
  /** Routes whose requests count. */
  readonly routes: readonly string[]
}

/**
 * Start times (ms since the epoch, ascending) of each level's requests that its rate limits admitted: all but those that were
 * refused by it or before it.
 */
export function recentAdmissions(database: SqlDatabase, { sinceMs, routes }: AdmissionQuery): Map<string, number[]> {
  // A request that was lost has no route.
  const query = database.prepare(
    `SELECT key_id, organization, team, project, "user", time FROM requests
     WHERE id >= ? AND time > ? AND key_id IS NOT NULL
       AND (attempts > 0 OR error_code IS NULL OR error_code NOT IN (${NOT_ADMITTED}))
       AND (route IS NULL OR route IN (${routes.map(() => '?').join(', ') || "''"})) ORDER BY time`,
  )
  const admissions = new Map<string, number[]>()
  for (const row of query.iterate(firstIdAt(sinceMs), sinceMs, ...routes)) {
    const levels = RECORD_LEVELS.flatMap((kind) => (row[kind] === null ? [] : [`${kind}:${String(row[kind])}`]))
    for (const level of [GATEWAY_LEVEL, `key:${String(row.key_id)}`, ...levels]) {
      const times = admissions.get(level)
      if (times === undefined) admissions.set(level, [Number(row.time)])
      else times.push(Number(row.time))
    }
  }
  return admissions
}
