/**
 * The control thread: brings the parts up in order, and takes them down. Start-up is lock → database → recovery →
 * keys → workers → control listener → ready; nothing serves before what it stands on is there. The threads of the
 * workers load their code meanwhile, and wait.
 */
import { join } from 'node:path'
import { type ConfigDocument, isLoopback } from '../config/index.ts'
import { type ControlServer, createControlServer, keyOfFile } from '../control/index.ts'
import type { StoredKey } from '../storage/index.ts'
import { AdminPort } from './admin-port.ts'
import { registerCanaryMetrics } from './canary-metrics.ts'
import { CertificateWatch, tlsFiles } from './certificate-watch.ts'
import { ConfigWatch } from './config-watch.ts'
import { ControlParts } from './control-parts.ts'
import { warnOfDocumentedHashes } from './documented-hash-log.ts'
import { drainLagMs } from './drain-lag.ts'
import { firstKey } from './first-key.ts'
import { KeyChanges } from './key-changes.ts'
import { adjustableLedger, LedgerAdjustments } from './ledger-adjustments.ts'
import { listenerKey, url } from './listener-urls.ts'
import { listenersOf } from './listeners.ts'
import { registerModelMetrics } from './model-metrics.ts'
import { probeBind } from './probe-bind.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import { HIDDEN } from './reloader.ts'
import type { RunningGateway, StartOptions } from './running-gateway.ts'
import { shownTargets } from './shown-targets.ts'
import { StartError } from './start-error.ts'
import { registerUpstreamMetrics } from './upstream-metrics.ts'
import { wantsKeys } from './wants-keys.ts'
import { canShare, workerCount } from './worker-count.ts'

/** The main thread of a gateway. */
export class ControlThread implements RunningGateway {
  readonly configSource: string | null
  readonly exampleVariable: string
  readonly stopped: Promise<number>
  controlUrl = ''
  firstKey: string | null = null
  readonly #version: string
  readonly #parts: ControlParts
  #control: ControlServer | null = null
  #watch: ConfigWatch | null = null
  #certificateWatch: CertificateWatch | null = null
  #stopping: Promise<void> | null = null
  readonly #end: (code: number) => void

  constructor(options: StartOptions, document: ConfigDocument, exampleVariable: string) {
    this.configSource = options.configPath
    this.exampleVariable = exampleVariable
    this.#version = options.version
    const { promise, resolve: end } = Promise.withResolvers<number>()
    this.stopped = promise
    this.#end = end
    this.#parts = new ControlParts(options, document)
  }

  get dataDir(): string {
    return this.#parts.dataDir
  }

  get adminTokenFile(): string {
    return join(this.dataDir, 'admin-token')
  }

  get dataUrl(): string {
    return this.listeners['main'] ?? ''
  }

  get listeners(): Readonly<Record<string, string>> {
    return this.#parts.announcement.urls
  }

  get routes(): number {
    return this.#parts.document.routes.length
  }

  get upstreams(): number {
    return Object.keys(this.#parts.document.upstreams).length
  }

  get wantsKeys(): boolean {
    return wantsKeys(this.#parts.document)
  }

  get providers(): readonly string[] {
    return Object.keys(this.#parts.document.providers)
  }

  /** Brings everything up; rejects with a StartError, and leaves nothing behind, when that cannot be. */
  async start(): Promise<void> {
    const { pool, cluster, database } = this.#parts
    try {
      await this.#bringUp()
    } catch (error) {
      await pool.drain(0)
      await cluster?.close()
      await this.#control?.close()
      await database.close()
      throw error instanceof StartError
        ? error
        : new StartError(error instanceof Error ? error.message : String(error), null, { cause: error })
    }
  }

  async #bringUp(): Promise<void> {
    const { document, database, rates, routeRates, routeSlots, pool, cluster, announcement, readiness, log } =
      this.#parts
    await database.opened()
    await this.#probeListeners(document)
    // A recovery may take long; meanwhile the control listener says that the process lives, and is not ready.
    const [recovery] = await Promise.all([database.recover(rates.query(Date.now())), this.#openControl(document)])
    if (recovery.lost > 0)
      log.warn('requests of an earlier run were settled at their full reservation', { lost: recovery.lost })
    for (const name of recovery.damaged) log.error('a journal segment is damaged and was set aside', { segment: name })
    await this.#takeKeys(document)
    rates.restore(recovery)
    cluster?.begin()
    await pool.start(workerCount(document), { reusePort: canShare() })
    routeRates.begin(() => routeSlots.inForce)
    this.#registerMetrics()
    announcement.begin(this.controlUrl)
    readiness.started()
    log.info('ready', { data: this.dataUrl, control: this.controlUrl, workers: workerCount(document) })
    this.#watchFiles()
  }

  #watchFiles(): void {
    if (this.configSource === null) return
    this.#watch = new ConfigWatch(this.configSource, () => void this.reload('the file changed'))
    const parts = this.#parts
    this.#certificateWatch = new CertificateWatch(
      () => tlsFiles(parts.document),
      () => void parts.reloader.reload('a certificate, its key or an authority has changed'),
    )
  }

  async #probeListeners(document: ConfigDocument): Promise<void> {
    await Promise.all([
      ...listenersOf(document).map(
        async ({ name, config }) => await probeBind(listenerKey(name, document), config.listen),
      ),
      probeBind('control.listen', document.control.listen),
    ])
  }

  /** Keys of the database and of the file; a first one where clients need one and there is none. */
  async #takeKeys(document: ConfigDocument): Promise<void> {
    const { database, keys, levels: ofDatabase, spent, log, pepper } = this.#parts
    const stored = await database.listKeys()
    ofDatabase.load(await database.listLevels())
    const levels = ofDatabase.beside(document)
    for (const level of levels.hidden) log.warn(HIDDEN, { level })
    await spent.learn(keys.newBudgets([...stored, ...document.keys.map(keyOfFile)], levels))
    for (const key of stored) keys.putDatabaseKey(key)
    for (const problem of keys.replaceFileKeys(document.keys, levels)) log.warn(problem, {})
    warnOfDocumentedHashes(document, log)
    if (!wantsKeys(document) || keys.list().length > 0) return
    const created = await firstKey(database, pepper)
    keys.putDatabaseKey(created.key)
    this.firstKey = created.secret
  }

