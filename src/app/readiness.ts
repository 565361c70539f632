import type { Log } from '../observability/index.ts'
import { NOT_READY, PROCESS_CELL, reasonsOf } from './memory.ts'
import type { WriterState } from './threads/writer-thread.ts'

/** Whether the process is ready, and why not: one word in shared memory, read by every `/readyz`. */
export class Readiness {
  readonly #cells: Int32Array
  #journalBytes = 0
  #journalFull = false
  #databaseError: string | null = null

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

  /** False while the database refuses; that is no reason to stop traffic, so it is none of `reasons`. */
  get databaseAvailable(): boolean {
    return this.#databaseError === null
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

  /** Takes news of the database and the journal: only a journal beyond its limit stops anything. Logs what changed. */
  database(state: WriterState, maxJournalBytes: number, log: Log): void {
    this.#journalBytes = state.journalBytes
    if (state.databaseError !== this.#databaseError) {
      this.#databaseError = state.databaseError
      if (state.databaseError === null) log.info('the database takes records again')
      else log.error('the database refuses; requests go on and the journal keeps them', { error: state.databaseError })
    }
    const full = state.journalBytes > maxJournalBytes
    if (full === this.#journalFull) return
    this.#journalFull = full
    const bytes = state.journalBytes
    if (full) log.error('the journal is larger than its limit; paid requests are refused', { bytes })
    else log.info('the journal is within its limit again; paid requests are taken', { bytes })
    this.#set(NOT_READY.journal_full, full)
    Atomics.store(this.#cells, PROCESS_CELL.journalFull, full ? 1 : 0)
  }

  #set(bit: number, on: boolean): void {
    if (on) Atomics.or(this.#cells, PROCESS_CELL.notReady, bit)
    else Atomics.and(this.#cells, PROCESS_CELL.notReady, ~bit)
  }
}
