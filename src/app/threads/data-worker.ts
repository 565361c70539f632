import { type MessagePort, parentPort } from 'node:worker_threads'
import { Tokenizer } from '../../ai/index.ts'
import type { RouteConfig } from '../../config/index.ts'
import { EMPTY_PLAN, fetchAddress, Gateway, type LoadSignals, type Plan, refuse, viewCells } from '../../core/index.ts'
import {
  AuthMemory,
  type CounterDesk,
  createRouteGates,
  giveBackHeld,
  Intents,
  KeyTable,
  LeaseDesk,
  LeasedCounters,
  NamelessRefusals,
  Policies,
  type PrincipalSource,
  SharedCounters,
  type Sinks,
} from '../../governance/index.ts'
import { monotonicUs } from '../../lib/index.ts'
import { GatewayMetrics, MetricsRegistry } from '../../observability/index.ts'
import { JournalAppender } from '../../storage/index.ts'
import { INTENT_CAPACITY, PROCESS_CELL, WORKER_CELL } from '../memory.ts'
import type { DataWorkerStart, FromWorker, KeyMessage, ToWorker, ValueAnswer } from '../messages.ts'
import type { SlotIndexes } from '../route-slots.ts'
import { AccessLogs } from './access-logs.ts'
import { budgetWarningLog } from './budget-warning-log.ts'
import { drainPort } from './drain-port.ts'
import { edgeLimits } from './edge-limits.ts'
import { EdgeReports } from './edge-reports.ts'
import { type EgressDoor, EgressDoors } from './egress.ts'
import { Listeners } from './listeners.ts'
import { compilePlan, type RouteHooks } from './plan.ts'
import { Pools } from './pools.ts'
import { principalSources } from './principal-sources.ts'
import { QuietWatch } from './quiet-watch.ts'
import { refreshLog } from './refresh-log.ts'
import { Retirement } from './retirement.ts'
import { shedLoad } from './shed-load.ts'
import { StoreCaller } from './store-caller.ts'
import { Transports } from './transports.ts'
import { UnreadLooks } from './unread-looks.ts'
import { ValueAsker } from './value-asker.ts'
import { createWorkerHooks } from './worker-hooks.ts'

/** In a replacement, connections that stay idle are closed after this time. */
const IDLE_NOTICE_MS = 3_000
/** The last bytes of finished answers get this long to leave. */
const FLUSH_MS = 1_000

/** Makes this thread a data worker, as soon as control sends what to start with: listens, serves, obeys. */
export async function runDataWorker(): Promise<void> {
  const port = parentPort
  if (port === null) throw new Error('a data worker runs in a worker thread')
  const say = (message: FromWorker) => port.postMessage(message)
  const worker = await new Promise<DataWorker>((resolve) => {
    port.once('message', (start: DataWorkerStart) => {
      const made = new DataWorker(start, say)
      // At once: a message that nobody listens to would be lost.
      port.on('message', (message: ToWorker) => made.obey(message))
      resolve(made)
    })
  })
  await worker.listen()
}

interface Ruled {
  readonly policies: Policies | null
  readonly others: readonly PrincipalSource[]
}

class DataWorker {
  readonly #start: DataWorkerStart
  #writerPort: MessagePort
  readonly #stores: StoreCaller
  readonly #tokenizer = new Tokenizer()
  readonly #say: (message: FromWorker) => void
  readonly #status: Int32Array
  readonly #keys: KeyTable
  readonly #values: ValueAsker
  #catchUp: () => void = () => undefined
  readonly #journal: JournalAppender
  readonly #sinks: Sinks
  readonly #accessLogs: AccessLogs
  readonly #metrics: GatewayMetrics
  readonly #transports: Transports
  #load: LoadSignals | null
  readonly #pools: Pools
  #slots: SlotIndexes
  readonly #gateway: Gateway
  readonly #listeners: Listeners
  readonly #unread: UnreadLooks
  readonly #heartbeat: NodeJS.Timeout
  readonly #compile: (version: number, document: DataWorkerStart['document']) => Promise<Plan>
  #candidate: Plan | null = null
  #next: DataWorkerStart['document'] | null = null
  #document: DataWorkerStart['document']
  /** Version that is in force elsewhere; this worker may still compile it. */
  #dueVersion = 0
  readonly #quiet = new QuietWatch()
  readonly #retirement = new Retirement()
  /** Of the last change of keys. While its plan is still compiled here, requests begin under the one before. */
  #epoch = 0
  #leaving = false
  #leases: LeaseDesk | null = null
  #clusterPort: MessagePort | null

