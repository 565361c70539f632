import { type MessagePort, Worker } from 'node:worker_threads'
import type { Log } from '../observability/index.ts'
import type {
  Adjusted,
  Adjustment,
  AdjustmentQuery,
  Administration,
  AdmissionQuery,
  AuditEntry,
  AuditQuery,
  AuditRow,
  ChangedElsewhere,
  CounterBooks,
  CounterPeriod,
  CounterShare,
  DailyUsage,
  DeadWorker,
  KeyStep,
  LedgerRow,
  LevelCounter,
  NewSecret,
  Recovery,
  RequestQuery,
  RequestRecord,
  StoredKey,
  StoredLevel,
  UsageByQuery,
  UsageRow,
  WorkersAtTakeOver,
} from '../storage/index.ts'
import type { DatabaseThreadStart } from './messages.ts'
import type { KeysChanged } from './threads/key-watch.ts'
import { THREAD_ENTRY } from './threads/location.ts'
import { Caller } from './threads/rpc.ts'
import type { WriterState } from './threads/writer-thread.ts'

export interface DatabaseOptions {
  readonly dataDir: string
  readonly databaseUrl: string | null
  readonly retentionDays: number | null
  readonly usageRows: number
  readonly log: Log
  readonly onState: (state: WriterState) => void
  /** Keys and levels of the database were made or changed, by another program or by this one. */
  readonly onChanged: (changed: ChangedElsewhere) => void
  /** The writer thread had ended by itself and there is a new one: workers must be attached again. */
  readonly onRestart: () => void
  /** Other programs' shares of counters are told here; null: the sums of all are this one's too. */
  readonly onShares: ((counters: readonly CounterPeriod[], shares: readonly CounterShare[]) => Promise<void>) | null
  /** A key or a level was made or changed here. */
  readonly onKeyWritten: () => void
  /** What a new writer must know of the workers. */
  readonly workers: () => WorkersAtTakeOver
}

const RESTART_MS = 500
const ANSWER_MS = 8_000
/** Batches and pages are bounded; a thread that needs more than this has lost its way, and ends before the machine does. */
const HEAP_MB = 512

/** The database threads as control sees them. The reader starts at the first query; a writer that dies is replaced. */
export class Database {
  readonly #options: DatabaseOptions
  #writer: { worker: Worker; calls: Caller }
  #reader: { worker: Worker; calls: Caller } | null = null
  #opened = false
  #closing = false

  constructor(options: DatabaseOptions) {
    this.#options = options
    this.#writer = this.#startWriter()
  }

  /** Resolves when the directory is locked and the database migrated; rejects with storage's error. */
  async opened(): Promise<void> {
    await this.#writer.calls.call('ready')
    this.#opened = true
  }

