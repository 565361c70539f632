import { type MessagePort, parentPort } from 'node:worker_threads'
import { Tokenizer } from '../../ai/index.ts'
import type { ConfigDocument } from '../../config/index.ts'
import { EMPTY_PLAN, Gateway, type LoadSignals, viewCells } from '../../core/index.ts'
import { giveBackHeld, Intents, type LeaseDesk, NamelessRefusals, type Sinks } from '../../governance/index.ts'
import { monotonicUs } from '../../lib/index.ts'
import { GatewayMetrics, MetricsRegistry } from '../../observability/index.ts'
import { JournalAppender } from '../../storage/index.ts'
import { INTENT_CAPACITY, WORKER_CELL } from '../memory.ts'
import type { DataWorkerStart, FromWorker, ToWorker } from '../messages.ts'
import type { SlotIndexes } from '../route-slots.ts'
import { AccessLogs } from './access-logs.ts'
import { budgetWarningLog } from './budget-warning-log.ts'
import { createCounterDesk } from './counter-desk.ts'
import { Departure } from './departure.ts'
import { edgeLimits } from './edge-limits.ts'
import { EdgeReports } from './edge-reports.ts'
import { EgressDoors } from './egress.ts'
import { KeyFeed } from './key-feed.ts'
import { Listeners } from './listeners.ts'
import { PlanCompiler } from './plan-compiler.ts'
import { PlanSwap } from './plan-swap.ts'
import { Pools } from './pools.ts'
import { refreshLog } from './refresh-log.ts'
import { shedLoad } from './shed-load.ts'
import { StoreCaller } from './store-caller.ts'
import { Transports } from './transports.ts'
import { UnreadLooks } from './unread-looks.ts'
import { ValueAsker } from './value-asker.ts'
import { createWorkerHooks } from './worker-hooks.ts'

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

class DataWorker {
  readonly #start: DataWorkerStart
  #writerPort: MessagePort
  readonly #stores: StoreCaller
  readonly #tokenizer = new Tokenizer()
  readonly #say: (message: FromWorker) => void
  readonly #status: Int32Array
  readonly #feed: KeyFeed
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
  readonly #plans: PlanSwap
  readonly #departure: Departure
  #document: ConfigDocument
  readonly #leases: LeaseDesk | null
  #clusterPort: MessagePort | null

  constructor(start: DataWorkerStart, say: (message: FromWorker) => void) {
    const { document, memory, own } = start
    this.#start = start
    this.#writerPort = start.writerPort
    this.#clusterPort = start.clusterPort
    const counters = new BigInt64Array(memory.counters)
    this.#stores = new StoreCaller((released) =>
      giveBackHeld(counters, (counter) => this.#feed.keys.get(released.keyId)?.budgetSlot(counter) ?? null, released),
    )
    this.#stores.connect(start.writerPort)
    this.#say = say
    this.#status = new Int32Array(own.status)
    const intents = new Intents(new Float64Array(own.intents), INTENT_CAPACITY)
    const values = new ValueAsker({
      counters,
      rules: () => this.#feed.keys.levels.rules,
      catchUp: () => this.#feed.catchUp(),
      ask: (name) => say({ type: 'value', name }),
    })
    this.#feed = new KeyFeed(start, {
      onValue: (answer) => values.answered(answer),
      onChange: (change) => this.#plans.changed(change),
    })
    const { keys } = this.#feed
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
    const { desk, leases } = createCounterDesk(start, { counters, process: processCells, intents })
    this.#leases = leases
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
      keys,
      desk,
      values,
      onWarning: (warning, id) => {
        this.#metrics.budgetWarned(warning.threshold)
        say(budgetWarningLog(warning, id))
      },
      journal: this.#journal,
      tokenizer: this.#tokenizer,
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
    const compiler = new PlanCompiler({
      keys,
      hooks,
      metrics: this.#metrics,
      stores: this.#stores,
      tokenizer: this.#tokenizer,
      doors,
      transports: this.#transports,
      pools: this.#pools,
      desk,
      counters,
      shared,
      now,
      process: processCells,
      warn: (message, fields) => say({ type: 'log', level: 'warn', message, fields: { ...fields } }),
    })
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
      keys,
      due: (most, times) => this.#stores.due(most, times),
      document: () => this.#document,
    })
    this.#listeners = new Listeners(this.#gateway, start)
    this.#plans = new PlanSwap({
      gateway: this.#gateway,
      compiler,
      listeners: this.#listeners,
      accessLogs: this.#accessLogs,
      pools: this.#pools,
      transports: this.#transports,
      say,
      onSwapped: (next) => this.#adopt(next),
    })
    this.#departure = new Departure({
      gateway: this.#gateway,
      listeners: this.#listeners,
      onCut: (requests) => {
        const fields = { requests, worker: start.worker }
        say({ type: 'log', level: 'warn', message: 'the grace is over: running requests are cut', fields })
      },
    })
    // A worker whose loop stands still stops counting: the watchdog sees it.
    this.#heartbeat = setInterval(() => this.#beat(), Math.max(50, Math.min(1_000, document.process.stall_timeout / 4)))
    process.on('unhandledRejection', (reason) => this.#fault('a promise was rejected and nobody cared', reason, {}))
  }

  async listen(): Promise<void> {
    this.#beat()
    await this.#plans.begin(this.#start.version, this.#start.document)
    const ports = await this.#listeners.listen()
    this.#unread.start()
    this.#say({ type: 'listening', ports })
  }

  obey(message: ToWorker): void {
    switch (message.type) {
      case 'compile':
        this.#slots = message.slots
        void this.#plans.prepare(message.version, message.document)
        return
      case 'discard':
        this.#plans.discard(message.version)
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

  /** What of a document needs no new thread: requests that run go on under it. */
  #adopt(document: ConfigDocument): void {
    const before = this.#document
    this.#document = document
    this.#gateway.limits = edgeLimits(document)
    this.#listeners.updateLimits(document)
    this.#accessLogs.adopt()
    this.#sinks.accessLog = this.#accessLogs.current
    this.#updateCertificates(document)
    if (JSON.stringify(document.overload) === JSON.stringify(before.overload)) return
    this.#load?.close()
    this.#load = document.overload.shed === 'on' ? this.#shedLoad() : null
    this.#gateway.loadLevel = 0
  }

  #shedLoad(): LoadSignals {
    const { worker } = this.#start
    const { overload } = this.#document
    return shedLoad({ gateway: this.#gateway, metrics: this.#metrics, worker, overload, say: this.#say })
  }

  /** What was read a moment ago may be gone again: then the certificates that are served stay. */
  #updateCertificates(document: ConfigDocument): void {
    try {
      this.#listeners.update(document)
    } catch (error) {
      this.#fault('certificates could not be read again; those before stay in force', error, {})
    }
  }

  #slotOf(name: string): number {
    const index = this.#slots[name]
    if (index === undefined) throw new Error(`there is no slot for ${name.replaceAll('\n', ' ')}`)
    return index
  }

  async #leave(graceMs: number, reason: 'replacement' | 'shutdown'): Promise<void> {
    this.#unread.stop()
    if (await this.#departure.leave(graceMs, reason)) await this.#finish()
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
    this.#feed.close()
    this.#writerPort.close()
    this.#clusterPort?.close()
    parentPort?.close()
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
    this.#plans.look()
  }

  #fault(message: string, error: unknown, fields: Record<string, unknown>): void {
    const described =
      error instanceof Error ? { error: error.message, stack: error.stack ?? '' } : { error: String(error) }
    this.#say({ type: 'log', level: 'error', message, fields: { ...fields, ...described, worker: this.#start.worker } })
  }
}
