import { Retention } from '../retention.ts'
import type { LedgerStore } from '../store.ts'
import type { LedgerWriterOptions } from '../writer-calls.ts'
import { databasePath, openDatabase } from './database.ts'
import { LedgerTables } from './ledger-tables.ts'

/** Opens the file, creates and migrates it. */
export function openSqliteStore({ dataDir, databaseUrl }: LedgerWriterOptions): LedgerStore {
  const database = openDatabase(databasePath(dataDir, databaseUrl))
  return { database, tables: new LedgerTables(database), retention: new Retention(database), shared: null }
}
