import type { SqlDatabase } from './sql-database.ts'

/** The few places where one text of SQL cannot be for both databases. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  /** The smaller of two values. */
  readonly least: 'min' | 'least'
  /** A UTC time as text, from `hour` (since the epoch). */
  readonly hourText: Readonly<Record<'hour' | 'day' | 'week' | 'month', string>>
  /** A table `parts` of one column `value`: the parts of a text with commas between; of an empty text one that is empty, or none. */
  partsOf(text: string): string
  /** A statement that lets only one transaction after the other work on a table; empty where all writes do. */
  lock(table: string): string
}

const SQLITE: Dialect = {
  name: 'sqlite',
  least: 'min',
  hourText: {
    hour: "strftime('%Y-%m-%dT%H', hour * 3600, 'unixepoch')",
    day: "strftime('%Y-%m-%d', hour * 3600, 'unixepoch')",
    // Its Monday: the Sunday that comes, or is, and six days back.
    week: "strftime('%Y-%m-%d', hour * 3600, 'unixepoch', 'weekday 0', '-6 days')",
    month: "strftime('%Y-%m', hour * 3600, 'unixepoch')",
  },
  partsOf: (text) => `json_each('[' || replace(json_quote(${text}), ',', '","') || ']') AS parts`,
  lock: () => '',
}

const HOUR = "to_timestamp(hour * 3600) AT TIME ZONE 'UTC'"

export const POSTGRES: Dialect = {
  name: 'postgres',
  least: 'least',
  hourText: {
    hour: `to_char(${HOUR}, 'YYYY-MM-DD"T"HH24')`,
    day: `to_char(${HOUR}, 'YYYY-MM-DD')`,
    week: `to_char(date_trunc('week', ${HOUR}), 'YYYY-MM-DD')`,
    month: `to_char(${HOUR}, 'YYYY-MM')`,
  },
  partsOf: (text) => `LATERAL unnest(string_to_array(${text}, ',')) AS parts (value)`,
  lock: (table) => `LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`,
}

/** How to write for a database. */
export function dialectOf(database: SqlDatabase): Dialect {
  return database.dialect ?? SQLITE
}

/** Whether a statement was refused because a row with the same unique value is there. */
export function isDuplicate(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // SQLITE_CONSTRAINT is 19, extended codes have it in the low byte; 23505 is PostgreSQL's unique_violation.
  if ('errcode' in error) return (Number(error.errcode) & 0xff) === 19
  return 'sqlState' in error && error.sqlState === '23505'
}
