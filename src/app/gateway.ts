/**
 * The control thread: brings the parts up in order, and takes them down. Start-up is lock → database → recovery →
 * keys → workers → control listener → ready; nothing serves before what it stands on is there. The threads of the
 * workers load their code meanwhile, and wait.
 */
import { join } from 'node:path'
import { type ConfigDocument, isLoopback } from '../config/index.ts'
import { type ControlServer, createControlServer, keyOfFile } from '../control/index.ts'
import type { LimitsDocument } from '../governance/index.ts'
import { SlotAllocator } from '../lib/index.ts'
import { createLog, type Log, MetricsCollector } from '../observability/index.ts'
import { journalDirectory, readAdminToken, readPepper, type StoredKey } from '../storage/index.ts'
import { AdminPort } from './admin-port.ts'
import { BudgetBackfill } from './budget-backfill.ts'
import { registerCanaryMetrics } from './canary-metrics.ts'
import { Cluster, type ClusterNotice } from './cluster.ts'
import { ConfigWatch } from './config-watch.ts'
import { CounterRepair } from './counter-repair.ts'
import { databaseUrl, makeDataDir } from './data-directory.ts'
import { Database } from './database.ts'
import { firstKey } from './first-key.ts'
import { removeInstance, writeInstance } from './instance-file.ts'
import { KeyRegistry } from './key-registry.ts'
import { KeyRevocation } from './key-revocation.ts'
import { Levels } from './levels.ts'
import { listenerKey, url, urlsOf } from './listener-urls.ts'
import { listenersOf } from './listeners.ts'
import { createSharedMemory } from './memory.ts'
import { registerModelMetrics } from './model-metrics.ts'
import { probeBind } from './probe-bind.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import { RateMemory } from './rate-memory.ts'
import { Readiness } from './readiness.ts'
import { withoutKeys } from './reload.ts'
import { Reloader } from './reloader.ts'
import { RouteRateMemory } from './route-rate-memory.ts'
import { RouteSlots } from './route-slots.ts'
import type { RunningGateway, StartOptions } from './running-gateway.ts'
import { seatsFor } from './seats.ts'
import { shownTargets } from './shown-targets.ts'
import { SpentBatch } from './spent-batch.ts'
import { type AskedBudget, counterPeriods, SpentBefore } from './spent-before.ts'
import { StartError } from './start-error.ts'
import type { WriterState } from './threads/writer-thread.ts'
import { registerUpstreamMetrics } from './upstream-metrics.ts'
import { ValueLevels } from './value-levels.ts'
import { wantsKeys } from './wants-keys.ts'
import { canShare, workerCount } from './worker-count.ts'
import { type EntityChanges, WorkerPool } from './worker-pool.ts'

/** The main thread of a gateway. */
export class ControlThread implements RunningGateway {
  readonly configSource: string | null
  readonly exampleVariable: string
  readonly dataDir: string
  readonly adminTokenFile: string
  readonly stopped: Promise<number>
  #urls: Readonly<Record<string, string>> = {}
  #announced = false
  controlUrl = ''
  firstKey: string | null = null
  readonly #version: string
  readonly #reloader: Reloader
  readonly #log: Log
  readonly #memory = createSharedMemory()
  readonly #metrics = new MetricsCollector()
  readonly #readiness: Readiness
  readonly #slots: SlotAllocator
  readonly #routeSlots: RouteSlots
  readonly #seats: number
  readonly #spent = new SpentBefore()
  readonly #database: Database
  readonly #values: ValueLevels
  readonly #keys: KeyRegistry
  readonly #repair: CounterRepair
  readonly #backfill: BudgetBackfill
  readonly #rates: RateMemory
  readonly #routeRates: RouteRateMemory
  readonly #revocation: KeyRevocation
  readonly #pool: WorkerPool
  /** Null: this gateway is alone. */
  readonly #cluster: Cluster | null
  readonly #pepper: string
  readonly #adminToken: string
  #document: ConfigDocument
  #control: ControlServer | null = null
  #watch: ConfigWatch | null = null
  #stopping: Promise<void> | null = null
  readonly #end: (code: number) => void

