import { decodeEntry, type Reserved, reserveText } from '../journal/decode.ts'
import { attemptKey } from '../ledger/attempt-key.ts'
import type { SqlDatabase, SqlStatement, SqlValue } from '../sql/sql-database.ts'

/** One kept attempt: of which worker, and whether only its request's record is missing. */
export interface KeptAttempt {
  readonly startMs: number
  readonly worker: number
  readonly settled: boolean
  readonly entry: Reserved
}

/** Attempts whose segment was removed while their request still ran; of one instance, where several use the database. */
export class OpenAttempts {
  readonly #instance: readonly SqlValue[]
  readonly #put: SqlStatement
  readonly #remove: SqlStatement
  readonly #removeWorker: SqlStatement
  readonly #all: SqlStatement
  /** As this transaction has it, and as the last commit left it: the database may not answer when it is asked for. */
  #present = new Map<string, KeptAttempt>()
  #committed: readonly KeptAttempt[] | null = null
  #isChanged = false

  constructor(database: SqlDatabase, instance: string | null = null) {
    this.#instance = instance === null ? [] : [instance]
    const [column, value, condition] = instance === null ? ['', '', ''] : [', instance', ', ?', ' AND instance = ?']
    this.#put = database.prepare(
      `INSERT INTO open_attempts (request_id, attempt, start_ms, worker, settled, entry${column})
       VALUES (?, ?, ?, ?, ?, ?${value}) ON CONFLICT (request_id, attempt) DO UPDATE SET start_ms = excluded.start_ms,
         worker = excluded.worker, settled = excluded.settled, entry = excluded.entry`,
    )
    this.#remove = database.prepare('DELETE FROM open_attempts WHERE request_id = ? AND attempt = ?')
    this.#removeWorker = database.prepare(`DELETE FROM open_attempts WHERE start_ms = ? AND worker = ?${condition}`)
    this.#all = database.prepare(
      `SELECT start_ms, worker, settled, entry FROM open_attempts${condition.replace(' AND', ' WHERE')}`,
    )
  }

  put(kept: KeptAttempt): void {
    const { startMs, worker, settled, entry } = kept
    const values = [entry.requestId, entry.attempt, startMs, worker, settled ? 1 : 0, reserveText(entry)]
    this.#put.run(...values, ...this.#instance)
    this.#present.set(attemptKey(entry.requestId, entry.attempt), kept)
    this.#isChanged = true
  }

  /** Few of those that ended were kept: only they cost a statement. */
  remove(entry: Reserved): void {
    if (!this.#present.delete(attemptKey(entry.requestId, entry.attempt))) return
    this.#remove.run(entry.requestId, entry.attempt)
    this.#isChanged = true
  }

  /** Forgets all of a worker that is dead and settled. */
  removeWorker(startMs: number, worker: number): void {
    this.#removeWorker.run(startMs, worker, ...this.#instance)
    for (const [key, kept] of this.#present) {
      if (kept.startMs !== startMs || kept.worker !== worker) continue
      this.#present.delete(key)
      this.#isChanged = true
    }
  }

  /** What was changed since the last commit holds. */
  commit(): void {
    if (!this.#isChanged) return
    this.#committed = [...this.#present.values()]
    this.#isChanged = false
  }

  /** All as the database has them. */
  load(): readonly KeptAttempt[] {
    const kept: KeptAttempt[] = []
    for (const row of this.#all.iterate(...this.#instance)) {
      const decoded = decodeEntry(String(row.entry))
      if (decoded?.kind !== 'reserve') continue
      const { start_ms: startMs, worker, settled } = row
      kept.push({ startMs: Number(startMs), worker: Number(worker), settled: settled === 1, entry: decoded })
    }
    this.#present = new Map(kept.map((each) => [attemptKey(each.entry.requestId, each.entry.attempt), each]))
    this.#isChanged = true
    this.commit()
    return kept
  }

  /** All as of the last commit; the database is asked only when it never was. */
  known(): readonly KeptAttempt[] {
    return this.#committed ?? this.load()
  }
}
