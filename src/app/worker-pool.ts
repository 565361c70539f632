import { randomBytes } from 'node:crypto'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { ConfigDocument } from '../config/index.ts'
import { clearConnectionCounts, type KeyDocument, type LevelDocument, type ValueName } from '../governance/index.ts'
import type { Log, MetricsCollector } from '../observability/index.ts'
import type { WorkerStart } from '../storage/index.ts'
import { CuttableWait } from './cuttable-wait.ts'
import { DeathBackoff } from './death-backoff.ts'
import type { ListenerPorts } from './listeners.ts'
import { createWorkerMemory, type DeadWorkerMemory, type SharedMemory } from './memory.ts'
import type { DataWorkerStart, KeyMessage } from './messages.ts'
import { PlanInForce, type PreparedPlan } from './plan-in-force.ts'
import { type MemberObserver, PoolMember } from './pool-member.ts'
import type { RouteSlots } from './route-slots.ts'
import { freeSeat } from './seats.ts'
import type { ValueResult } from './value-levels.ts'
import { WorkerThreads } from './worker-threads.ts'

export interface WorkerPoolOptions {
  readonly memory: SharedMemory
  readonly journalDirectory: string
  readonly pepper: string
  readonly log: Log
  readonly metrics: MetricsCollector
  readonly keys: () => readonly KeyDocument[]
  readonly levels: () => readonly LevelDocument[]
  readonly slots: RouteSlots
  /** How many workers there may be at one moment; `slots` has as many. */
  readonly seats: number
  /** Connects a new worker to the writer thread, which is woken through the port. */
  readonly attachWriter: (wake: MessagePort) => void
  /** Connects a new worker to the thread that borrows from shared counters; null: there is none. */
  readonly attachCluster: ((port: MessagePort) => void) | null
  /** A worker's thread has ended; its memory can be read. */
  readonly onDeath: (dead: DeadWorkerMemory) => void
  /** A worker's thread has ended, and its seat will be another's. */
  readonly onSeatLeft: (seat: number) => void
  /** The number of listening workers changed. */
  readonly onListening: (count: number) => void
  /** `quietEpoch` may have grown. */
  readonly onQuiet: () => void
  /** A worker needs the counters of a value; `tell` is called when they are known. */
  readonly onValue: (name: ValueName, tell: (result: ValueResult) => void) => void
}

/** What has changed of keys and levels. */
export type EntityChanges = Pick<KeyMessage, 'changes' | 'levels' | 'dropped'>

