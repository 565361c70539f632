import { GATEWAY_LEVEL } from '../ledger/settlement-sums.ts'
import { RECORD_LEVELS } from '../records.ts'
import type { SqlDatabase, SqlRow } from '../sql/sql-database.ts'
import type { TakenTokens } from '../writer-calls.ts'
import { firstIdAt } from './migrations.ts'
import { settledRows } from './settled-rows.ts'

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
    for (const level of levelsOf(row)) put(admissions, level, Number(row.time))
  }
  return admissions
}

/** A request that was reserved for at a moment began at most this long before, or nearly all did: what waits for more is refused. */
const LONGEST_WAIT_MS = 60_000

/** What attempts that were reserved later than this were charged, by level, in the order of their reservations. */
export function recentTokens(
  database: SqlDatabase,
  { sinceMs }: Pick<AdmissionQuery, 'sinceMs'>,
): Map<string, TakenTokens[]> {
  const query = database.prepare(
    `SELECT * FROM (${settledRows('id >= ?1')}) AS settled WHERE reserved_at > ?2 AND key_id <> '' AND requests = 1 AND tokens > 0
     ORDER BY reserved_at`,
  )
  const taken = new Map<string, TakenTokens[]>()
  for (const row of query.iterate(firstIdAt(sinceMs - LONGEST_WAIT_MS), sinceMs)) {
    const one = { atMs: Number(row['reserved_at']), tokens: Number(row['tokens']) }
    for (const level of levelsOf(row)) put(taken, level, one)
  }
  return taken
}

function levelsOf(row: SqlRow): string[] {
  const between = RECORD_LEVELS.flatMap((kind) => {
    const id = row[kind]
    return id === null || id === '' ? [] : [`${kind}:${String(id)}`]
  })
  return [GATEWAY_LEVEL, `key:${String(row['key_id'])}`, ...between]
}

function put<T>(lists: Map<string, T[]>, name: string, value: T): void {
  const list = lists.get(name)
  if (list === undefined) lists.set(name, [value])
  else list.push(value)
}
