import type { SegmentName } from '../journal/format.ts'
import { JournalHorizon } from '../journal/horizon.ts'
import {
  FORGOTTEN_KEY,
  FORGOTTEN_SUMS,
  type ForgottenRow,
  ForgottenUsage,
  goingSql,
} from '../ledger/forgotten-usage.ts'
import { tellWhatGoes } from '../ledger/usage-claims.ts'
import type { RetentionPort } from '../retention-port.ts'
import { inTransaction } from '../sql/transaction.ts'
import { settledRows, USAGE_DIMENSIONS } from '../sqlite/settled-rows.ts'
import type { PostgresDatabase } from './database.ts'
import type { Instances } from './instances.ts'
import { beginAt, type Partitions } from './partitions.ts'

const DAY_MS = 86_400_000
const SLICE_MS = 300_000
/** No request lasts as long. */
const LONGEST_REQUEST_MS = DAY_MS
/** Whoever reads the table is waited for so long; then it is tried again later, since everybody else waits for us meanwhile. */
const LOCK_MS = 2_000

/**
 * Drops the partitions of days whose records are old enough, a day at a time: no row is looked for, and the room is free at once. What
 * the rows had settled goes into `usage_forgotten` in the same transaction. A day goes when its last request is old enough, and no
 * journal of any instance may tell of it.
 */
export class PostgresRetention implements RetentionPort {
  readonly #database: PostgresDatabase
  readonly #partitions: Partitions
  readonly #instances: Instances
  readonly #usage: ForgottenUsage
  readonly #journal = new JournalHorizon()

  constructor(database: PostgresDatabase, partitions: Partitions, instances: Instances) {
    this.#database = database
    this.#usage = new ForgottenUsage(database)
    this.#partitions = partitions
    this.#instances = instances
  }

  see(segments: readonly SegmentName[], nowMs: number): void {
    this.#journal.see(segments, nowMs)
  }

  /** How far back our own journal goes. */
  get sinceMs(): number {
    return this.#journal.sinceMs
  }

  forget(beforeMs: number, mostRows: number): boolean {
    try {
      return inTransaction(this.#database, () => this.#forget(beforeMs, mostRows))
    } finally {
      // Others do the same with other days.
      this.#usage.undone()
    }
  }

  #forget(beforeMs: number, mostRows: number): boolean {
    this.#database.exec(`SET LOCAL lock_timeout = ${LOCK_MS}`)
    const keptMs = Math.min(this.#journal.sinceMs, this.#instances.othersSinceMs()) - LONGEST_REQUEST_MS
    const day = this.#partitions.before(Math.min(beforeMs, keptMs)).find((each) => !this.#isOpen(each))
    if (day === undefined) return false
    this.#partitions.lock(day)
    const [beginMs, endMs] = [day * DAY_MS, (day + 1) * DAY_MS]
    const going = this.#database.prepare(goingSql(settledRows('id >= ?1 AND id < ?2', USAGE_DIMENSIONS)))
    // Some minutes at a time: no statement may take long, nor its answer much memory.
    for (let ms = beginMs; ms < endMs; ms += SLICE_MS) {
      this.#add(this.#usage.place(going.iterate(beginAt(ms), beginAt(ms + SLICE_MS)), mostRows))
    }
    const ofDay = 'request_id >= ?1 AND request_id < ?2'
    this.#database.prepare(tellWhatGoes(ofDay)).run(beginAt(beginMs), beginAt(endMs))
    this.#partitions.drop(day)
    for (const table of ['later_entries', 'reserved_charges']) {
      this.#database.prepare(`DELETE FROM ${table} WHERE ${ofDay}`).run(beginAt(beginMs), beginAt(endMs))
    }
    // The newest of each key stays: it tells when the key was used last.
    this.#database
      .prepare(
        `DELETE FROM key_slices AS old WHERE slice < ?1
           AND EXISTS (SELECT 1 FROM key_slices AS later WHERE later.key_id = old.key_id AND later.slice > old.slice)`,
      )
      .run(beginAt(endMs))
    return true
  }

  #add(rows: readonly ForgottenRow[]): void {
    if (rows.length === 0) return
    const [key, sums] = [FORGOTTEN_KEY.join(', '), FORGOTTEN_SUMS.join(', ')]
    const numbers = FORGOTTEN_SUMS.map((_, at) => `$${FORGOTTEN_KEY.length + 1 + at}::bigint[]`)
    const texts = FORGOTTEN_KEY.slice(1).map((_, at) => `$${at + 2}::text[]`)
    this.#database.query(
      `INSERT INTO usage_forgotten (${key}, ${sums}) SELECT * FROM unnest($1::bigint[], ${[...texts, ...numbers].join(', ')})
       ON CONFLICT (${key}) DO UPDATE SET
         ${FORGOTTEN_SUMS.map((name) => `${name} = usage_forgotten.${name} + excluded.${name}`).join(', ')}`,
      [
        rows.map(({ hour }) => hour),
        ...FORGOTTEN_KEY.slice(1).map((_, at) => rows.map(({ values }) => values[at] ?? '')),
        ...FORGOTTEN_SUMS.map((_, at) => rows.map(({ sums: amounts }) => amounts[at] ?? 0)),
      ],
    )
  }

  /**
   * Whether a request of a day has not ended (one that lasts so long is one that a lost instance has left), or holds an amount for a
   * thing that goes on, which may still be given back.
   */
  #isOpen(day: number): boolean {
    const ofDay = 'WHERE request_id >= ?1 AND request_id < ?2'
    const sql = `SELECT 1 FROM open_attempts ${ofDay} UNION ALL SELECT 1 FROM held_amounts ${ofDay} LIMIT 1`
    return this.#database.prepare(sql).get(beginAt(day * DAY_MS), beginAt((day + 1) * DAY_MS)) !== undefined
  }
}
