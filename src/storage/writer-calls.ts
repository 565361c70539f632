/** What the writer is asked for, and what it answers: plain data, since threads exchange it. */
import type { StoredKey } from './records.ts'
import type { StoredLevel } from './stored-level.ts'

export interface LedgerWriterOptions {
  readonly dataDir: string
  /** `sqlite:<path>`, relative to the data directory, or `postgres://…`; null for `ferro.db` there. */
  readonly databaseUrl: string | null
  /** Another program may have changed keys of the database: see LedgerWriter.changedElsewhere. */
  readonly onKeysChanged?: () => void
}

/** What one pass of `ingest` did. */
export interface IngestResult {
  readonly entries: number
  /** Open attempts that were settled in full because their worker is dead. */
  readonly lost: number
  /** The batch was full: call again soon. */
  readonly more: boolean
  /** Why nothing was done: the database refused. The journal keeps everything; call again later. */
  readonly error: Error | null
}

/** What other programs have changed; levels that are removed are among them. */
export interface ChangedElsewhere {
  readonly keys: readonly StoredKey[]
  readonly levels: readonly StoredLevel[]
}

/** What start-up needs to know of the past. */
export interface Recovery {
  readonly lost: number
  /** Per level, start times (ms since the epoch, ascending) of the admitted requests that were asked for. */
  readonly admissions: ReadonlyMap<string, readonly number[]>
  /** Per level, what attempts that were reserved in that time were charged, in the order of their reservations. */
  readonly tokens: ReadonlyMap<string, readonly TakenTokens[]>
  /** Segments with bytes that no cut write explains; kept beside the journal under `<name>.damaged`. */
  readonly damaged: readonly string[]
}

/** Tokens of an attempt, and when it was reserved (ms since the epoch). */
export interface TakenTokens {
  readonly atMs: number
  readonly tokens: number
}

/** One start of a worker. */
export interface WorkerStart {
  readonly worker: number
  readonly startMs: number
}

/** The workers of this process as a writer finds them that was not there when they began. */
export interface WorkersAtTakeOver {
  /** Those that live, and those whose death this writer will be told of. */
  readonly known: readonly WorkerStart[]
  /** Number that the next worker gets; numbers of a process only grow. */
  readonly nextWorker: number
}
