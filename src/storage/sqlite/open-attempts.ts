import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { decodeEntry, type Reserved, reserveText } from '../journal/decode.ts'

/** One kept attempt: of which worker, and whether only its request's record is missing. */
export interface KeptAttempt {
  readonly startMs: number
  readonly worker: number
  readonly settled: boolean
  readonly entry: Reserved
}

/** Attempts whose segment was removed while their request still ran. */
export class OpenAttempts {
  readonly #put: StatementSync
  readonly #remove: StatementSync
  readonly #removeWorker: StatementSync
  readonly #all: StatementSync

  constructor(database: DatabaseSync) {
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO open_attempts (request_id, attempt, start_ms, worker, settled, entry) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#remove = database.prepare('DELETE FROM open_attempts WHERE request_id = ? AND attempt = ?')
    this.#removeWorker = database.prepare('DELETE FROM open_attempts WHERE start_ms = ? AND worker = ?')
    this.#all = database.prepare('SELECT start_ms, worker, settled, entry FROM open_attempts')
  }

  put(kept: KeptAttempt): void {
    const { startMs, worker, settled, entry } = kept
    this.#put.run(entry.requestId, entry.attempt, startMs, worker, settled ? 1 : 0, reserveText(entry))
  }

  remove(entry: Reserved): void {
    this.#remove.run(entry.requestId, entry.attempt)
  }

  /** Forgets all of a worker that is dead and settled. */
  removeWorker(startMs: number, worker: number): void {
    this.#removeWorker.run(startMs, worker)
  }

  all(): KeptAttempt[] {
    const kept: KeptAttempt[] = []
    for (const row of this.#all.iterate()) {
      const decoded = decodeEntry(String(row.entry))
      if (decoded?.kind !== 'reserve') continue
      const { start_ms: startMs, worker, settled } = row
      kept.push({ startMs: Number(startMs), worker: Number(worker), settled: settled === 1, entry: decoded })
    }
    return kept
  }
}