  async recover(admitted: AdmissionQuery): Promise<Recovery> {
    return (await this.#writer.calls.call('recover', Date.now(), admitted)) as Recovery // writer-thread.ts answers with it
  }

  /** The writer is woken through this port. */
  attach(wake: MessagePort): void {
    this.#writer.worker.postMessage({ id: 0, method: 'attach', args: [wake] }, [wake])
  }

  /** Brings everything that is written into the database; false when the database refuses. */
  async catchUp(): Promise<boolean> {
    return (await this.#answer('catchUp')) === true
  }

  async workerDied(
    worker: number,
    startMs: number,
    applied: { sequence: number; ordinal: number },
  ): Promise<DeadWorker> {
    return (await this.#writer.calls.call('workerDied', worker, startMs, applied)) as DeadWorker // as above
  }

  async createKey(key: StoredKey, entry: AuditEntry): Promise<void> {
    await this.#answer('createKey', key, entry)
    this.#options.onKeyWritten()
  }

  async listLevels(): Promise<readonly StoredLevel[]> {
    return (await this.#writer.calls.call('listLevels')) as readonly StoredLevel[] // as above
  }

  async putLevel(level: StoredLevel, entry: AuditEntry): Promise<void> {
    await this.#answer('putLevel', level, entry)
    this.#options.onKeyWritten()
  }

  /** Writes down what was refused. */
  async noteRefusal(entry: AuditEntry): Promise<void> {
    await this.#answer('note', entry)
  }

  async listKeys(): Promise<readonly StoredKey[]> {
    return (await this.#writer.calls.call('listKeys')) as readonly StoredKey[] // as above
  }

  async revokeKey(id: string, atMs: number, entry: AuditEntry): Promise<StoredKey | null> {
    return (await this.#answer('revokeKey', id, atMs, entry)) as StoredKey | null // as above
  }

  /** The key as it is now, or null when there is none that is not revoked. */
  async rotateKey(id: string, to: NewSecret, entry: AuditEntry): Promise<StoredKey | null> {
    const key = (await this.#answer('rotateKey', id, to, entry)) as StoredKey | null // as above
    if (key !== null) this.#options.onKeyWritten()
    return key
  }

  /** The key as it is now, or null when there is none that is not revoked. */
  async changeKey(id: string, step: KeyStep, entry: AuditEntry): Promise<StoredKey | null> {
    const key = (await this.#answer('changeKey', id, step, entry)) as StoredKey | null // as above
    if (key !== null) this.#options.onKeyWritten()
    return key
  }

  /** Looks for keys that other programs have changed, as when another instance says that it has. */
  async lookForKeys(): Promise<void> {
    await this.#answer('lookForKeys')
  }

  /** How many programs use the database at present. */
  async instances(): Promise<number> {
    return (await this.#answer('instances')) as number // as above
  }

  /**
   * What these counters have spent, in their order, filled up with what their levels used before them. Where several gateways count
   * together it is what this one has, and those that share the counters know of the others' before this resolves.
   */
  async counterSums(counters: readonly CounterPeriod[]): Promise<readonly number[]> {
    const { onShares } = this.#options
    if (onShares === null) return (await this.#answer('counterSums', counters)) as readonly number[] // as above
    const shares = (await this.#answer('counterShares', counters)) as readonly CounterShare[] // as above
    await onShares(counters, shares)
    // Less than nothing is the share of one that gave back what another was charged.
    return shares.map(({ own }) => Math.max(0, own))
  }

  /** What the database says of these counters, in their order, as it is. */
  async counterBooks(counters: readonly CounterPeriod[]): Promise<readonly CounterBooks[]> {
    return (await this.#answer('counterBooks', counters)) as readonly CounterBooks[] // as above
  }

  /** See Administration. */
  async countersOf(levels: readonly string[]): Promise<readonly LevelCounter[]> {
    return (await this.#answer('countersOf', levels)) as readonly LevelCounter[] // as above
  }

  /** See Administration. */
  async adjust(...asked: Parameters<Administration['adjust']>): Promise<Adjusted> {
    return (await this.#answer('adjust', ...asked)) as Adjusted // as above
  }

  async adjustments(query: AdjustmentQuery): Promise<readonly Adjustment[]> {
    return (await this.#read('adjustments', query)) as readonly Adjustment[] // reader-thread.ts answers with it
  }

  async requests(query: RequestQuery): Promise<readonly RequestRecord[]> {
    return (await this.#read('requests', query)) as readonly RequestRecord[] // reader-thread.ts answers with it
  }

  async request(id: string): Promise<{ record: RequestRecord; ledger: LedgerRow[] } | null> {
    return (await this.#read('request', id)) as { record: RequestRecord; ledger: LedgerRow[] } | null // as above
  }

  async lastUses(keyIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return (await this.#read('lastUses', keyIds)) as ReadonlyMap<string, number> // as above
  }

  async usage(fromMs: number, toMs: number, keyId: string | null): Promise<readonly DailyUsage[]> {
    return (await this.#read('usage', fromMs, toMs, keyId)) as readonly DailyUsage[] // as above
  }

  async usageBy(query: UsageByQuery): Promise<readonly UsageRow[]> {
    return (await this.#read('usageBy', query)) as readonly UsageRow[] // as above
  }

  async audit(query: AuditQuery): Promise<readonly AuditRow[]> {
    return (await this.#read('audit', query)) as readonly AuditRow[] // as above
  }

  async close(): Promise<void> {
    this.#closing = true
    if (this.#reader !== null) await this.#end(this.#reader.worker, this.#reader.calls)
    await this.#end(this.#writer.worker, this.#writer.calls)
  }

  /** The writer's answer; rejects when there is none for long, since people wait for it. */
  async #answer(method: string, ...args: readonly unknown[]): Promise<unknown> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const seconds = ANSWER_MS / 1_000
    const timer = setTimeout(() => reject(new Error(`the database did not answer within ${seconds} s`)), ANSWER_MS)
    try {
      return await Promise.race([this.#writer.calls.call(method, ...args), late])
    } finally {
      clearTimeout(timer)
    }
  }

  async #read(method: string, ...args: readonly unknown[]): Promise<unknown> {
    if (this.#reader === null) {
      const worker = this.#thread('reader')
      this.#reader = { worker, calls: new Caller(worker) }
      // A thread that failed answers no call any more, and may take seconds to be gone.
      const forget = () => {
        if (this.#reader?.worker === worker) this.#reader = null
      }
      worker.once('error', forget)
      worker.once('exit', forget)
    }
    return await this.#reader.calls.call(method, ...args)
  }

  #startWriter(): { worker: Worker; calls: Caller } {
    const worker = this.#thread('writer')
    const calls = new Caller(worker)
    worker.on('message', (message: WriterState | KeysChanged) => {
      if (message.kind === 'writer-state') this.#options.onState(message)
      if (message.kind === 'keys-changed') this.#options.onChanged(message)
    })
    worker.on('exit', (code) => {
      if (!this.#closing && this.#opened) this.#restart(code)
    })
    return { worker, calls }
  }

  /** The journal keeps everything meanwhile; only the road into the database is interrupted. */
  #restart(code: number): void {
    this.#options.log.error('the writer thread ended; another takes its place', { code })
    setTimeout(() => {
      if (this.#closing) return
      this.#writer = this.#startWriter()
      this.#writer.calls.call('resume', this.#options.workers()).then(this.#options.onRestart, (error: unknown) => {
        this.#options.log.error('the writer thread cannot take up its work', { error })
      })
    }, RESTART_MS)
  }

  #thread(role: DatabaseThreadStart['role']): Worker {
    const { dataDir, databaseUrl, retentionDays, usageRows } = this.#options
    const start: DatabaseThreadStart = { role, dataDir, databaseUrl, retentionDays, usageRows }
    const worker = new Worker(THREAD_ENTRY, {
      name: `ferro-${role}`,
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    })
    worker.on('error', (error) => {
      // Before that, whoever waits for `opened` gets the error and says it.
      if (this.#opened) this.#options.log.error(`the ${role} thread failed`, { error })
    })
    return worker
  }

  async #end(worker: Worker, calls: Caller): Promise<void> {
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    try {
      await calls.call('close')
      await ended
    } catch {
      await worker.terminate() // it was gone or is going; nothing it held outlives it
    }
  }
}
