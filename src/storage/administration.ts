import type { AuditEntry } from './audit-entry.ts'
import {
  type Adjusted,
  type AdjustmentPlace,
  Adjustments,
  type LevelCounter,
  type NewAdjustment,
} from './ledger/adjustments.ts'
import type { StoredKey } from './records.ts'
import type { SqlDatabase } from './sql/sql-database.ts'
import { inTransaction } from './sql/transaction.ts'
import { AuditLog } from './sqlite/audit-log.ts'
import { type KeyStep, KeyTable, type NewSecret } from './sqlite/key-table.ts'
import { StoredLevels } from './sqlite/stored-levels.ts'
import type { StoredLevel } from './stored-level.ts'

/**
 * Keys and levels of the database, and who changed them. A change and its line of the audit log are one transaction: what cannot be
 * written down is not done.
 */
export class Administration {
  readonly #database: SqlDatabase
  readonly #keys: KeyTable
  readonly #levels: StoredLevels
  readonly #audit: AuditLog
  readonly #adjustments: Adjustments

  constructor(database: SqlDatabase) {
    this.#database = database
    this.#keys = new KeyTable(database)
    this.#levels = new StoredLevels(database)
    this.#audit = new AuditLog(database)
    this.#adjustments = new Adjustments(database)
  }

  /** All keys, oldest first, revoked ones too. */
  keys(): StoredKey[] {
    return this.#keys.list()
  }

  findKey(id: string): StoredKey | null {
    return this.#keys.find(id)
  }

  /** All levels that are there. */
  levels(): StoredLevel[] {
    return this.#levels.list()
  }

  /** Throws StorageError `key_exists` when the id or the hash is taken. */
  createKey(key: StoredKey, entry: AuditEntry): void {
    this.#change(entry, () => this.#keys.create(key))
  }

  /** See KeyTable.revoke. A key that there is not, or that is revoked, is no change. */
  revokeKey(id: string, atMs: number, entry: AuditEntry): StoredKey | null {
    const before = this.#keys.find(id)
    if (before === null || before.revoked_at !== null) return before
    return this.#change(entry, () => this.#keys.revoke(id, atMs))
  }

  /** See KeyTable.rotate. */
  rotateKey(id: string, to: NewSecret, entry: AuditEntry): StoredKey | null {
    return inTransaction(this.#database, () => {
      const key = this.#keys.rotate(id, to)
      if (key !== null) this.#audit.append(entry)
      return key
    })
  }

  /** See KeyTable.change. */
  changeKey(id: string, step: KeyStep, entry: AuditEntry): StoredKey | null {
    return inTransaction(this.#database, () => {
      const key = this.#keys.change(id, step)
      if (key !== null) this.#audit.append(entry)
      return key
    })
  }

  /** See Adjustments.countersOf. */
  countersOf(levels: readonly string[]): LevelCounter[] {
    return this.#adjustments.countersOf(levels)
  }

  /** See Adjustments.enter: one that is there already is no change. */
  adjust(asked: NewAdjustment, place: AdjustmentPlace, entry: AuditEntry): Adjusted {
    return inTransaction(this.#database, () => {
      const adjusted = this.#adjustments.enter(asked, place, entry.time)
      if (adjusted.isNew) this.#audit.append(entry)
      return adjusted
    })
  }

  putLevel(level: StoredLevel, entry: AuditEntry): void {
    this.#change(entry, () => this.#levels.put(level))
  }

  /** Something that was refused. */
  note(entry: AuditEntry): void {
    this.#audit.append(entry)
  }

  #change<T>(entry: AuditEntry, work: () => T): T {
    return inTransaction(this.#database, () => {
      this.#audit.append(entry)
      return work()
    })
  }
}
