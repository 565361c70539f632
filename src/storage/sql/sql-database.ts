import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { Dialect } from './dialect.ts'

/** What statements are given and give: the values of SQLite, which PostgreSQL's are turned into. */
export type SqlValue = SQLInputValue
export type SqlRow = Record<string, SQLOutputValue>

/** A statement that is ready to be run with values for its `?` and `?1`. */
export interface SqlStatement {
  /** The first row, or undefined. */
  get(...values: SqlValue[]): SqlRow | undefined
  all(...values: SqlValue[]): SqlRow[]
  iterate(...values: SqlValue[]): Iterable<SqlRow>
  run(...values: SqlValue[]): { readonly changes: number | bigint }
}

/**
 * A connection to a database, SQLite's or one that behaves like it: calls are synchronous, since whoever has one lives in a
 * thread of its own. `BEGIN IMMEDIATE` begins a transaction that writes, `BEGIN` one that reads in one moment of the database.
 */
export interface SqlDatabase {
  /** Absent: SQLite. */
  readonly dialect?: Dialect
  readonly isTransaction: boolean
  prepare(sql: string): SqlStatement
  exec(sql: string): void
  close(): void
}

/** A value of a column of texts that may be empty. */
export function textOrNull(value: SQLOutputValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}
