import { randomBytes } from 'node:crypto'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { ConfigDocument } from '../config/index.ts'
import { clearConnectionCounts, type KeyChange, type KeyDocument } from '../governance/index.ts'
import type { Log, MetricsCollector } from '../observability/index.ts'
import type { WorkerStart } from '../storage/index.ts'
import { type ListenerPorts, samePorts } from './listeners.ts'
import { createWorkerMemory, type SharedMemory, WORKER_CELL, type WorkerMemory } from './memory.ts'
import type { DataThreadStart, DataWorkerStart, FromWorker, KeyMessage, ToWorker } from './messages.ts'
import type { RouteSlots, SlotIndexes } from './route-slots.ts'
import { THREAD_ENTRY } from './threads/location.ts'

const START_TIMEOUT_MS = 30_000
const COMPILE_TIMEOUT_MS = 10_000
/** An orderly leave gives clients this long to notice `Connection: close`. */
const LEAVE_EXTRA_MS = 10_000
/** Workers that die young are replaced ever more slowly. */
const YOUNG_MS = 10_000
const LONGEST_BACKOFF_MS = 10_000

export interface WorkerPoolOptions {
  readonly memory: SharedMemory
  readonly journalDirectory: string
  readonly pepper: string
  readonly log: Log
  readonly metrics: MetricsCollector
  readonly keys: () => readonly KeyDocument[]
  readonly slots: RouteSlots
  /** Connects a new worker to the writer thread, which is woken through the port. */
  readonly attachWriter: (wake: MessagePort) => void
  /** A worker's thread has ended; its memory can be read. */
  readonly onDeath: (dead: DeadWorkerMemory) => void
  /** The number of listening workers changed. */
  readonly onListening: (count: number) => void
  /** `quietEpoch` may have grown. */
  readonly onQuiet: () => void
}

/** A document that workers have compiled and do not serve yet. */
export interface PreparedPlan {
  readonly version: number
  readonly document: ConfigDocument
  readonly slots: SlotIndexes
  readonly asked: ReadonlySet<Member>
  readonly ready: ReadonlySet<Member>
}

export interface DeadWorkerMemory {
  readonly worker: number
  readonly startMs: number
  readonly own: WorkerMemory
}

interface Member {
  readonly worker: number
  readonly startMs: number
  readonly seat: number
  readonly thread: Worker
  readonly own: WorkerMemory
  readonly keyPort: MessagePort
  listening: boolean
  /** It was told to leave, or is being ended: its death is no surprise. */
  leaving: boolean
  /** Last epoch of keys that no running request is older than. */
  quiet: number
  heartbeat: number
  heartbeatAt: number
  waiting: ((answer: Extract<FromWorker, { version: number }> | null) => void) | null
}

