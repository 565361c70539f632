import type { PostgresDatabase } from './database.ts'

const BEAT_MS = 5_000
/** Who has not been heard of for so long has ended, or its way to the database is cut. */
const ALIVE_MS = 30_000
/** A journal that nobody has heard of for so long holds no records back any more. */
const REMEMBERED_MS = 30 * 86_400_000

/** The programs that share a database, each with a journal of its own. */
export class Instances {
  /** Our own name: that of the data directory, and of the journal in it. */
  readonly own: string
  readonly #database: PostgresDatabase
  readonly #startedMs = Date.now()
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(database: PostgresDatabase, own: string) {
    this.#database = database
    this.own = own
  }

  /** Tells the others that we are here, and how far our journal goes back; at most every few seconds. */
  beat(journalSinceMs: number, nowMs = Date.now()): void {
    if (nowMs - this.#toldMs < BEAT_MS) return
    const sinceMs = Math.floor(Math.min(journalSinceMs, nowMs))
    this.#database.query(
      `INSERT INTO instances VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE
         SET started_ms = excluded.started_ms, seen_ms = excluded.seen_ms, journal_since_ms = excluded.journal_since_ms`,
      [this.own, this.#startedMs, nowMs, sinceMs],
    )
    this.#toldMs = nowMs
  }

  /** The next beat is due at once: the last one was rolled back. */
  repeat(): void {
    this.#toldMs = Number.NEGATIVE_INFINITY
  }

  /** The oldest moment that a journal of another instance may tell of. */
  othersSinceMs(nowMs = Date.now()): number {
    const sql = 'SELECT min(journal_since_ms) AS since FROM instances WHERE id <> $1 AND seen_ms > $2'
    const since = this.#database.query(sql, [this.own, nowMs - REMEMBERED_MS]).rows[0]?.['since']
    return typeof since === 'number' ? since : Number.POSITIVE_INFINITY
  }

  /** Whether another instance is there that was there at a moment. */
  isAlive(instance: string, sinceMs: number, nowMs = Date.now()): boolean {
    const sql = 'SELECT 1 FROM instances WHERE id = $1 AND started_ms <= $2 AND seen_ms > $3'
    return this.#database.query(sql, [instance, sinceMs, nowMs - ALIVE_MS]).rows.length > 0
  }

  /** How many there are at present, we included. */
  alive(nowMs = Date.now()): number {
    const sql = 'SELECT count(*) AS n FROM instances WHERE id = $1 OR seen_ms > $2'
    return Math.max(1, Number(this.#database.query(sql, [this.own, nowMs - ALIVE_MS]).rows[0]?.['n'] ?? 1))
  }

  /** We end, and our journal is empty: it holds nothing back. */
  leave(): void {
    this.#database.query('DELETE FROM instances WHERE id = $1', [this.own])
  }
}
