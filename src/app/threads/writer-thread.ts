import { type MessagePort, parentPort } from 'node:worker_threads'
import {
  type AdmissionQuery,
  type AuditEntry,
  type CounterPeriod,
  IngestLoop,
  type IngestResult,
  isPostgresUrl,
  type KeyStep,
  type LedgerWriter,
  type NewSecret,
  openLedgerWriter,
  type StoredKey,
  type StoredLevel,
  type WorkersAtTakeOver,
} from '../../storage/index.ts'
import type { DatabaseThreadStart, ToWriter } from '../messages.ts'
import { isClaim, serveClaim } from './claim-desk.ts'
import { ContentDesk } from './content-desk.ts'
import { KeyWatch } from './key-watch.ts'
import { serveCalls } from './rpc.ts'

const DAY_MS = 86_400_000
const FORGET_FIRST_MS = 1_000
const FORGET_NEXT_MS = 50
const FORGET_EVERY_MS = 600_000

/** State of the database and the journal, told to control when it changes. */
export interface WriterState {
  readonly kind: 'writer-state'
  /** Why the database takes nothing now; null when it does. */
  readonly databaseError: string | null
  readonly journalBytes: number
}

/** Runs the writer: opens the database, brings the journal into it, answers control's calls. */
export async function runWriter(start: DatabaseThreadStart): Promise<void> {
  const port = parentPort
  if (port === null) throw new Error('the writer runs in a thread of its own')
  const { dataDir, databaseUrl } = start
  const keys = new KeyWatch(port)
  const writer = await openLedgerWriter({ dataDir, databaseUrl, onKeysChanged: () => keys.look() })
  const { administration } = writer
  const report = new StateReport(writer, port)
  const loop = new IngestLoop({ ingest: () => writer.ingest(), onPass: (pass) => report.tell(pass) })
  const { retentionDays, usageRows } = start
  const forgetting =
    retentionDays === null ? null : new Forgetting(writer, { keptMs: retentionDays * DAY_MS, usageRows })
  const content = new ContentDesk({ dataDir, databaseUrl })
  const begin = () => {
    loop.start()
    forgetting?.start()
    if (isPostgresUrl(databaseUrl)) keys.start(writer)
  }
  serveCalls(port, {
    ready: () => true,
    recover: (nowMs: number, admitted: AdmissionQuery) => {
      const recovery = writer.recover(nowMs, admitted)
      begin()
      return recovery
    },
    /** A writer that takes the place of another: the workers live, nothing is settled for them. */
    resume: (workers: WorkersAtTakeOver) => {
      writer.takeOver(workers)
      begin()
    },
    attach: (wake: MessagePort) => {
      wake.on('message', (message: ToWriter) => {
        if (message === null) loop.notify()
        else if (isClaim(message)) serveClaim(writer, message, wake)
        else void content.serve(message, wake)
      })
    },
    catchUp: () => catchUp(writer),
    workerDied: (...args: Parameters<LedgerWriter['workerDied']>) => writer.workerDied(...args),
    createKey: (key: StoredKey, entry: AuditEntry) => administration.createKey(key, entry),
    listKeys: () => administration.keys(),
    revokeKey: (id: string, nowMs: number, entry: AuditEntry) => administration.revokeKey(id, nowMs, entry),
    changeKey: (id: string, step: KeyStep, entry: AuditEntry) => administration.changeKey(id, step, entry),
    rotateKey: (id: string, to: NewSecret, entry: AuditEntry) => administration.rotateKey(id, to, entry),
    listLevels: () => administration.levels(),
    putLevel: (level: StoredLevel, entry: AuditEntry) => administration.putLevel(level, entry),
    countersOf: (levels: readonly string[]) => administration.countersOf(levels),
    adjust: (...asked: Parameters<typeof administration.adjust>) => administration.adjust(...asked),
    note: (entry: AuditEntry) => administration.note(entry),
    counterSums: (counters: readonly CounterPeriod[]) => writer.counterSums(counters),
    counterShares: (counters: readonly CounterPeriod[]) => writer.counterShares(counters),
    counterBooks: (counters: readonly CounterPeriod[]) => writer.counterBooks(counters),
    instances: () => writer.instances(),
    lookForKeys: () => keys.look(),
    close: () => {
      forgetting?.stop()
      keys.stop()
      loop.stop()
      content.close()
      writer.close()
      setImmediate(() => port.close())
    },
  })
}

/** Removes old records, a batch at a time, so that what comes in never waits for long. */
class Forgetting {
  readonly #writer: LedgerWriter
  readonly #keptMs: number
  readonly #usageRows: number
  #timer: NodeJS.Timeout | null = null

  constructor(writer: LedgerWriter, { keptMs, usageRows }: { readonly keptMs: number; readonly usageRows: number }) {
    this.#writer = writer
    this.#keptMs = keptMs
    this.#usageRows = usageRows
  }

  start(): void {
    this.#timer = setTimeout(() => this.#pass(), FORGET_FIRST_MS)
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #pass(): void {
    let more = false
    try {
      more = this.#writer.forget(Date.now() - this.#keptMs, this.#usageRows)
    } catch {
      // The database refuses: the ingest says so, and old records can wait.
    }
    this.#timer = setTimeout(() => this.#pass(), more ? FORGET_NEXT_MS : FORGET_EVERY_MS)
  }
}

/** Ingests until nothing is left, or the database refuses. Returns whether all of it is in the database. */
function catchUp(writer: LedgerWriter): boolean {
  for (;;) {
    const pass = writer.ingest()
    if (pass.error !== null) return false
    if (!pass.more) return true
  }
}

/** Tells control of news only: a journal that merely breathes is none. */
class StateReport {
  readonly #writer: LedgerWriter
  readonly #control: MessagePort
  #last = ''

  constructor(writer: LedgerWriter, control: MessagePort) {
    this.#writer = writer
    this.#control = control
  }

  tell(pass: IngestResult): void {
    const journalBytes = this.#writer.journalBytes()
    const state: WriterState = { kind: 'writer-state', databaseError: pass.error?.message ?? null, journalBytes }
    const key = `${state.databaseError} ${Math.floor(journalBytes / 1_048_576)}`
    if (key === this.#last) return
    this.#last = key
    this.#control.postMessage(state)
  }
}