  constructor(start: DataWorkerStart, say: (message: FromWorker) => void) {
    const { document, memory, own } = start
    this.#start = start
    this.#writerPort = start.writerPort
    this.#clusterPort = start.clusterPort
    const counters = new BigInt64Array(memory.counters)
    this.#stores = new StoreCaller((released) =>
      giveBackHeld(counters, (counter) => this.#keys.get(released.keyId)?.budgetSlot(counter) ?? null, released),
    )
    this.#stores.connect(start.writerPort)
    this.#say = say
    this.#status = new Int32Array(own.status)
    const intents = new Intents(new BigInt64Array(own.intents), INTENT_CAPACITY)
    this.#values = new ValueAsker({
      counters,
      rules: () => this.#keys.levels.rules,
      catchUp: () => this.#catchUp(),
      ask: (name) => say({ type: 'value', name }),
    })
    this.#keys = this.#loadKeys(start)
    this.#journal = new JournalAppender({
      directory: start.journalDirectory,
      startMs: start.startMs,
      worker: start.worker,
      sync: document.journal.sync,
      syncIntervalMs: document.journal.interval,
      onWritten: () => this.#writerPort.postMessage(null),
      onReservesWritten: () => intents.clear(),
      onSegment: (sequence) => intents.openSegment(sequence),
    })
    const registry = new MetricsRegistry({ row: own.metrics, onSeries: (series) => say({ type: 'series', series }) })
    this.#metrics = new GatewayMetrics(registry)
    this.#document = document
    const refusals = new NamelessRefusals(performance.now())
    this.#accessLogs = new AccessLogs(document.log.access)
    const processCells = new Int32Array(memory.process)
    const desk = this.#counterDesk(counters, intents, processCells)
    const sinks: Sinks = {
      worker: start.worker,
      journal: this.#journal,
      accessLog: this.#accessLogs.current,
      metrics: this.#metrics,
      refusals,
      desk,
    }
    this.#sinks = sinks
    const hooks = createWorkerHooks({
      sinks,
      keys: this.#keys,
      desk,
      values: this.#values,
      onWarning: (warning, id) => {
        this.#metrics.budgetWarned(warning.threshold)
        say(budgetWarningLog(warning, id))
      },
      journal: this.#journal,
      process: processCells,
    })
    const reports = new EdgeReports(start.worker, this.#metrics, say)
    const doors = new EgressDoors((event) => reports.connection(event))
    this.#transports = new Transports()
    this.#slots = start.slots
    const now = () => monotonicUs() / 1_000
    const shared = {
      cells: viewCells(memory.counters),
      seat: start.seat,
      indexOf: ({ name }: { name: string }) => this.#slotOf(name),
    }
    this.#pools = new Pools({
      shared,
      now,
      onHealth: (pool, target, verdict, reason) =>
        say({
          type: 'log',
          level: verdict === 'healthy' ? 'info' : 'warn',
          message: `a server of a pool is ${verdict}`,
          fields: { pool, target, reason },
        }),
      onRefresh: (pool, news) => say(refreshLog(pool, news)),
    })
    const authMemory = new AuthMemory()
    const routesThrough = (door: EgressDoor, ruled: Ruled): RouteHooks => ({
      shared,
      now,
      pool: (name, config, plan) => this.#pools.pool(name, config, { ...plan, door }),
      gates: (route: RouteConfig, version: number) =>
        createRouteGates(route, {
          keys: this.#keys,
          ...ruled,
          memory: authMemory,
          connect: (server) => this.#transports.forVersion(version, door).connect(server),
          warn: (message, fields) => say({ type: 'log', level: 'warn', message, fields: { ...fields } }),
          desk,
          counters,
          indexOf: shared.indexOf,
        }),
      settle: ({ record }) => hooks.settleRoute[record],
    })
    this.#compile = async (version, next) => {
      const door = doors.doorFor(next)
      const policies = Policies.compile(next)
      const others = principalSources(next, {
        levels: this.#keys.levels,
        memory: authMemory,
        connect: (server) => this.#transports.forVersion(version, door).connect(server),
        warn: (message, fields) => say({ type: 'log', level: 'warn', message, fields: { ...fields } }),
      })
      const plan = await compilePlan({
        version,
        document: next,
        environment: process.env,
        metrics: this.#metrics,
        transports: this.#transports.forVersion(version, door),
        hooks: hooks.surfaces(policies, others),
        content: this.#stores,
        claims: this.#stores,
        counter: this.#tokenizer,
        fetchAddress: async (url, limits) => await fetchAddress(url, { ...limits, ...door }),
        routes: routesThrough(door, { policies, others }),
        process: processCells,
        warn: (message, fields) => say({ type: 'log', level: 'warn', message, fields: { ...fields } }),
      })
      await this.#pools.resolved()
      return plan
    }
    this.#gateway = new Gateway({
      plan: EMPTY_PLAN,
      limits: edgeLimits(document),
      onFault: (error, x) => this.#fault('a request failed inside the gateway', error, { request_id: x?.id ?? null }),
      onUnreadable: (error) => reports.unreadable(error),
      onRefusedConnection: (reason, address) => reports.refusedConnection(reason, address),
    })
    this.#load = document.overload.shed === 'on' ? this.#shedLoad() : null
    this.#unread = new UnreadLooks({
      gateway: this.#gateway,
      keys: this.#keys,
      due: (most, times) => this.#stores.due(most, times),
      document: () => this.#document,
    })
    this.#listeners = new Listeners(this.#gateway, start)
    // A worker whose loop stands still stops counting: the watchdog sees it.
    this.#heartbeat = setInterval(() => this.#beat(), Math.max(50, Math.min(1_000, document.process.stall_timeout / 4)))
    process.on('unhandledRejection', (reason) => this.#fault('a promise was rejected and nobody cared', reason, {}))
  }

  async listen(): Promise<void> {
    this.#beat()
    const plan = await this.#compile(this.#start.version, this.#start.document)
    // A newer one may have overtaken it.
    if (this.#gateway.plan.version < plan.version) this.#gateway.plan = plan
    const ports = await this.#listeners.listen()
    this.#unread.start()
    this.#say({ type: 'listening', ports })
  }

  obey(message: ToWorker): void {
    switch (message.type) {
      case 'compile':
        void this.#prepare(message)
        return
      case 'discard':
        this.#discard(message.version)
        return
      case 'reopen-logs':
        this.#reopenLogs()
        return
      case 'writer-port':
        this.#writerPort = message.port
        this.#stores.connect(message.port)
        return
      case 'cluster-port':
        this.#leases?.connect(message.port)
        this.#clusterPort = message.port
        return
      case 'leave':
        void this.#leave(message.graceMs, message.reason)
    }
  }

  async #prepare({ version, document, slots }: Extract<ToWorker, { type: 'compile' }>): Promise<void> {
    this.#slots = slots
    try {
      this.#listeners.check(document)
      this.#accessLogs.prepare(document.log.access)
      this.#candidate = await this.#compile(version, document)
      this.#next = document
      this.#say({ type: 'compiled', version })
      if (this.#dueVersion !== version) return
      this.#swap(version)
      this.#quiet.begin(this.#epoch, performance.now())
    } catch (error) {
      this.#accessLogs.discard()
      this.#pools.discard(version)
      this.#say({ type: 'refused', version, message: error instanceof Error ? error.message : String(error) })
    }
  }

  #discard(version: number): void {
    if (this.#candidate?.version === version) this.#candidate = null
    this.#accessLogs.discard()
    this.#pools.discard(version)
  }

  /** What of a document needs no new thread: requests that run go on under it. */
  #adopt(document: DataWorkerStart['document']): void {
    const before = this.#document
    this.#document = document
    this.#gateway.limits = edgeLimits(document)
    this.#listeners.updateLimits(document)
    this.#accessLogs.adopt()
    this.#sinks.accessLog = this.#accessLogs.current
    if (document.overload.shed === before.overload.shed) return
    this.#load?.close()
    this.#load = document.overload.shed === 'on' ? this.#shedLoad() : null
    this.#gateway.loadLevel = 0
  }

  #swap(version: number): void {
    const candidate = this.#candidate
    this.#dueVersion = version
    if (candidate === null || candidate.version !== version) return
    this.#candidate = null
    this.#gateway.plan = candidate
    if (this.#next !== null) this.#adopt(this.#next)
    this.#updateCertificates()
    this.#pools.swap(version)
    this.#retirement.begin(version, performance.now())
  }

  #shedLoad(): LoadSignals {
    const { worker } = this.#start
    return shedLoad({ gateway: this.#gateway, metrics: this.#metrics, worker, say: this.#say })
  }

  /** What was read a moment ago may be gone again: then the certificates that are served stay. */
  #updateCertificates(): void {
    try {
      if (this.#next !== null) this.#listeners.update(this.#next)
    } catch (error) {
      this.#fault('certificates could not be read again; those before stay in force', error, {})
    }
  }

  /** Counters of this machine alone, or those that it borrows from. */
  #counterDesk(counters: BigInt64Array, intents: Intents, process: Int32Array): CounterDesk {
    const { seat, clusterPort } = this.#start
    if (clusterPort === null) return new SharedCounters(counters, { seat: seat.number, intents })
    const cells = { cells: process, open: PROCESS_CELL.clusterOpen, untilMs: PROCESS_CELL.clusterUntilMs }
    this.#leases = new LeaseDesk(cells, () => monotonicUs() / 1_000)
    this.#leases.connect(clusterPort)
    return new LeasedCounters(counters, { seat: seat.number, intents, desk: this.#leases })
  }

  #slotOf(name: string): number {
    const index = this.#slots[name]
    if (index === undefined) throw new Error(`there is no slot for ${name.replaceAll('\n', ' ')}`)
    return index
  }

  async #leave(graceMs: number, reason: 'replacement' | 'shutdown'): Promise<void> {
    if (this.#leaving) {
      // A second call cuts what still runs.
      if (graceMs === 0) this.#cut()
      return
    }
    this.#leaving = true
    this.#gateway.leaving = true
    this.#unread.stop()
    await this.#listeners.stopAccepting()
    const grace = setTimeout(() => this.#cut(), graceMs)
    // A connection that is closed while idle may have a request on its way: in a replacement clients are told first.
    await this.#listeners.closeGently(reason === 'replacement' ? IDLE_NOTICE_MS : 0)
    await this.#gateway.idle()
    clearTimeout(grace)
    this.#listeners.closeIdle()
    await this.#listeners.closed(FLUSH_MS)
    this.#listeners.destroy()
    await this.#finish()
  }

  #cut(): void {
    const { size } = this.#gateway.exchanges
    if (size > 0) {
      const fields = { requests: size, worker: this.#start.worker }
      this.#say({ type: 'log', level: 'warn', message: 'the grace is over: running requests are cut', fields })
    }
    this.#gateway.cutAll(refuse)
  }

  /** Everything that was promised is on disk before the thread ends. */
  async #finish(): Promise<void> {
    clearInterval(this.#heartbeat)
    this.#load?.close()
    await Promise.all([this.#transports.close(), this.#pools.close(), this.#tokenizer.close()])
    try {
      this.#journal.close()
    } catch (error) {
      this.#fault('the journal could not be closed; recovery will settle what is open', error, {})
    }
    await this.#sinks.accessLog.close()
    this.#start.keyPort.close()
    this.#writerPort.close()
    this.#clusterPort?.close()
    parentPort?.close()
  }

  #loadKeys(start: DataWorkerStart): KeyTable {
    const keys = new KeyTable({
      generations: new Int32Array(start.memory.generations),
      pepper: start.pepper,
      catchUp: () => this.#catchUp(),
    })
    const apply = (message: KeyMessage | ValueAnswer) => {
      if ('value' in message) return this.#values.answered(message)
      const { changes, levels, epoch, swap, dropped } = message
      for (const change of levels) keys.levels.apply(change)
      for (const change of changes) keys.apply(change)
      if (dropped !== undefined) keys.levels.rules.drop(dropped)
      if (swap !== null) this.#swap(swap)
      this.#epoch = epoch
      if (this.#dueVersion <= this.#gateway.plan.version) this.#quiet.begin(epoch, performance.now())
    }
    this.#catchUp = () => drainPort(start.keyPort, apply)
    for (const document of start.levels) keys.levels.apply({ name: document.name, document })
    for (const document of start.keys) keys.apply({ id: document.id, document })
    start.keyPort.on('message', apply)
    return keys
  }

  #reopenLogs(): void {
    const error = this.#sinks.accessLog.reopen()
    if (error !== null)
      this.#fault('the access log could not be opened again; the old file is still written', error, {})
  }

  #beat(): void {
    Atomics.add(this.#status, WORKER_CELL.heartbeat, 1)
    Atomics.store(this.#status, WORKER_CELL.inFlight, this.#gateway.exchanges.size)
    Atomics.store(this.#status, WORKER_CELL.connections, this.#listeners.connections)
    this.#metrics.setInFlight(this.#gateway.exchanges.size)
    this.#metrics.setClientConnections(this.#listeners.connections)
    const epoch = this.#quiet.reached(this.#gateway.exchanges)
    if (epoch !== null) this.#say({ type: 'quiet', epoch })
    this.#retire()
  }

  #retire(): void {
    const version = this.#retirement.reached(this.#gateway.exchanges, performance.now())
    if (version === null) return
    this.#transports.closeBefore(version)
    this.#pools.closeBefore(version)
  }

  #fault(message: string, error: unknown, fields: Record<string, unknown>): void {
    const described =
      error instanceof Error ? { error: error.message, stack: error.stack ?? '' } : { error: String(error) }
    this.#say({ type: 'log', level: 'error', message, fields: { ...fields, ...described, worker: this.#start.worker } })
  }
}