/** The data workers: starts them, swaps their plans, watches their hearts, replaces those that fail. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #members = new Set<Member>()
  /** Threads that have no worker to run yet, oldest first. */
  readonly #warm: Worker[] = []
  #document: ConfigDocument
  #slots: SlotIndexes = {}
  #version = 0
  /** Of the last plan that was prepared, whatever became of it. */
  #lastVersion = 0
  #epoch = 0
  #wanted = 0
  #ports: ListenerPorts = {}
  readonly #ticketSeed = randomBytes(48)
  #reusePort = true
  #nextWorker = 1
  #backoffMs = 0
  #closing = false
  #cut = false
  #endWait: (() => void) | null = null
  #watchdog: NodeJS.Timeout | null = null

  constructor(options: WorkerPoolOptions, document: ConfigDocument) {
    this.#options = options
    this.#document = document
  }

  get version(): number {
    return this.#version
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
    return this.#ports
  }

  get listening(): number {
    return [...this.#members].filter((member) => member.listening && !member.leaving).length
  }

  /** Requests in flight in all workers, as of their last heartbeat. */
  get inFlight(): number {
    let sum = 0
    for (const { own } of this.#members) sum += Atomics.load(new Int32Array(own.status), WORKER_CELL.inFlight)
    return sum
  }

  /** Starts the threads of the first workers, which load their code and wait: they need not wait for the database. */
  warm(count: number): void {
    for (let ahead = 0; ahead < count; ahead += 1) {
      const thread = this.#startThread(this.#nextWorker + ahead)
      this.#warm.push(thread)
      // Whoever takes it is told of its end; until then it only must not be taken.
      const forget = () => {
        const at = this.#warm.indexOf(thread)
        if (at >= 0) this.#warm.splice(at, 1)
      }
      thread.once('error', forget)
      thread.once('exit', forget)
    }
  }

  /** Starts the workers; resolves with the ports when all listen. Rejects when one cannot: bad plan, port in use. */
  async start(count: number, options: { reusePort: boolean }): Promise<ListenerPorts> {
    this.#wanted = count
    this.#reusePort = options.reusePort
    this.#version = 1
    this.#lastVersion = 1
    this.#slots = this.#options.slots.take(this.#document)
    this.#options.slots.putInForce(this.#slots, this.#epoch)
    // The first one finds the ports that were left open (0); the others share them.
    await this.#spawn()
    await Promise.all(Array.from({ length: count - 1 }, async () => await this.#spawn()))
    const period = Math.max(50, Math.min(1_000, this.#document.process.stall_timeout / 4))
    this.#watchdog = setInterval(() => this.#watch(), period)
    return this.#ports
  }

  /** Sends key changes to every worker; `epoch` is one more than that of the change before. */
  publishKeys(changes: readonly KeyChange[], epoch: number): void {
    this.#publish({ changes, epoch, swap: null })
  }

  /**
   * Has every worker compile a new document, which changes nothing yet. Answers what `swap` takes, or the reason why one
   * of them cannot.
   */
  async prepare(document: ConfigDocument): Promise<PreparedPlan | string> {
    const version = ++this.#lastVersion
    const slots = this.#options.slots.take(document)
    const asked = [...this.#members].filter((member) => member.listening && !member.leaving)
    const answers = await Promise.all(
      asked.map(async (member) => await this.#compile(member, { type: 'compile', version, document, slots })),
    )
    const ready = new Set(asked.filter((_, at) => answers[at] !== null))
    const prepared: PreparedPlan = { version, document, slots, asked: new Set(asked), ready }
    const refused = answers.find((answer) => answer?.type === 'refused')
    if (refused?.type !== 'refused') return prepared
    this.discard(prepared)
    return refused.message
  }

  /** Gives up what was prepared. */
  discard({ version, slots, asked }: PreparedPlan): void {
    for (const member of asked) this.#tell(member, { type: 'discard', version })
    this.#options.slots.discard(slots, this.#epoch)
  }

  /** Puts a prepared plan and key changes in force: in each worker both at once. */
  swap({ version, document, slots, asked, ready }: PreparedPlan, changes: readonly KeyChange[], epoch: number): void {
    this.#version = version
    this.#ports = samePorts(this.#ports, this.#document, document)
    this.#document = document
    this.#slots = slots
    this.#publish({ changes, epoch, swap: version })
    this.#options.slots.putInForce(slots, epoch)
    for (const member of [...this.#members]) {
      if (ready.has(member) || member.leaving) continue
      if (asked.has(member)) void this.#replace(member, 'it did not compile a new plan in time')
      // It came while the others compiled, and swaps as soon as it is done.
      else this.#tell(member, { type: 'compile', version, document, slots })
    }
  }

  #publish(message: KeyMessage): void {
    this.#epoch = message.epoch
    for (const member of this.#members) member.keyPort.postMessage(message)
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
      await this.#leave(member, this.#document.drain.grace, 'replacement')
    }
  }

  /** Connects every worker to a new writer thread. */
  attachWriterAgain(): void {
    for (const member of this.#members) {
      const { port1, port2 } = new MessageChannel()
      this.#options.attachWriter(port2)
      member.thread.postMessage({ type: 'writer-port', port: port1 } satisfies ToWorker, [port1])
    }
  }

  reopenLogs(): void {
    for (const member of this.#members) this.#tell(member, { type: 'reopen-logs' })
  }

  /** Drains all workers: running requests get `graceMs`, then end with an error. Resolves when all threads ended. */
  async drain(graceMs: number): Promise<void> {
    this.#closing = true
    if (this.#watchdog !== null) clearInterval(this.#watchdog)
    const grace = this.#cut ? 0 : graceMs
    await Promise.all([
      ...this.#warm.splice(0).map(async (thread) => await thread.terminate()),
      ...[...this.#members].map(async (member) => await this.#leave(member, grace, 'shutdown')),
    ])
  }

  /** Waits, while requests are still served; `cut` ends the wait. */
  async waitOrCut(ms: number): Promise<void> {
    if (this.#cut || ms === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endWait = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Cuts what still runs: a second signal. */
  cut(): void {
    this.#cut = true
    this.#endWait?.()
    for (const member of this.#members) this.#tell(member, { type: 'leave', graceMs: 0, reason: 'shutdown' })
  }

  async #spawn(): Promise<void> {
    const worker = this.#nextWorker++
    const seat = this.#freeSeat()
    const startMs = Date.now()
    const own = createWorkerMemory()
    const keys = new MessageChannel()
    const wake = new MessageChannel()
    this.#options.attachWriter(wake.port2)
    this.#options.metrics.attach(worker, own.metrics)
    const start: DataWorkerStart = {
      worker,
      startMs,
      memory: this.#options.memory,
      own,
      journalDirectory: this.#options.journalDirectory,
      ports: this.#ports,
      ticketSeed: this.#ticketSeed,
      version: this.#version,
      document: this.#document,
      slots: this.#slots,
      seat,
      pepper: this.#options.pepper,
      reusePort: this.#reusePort,
      keys: this.#options.keys(),
      keyPort: keys.port1,
      writerPort: wake.port1,
    }
    const thread = this.#warm.shift() ?? this.#startThread(worker)
    thread.postMessage(start, [keys.port1, wake.port1])
    const member: Member = {
      worker,
      startMs,
      seat,
      thread,
      own,
      keyPort: keys.port2,
      listening: false,
      leaving: false,
      quiet: this.#epoch,
      heartbeat: 0,
      heartbeatAt: performance.now(),
      waiting: null,
    }
    this.#members.add(member)
    return await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`data worker ${worker} did not start within ${START_TIMEOUT_MS / 1000} s`))
        void thread.terminate()
      }, START_TIMEOUT_MS)
      thread.on('message', (message: FromWorker) => {
        if (message.type === 'listening') {
          clearTimeout(late)
          member.listening = true
          member.heartbeatAt = performance.now()
          // Who came first has chosen the ports that were left open.
          this.#ports = { ...message.ports, ...this.#ports }
          this.#options.onListening(this.listening)
          resolve()
        } else this.#hear(member, message)
      })
      thread.on('error', (error) => {
        clearTimeout(late)
        if (member.listening) this.#options.log.error('a data worker failed', { worker, error })
        reject(error)
      })
      thread.on('exit', (code) => {
        clearTimeout(late)
        reject(new Error(`data worker ${worker} ended with code ${code} before it listened`))
        this.#buried(member, code)
      })
    })
  }

  #freeSeat(): number {
    const taken = new Set([...this.#members].map(({ seat }) => seat))
    let seat = 0
    while (taken.has(seat)) seat++
    return seat
  }

  #startThread(worker: number): Worker {
    return new Worker(THREAD_ENTRY, {
      name: `ferro-data-${worker}`,
      workerData: { role: 'data' } satisfies DataThreadStart,
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(this.#document.process.worker_memory / 1_048_576) },
    })
  }

  #hear(member: Member, message: FromWorker): void {
    switch (message.type) {
      case 'compiled':
      case 'refused':
        return member.waiting?.(message)
      case 'quiet':
        member.quiet = message.epoch
        return this.#options.onQuiet()
      case 'series':
        return this.#options.metrics.describe(member.worker, message.series)
      case 'log':
        return this.#options.log[message.level](message.message, message.fields)
      case 'listening':
        return
    }
  }

  /** A thread has ended, expected or not. */
  #buried(member: Member, code: number): void {
    this.#members.delete(member)
    member.keyPort.close()
    member.waiting?.(null)
    this.#options.metrics.detach(member.worker)
    this.#options.slots.clearSeat(member.seat)
    clearConnectionCounts({ shared: this.#options.memory.connections, own: member.own.connections })
    this.#options.onDeath({ worker: member.worker, startMs: member.startMs, own: member.own })
    this.#options.onListening(this.listening)
    this.#options.onQuiet()
    if (member.leaving || this.#closing || !member.listening) return
    const young = Date.now() - member.startMs < YOUNG_MS
    this.#backoffMs = young ? Math.min(LONGEST_BACKOFF_MS, Math.max(100, this.#backoffMs * 2)) : 0
    this.#options.log.error('a data worker ended; another takes its place', {
      worker: member.worker,
      code,
      wait_ms: this.#backoffMs,
    })
    setTimeout(() => void this.#refill(), this.#backoffMs)
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

  async #replace(member: Member, why: string): Promise<void> {
    if (member.leaving || this.#closing) return
    member.leaving = true
    this.#options.log.error('a data worker is replaced', { worker: member.worker, why })
    try {
      await this.#spawn() // the new one listens before the old one goes
    } catch (error) {
      this.#options.log.error('the replacement could not be started; trying again', { error })
      setTimeout(() => void this.#refill(), 1_000)
    }
    await member.thread.terminate()
  }

  #watch(): void {
    const now = performance.now()
    for (const member of this.#members) {
      if (!member.listening || member.leaving) continue
      const beat = Atomics.load(new Int32Array(member.own.status), WORKER_CELL.heartbeat)
      if (beat !== member.heartbeat) {
        member.heartbeat = beat
        member.heartbeatAt = now
      } else if (now - member.heartbeatAt > this.#document.process.stall_timeout) {
        void this.#replace(member, `its event loop stood still for ${Math.round(now - member.heartbeatAt)} ms`)
      }
    }
  }

  async #compile(member: Member, order: Extract<ToWorker, { type: 'compile' }>) {
    return await new Promise<Extract<FromWorker, { version: number }> | null>((resolve) => {
      const timer = setTimeout(() => answered(null), COMPILE_TIMEOUT_MS)
      const answered = (answer: Extract<FromWorker, { version: number }> | null) => {
        if (answer !== null && answer.version !== order.version) return
        clearTimeout(timer)
        member.waiting = null
        resolve(answer)
      }
      member.waiting = answered
      this.#tell(member, order)
    })
  }

  async #leave(member: Member, graceMs: number, reason: 'replacement' | 'shutdown'): Promise<void> {
    member.leaving = true
    const ended = new Promise<void>((resolve) => member.thread.once('exit', () => resolve()))
    this.#tell(member, { type: 'leave', graceMs, reason })
    const late = setTimeout(
      () => {
        this.#options.log.error('a data worker did not leave in time and is ended', { worker: member.worker })
        void member.thread.terminate()
      },
      graceMs + (reason === 'shutdown' ? 1_500 : LEAVE_EXTRA_MS),
    )
    await ended
    clearTimeout(late)
  }

  #tell(member: Member, message: ToWorker): void {
    member.thread.postMessage(message)
  }
}
