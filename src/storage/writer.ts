import { Administration } from './administration.ts'
import { type DeadWorker, examineDeadWorker } from './dead-worker.ts'
import { journalBytes, journalDirectory } from './journal/directory.ts'
import { SegmentShelf } from './journal/segment-shelf.ts'
import type { OpenSegment, WorkerJournal } from './journal/worker-journal.ts'
import { WorkerJournals } from './journal/worker-journals.ts'
import { keepOutliving } from './ledger/outliving.ts'
import { type LedgerTablesPort, NO_SINK } from './ledger/sink.ts'
import { UsageDesk } from './ledger/usage-desk.ts'
import { makeDirectory } from './make-directory.ts'
import { PendingRevocations } from './pending-revocations.ts'
import type { RetentionPort } from './retention-port.ts'
import type { SqlDatabase } from './sql/sql-database.ts'
import { type CounterBooks, type CounterPeriod, CounterSums } from './sqlite/counter-sums.ts'
import { DirectoryLock } from './sqlite/directory-lock.ts'
import { KeyTable } from './sqlite/key-table.ts'
import { OpenAttempts } from './sqlite/open-attempts.ts'
import { openSqliteStore } from './sqlite/open-store.ts'
import { type AdmissionQuery, recentAdmissions, recentTokens } from './sqlite/spending.ts'
import type { CounterShare, LedgerStore, SharedStore } from './store.ts'
import type {
  ChangedElsewhere,
  IngestResult,
  LedgerWriterOptions,
  Recovery,
  WorkersAtTakeOver,
} from './writer-calls.ts'

const MAX_BATCH_ENTRIES = 2000
const DEFAULT_USAGE_ROWS = 10_000

/**
 * The one writer of the database: holds the data directory's lock, brings the journal into the database, and removes a
 * segment only when its rows are durable. All calls are synchronous; it lives in the writer thread.
 *
 * The database is behind the journal, never ahead of it. After a failed transaction everything in memory is made anew
 * from the segments and `open_attempts`, so that memory and database cannot disagree.
 */
export class LedgerWriter {
  readonly keys: KeyTable
  readonly usage: UsageDesk
  readonly administration: Administration
  /** Entries in whole frames that could not be read; anything but 0 is a fault of the program. */
  unreadable = 0
  readonly #segments: SegmentShelf
  readonly #pending: PendingRevocations
  readonly #lock: DirectoryLock
  readonly #database: SqlDatabase
  readonly #shared: SharedStore | null
  readonly #tables: LedgerTablesPort
  readonly #counterSums: CounterSums
  readonly #kept: OpenAttempts
  readonly #retention: RetentionPort
  readonly #journals = new WorkerJournals()
  #stale = true
  /** Changes of keys, and of levels, up to these were told. */
  #keysVersion: number
  #levelsVersion: number

  private constructor(dataDir: string, lock: DirectoryLock, { database, tables, retention, shared }: LedgerStore) {
    this.#segments = new SegmentShelf(journalDirectory(dataDir))
    this.#pending = new PendingRevocations(dataDir)
    this.#lock = lock
    this.#database = database
    this.#shared = shared
    this.#tables = tables
    this.#counterSums = new CounterSums(database)
    this.#kept = new OpenAttempts(database, shared?.instance ?? null)
    this.#retention = retention
    this.usage = new UsageDesk(database, shared, {
      readAll: () => this.#readAll(),
      holds: (requestId) => this.#journals.holds(requestId),
    })
    this.keys = new KeyTable(database)
    this.administration = new Administration(database)
    this.#keysVersion = shared?.keysSince(0).version ?? 0
    this.#levelsVersion = shared?.levelsSince(0).version ?? 0
  }

  /**
   * Creates what is missing of the data directory, takes its lock, opens and migrates the database. Throws
   * StorageError `directory_locked`, `newer_schema`, `bad_url` or `unusable_database`, or what the system says.
   */
  static open(options: LedgerWriterOptions, openStore: OpenStore = openSqliteStore): LedgerWriter {
    makeDirectory(journalDirectory(options.dataDir))
    const lock = DirectoryLock.take(options.dataDir)
    let store: LedgerStore | null = null
    try {
      store = openStore(options)
      return new LedgerWriter(options.dataDir, lock, store)
    } catch (error) {
      store?.database.close()
      lock.release()
      throw error
    }
  }

