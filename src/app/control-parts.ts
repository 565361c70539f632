import type { ConfigDocument } from '../config/index.ts'
import type { LimitsDocument } from '../governance/index.ts'
import { SlotAllocator } from '../lib/index.ts'
import { createLog, type Log, MetricsCollector } from '../observability/index.ts'
import {
  instanceName,
  isPostgresUrl,
  journalDirectory,
  readAdminToken,
  readPepper,
  readReplicaId,
  StorageError,
  type StoredKey,
} from '../storage/index.ts'
import { Announcement } from './announcement.ts'
import { BudgetBackfill } from './budget-backfill.ts'
import { CertificateExpiry } from './certificate-expiry.ts'
import { ChangesElsewhere } from './changes-elsewhere.ts'
import { Cluster } from './cluster.ts'
import { CounterRepair } from './counter-repair.ts'
import { databaseUrl, makeDataDir } from './data-directory.ts'
import { Database } from './database.ts'
import { KeyRegistry } from './key-registry.ts'
import { KeyRevocation } from './key-revocation.ts'
import { LevelChanges } from './level-changes.ts'
import { createSharedMemory } from './memory.ts'
import { NewBudgets } from './new-budgets.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { RateMemory } from './rate-memory.ts'
import { Readiness } from './readiness.ts'
import { withoutKeys } from './reload.ts'
import { Reloader } from './reloader.ts'
import { RouteRateMemory } from './route-rate-memory.ts'
import { RouteSlots } from './route-slots.ts'
import type { StartOptions } from './running-gateway.ts'
import { seatsFor } from './seats.ts'
import { SpentBatch } from './spent-batch.ts'
import { SpentBefore } from './spent-before.ts'
import { StartError } from './start-error.ts'
import type { WriterState } from './threads/writer-thread.ts'
import { ValueLevels } from './value-levels.ts'
import { workerCount } from './worker-count.ts'
import { type EntityChanges, WorkerPool } from './worker-pool.ts'

/**
 * The long-lived parts of the control thread, and which of them tells which. They are made here, where the threads of the
 * database and of the workers begin to load their code, and brought up and down by `ControlThread`.
 */
export class ControlParts {
  /** The configuration in force. */
  document: ConfigDocument
  /** The process ends: nothing that others have changed is taken over any more. */
  isStopping = false
  readonly dataDir: string
  readonly log: Log
  readonly memory = createSharedMemory()
  readonly counters = new BigInt64Array(this.memory.counters)
  readonly metrics = new MetricsCollector()
  readonly expiry = new CertificateExpiry()
  readonly readiness = new Readiness(new Int32Array(this.memory.process))
  readonly slots = new SlotAllocator(this.counters)
  readonly routeSlots: RouteSlots
  readonly seats: number
  readonly database: Database
  readonly spent: SpentBefore
  readonly values: ValueLevels
  readonly keys: KeyRegistry
  readonly levels: LevelChanges
  readonly newBudgets: NewBudgets
  /** Changes of keys and levels, and reloads, one after the other. */
  readonly turns = new OneAtATime()
  readonly repair: CounterRepair
  readonly backfill: BudgetBackfill
  readonly rates: RateMemory
  readonly routeRates: RouteRateMemory
  readonly revocation: KeyRevocation
  readonly pool: WorkerPool
  readonly reloader: Reloader
  readonly announcement: Announcement
  /** Null: this gateway is alone. */
  readonly cluster: Cluster | null
  readonly pepper: string
  readonly adminToken: string
  readonly #elsewhere: ChangesElsewhere

