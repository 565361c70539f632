import { type Dialect, POSTGRES } from '../sql/dialect.ts'
import type { SqlDatabase, SqlRow, SqlStatement, SqlValue } from '../sql/sql-database.ts'
import { type ConnectionResult, type PostgresConnection, PostgresError } from './connection.ts'
import type { ConnectionValue } from './connection-messages.ts'

/** Begins and ends of transactions as both databases are told them, and how PostgreSQL says it. */
const TRANSACTIONS: Readonly<Record<string, string>> = {
  'BEGIN IMMEDIATE': 'BEGIN',
  BEGIN: 'BEGIN ISOLATION LEVEL REPEATABLE READ',
  COMMIT: 'COMMIT',
  ROLLBACK: 'ROLLBACK',
}

/** PostgreSQL as SQLite's interface: see SqlDatabase. A connection that was lost is made again by the next statement. */
export class PostgresDatabase implements SqlDatabase {
  readonly dialect: Dialect = POSTGRES
  readonly #connection: PostgresConnection
  /** The session in which a transaction is open. */
  #session: number | null = null

  constructor(connection: PostgresConnection) {
    this.#connection = connection
  }

  get isTransaction(): boolean {
    return this.#session !== null
  }

  prepare(sql: string): SqlStatement {
    const text = withNumbers(sql)
    const rows = (values: readonly SqlValue[]) => this.query(text, values.map(plain)).rows
    return {
      get: (...values) => rows(values)[0],
      all: (...values) => rows(values),
      iterate: (...values) => rows(values),
      run: (...values) => ({ changes: this.query(text, values.map(plain)).changes }),
    }
  }

  exec(sql: string): void {
    if (sql === '') return
    const { command, session } = this.query(TRANSACTIONS[sql] ?? sql, [])
    if (sql.startsWith('BEGIN')) this.#session = session
    if (sql !== 'COMMIT' && sql !== 'ROLLBACK') return
    this.#session = null
    // The server ends a transaction in which a statement failed by undoing it, without an error.
    if (sql === 'COMMIT' && command !== 'COMMIT') {
      throw new PostgresError({ message: 'the transaction was rolled back', sqlState: null, isLost: false })
    }
  }

  /** A statement with `$1` for its values, which may be lists. */
  query(text: string, values: readonly ConnectionValue[]): ConnectionResult & { readonly rows: SqlRow[] } {
    try {
      const result = this.#connection.query(text, values, this.#session)
      return { ...result, rows: result.rows as SqlRow[] } // numbers, texts, bytes and null, by the thread's type parsers
    } catch (error) {
      // What was begun on a connection that is lost is rolled back by the server.
      if (error instanceof PostgresError && error.isLost) this.#session = null
      throw error
    }
  }

  close(): void {
    this.#connection.close()
  }
}

/** `?` and `?1` as `$1`. */
export function withNumbers(sql: string): string {
  let at = 0
  return sql.replaceAll(/'[^']*'|\?(\d*)/g, (match, number?: string) => {
    if (match.startsWith("'")) return match
    return `$${number === '' ? ++at : number}`
  })
}

/** Texts cannot hold a zero character in PostgreSQL. */
export function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text
}

function plain(value: SqlValue): ConnectionValue {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') return storable(value)
  if (value === null || typeof value === 'number') return value
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}
