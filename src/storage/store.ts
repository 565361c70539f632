import type { LedgerTablesPort } from './ledger/sink.ts'
import type { StoredKey } from './records.ts'
import type { RetentionPort } from './retention-port.ts'
import type { SqlDatabase } from './sql/sql-database.ts'
import type { StoredLevel } from './stored-level.ts'

/** Keys that were made or changed after a version, and the version of the last one. */
export interface KeyChanges {
  readonly version: number
  readonly keys: readonly StoredKey[]
}

/** Levels that were made or changed after a version, removed ones too, and the version of the last one. */
export interface LevelChanges {
  readonly version: number
  readonly levels: readonly StoredLevel[]
}

/** What a database has beside its own rows when several programs use it at once. */
export interface SharedStore {
  /** Our name among them: that of the data directory, and of its journal. */
  readonly instance: string
  /** Whether another one is there, and was there at a moment. */
  isAlive(instance: string, sinceMs: number): boolean
  /** How many there are, we included. */
  instances(): number
  keysSince(version: number): KeyChanges
  levelsSince(version: number): LevelChanges
  /** We end. `isEmpty`: nothing is left in our journal. */
  leave(isEmpty: boolean): void
}

/** An open database for its writer. */
export interface LedgerStore {
  readonly database: SqlDatabase
  readonly tables: LedgerTablesPort
  readonly retention: RetentionPort
  /** Null where nobody else uses it. */
  readonly shared: SharedStore | null
}
