import type { SegmentName } from '../journal/format.ts'
import { JournalHorizon } from '../journal/horizon.ts'
import { tellWhatGoes } from '../ledger/usage-claims.ts'
import type { RetentionPort } from '../retention-port.ts'
import { inTransaction } from '../sql/transaction.ts'
import { KEPT_DIMENSIONS, settledRows } from '../sqlite/settled-rows.ts'
import type { PostgresDatabase } from './database.ts'
import type { Instances } from './instances.ts'
import { beginAt, type Partitions } from './partitions.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
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
  readonly #journal = new JournalHorizon()

  constructor(database: PostgresDatabase, partitions: Partitions, instances: Instances) {
    this.#database = database
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

  forget(beforeMs: number): boolean {
    return inTransaction(this.#database, () => this.#forget(beforeMs))
  }

  #forget(beforeMs: number): boolean {
    this.#database.exec(`SET LOCAL lock_timeout = ${LOCK_MS}`)
    const keptMs = Math.min(this.#journal.sinceMs, this.#instances.othersSinceMs()) - LONGEST_REQUEST_MS
    const day = this.#partitions.before(Math.min(beforeMs, keptMs)).find((each) => !this.#isOpen(each))
    if (day === undefined) return false
    this.#partitions.lock(day)
    const columns = KEPT_DIMENSIONS.map((name) => `"${name}"`).join(', ')
    const [beginMs, endMs] = [day * DAY_MS, (day + 1) * DAY_MS]
    const sums = this.#database.prepare(
      `INSERT INTO usage_forgotten (hour, ${columns}, requests, tokens, nanos, adjusted_tokens, adjusted_nanos)
           SELECT hour, ${columns}, sum(requests), sum(tokens), sum(nanos), sum(adjusted_tokens), sum(adjusted_nanos)
           FROM (${settledRows('id >= ?1 AND id < ?2')}) AS settled GROUP BY hour, ${columns}
         ON CONFLICT (hour, ${columns}) DO UPDATE SET requests = usage_forgotten.requests + excluded.requests,
           tokens = usage_forgotten.tokens + excluded.tokens, nanos = usage_forgotten.nanos + excluded.nanos,
           adjusted_tokens = usage_forgotten.adjusted_tokens + excluded.adjusted_tokens,
           adjusted_nanos = usage_forgotten.adjusted_nanos + excluded.adjusted_nanos`,
    )
    // Hour by hour: no statement may take long.
    for (let ms = beginMs; ms < endMs; ms += HOUR_MS) sums.run(beginAt(ms), beginAt(ms + HOUR_MS))
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
