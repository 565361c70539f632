import { dialectOf } from './sql/dialect.ts'
import type { SqlDatabase, SqlRow, SqlValue } from './sql/sql-database.ts'
import { firstIdAt } from './sqlite/migrations.ts'
import { settledRows, type UsageDimension } from './sqlite/settled-rows.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** No request lasts as long: one that was reserved at a moment began at most this long before. */
const LONGEST_REQUEST_MS = DAY_MS

export const USAGE_PERIODS = ['hour', 'day', 'week', 'month', 'total'] as const
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
  /** In UTC: `2026-01-15T13`, `2026-01-15` (of a week its Monday), `2026-01`; empty for the whole time. */
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
const SUMS = ['requests', 'tokens', 'nanos', 'adjusted_tokens', 'adjusted_nanos']

/** Whether a question is answered by the sums of days alone, and not by the records of its time. */
export function isOfDays({ by, per, fromMs, toMs }: Pick<UsageByQuery, 'by' | 'per' | 'fromMs' | 'toMs'>): boolean {
  return per !== 'hour' && fromMs % DAY_MS === 0 && toMs % DAY_MS === 0 && by.every((name) => DAILY.has(name))
}

/**
 * A page of usage in the order of period and dimensions. Whole days by key, provider and model are sums that are kept; anything
 * else is summed from the entries, and from what is left of those whose records are gone. A request with several tags counts for each of them.
 */
export function usageBy(database: SqlDatabase, query: UsageByQuery): UsageRow[] {
  const { by, per, fromMs, toMs, keyId, after, limit } = query
  const columns = by.map((name) => `"${name}"`)
  const places = ['period', ...columns].join(', ')
  const values: SqlValue[] = []
  const place = (value: SqlValue) => `?${values.push(value)}`
  const dialect = dialectOf(database)
  const period = per === 'total' ? "''" : dialect.hourText[per]
  const source = isOfDays(query)
    ? DAYS
    : hours(
        keyId === null ? by : [...new Set([...by, 'key_id' as const])],
        `id >= ${place(firstIdAt(fromMs - LONGEST_REQUEST_MS))} AND id < ${place(firstIdAt(toMs))}`,
      )
  const isByTag = by.includes('tag')
  const tags = isByTag ? `LEFT JOIN ${dialect.partsOf('settled.tag')} ON true` : ''
  const ofKey = keyId === null ? '' : `AND key_id = ${place(keyId)}`
  const later = after === null ? '' : `WHERE (${places}) > (${after.map(place).join(', ')})`
  const named = by.map((name) =>
    name === 'tag' ? `, coalesce(parts.value, '') AS "tag"` : `, settled."${name}" AS "${name}"`,
  )
  const sql = `SELECT * FROM (
      SELECT ${period} AS period${named.join('')}, ${SUMS.map((name) => `sum(${name}) AS ${name}`).join(', ')}
      FROM (${source}) AS settled ${tags}
      WHERE hour >= ${place(fromMs / HOUR_MS)} AND hour < ${place(toMs / HOUR_MS)} ${ofKey}
      GROUP BY ${[1, ...by.map((_, at) => at + 2)].join(', ')}) AS sums
    ${later} ORDER BY ${places} LIMIT ${place(limit)}`
  return database
    .prepare(sql)
    .all(...values)
    .map((row) => toRow(row, by))
}

const DAYS = `SELECT day * 24 AS hour, key_id, provider, model, ${SUMS.join(', ')} FROM usage_daily`

function hours(dimensions: readonly UsageDimension[], range: string): string {
  const sums = SUMS.join(', ')
  const here = ['hour', ...dimensions.map((name) => `"${name}"`), sums].join(', ')
  return `SELECT ${here} FROM (${settledRows(range, dimensions)}) AS rows UNION ALL SELECT ${here} FROM usage_forgotten`
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
