import path from 'node:path'
import { PostgresConnection } from '../postgres/connection.ts'
import { PostgresDatabase } from '../postgres/database.ts'
import { openPostgresStore, WRITER } from '../postgres/open.ts'
import { parsePostgresUrl } from '../postgres/url.ts'
import type { SqlDatabase } from '../sql/sql-database.ts'
import { openDatabase } from '../sqlite/database.ts'
import { openSqliteStore } from '../sqlite/open-store.ts'
import { LedgerWriter } from '../writer.ts'

/**
 * The tests of storage run with both databases: with SQLite by themselves, and with the server that this variable names when
 * `postgres/contract.test.ts` runs them again.
 */
const SERVER = process.env.FERRO_TEST_POSTGRES ?? null

/** How many examples of a property are tried: opening a database costs more on a server. */
export const EXAMPLES = SERVER === null ? 40 : 5

/** For a test that is about a file. */
export const SQLITE_ONLY = { skip: SERVER === null ? false : 'it is about the file of SQLite' }

const known = new Set<string>()

/**
 * The storage URL of a data directory. On a server all of them have the same database, one after the other, since making one takes
 * long: it is empty for each that is new.
 */
export function storeUrl(dataDir: string): string | null {
  if (SERVER === null || known.has(dataDir)) return SERVER
  const server = new PostgresDatabase(new PostgresConnection(parsePostgresUrl(SERVER), WRITER))
  const tables = server.prepare(
    `SELECT string_agg(quote_ident(relname), ', ') AS names FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'schema_version'`,
  )
  const names = tables.get()?.names
  if (typeof names === 'string') server.exec(`TRUNCATE ${names} RESTART IDENTITY CASCADE`)
  server.close()
  known.add(dataDir)
  return SERVER
}

/** The writer of a data directory and its database. */
export function openStore(dataDir: string): LedgerWriter {
  const databaseUrl = storeUrl(dataDir)
  return LedgerWriter.open({ dataDir, databaseUrl }, databaseUrl === null ? openSqliteStore : openPostgresStore)
}

/** A connection to the database of a data directory, which is made at need. */
export function openTables(dataDir: string): SqlDatabase {
  const databaseUrl = storeUrl(dataDir)
  if (databaseUrl === null) return openDatabase(path.join(dataDir, 'ferro.db'))
  return openPostgresStore({ dataDir, databaseUrl }).database
}

/** The rows of somebody else's query, on a connection of their own to a database that is there. */
export function queryElsewhere(dataDir: string, sql: string): Record<string, unknown>[] {
  return elsewhere(dataDir, (database) => database.prepare(sql).all())
}

/** Somebody else changes the database. */
export function changeElsewhere(dataDir: string, sql: string): void {
  elsewhere(dataDir, (database) => database.exec(sql))
}

function elsewhere<T>(dataDir: string, work: (database: SqlDatabase) => T): T {
  const databaseUrl = storeUrl(dataDir)
  const database =
    databaseUrl === null
      ? openDatabase(path.join(dataDir, 'ferro.db'))
      : new PostgresDatabase(new PostgresConnection(parsePostgresUrl(databaseUrl), WRITER))
  try {
    return work(database)
  } finally {
    database.close()
  }
}