  async #openControl(document: ConfigDocument): Promise<void> {
    const parts = this.#parts
    const { database, keys, levels, counters, backfill, cluster, metrics, readiness, adminToken, pepper } = parts
    const { revocation, newBudgets, turns } = parts
    const tell = (key: StoredKey) => parts.tellRevoked(key)
    const made = { keys, counters, database, revocation, backfill, newBudgets, turns, pepper, tell }
    const admin = new AdminPort({
      database,
      keys,
      keyChanges: new KeyChanges(made),
      adjustments: new LedgerAdjustments({
        ledger: adjustableLedger(database, keys),
        counters,
        places: {
          slotOf: (counter) => keys.counterSlot(counter),
          leaseOf: (counter) => keys.leaseOf(counter),
          limitOf: (counter) => keys.budgetLimit(counter),
        },
      }),
      levels,
      counters,
      backfill,
      cluster,
      metrics,
      readiness,
      adminToken,
      pepper,
      status: () => this.#status(),
      document: () => parts.document,
      targets: () => shownTargets(this.#modelMemory),
    })
    const { host, port } = document.control.listen
    this.#control = createControlServer(admin, {
      host,
      port,
      public: !isLoopback(host),
      onFault: (error, requestId) =>
        parts.log.error('a request to the control listener failed', { request_id: requestId, error }),
    })
    this.controlUrl = url(host, await this.#control.listen())
  }

  #registerMetrics(): void {
    const { metrics, keys, counters, readiness, pool, expiry, document } = this.#parts
    expiry.read(document)
    expiry.register(metrics)
    const shared = { metrics, ...this.#modelMemory }
    registerUpstreamMetrics(shared)
    registerModelMetrics(shared)
    registerCanaryMetrics(shared)
    registerProcessMetrics({ metrics, keys, counters, readiness, pool })
  }

  /** Where workers agree on what they know of servers and targets. */
  get #modelMemory() {
    const { slots, memory, seats } = this.#parts
    return { slots, counters: memory.counters, seats, document: () => this.#parts.document }
  }

  async reload(reason: string): Promise<void> {
    const parts = this.#parts
    const before = parts.document
    await parts.reloader.reload(reason)
    if (parts.document !== before) await parts.cluster?.tell({ type: 'reload', from: parts.cluster.replica })
  }

  drain(): Promise<void> {
    this.#stopping ??= this.#drainNow()
    return this.#stopping
  }

  stopNow(): void {
    if (this.#stopping === null) void this.drain()
    this.#parts.pool.cut()
  }

  async #drainNow(): Promise<void> {
    const parts = this.#parts
    const { log, pool, database } = parts
    const { drain } = parts.document
    parts.isStopping = true
    parts.readiness.draining()
    this.#watch?.close()
    this.#certificateWatch?.close()
    const lagMs = drainLagMs(parts.document)
    const beganMs = performance.now()
    log.info('draining', { in_flight: pool.inFlight, lag_ms: lagMs, grace_ms: drain.grace })
    await pool.waitOrCut(lagMs)
    await pool.drain(drain.grace)
    parts.backfill.close()
    parts.values.close()
    await Promise.all([parts.rates.close(), parts.routeRates.close()])
    parts.revocation.close()
    await parts.repair.close()
    await parts.cluster?.close()
    const complete = await database.catchUp().catch(() => false)
    if (!complete) log.warn('the database refuses; the journal keeps what is missing for the next start', {})
    await this.#control?.close()
    await database.close()
    parts.announcement.end()
    log.info('stopped', { seconds: Math.round(performance.now() - beganMs) / 1_000 })
    log.flush()
    this.#end(0)
  }

  #status(): object {
    const { pool, cluster } = this.#parts
    return {
      version: this.#version,
      uptime_seconds: Math.floor(process.uptime()),
      pid: process.pid,
      plan_version: pool.version,
      workers: pool.listening,
      in_flight: pool.inFlight,
      config: this.configSource,
      data: this.dataUrl,
      listeners: this.listeners,
      control: this.controlUrl,
      ...(cluster === null ? {} : { cluster: cluster.status() }),
    }
  }
}
