import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { SegmentName } from './journal/format.ts'
import { firstIdAt } from './sqlite/migrations.ts'

const DAY_MS = 86_400_000
/** Rows of one transaction: what waits for the database waits a few milliseconds. */
const BATCH = 500
/** No request lasts as long. */
const LONGEST_REQUEST_MS = DAY_MS

/**
 * Removes records of requests, with their ledger, when they are old enough. Sums of usage stay, and with them what budgets
 * know. What the journal may still tell of stays too: told again, a removed request would be counted a second time.
 */
export class Retention {
  readonly #database: DatabaseSync
  readonly #batch: readonly StatementSync[]
  readonly #slices: StatementSync
  /** By segment name, a moment at or before its first entry. */
  readonly #since = new Map<string, number>()
  #begun = false

  constructor(database: DatabaseSync) {
    this.#database = database
    const old = (table: string, id: string) => `SELECT ${id} FROM ${table} WHERE ${id} < ?1`
    const open = 'request_id NOT IN (SELECT request_id FROM open_attempts)'
    this.#batch = [
      `DELETE FROM request_rows WHERE id IN (${old('request_rows', 'id')} ORDER BY id LIMIT ${BATCH})`,
      `DELETE FROM attempt_rows WHERE request_id IN
         (${old('attempt_rows', 'request_id')} AND ${open} ORDER BY request_id LIMIT ${BATCH})`,
    ].map((sql) => database.prepare(sql))
    // The newest of each key stays: it tells when the key was used last.
    this.#slices = database.prepare(
      `DELETE FROM key_slices AS old WHERE slice < ?1
         AND EXISTS (SELECT 1 FROM key_slices WHERE key_id = old.key_id AND slice > old.slice)`,
    )
  }

  /** Takes notice of the segments that are there now; called whenever they are listed. */
  see(segments: readonly SegmentName[], nowMs: number): void {
    const names = new Set(segments.map(({ name }) => name))
    for (const name of this.#since.keys()) if (!names.has(name)) this.#since.delete(name)
    for (const { name, startMs } of segments) {
      // One that was there before us may be as old as its worker.
      if (!this.#since.has(name)) this.#since.set(name, this.#begun ? nowMs : startMs)
    }
    this.#begun = true
  }

  /** Removes a batch of what began before `beforeMs`; true when there may be more. Throws what the database says. */
  forget(beforeMs: number): boolean {
    const kept = Math.min(...this.#since.values()) - LONGEST_REQUEST_MS
    const id = firstIdAt(Math.min(beforeMs, kept))
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const removed = this.#batch.map((statement) => Number(statement.run(id).changes))
      const more = removed.some((count) => count === BATCH)
      // They are few, and looked for in all of them: once.
      if (!more && removed.some((count) => count > 0)) this.#slices.run(id.slice(0, 11))
      this.#database.exec('COMMIT')
      return more
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }
}
