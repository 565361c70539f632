import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { SegmentName } from './journal/format.ts'
import { JournalHorizon } from './journal/horizon.ts'
import { FORGOTTEN_KEY, FORGOTTEN_SUMS, ForgottenUsage, goingSql } from './ledger/forgotten-usage.ts'
import { tellWhatGoes } from './ledger/usage-claims.ts'
import type { RetentionPort } from './retention-port.ts'
import { firstIdAt } from './sqlite/migrations.ts'
import { settledRows, USAGE_DIMENSIONS } from './sqlite/settled-rows.ts'

const DAY_MS = 86_400_000
/** Rows of one transaction: what waits for the database waits a few milliseconds. */
const BATCH = 500
/** No request lasts as long. */
const LONGEST_REQUEST_MS = DAY_MS

/**
 * Removes records of requests, with their ledger, when they are old enough, the oldest first: rows lie in the order of time. What
 * they had settled goes into `usage_forgotten`, so that sums of usage stay, and with them what budgets know. What the journal may still tell of stays too: told again, a removed request would be counted a second time.
 */
export class Retention implements RetentionPort {
  readonly #database: DatabaseSync
  readonly #boundaries: readonly StatementSync[]
  readonly #going: StatementSync
  readonly #sums: StatementSync
  readonly #usage: ForgottenUsage
  readonly #remove: readonly StatementSync[]
  readonly #slices: StatementSync
  readonly #charges: StatementSync
  readonly #tell: StatementSync
  readonly #journal = new JournalHorizon()

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#usage = new ForgottenUsage(database)
    const oldest = (table: string, id: string, condition: string) =>
      database.prepare(
        `SELECT max(id) AS id, count(*) AS n FROM
           (SELECT ${id} AS id FROM ${table} WHERE ${id} < ?1 AND ${condition} ORDER BY ${id} LIMIT ${BATCH})`,
      )
    // What is held for a thing that goes on may still be given back.
    const closed = (id: string) =>
      `${id} NOT IN (SELECT request_id FROM open_attempts UNION ALL SELECT request_id FROM held_amounts)`
    // Requests with all of their attempts, then attempts that no request is known of.
    this.#boundaries = [
      oldest('request_rows', 'id', closed('id')),
      oldest('attempt_rows', 'request_id', closed('request_id')),
    ]
    this.#going = database.prepare(goingSql(settledRows(`id <= ?1 AND ${closed('id')}`, USAGE_DIMENSIONS)))
    const columns = [...FORGOTTEN_KEY, ...FORGOTTEN_SUMS]
    this.#sums = database.prepare(
      `INSERT INTO usage_forgotten (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
       ON CONFLICT DO UPDATE SET ${FORGOTTEN_SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`,
    )
    this.#remove = (['request_rows id', 'attempt_rows request_id', 'later_entries request_id'] as const).map(
      (place) => {
        const [table, id] = place.split(' ') as [string, string] // by their texts
        return database.prepare(`DELETE FROM ${table} WHERE ${id} <= ?1 AND ${closed(id)}`)
      },
    )
    // The newest of each key stays: it tells when the key was used last.
    this.#slices = database.prepare(
      `DELETE FROM key_slices AS old WHERE slice < ?1
         AND EXISTS (SELECT 1 FROM key_slices WHERE key_id = old.key_id AND slice > old.slice)`,
    )
    this.#charges = database.prepare(`DELETE FROM reserved_charges WHERE request_id < ?1 AND ${closed('request_id')}`)
    this.#tell = database.prepare(tellWhatGoes(`request_id <= ?1 AND ${closed('request_id')}`))
  }

  see(segments: readonly SegmentName[], nowMs: number): void {
    this.#journal.see(segments, nowMs)
  }

  /** Removes a batch of what began before `beforeMs`; true when there may be more. Throws what the database says. */
  forget(beforeMs: number, mostRows: number): boolean {
    const kept = this.#journal.sinceMs - LONGEST_REQUEST_MS
    const id = firstIdAt(Math.min(beforeMs, kept))
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      let [removed, more] = [0, false]
      for (const boundary of this.#boundaries) {
        const oldest = boundary.get(id)
        if (typeof oldest?.id !== 'string') continue
        // What usage is told by afterwards, in the same transaction: no sum ever changes for that.
        for (const { hour, values, sums } of this.#usage.place(this.#going.all(oldest.id), mostRows)) {
          this.#sums.run(hour, ...values, ...sums)
        }
        this.#tell.run(oldest.id)
        for (const statement of this.#remove) statement.run(oldest.id)
        removed += Number(oldest.n)
        if (Number(oldest.n) === BATCH) {
          more = true
          break
        }
      }
      // They are few, and looked for in all of them: once.
      if (!more && removed > 0) {
        this.#slices.run(id.slice(0, 11))
        this.#charges.run(id)
      }
      this.#database.exec('COMMIT')
      return more
    } catch (error) {
      this.#usage.undone()
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }
}
