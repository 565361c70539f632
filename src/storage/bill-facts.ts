import type { SqlDatabase } from './sql/sql-database.ts'
import { firstIdAt } from './sqlite/migrations.ts'

const DAY_MS = 86_400_000

/** What is known of the settled attempts of one day and model whose rows are still there. */
export interface BillFacts {
  /** UTC: `2026-01-31`. */
  readonly date: string
  readonly model: string
  /** Attempts whose request has no known cost although it used something. */
  readonly unpriced: number
  readonly estimated: number
  /** Charged in full: lost, or in advance. */
  readonly reserved: number
  readonly cacheReadTokens: number
}

/** What may explain the difference between the ledger and the bill of a provider, day by day; times at the beginning of days. */
export function billFacts(
  database: SqlDatabase,
  { provider, fromMs, toMs }: { readonly provider: string; readonly fromMs: number; readonly toMs: number },
): BillFacts[] {
  const rows = database
    .prepare(
      `SELECT l.reserved_at / 86400000 AS day, l.model AS model, count(*) FILTER (WHERE l.usage_source = 'estimated') AS estimated,
         count(*) FILTER (WHERE l.phase = 1 AND l.usage_source = 'reserved') - count(*) FILTER (WHERE l.phase > 1) AS reserved,
         coalesce(sum(r.cache_read_tokens) FILTER (WHERE l.phase = 1), 0) AS cached,
         count(*) FILTER (WHERE l.phase = 1 AND l.usage_source <> 'none' AND r.id IS NOT NULL AND r.cost_nanos IS NULL)
           - count(*) FILTER (WHERE l.phase > 1 AND r.id IS NOT NULL AND r.cost_nanos IS NULL) AS unpriced
       FROM ledger l LEFT JOIN requests r ON r.id = l.request_id
       WHERE l.phase >= 1 AND l.provider = ?1 AND l.request_id >= ?2 AND l.request_id < ?3
         AND l.reserved_at >= ?4 AND l.reserved_at < ?5 GROUP BY 1, 2`,
    )
    .all(provider, firstIdAt(fromMs - DAY_MS), firstIdAt(toMs), fromMs, toMs)
  return rows.map((row) => ({
    date: new Date(Number(row['day']) * DAY_MS).toISOString().slice(0, 10),
    model: String(row['model']),
    unpriced: Number(row['unpriced']),
    estimated: Number(row['estimated']),
    reserved: Number(row['reserved']),
    cacheReadTokens: Number(row['cached']),
  }))
}