  constructor(options: StartOptions, document: ConfigDocument, exampleVariable: string) {
    this.configSource = options.configPath
    this.exampleVariable = exampleVariable
    this.#version = options.version
    this.#document = document
    this.dataDir = makeDataDir(document.data_dir)
    this.adminTokenFile = join(this.dataDir, 'admin-token')
    this.#log = createLog({ level: () => this.#document.log.level })
    this.#readiness = new Readiness(new Int32Array(this.#memory.process))
    const { promise, resolve: end } = Promise.withResolvers<number>()
    this.stopped = promise
    this.#end = end
    const counters = new BigInt64Array(this.#memory.counters)
    this.#slots = new SlotAllocator(counters)
    const seats = seatsFor(workerCount(document))
    this.#seats = seats
    this.#routeRates = new RouteRateMemory(this.dataDir, counters, this.#log)
    this.#routeSlots = new RouteSlots({
      slots: this.#slots,
      counters: this.#memory.counters,
      seats,
      onFresh: (name, index) => this.#routeRates.fill(name, index),
    })
    // Before the threads of the database: what is wrong with it ends the start.
    this.#cluster = this.#makeCluster(document)
    this.#database = new Database({
      dataDir: this.dataDir,
      databaseUrl: databaseUrl(document),
      retentionDays: document.storage.retention_days ?? null,
      log: this.#log,
      onState: (state) => this.#onDatabase(state),
      onKeys: (keys) => void this.#onKeys(keys),
      onRestart: () => this.#pool.attachWriterAgain(),
      workers: () => ({
        known: [...this.#pool.living, ...this.#repair.unreported],
        nextWorker: this.#pool.nextWorker,
      }),
    })
    this.#pepper = readPepper(this.dataDir, process.env)
    this.#adminToken = readAdminToken(this.dataDir)
    const spending = new SpentBatch(this.#database)
    this.#values = new ValueLevels({
      counters,
      slots: this.#slots,
      seats,
      rulesOf: (level) => this.#keys.rulesOf(level),
      spent: async (asked) => await spending.of(asked),
      restoreRates: (limits, fresh) => this.#rates.fill(limits, fresh),
      drop: (names) => this.#keys.dropValues(names),
      shared: this.#cluster ?? undefined,
    })
    this.#keys = new KeyRegistry({
      values: this.#values,
      counters,
      generations: new Int32Array(this.#memory.generations),
      slots: this.#slots,
      seats,
      spent: (counter, period) => this.#spent.of(counter, period),
      shared: this.#cluster ?? undefined,
      publish: (changes, epoch, levels, dropped) => this.#publishKeys({ changes, levels, dropped }, epoch),
    })
    const { dataDir } = this
    this.#revocation = new KeyRevocation({ dataDir, database: this.#database, keys: this.#keys, log: this.#log })
    this.#rates = new RateMemory(dataDir, this.#keys, counters, this.#log)
    this.#backfill = new BudgetBackfill(this.#database, this.#keys, counters)
    this.#repair = new CounterRepair(this.#database, this.#keys, counters, this.#log)
    this.#pool = new WorkerPool(
      {
        memory: this.#memory,
        journalDirectory: journalDirectory(this.dataDir),
        pepper: this.#pepper,
        log: this.#log,
        metrics: this.#metrics,
        keys: () => this.#keys.documents(),
        levels: () => this.#keys.levelDocuments(),
        onSeatLeft: (seat) => this.#keys.clearSeat(seat),
        slots: this.#routeSlots,
        seats,
        attachWriter: (wake) => this.#database.attach(wake),
        attachCluster: this.#cluster === null ? null : (port) => this.#cluster?.attach(port),
        onDeath: (dead) => this.#repair.buried(dead),
        onListening: (count) => {
          this.#readiness.workers(count)
          this.#announce()
        },
        onQuiet: () => this.#onQuiet(),
        onValue: (name, tell) => void this.#values.ask(name, tell),
      },
      withoutKeys(document),
    )
    this.#reloader = new Reloader({
      source: options.configPath,
      overrides: options,
      log: this.#log,
      pool: this.#pool,
      keys: this.#keys,
      onSwapped: (changes) => this.#cluster?.learn(documentsOf(changes)),
      database: this.#database,
      spent: this.#spent,
      backfill: this.#backfill,
      inForce: () => this.#document,
      adopt: (next) => {
        this.#document = next
      },
      isStopping: () => this.#stopping !== null,
      urls: () => this.#urls,
    })
    // After the writer's thread, which is waited for first.
    this.#pool.warm(workerCount(document))
  }

  get dataUrl(): string {
    return this.#urls['main'] ?? ''
  }

  get listeners(): Readonly<Record<string, string>> {
    return this.#urls
  }

  get routes(): number {
    return this.#document.routes.length
  }

  get upstreams(): number {
    return Object.keys(this.#document.upstreams).length
  }

  get wantsKeys(): boolean {
    return wantsKeys(this.#document)
  }

  get providers(): readonly string[] {
    return Object.keys(this.#document.providers)
  }

  /** Brings everything up; rejects with a StartError, and leaves nothing behind, when that cannot be. */
  async start(): Promise<void> {
    try {
      await this.#bringUp()
    } catch (error) {
      await this.#pool.drain(0)
      await this.#cluster?.close()
      await this.#control?.close()
      await this.#database.close()
      throw error instanceof StartError
        ? error
        : new StartError(error instanceof Error ? error.message : String(error), null, { cause: error })
    }
  }

  async #bringUp(): Promise<void> {
    const document = this.#document
    await this.#database.opened()
    await Promise.all([
      ...listenersOf(document).map(
        async ({ name, config }) => await probeBind(listenerKey(name, document), config.listen),
      ),
      probeBind('control.listen', document.control.listen),
    ])
    // A recovery may take long; meanwhile the control listener says that the process lives, and is not ready.
    const [recovery] = await Promise.all([
      this.#database.recover(this.#rates.query(Date.now())),
      this.#openControl(document),
    ])
    if (recovery.lost > 0)
      this.#log.warn('requests of an earlier run were settled at their full reservation', { lost: recovery.lost })
    for (const name of recovery.damaged)
      this.#log.error('a journal segment is damaged and was set aside', { segment: name })
    const stored = await this.#database.listKeys()
    await this.#learnSpending(this.#keys.newBudgets([...stored, ...document.keys.map(keyOfFile)], new Levels(document)))
    for (const key of stored) this.#keys.putDatabaseKey(key)
    this.#takeFileKeys(document)
    if (wantsKeys(document) && this.#keys.list().length === 0) {
      const created = await firstKey(this.#database, this.#pepper)
      this.#keys.putDatabaseKey(created.key)
      this.firstKey = created.secret
    }
    this.#rates.restore(recovery)
    this.#cluster?.begin()
    const ports = await this.#pool.start(workerCount(document), { reusePort: canShare() })
    this.#routeRates.begin(() => this.#routeSlots.inForce)
    this.#urls = urlsOf(document, ports)
    const shared = { metrics: this.#metrics, ...this.#modelMemory }
    registerUpstreamMetrics(shared)
    registerModelMetrics(shared)
    registerCanaryMetrics(shared)
    registerProcessMetrics({
      metrics: this.#metrics,
      keys: this.#keys,
      counters: new BigInt64Array(this.#memory.counters),
      readiness: this.#readiness,
      pool: this.#pool,
    })
    this.#announced = true
    this.#writeInstance()
    this.#readiness.started()
    this.#log.info('ready', { data: this.dataUrl, control: this.controlUrl, workers: workerCount(document) })
    if (this.configSource !== null)
      this.#watch = new ConfigWatch(this.configSource, () => void this.reload('the file changed'))
  }

  /** Where workers agree on what they know of servers and targets. */
  get #modelMemory() {
    return {
      slots: this.#slots,
      counters: this.#memory.counters,
      seats: this.#seats,
      document: () => this.#document,
    }
  }

  async #openControl(document: ConfigDocument): Promise<void> {
    const admin = new AdminPort({
      database: this.#database,
      keys: this.#keys,
      revocation: this.#revocation,
      tell: (key) => this.#tellRevoked(key),
      learnSpending: async (asked) => await this.#learnSpending(asked),
      counters: new BigInt64Array(this.#memory.counters),
      backfill: this.#backfill,
      metrics: this.#metrics,
      readiness: this.#readiness,
      adminToken: this.#adminToken,
      pepper: this.#pepper,
      status: () => this.#status(),
      document: () => this.#document,
      targets: () => shownTargets(this.#modelMemory),
    })
    const { host, port } = document.control.listen
    this.#control = createControlServer(admin, {
      host,
      port,
      public: !isLoopback(host),
      onFault: (error, requestId) =>
        this.#log.error('a request to the control listener failed', { request_id: requestId, error }),
    })
    this.controlUrl = url(host, await this.#control.listen())
  }

  #tellRevoked({ id, hash }: StoredKey): void {
    const cluster = this.#cluster
    if (cluster !== null) void cluster.tell({ type: 'revoked', from: cluster.replica, key: id, hash })
  }

  /** Asks the database what was spent of budgets that begin. */
  async #learnSpending(asked: readonly AskedBudget[]): Promise<void> {
    if (asked.length === 0) return
    const periods = counterPeriods(asked, Date.now())
    this.#spent.load(periods, await this.#database.counterSums(periods))
  }

  async reload(reason: string): Promise<void> {
    const before = this.#document
    await this.#reloader.reload(reason)
    if (this.#document !== before) await this.#cluster?.tell({ type: 'reload', from: this.#cluster.replica })
  }

  #makeCluster(document: ConfigDocument): Cluster | null {
    if (document.cluster === undefined) return null
    if (databaseUrl(document)?.startsWith('postgres') === true) {
      // A ledger that is everybody's does not tell what this replica has spent of a budget.
      throw new StartError('cluster.counters needs a SQLite ledger of this replica alone: take storage.url out.')
    }
    return new Cluster({
      config: document.cluster,
      dataDir: this.dataDir,
      memory: this.#memory,
      log: this.#log,
      metrics: this.#metrics,
      limits: () => this.#keys.limits(),
      onRestart: () => this.#pool.attachClusterAgain(),
      onNotice: (notice) => void this.#hear(notice),
    })
  }

  #publishKeys(changes: EntityChanges, epoch: number): void {
    this.#cluster?.learn(documentsOf(changes))
    this.#pool.publishKeys(changes, epoch)
  }

  /** Another replica has changed something. */
  async #hear(notice: ClusterNotice): Promise<void> {
    if (this.#stopping !== null) return
    if (notice.type === 'reload') return await this.#reloader.reload('another replica was reloaded')
    const found = this.#keys.find(notice.key)
    if (found === null || found.key.hash !== notice.hash || found.key.revoked_at !== null) return
    if (found.owner === 'file') return // the file says who may do what; a change of it is told as a reload
    this.#log.info('a key was revoked on another replica', { key: notice.key })
    await this.#revocation.revoke(found.key)
  }

  /** Tells where the listeners are, as soon as the first worker listens there. */
  #announce(): void {
    if (!this.#announced) return
    const urls = urlsOf(this.#document, this.#pool.ports)
    if (JSON.stringify(urls) === JSON.stringify(this.#urls)) return
    this.#urls = urls
    this.#writeInstance()
  }

  #writeInstance(): void {
    writeInstance(this.dataDir, {
      pid: process.pid,
      data: this.dataUrl,
      listeners: this.#urls,
      control: this.controlUrl,
      workers: workerCount(this.#document),
    })
  }

  #onQuiet(): void {
    this.#routeSlots.quiet(this.#pool.quietEpoch)
    this.#keys.releaseQuiet(this.#pool.quietEpoch)
    this.#backfill.quiet(this.#pool.quietEpoch)
  }

  #onDatabase(state: WriterState): void {
    this.#readiness.database(state, this.#document.journal.max_bytes, this.#log)
    if (state.databaseError === null) this.#reloader.onDatabaseBack()
  }

  /** Keys that another program on the same database has made or changed. */
  async #onKeys(changed: readonly StoredKey[]): Promise<void> {
    try {
      // A revocation is for good, and stands here before the database has it.
      const keys = changed.filter((key) => {
        const held = this.#keys.find(key.id)
        return held?.owner !== 'database' || held.key.revoked_at === null || key.revoked_at !== null
      })
      await this.#learnSpending(this.#keys.newBudgets(keys))
      for (const key of keys) this.#keys.putDatabaseKey(key)
    } catch (error) {
      this.#log.error('keys that were changed elsewhere cannot be taken over', { error })
    }
  }

  drain(): Promise<void> {
    this.#stopping ??= this.#drainNow()
    return this.#stopping
  }

  stopNow(): void {
    if (this.#stopping === null) void this.drain()
    this.#pool.cut()
  }

  async #drainNow(): Promise<void> {
    const { drain } = this.#document
    this.#readiness.draining()
    this.#watch?.close()
    const lagMs =
      drain.lag === 'auto'
        ? listenersOf(this.#document).every(({ config }) => isLoopback(config.listen.host))
          ? 0
          : 5_000
        : drain.lag
    const beganMs = performance.now()
    this.#log.info('draining', { in_flight: this.#pool.inFlight, lag_ms: lagMs, grace_ms: drain.grace })
    await this.#pool.waitOrCut(lagMs)
    await this.#pool.drain(drain.grace)
    this.#backfill.close()
    this.#values.close()
    await Promise.all([this.#rates.close(), this.#routeRates.close()])
    this.#revocation.close()
    await this.#repair.close()
    await this.#cluster?.close()
    const complete = await this.#database.catchUp().catch(() => false)
    if (!complete) this.#log.warn('the database refuses; the journal keeps what is missing for the next start', {})
    await this.#control?.close()
    await this.#database.close()
    removeInstance(this.dataDir)
    this.#log.info('stopped', { seconds: Math.round(performance.now() - beganMs) / 1_000 })
    this.#log.flush()
    this.#end(0)
  }

  #takeFileKeys(document: ConfigDocument): void {
    for (const problem of this.#keys.replaceFileKeys(document.keys, new Levels(document))) this.#log.warn(problem, {})
  }

  #status(): object {
    return {
      version: this.#version,
      uptime_seconds: Math.floor(process.uptime()),
      pid: process.pid,
      plan_version: this.#pool.version,
      workers: this.#pool.listening,
      in_flight: this.#pool.inFlight,
      config: this.configSource,
      data: this.dataUrl,
      listeners: this.#urls,
      control: this.controlUrl,
      ...(this.#cluster === null ? {} : { cluster: this.#cluster.status() }),
    }
  }
}

/** The limits that a change brings. */
function documentsOf({ changes, levels }: EntityChanges): LimitsDocument[] {
  return [...changes, ...levels].flatMap(({ document }) => document ?? [])
}