  constructor(options: StartOptions, document: ConfigDocument) {
    const { memory, counters, metrics, slots } = this
    this.document = document
    const dataDir = makeDataDir(document.data_dir)
    this.dataDir = dataDir
    // Before any thread begins, which would keep the process alive.
    const { pepper, adminToken } = secretsOf(dataDir)
    this.pepper = pepper
    this.adminToken = adminToken
    const log = createLog({ level: () => this.document.log.level })
    this.log = log
    const seats = seatsFor(workerCount(document))
    this.seats = seats
    this.routeRates = new RouteRateMemory(dataDir, counters, log)
    this.routeSlots = new RouteSlots({
      slots,
      counters: memory.counters,
      seats,
      onFresh: (name, index) => this.routeRates.fill(name, index),
    })
    // Before the threads of the database: what is wrong with it ends the start.
    this.cluster = this.#makeCluster(document)
    const { cluster } = this
    const url = databaseUrl(document)
    this.database = new Database({
      dataDir,
      databaseUrl: url,
      retentionDays: document.storage.retention_days ?? null,
      usageRows: document.storage.usage_rows,
      log,
      onState: (state) => this.#onDatabase(state),
      onChanged: (changed) => void this.#elsewhere.take(changed),
      // In a ledger that several gateways write, memory has this one's share; the others' are told to those who lend.
      onShares:
        cluster !== null && isPostgresUrl(url)
          ? async (counters, shares) => await cluster.hearShares(counters, shares)
          : null,
      onKeyWritten: () => this.#tellKeys(),
      onRestart: () => this.pool.attachWriterAgain(),
      workers: () => ({
        known: [...this.pool.living, ...this.repair.unreported],
        nextWorker: this.pool.nextWorker,
      }),
    })
    const { database } = this
    this.spent = new SpentBefore(database)
    const spending = new SpentBatch(database)
    this.values = new ValueLevels({
      counters,
      slots,
      seats,
      rulesOf: (level) => this.keys.rulesOf(level),
      spent: async (asked) => await spending.of(asked),
      restoreRates: (limits, fresh) => this.rates.fill(limits, fresh),
      drop: (names) => this.keys.dropValues(names),
      shared: this.cluster ?? undefined,
    })
    this.keys = new KeyRegistry({
      values: this.values,
      counters,
      generations: new Int32Array(memory.generations),
      slots,
      seats,
      spent: (counter, period) => this.spent.of(counter, period),
      shared: this.cluster ?? undefined,
      publish: (changes, epoch, levels, dropped) => this.#publishKeys({ changes, levels, dropped }, epoch),
    })
    const { keys } = this
    this.revocation = new KeyRevocation({ dataDir, database, keys, log })
    this.rates = new RateMemory(dataDir, keys, counters, log)
    this.backfill = new BudgetBackfill(database, keys, counters)
    this.newBudgets = new NewBudgets({ keys, database, spent: this.spent, backfill: this.backfill })
    this.levels = new LevelChanges({ keys, counters, database, newBudgets: this.newBudgets, turns: this.turns })
    this.repair = new CounterRepair(database, keys, counters, log)
    this.pool = new WorkerPool(
      {
        memory,
        journalDirectory: journalDirectory(dataDir),
        pepper: this.pepper,
        log,
        metrics,
        keys: () => keys.documents(),
        levels: () => keys.levelDocuments(),
        onSeatLeft: (seat) => keys.clearSeat(seat),
        slots: this.routeSlots,
        seats,
        attachWriter: (wake) => database.attach(wake),
        attachCluster: this.cluster === null ? null : (port) => this.cluster?.attach(port),
        onDeath: (dead) => this.repair.buried(dead),
        onListening: (count) => {
          this.readiness.workers(count)
          this.announcement.look()
        },
        onQuiet: () => this.#onQuiet(),
        onValue: (name, tell) => void this.values.ask(name, tell),
      },
      withoutKeys(document),
    )
    this.announcement = new Announcement({
      dataDir,
      document: () => this.document,
      ports: () => this.pool.ports,
    })
    this.reloader = new Reloader({
      source: options.configPath,
      overrides: options,
      log,
      pool: this.pool,
      keys,
      levels: this.levels,
      turns: this.turns,
      onSwapped: (changes) => this.cluster?.learn(documentsOf(changes)),
      database,
      spent: this.spent,
      backfill: this.backfill,
      inForce: () => this.document,
      adopt: (next) => {
        this.document = next
        this.expiry.read(next)
      },
      isStopping: () => this.isStopping,
      urls: () => this.announcement.urls,
    })
    this.#elsewhere = new ChangesElsewhere({
      keys,
      levels: this.levels,
      turns: this.turns,
      newBudgets: this.newBudgets,
      revocation: this.revocation,
      reloader: this.reloader,
      database,
      log,
      isStopping: () => this.isStopping,
    })
    // After the writer's thread, which is waited for first.
    this.pool.warm(workerCount(document))
  }

  /** Tells other replicas, when there are any, that a key was revoked here. */
  tellRevoked({ id, hash }: StoredKey): void {
    const { cluster } = this
    if (cluster !== null) void cluster.tell({ type: 'revoked', from: cluster.replica, key: id, hash })
  }

  #makeCluster(document: ConfigDocument): Cluster | null {
    if (document.cluster === undefined) return null
    const { dataDir } = this
    return new Cluster({
      config: document.cluster,
      dataDir,
      // What a ledger has spent stays its own, whatever the name: one that comes back empty must not seem to have spent nothing.
      identity: isPostgresUrl(databaseUrl(document)) ? instanceName(dataDir) : readReplicaId(dataDir),
      memory: this.memory,
      log: this.log,
      metrics: this.metrics,
      limits: () => this.keys.limits(),
      onRestart: () => this.pool.attachClusterAgain(),
      onNotice: (notice) => void this.#elsewhere.hear(notice),
    })
  }

  /** Gateways on one database hear of it from there, too; this way is as fast when that one is not. */
  #tellKeys(): void {
    const { cluster } = this
    if (cluster !== null && isPostgresUrl(databaseUrl(this.document)))
      void cluster.tell({ type: 'keys', from: cluster.replica })
  }

  #publishKeys(changes: EntityChanges, epoch: number): void {
    this.cluster?.learn(documentsOf(changes))
    this.pool.publishKeys(changes, epoch)
  }

  /** The last request has ended that began before a change: what the change took away is free. */
  #onQuiet(): void {
    const { quietEpoch } = this.pool
    this.routeSlots.quiet(quietEpoch)
    this.keys.releaseQuiet(quietEpoch)
    this.backfill.quiet(quietEpoch)
  }

  #onDatabase(state: WriterState): void {
    this.readiness.database(state, this.document.journal.max_bytes, this.log)
    if (state.databaseError === null) this.reloader.onDatabaseBack()
  }
}

/** What a start needs to know before anything else. Throws StartError for a secret that is none. */
function secretsOf(dataDir: string): { readonly pepper: string; readonly adminToken: string } {
  try {
    return { pepper: readPepper(dataDir, process.env), adminToken: readAdminToken(dataDir) }
  } catch (cause) {
    if (!(cause instanceof StorageError)) throw cause
    throw new StartError(cause.message, null, { cause })
  }
}

/** The limits that a change brings. */
function documentsOf({ changes, levels }: EntityChanges): LimitsDocument[] {
  return [...changes, ...levels].flatMap(({ document }) => document ?? [])
}
