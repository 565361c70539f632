import { dialectOf } from './sql/dialect.ts'
import type { SqlDatabase, SqlRow, SqlValue } from './sql/sql-database.ts'
import { firstIdAt } from './sqlite/migrations.ts'
import { settledRows, USAGE_DIMENSIONS, type UsageDimension } from './sqlite/settled-rows.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** No request lasts as long: one that was reserved at a moment began at most this long before. */
const LONGEST_REQUEST_MS = DAY_MS

export const USAGE_PERIODS = ['hour', 'day', 'month', 'total'] as const
export type UsagePeriod = (typeof USAGE_PERIODS)[number]

/** Which usage is asked for: that of reservations from `fromMs` to before `toMs`, both at the beginning of an hour. */
export interface UsageByQuery {
  readonly by: readonly UsageDimension[]
  readonly per: UsagePeriod
  readonly fromMs: number
  readonly toMs: number
  /** Of one key alone; null: of all. */
  readonly keyId: string | null
  /** The period and the dimensions of the last row before. */
  readonly after: readonly string[] | null
  readonly limit: number
}

/** Settled attempts of one period and of one value of each dimension. */
export interface UsageRow {
  /** In UTC: `2026-01-15T13`, `2026-01-15`, `2026-01`; empty for the whole time. */
  readonly period: string
  /** In the order that was asked for; '' where a request had none. */
  readonly values: readonly string[]
  readonly requests: number
  readonly tokens: number
  readonly nanos: number
  /** What of the two was taken away since by entries of the phases `release` and `adjust`; 0, or negative. */
  readonly adjustedTokens: number
  readonly adjustedNanos: number
}

/** Those that the sums of days tell apart. */
const DAILY: ReadonlySet<UsageDimension> = new Set(['key_id', 'provider', 'model'])

/**
 * A page of usage in the order of period and dimensions. Whole days by key, provider and model are sums that are kept; anything
 * else is summed from the settled attempts, and from what is left of those whose records are gone.
 */
export function usageBy(database: SqlDatabase, query: UsageByQuery): UsageRow[] {
  const { by, per, fromMs, toMs, keyId, after, limit } = query
  const isDaily = per !== 'hour' && fromMs % DAY_MS === 0 && toMs % DAY_MS === 0 && by.every((name) => DAILY.has(name))
  const columns = by.map((name) => `"${name}"`)
  const places = ['period', ...columns].join(', ')
  const values: SqlValue[] = []
  const place = (value: SqlValue) => `?${values.push(value)}`
  const period = per === 'total' ? "''" : dialectOf(database).hourText[per]
  const source = isDaily
    ? DAYS
    : hours(`id >= ${place(firstIdAt(fromMs - LONGEST_REQUEST_MS))} AND id < ${place(firstIdAt(toMs))}`)
  const ofKey = keyId === null ? '' : `AND key_id = ${place(keyId)}`
  const later = after === null ? '' : `WHERE (${places}) > (${after.map(place).join(', ')})`
  const sql = `SELECT * FROM (
      SELECT ${period} AS period${columns.map((name) => `, ${name}`).join('')},
        ${SUMS.map((name) => `sum(${name}) AS ${name}`).join(', ')}
      FROM (${source}) AS settled
      WHERE hour >= ${place(fromMs / HOUR_MS)} AND hour < ${place(toMs / HOUR_MS)} ${ofKey} GROUP BY ${places}) AS sums
    ${later} ORDER BY ${places} LIMIT ${place(limit)}`
  return database
    .prepare(sql)
    .all(...values)
    .map((row) => toRow(row, by))
}

const SUMS = ['requests', 'tokens', 'nanos', 'adjusted_tokens', 'adjusted_nanos']
const DAYS = `SELECT day * 24 AS hour, key_id, provider, model, ${SUMS.join(', ')} FROM usage_daily`

function hours(range: string): string {
  const dimensions = USAGE_DIMENSIONS.map((name) => `"${name}"`).join(', ')
  const columns = `hour, ${dimensions}, ${SUMS.join(', ')}`
  return `SELECT ${columns} FROM (${settledRows(range)}) AS rows UNION ALL SELECT ${columns} FROM usage_forgotten`
}

function toRow(row: SqlRow, by: readonly UsageDimension[]): UsageRow {
  return {
    period: String(row['period']),
    values: by.map((name) => String(row[name])),
    requests: Number(row['requests']),
    tokens: Number(row['tokens']),
    nanos: Number(row['nanos']),
    adjustedTokens: Number(row['adjusted_tokens']),
    adjustedNanos: Number(row['adjusted_nanos']),
  }
}