/** The data workers: starts them, swaps their plans, watches their hearts, replaces those that fail. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #members = new Set<PoolMember>()
  readonly #plan: PlanInForce
  readonly #threads: WorkerThreads
  #epoch = 0
  #wanted = 0
  readonly #ticketSeed = randomBytes(48)
  #reusePort = true
  #nextWorker = 1
  readonly #backoff = new DeathBackoff()
  readonly #wait = new CuttableWait()
  #closing = false
  #watchdog: NodeJS.Timeout | null = null

  constructor(options: WorkerPoolOptions, document: ConfigDocument) {
    this.#options = options
    this.#plan = new PlanInForce(options.slots, document)
    this.#threads = new WorkerThreads(() => this.#plan.document.process.worker_memory)
  }

  get version(): number {
    return this.#plan.version
  }

  /** Every worker whose thread has not ended. */
  get living(): readonly WorkerStart[] {
    return [...this.#members].map(({ worker, startMs }) => ({ worker, startMs }))
  }

  /** Number of the worker that is started next. */
  get nextWorker(): number {
    return this.#nextWorker
  }

  /** Ports that the listeners have, as far as they listen. */
  get ports(): ListenerPorts {
    return this.#plan.ports
  }

  get listening(): number {
    return [...this.#members].filter(({ serving }) => serving).length
  }

  /** Requests in flight in all workers, as of their last heartbeat. */
  get inFlight(): number {
    let sum = 0
    for (const { inFlight } of this.#members) sum += inFlight
    return sum
  }

  /** Starts the threads of the first workers, which load their code and wait: they need not wait for the database. */
  warm(count: number): void {
    this.#threads.warm(count, this.#nextWorker)
  }

  /** Starts the workers; resolves with the ports when all listen. Rejects when one cannot: bad plan, port in use. */
  async start(count: number, options: { reusePort: boolean }): Promise<ListenerPorts> {
    this.#wanted = count
    this.#reusePort = options.reusePort
    this.#plan.begin(this.#epoch)
    // The first one finds the ports that were left open (0); the others share them.
    await this.#spawn()
    await Promise.all(Array.from({ length: count - 1 }, async () => await this.#spawn()))
    const period = Math.max(50, Math.min(1_000, this.#plan.document.process.stall_timeout / 4))
    this.#watchdog = setInterval(() => this.#watch(), period)
    return this.#plan.ports
  }

  /** Sends key changes to every worker; `epoch` is one more than that of the change before. */
  publishKeys({ changes, levels, dropped }: EntityChanges, epoch: number): void {
    this.#publish({ changes, levels, dropped, epoch, swap: null })
  }

  /**
   * Has every worker compile a new document, which changes nothing yet. Answers what `swap` takes, or the reason why one
   * of them cannot.
   */
  async prepare(document: ConfigDocument): Promise<PreparedPlan | string> {
    const asked = [...this.#members].filter(({ serving }) => serving)
    return await this.#plan.prepare(document, asked, () => this.#epoch)
  }

  /** Gives up what was prepared. */
  discard(prepared: PreparedPlan): void {
    this.#plan.discard(prepared, this.#epoch)
  }

  /** Puts a prepared plan and key changes in force: in each worker both at once. */
  swap(prepared: PreparedPlan, { changes, levels }: EntityChanges, epoch: number): void {
    const { version, document, slots, asked, ready } = prepared
    this.#plan.swap(prepared, epoch, () => this.#publish({ changes, levels, epoch, swap: version }))
    for (const member of [...this.#members]) {
      if (ready.has(member) || member.leaving) continue
      if (asked.has(member)) void this.#replace(member, 'it did not compile a new plan in time')
      // It came while the others compiled, and swaps as soon as it is done.
      else member.tell({ type: 'compile', version, document, slots })
    }
  }

  #publish(message: KeyMessage): void {
    this.#epoch = message.epoch
    for (const member of this.#members) member.tellKeys(message)
  }

  /** The last epoch of which every request has ended that began before it: what it took away is in nobody's hands. */
  get quietEpoch(): number {
    return Math.min(this.#epoch, ...[...this.#members].map(({ quiet }) => quiet))
  }

  /** Replaces every worker by a new one, one after the other, without a failed request. */
  async roll(): Promise<void> {
    for (const member of [...this.#members]) {
      if (member.leaving) continue
      await this.#spawn()
      await this.#leave(member, this.#plan.document.drain.grace, 'replacement')
    }
  }

  /** Connects every worker to a new writer thread. */
  attachWriterAgain(): void {
    for (const member of this.#members) {
      const { port1, port2 } = new MessageChannel()
      this.#options.attachWriter(port2)
      member.tell({ type: 'writer-port', port: port1 }, [port1])
    }
  }

  /** Connects every worker to a new thread that borrows. */
  attachClusterAgain(): void {
    for (const member of this.#members) {
      const { port1, port2 } = new MessageChannel()
      this.#options.attachCluster?.(port2)
      member.tell({ type: 'cluster-port', port: port1 }, [port1])
    }
  }

  reopenLogs(): void {
    for (const member of this.#members) member.tell({ type: 'reopen-logs' })
  }

  /** Drains all workers: running requests get `graceMs`, then end with an error. Resolves when all threads ended. */
  async drain(graceMs: number): Promise<void> {
    this.#closing = true
    if (this.#watchdog !== null) clearInterval(this.#watchdog)
    const grace = this.#wait.wasCut ? 0 : graceMs
    await Promise.all([
      this.#threads.close(),
      ...[...this.#members].map(async (member) => await this.#leave(member, grace, 'shutdown')),
    ])
  }

  /** Waits, while requests are still served; `cut` ends the wait. */
  async waitOrCut(ms: number): Promise<void> {
    await this.#wait.wait(ms)
  }

  /** Cuts what still runs: a second signal. */
  cut(): void {
    this.#wait.cut()
    for (const member of this.#members) member.tell({ type: 'leave', graceMs: 0, reason: 'shutdown' })
  }

  async #spawn(): Promise<void> {
    const taken = new Set([...this.#members].map(({ seat }) => seat))
    const seat = { number: freeSeat(taken, this.#options.seats), of: this.#options.seats }
    const worker = this.#nextWorker++
    const startMs = Date.now()
    const own = createWorkerMemory()
    const keys = new MessageChannel()
    const wake = new MessageChannel()
    this.#options.attachWriter(wake.port2)
    const cluster = this.#options.attachCluster === null ? null : new MessageChannel()
    if (cluster !== null) this.#options.attachCluster?.(cluster.port2)
    const clusterPort = cluster?.port1 ?? null
    this.#options.metrics.attach(worker, own.metrics)
    const start: DataWorkerStart = {
      worker,
      startMs,
      memory: this.#options.memory,
      own,
      journalDirectory: this.#options.journalDirectory,
      ports: this.#plan.ports,
      ticketSeed: this.#ticketSeed,
      version: this.#plan.version,
      document: this.#plan.document,
      slots: this.#plan.slots,
      seat,
      pepper: this.#options.pepper,
      reusePort: this.#reusePort,
      keys: this.#options.keys(),
      levels: this.#options.levels(),
      keyPort: keys.port1,
      writerPort: wake.port1,
      clusterPort,
    }
    const thread = this.#threads.take(worker)
    thread.postMessage(start, [keys.port1, wake.port1, ...(clusterPort === null ? [] : [clusterPort])])
    const epoch = this.#epoch
    const member = new PoolMember({ worker, startMs, seat: seat.number, thread, own, keyPort: keys.port2, epoch })
    this.#members.add(member)
    await member.begin(this.#observerOf(member))
  }

  #observerOf(member: PoolMember): MemberObserver {
    const { worker } = member
    const { log, metrics, onListening, onQuiet, onValue } = this.#options
    return {
      said: (message) => {
        switch (message.type) {
          case 'listening':
            this.#plan.listening(message.ports)
            return onListening(this.listening)
          case 'quiet':
            return onQuiet()
          case 'series':
            return metrics.describe(worker, message.series)
          case 'value':
            return onValue(message.name, (result) => member.answer({ value: message.name, ...result }))
          case 'log':
            return log[message.level](message.message, message.fields)
        }
      },
      failed: (error) => log.error('a data worker failed', { worker, error }),
      ended: (code) => this.#buried(member, code),
    }
  }

  /** A thread has ended, expected or not. */
  #buried(member: PoolMember, code: number): void {
    const { worker, startMs, own, seat } = member
    this.#members.delete(member)
    this.#options.metrics.detach(worker)
    this.#options.slots.clearSeat(seat)
    this.#options.onSeatLeft(seat)
    clearConnectionCounts({ shared: this.#options.memory.connections, own: own.connections })
    this.#options.onDeath({ worker, startMs, own })
    this.#options.onListening(this.listening)
    this.#options.onQuiet()
    if (member.leaving || this.#closing || !member.listening) return
    const waitMs = this.#backoff.afterDeath(startMs)
    this.#options.log.error('a data worker ended; another takes its place', { worker, code, wait_ms: waitMs })
    setTimeout(() => void this.#refill(), waitMs)
  }

  async #refill(): Promise<void> {
    while (!this.#closing && this.#members.size < this.#wanted) {
      try {
        await this.#spawn()
      } catch (error) {
        this.#options.log.error('a data worker could not be started; trying again', { error })
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      }
    }
  }

  async #replace(member: PoolMember, why: string): Promise<void> {
    if (member.leaving || this.#closing) return
    member.leaving = true
    this.#options.log.error('a data worker is replaced', { worker: member.worker, why })
    try {
      await this.#spawn() // the new one listens before the old one goes
    } catch (error) {
      this.#options.log.error('the replacement could not be started; trying again', { error })
      setTimeout(() => void this.#refill(), 1_000)
    }
    await member.terminate()
  }

  #watch(): void {
    const now = performance.now()
    for (const member of this.#members) {
      if (!member.serving) continue
      const ms = member.stoodStillMs(now)
      if (ms > this.#plan.document.process.stall_timeout)
        void this.#replace(member, `its event loop stood still for ${Math.round(ms)} ms`)
    }
  }

  async #leave(member: PoolMember, graceMs: number, reason: 'replacement' | 'shutdown'): Promise<void> {
    const { worker } = member
    await member.leave(graceMs, reason, () =>
      this.#options.log.error('a data worker did not leave in time and is ended', { worker }),
    )
  }
}