  /**
   * Before readiness, with no worker alive: brings all left segments into the database, settles every open attempt in
   * full and removes the segments. Throws when the database refuses; nothing is lost then.
   */
  recover(nowMs: number, admitted: AdmissionQuery | null = null): Recovery {
    let lost = 0
    this.takeRevocations()
    this.usage.diedMs = nowMs
    if (this.#stale) this.#rebuild()
    for (const segment of this.#segments.list()) this.#journals.bury(segment)
    for (const journal of this.#journals) this.#journals.bury(journal)
    for (;;) {
      const pass = this.ingest()
      if (pass.error !== null) throw pass.error
      lost += pass.lost
      if (!pass.more) break
    }
    return {
      lost,
      admissions: admitted === null ? new Map() : recentAdmissions(this.#database, admitted),
      tokens: admitted === null ? new Map() : recentTokens(this.#database, admitted),
      damaged: [...this.#segments.damaged],
    }
  }

  /** Brings revocations into the database that it could not take before; only while no gateway serves. */
  takeRevocations(): void {
    const pending = this.#pending.list()
    if (pending.size === 0) return
    for (const [id, { atMs, entry }] of pending) this.administration.revokeKey(id, atMs, entry)
    this.#pending.remove(pending.keys())
  }

  /** One batch: what the segments hold beyond what is in the database, at most about 2,000 entries. Never throws. */
  ingest(): IngestResult {
    let pass: Pass
    try {
      if (this.#stale) this.#rebuild()
      this.#adopt()
      pass = new Pass()
      this.#database.exec('BEGIN IMMEDIATE')
      this.#read(pass)
      this.#conclude(pass)
      this.#tables.writeSums()
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#rollback()
      return { entries: 0, lost: 0, more: false, error: error instanceof Error ? error : new Error(String(error)) }
    }
    this.#afterCommit(pass)
    return { entries: pass.entries, lost: pass.lost, more: pass.more, error: null }
  }

  /**
   * A worker is dead (its thread has ended): says what it left behind, from its whole journal, and settles its open
   * attempts as soon as the database takes them. `applied` is the last settlement that the worker had applied to the
   * shared counters.
   */
  workerDied(worker: number, startMs: number, applied: { sequence: number; ordinal: number }): DeadWorker {
    const start = { worker, startMs }
    const report = examineDeadWorker(start, applied, {
      directory: this.#segments.directory,
      segments: this.#segments.list().filter(({ name }) => !this.#segments.isDone(name)),
      kept: this.#kept.known(),
    })
    this.#journals.bury(start)
    while (this.#journals.isDead(start)) {
      const pass = this.ingest()
      if (pass.error !== null) break
    }
    return report
  }

  /**
   * This writer takes the place of one that has ended while workers live. What that one knew of dead workers is lost
   * with it: all that are older than `nextWorker` and not known are dead, and are settled by the next `ingest`.
   */
  takeOver({ known, nextWorker }: WorkersAtTakeOver): void {
    this.#journals.takeOver(known, nextWorker)
  }

  /** What these counters have spent, filled up with what their levels had used before them, as far as it is in the database. */
  counterSums(counters: readonly CounterPeriod[]): readonly number[] {
    return this.#counterSums.fillUp(counters)
  }

  /** The same, and whose charges they are: where nobody else uses the database all are our own. */
  counterShares(counters: readonly CounterPeriod[]): readonly CounterShare[] {
    const sums = this.#counterSums.fillUp(counters)
    return this.#shared?.shares(counters) ?? sums.map((own) => ({ own, others: [] }))
  }

  /** What the database says of these counters, as it is: nothing is filled up. */
  counterBooks(counters: readonly CounterPeriod[]): readonly CounterBooks[] {
    const shares = this.#shared?.shares(counters)
    return this.#counterSums.read(counters).map((books, at) => ({ ...books, share: shares?.[at]?.own ?? books.spent }))
  }

  /** Removes a batch of records older than `beforeMs`; true when there may be more, see RetentionPort. Throws when the database refuses. */
  forget(beforeMs: number, mostRows = DEFAULT_USAGE_ROWS): boolean {
    this.#retention.see(this.#segments.list(), Date.now())
    this.usage.forgetOld(Date.now())
    return this.#retention.forget(beforeMs, mostRows)
  }

  /** Keys and levels that other programs, or this one, have made or changed since the last call; none where nobody else can. */
  changedElsewhere(): ChangedElsewhere {
    if (this.#shared === null) return { keys: [], levels: [] }
    const { version, keys } = this.#shared.keysSince(this.#keysVersion)
    // After the keys: a level that one of them names is older than it.
    const found = this.#shared.levelsSince(this.#levelsVersion)
    this.#keysVersion = version
    this.#levelsVersion = found.version
    return { keys, levels: found.levels }
  }

  /** How many programs use the database at present. */
  instances(): number {
    return this.#shared?.instances() ?? 1
  }

  /** Bytes of the journal on disk. */
  journalBytes(): number {
    return journalBytes(this.#segments.directory)
  }

  /** Closes the database and gives the directory free. Does not ingest. */
  close(): void {
    this.#journals.close()
    try {
      this.#shared?.leave(this.#segments.list().length === 0)
    } catch {
      // The database does not answer: we are forgotten later.
    }
    this.#database.close()
    this.#lock.release()
  }

  #readAll(): void {
    for (;;) {
      const { error, more } = this.ingest()
      if (error !== null) throw error
      if (!more) return
    }
  }

  /** Everything in memory anew: kept attempts, and the segments as far as they are in the database. */
  #rebuild(): void {
    this.#journals.close()
    for (const { startMs, worker, settled, entry } of this.#kept.load()) {
      this.#journals.of({ startMs, worker }).fold.restore(entry, settled)
    }
    this.#adopt()
    for (const journal of this.#journals) {
      for (const segment of journal.segments) {
        journal.replay(segment, NO_SINK, this.#segments.committed(segment.name))
      }
      journal.fold.unreadable = 0
    }
    this.#stale = false
  }

  /** Takes up new segments and removes those that are done with. */
  #adopt(): void {
    const listed = this.#segments.list()
    this.#retention.see(listed, Date.now())
    this.#journals.adopt(this.#segments.directory, this.#segments.takeUp(listed))
  }

  #read(pass: Pass): void {
    for (const journal of this.#journals) {
      for (const segment of journal.segments) {
        const room = MAX_BATCH_ENTRIES - pass.entries
        if (room <= 0) {
          pass.more = true
          break
        }
        const read = journal.read(segment, this.#tables, room)
        pass.entries += read
        if (read >= room) {
          pass.more = true
          break
        }
        if (segment !== journal.segments.at(-1) || this.#journals.isDead(journal)) pass.done.add(segment)
      }
    }
  }

  /** Settles dead workers and keeps what outlives its segment. */
  #conclude(pass: Pass): void {
    for (const journal of this.#journals) {
      const ended = this.#journals.isDead(journal) && journal.segments.every((segment) => pass.done.has(segment))
      if (ended) {
        pass.ended.push(journal)
        pass.lost += journal.fold.settleLost(this.#tables)
        this.#kept.removeWorker(journal.startMs, journal.worker)
        continue
      }
      journal.fold.detachOpen()
      keepOutliving(journal, pass.done, this.#kept)
    }
  }

  #afterCommit(pass: Pass): void {
    this.#kept.commit()
    for (const journal of this.#journals) {
      this.unreadable += journal.fold.unreadable
      journal.fold.unreadable = 0
      for (const segment of journal.segments) {
        this.#segments.commit(segment)
        if (!pass.more) segment.reader.rest()
      }
      while (journal.segments[0] !== undefined && pass.done.has(journal.segments[0])) {
        this.#segments.finish(journal.segments[0])
        journal.segments.shift()
      }
    }
    for (const journal of pass.ended) this.#journals.remove(journal)
    if (pass.more) this.#journals.rotate()
  }

  #rollback(): void {
    this.#stale = true
    this.#tables.forget()
    if (this.#database.isTransaction) {
      try {
        this.#database.exec('ROLLBACK')
      } catch {
        // SQLite has rolled back by itself (disk full, I/O error), or will when the next transaction begins; PostgreSQL has
        // when the connection is lost.
      }
    }
  }
}

/** Opens a database for its writer. */
export type OpenStore = (options: LedgerWriterOptions) => LedgerStore

/** What one transaction gathers. */
class Pass {
  entries = 0
  lost = 0
  more = false
  /** Segments that were read to their end and get no more entries. */
  readonly done = new Set<OpenSegment>()
  readonly ended: WorkerJournal[] = []
}
