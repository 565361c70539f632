import type { LedgerTablesPort } from './ledger/sink.ts'
import type { StoredKey } from './records.ts'
import type { RetentionPort } from './retention-port.ts'
import type { SqlDatabase } from './sql/sql-database.ts'
import type { CounterPeriod } from './sqlite/counter-sums.ts'
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

/** What the sum of a counter consists of. */
export interface CounterShare {
  /** What this program has charged to it. */
  readonly own: number
  /** What each of the others has. */
  readonly others: readonly (readonly [instance: string, spent: number])[]
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
  /** Whose charges the sums of these counters are, in their order. */
  shares(counters: readonly CounterPeriod[]): readonly CounterShare[]
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
