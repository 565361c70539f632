import type { Log } from '../observability/index.ts'
import { NOT_READY, PROCESS_CELL, reasonsOf } from './memory.ts'
import type { WriterState } from './threads/writer-thread.ts'

/** Whether the process is ready, and why not: one word in shared memory, read by every `/readyz`. */
export class Readiness {
  readonly #cells: Int32Array
  #journalBytes = 0

  constructor(cells: Int32Array) {
    this.#cells = cells
    Atomics.store(cells, PROCESS_CELL.notReady, NOT_READY.starting | NOT_READY.no_worker)
  }

  get reasons(): string[] {
    return reasonsOf(Atomics.load(this.#cells, PROCESS_CELL.notReady))
  }

  /** Bytes of the journal on disk, as last told. */
  get journalBytes(): number {
    return this.#journalBytes
  }

  started(): void {
    this.#set(NOT_READY.starting, false)
  }

  draining(): void {
    this.#set(NOT_READY.draining, true)
  }

  workers(listening: number): void {
    this.#set(NOT_READY.no_worker, listening === 0)
  }

  /** A database that refuses is no reason to stop traffic: the journal holds it, up to its limit. */
  database(state: WriterState, maxJournalBytes: number, log: Log): void {
    this.#journalBytes = state.journalBytes
    const failed = state.databaseError !== null
    if (failed)
      log.error('the database refuses; requests go on and the journal keeps them', { error: state.databaseError })
    this.#set(NOT_READY.database_unavailable, failed)
    const full = state.journalBytes > maxJournalBytes
    if (full)
      log.error('the journal is larger than its limit; paid requests are refused', { bytes: state.journalBytes })
    this.#set(NOT_READY.journal_full, full)
    Atomics.store(this.#cells, PROCESS_CELL.journalFull, full ? 1 : 0)
  }

  #set(bit: number, on: boolean): void {
    if (on) Atomics.or(this.#cells, PROCESS_CELL.notReady, bit)
    else Atomics.and(this.#cells, PROCESS_CELL.notReady, ~bit)
  }
}
