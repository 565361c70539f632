import type { MessagePort, Worker } from 'node:worker_threads'
import type { WorkerStart } from '../storage/index.ts'
import { WORKER_CELL, type WorkerMemory } from './memory.ts'
import type { FromWorker, KeyMessage, ToWorker, ValueAnswer } from './messages.ts'

const START_TIMEOUT_MS = 30_000
const COMPILE_TIMEOUT_MS = 10_000
/** An orderly leave gives clients this long to notice `Connection: close`. */
const LEAVE_EXTRA_MS = 10_000
const SHUTDOWN_EXTRA_MS = 1_500

type CompileAnswer = Extract<FromWorker, { version: number }>

export interface PoolMemberParts extends WorkerStart {
  readonly seat: number
  readonly thread: Worker
  readonly own: WorkerMemory
  /** Key changes go in here. */
  readonly keyPort: MessagePort
  /** Of the keys that it starts with. */
  readonly epoch: number
}

/** Who hears of a worker. */
export interface MemberObserver {
  /** All it says, but answers to `compile`. */
  said(message: Exclude<FromWorker, CompileAnswer>): void
  /** Its thread failed while it listened. */
  failed(error: unknown): void
  /** Its thread has ended, expected or not. */
  ended(code: number): void
}

/** One data worker as control sees it. */
export class PoolMember {
  readonly worker: number
  readonly startMs: number
  readonly seat: number
  readonly own: WorkerMemory
  readonly #thread: Worker
  readonly #keyPort: MessagePort
  readonly #status: Int32Array
  listening = false
  /** It was told to leave, or is being ended: its death is no surprise. */
  leaving = false
  /** Last epoch of keys that no running request is older than. */
  quiet: number
  #heartbeat = 0
  #heartbeatAt = performance.now()
  #waiting: ((answer: CompileAnswer | null) => void) | null = null

  constructor({ worker, startMs, seat, thread, own, keyPort, epoch }: PoolMemberParts) {
    this.worker = worker
    this.startMs = startMs
    this.seat = seat
    this.own = own
    this.quiet = epoch
    this.#thread = thread
    this.#keyPort = keyPort
    this.#status = new Int32Array(own.status)
  }

  /** Requests in flight, as of its last heartbeat. */
  get inFlight(): number {
    return Atomics.load(this.#status, WORKER_CELL.inFlight)
  }

  /** It listens, and was not told to leave. */
  get serving(): boolean {
    return this.listening && !this.leaving
  }

  /** Resolves when it listens; rejects when it does not come to that. */
  async begin(observer: MemberObserver): Promise<void> {
    const name = `data worker ${this.worker}`
    return await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`${name} did not start within ${START_TIMEOUT_MS / 1000} s`))
        void this.terminate()
      }, START_TIMEOUT_MS)
      this.#thread.on('message', (message: FromWorker) => {
        if (message.type === 'compiled' || message.type === 'refused') return this.#waiting?.(message)
        if (message.type === 'quiet') this.quiet = message.epoch
        if (message.type === 'listening') {
          clearTimeout(late)
          this.listening = true
          this.#heartbeatAt = performance.now()
        }
        observer.said(message)
        if (message.type === 'listening') resolve()
      })
      this.#thread.on('error', (error) => {
        clearTimeout(late)
        if (this.listening) observer.failed(error)
        reject(error)
      })
      this.#thread.on('exit', (code) => {
        clearTimeout(late)
        reject(new Error(`${name} ended with code ${code} before it listened`))
        this.#keyPort.close()
        this.#waiting?.(null)
        observer.ended(code)
      })
    })
  }

  tell(message: ToWorker, transferred: readonly MessagePort[] = []): void {
    this.#thread.postMessage(message, transferred)
  }

  /** In the order of the changes of keys. */
  answer(message: ValueAnswer): void {
    this.#keyPort.postMessage(message)
  }

  tellKeys(message: KeyMessage): void {
    this.#keyPort.postMessage(message)
  }

  /** Has it compile a plan; null when it does not answer in time, or ends. */
  async compile(order: Extract<ToWorker, { type: 'compile' }>): Promise<CompileAnswer | null> {
    return await new Promise<CompileAnswer | null>((resolve) => {
      const timer = setTimeout(() => answered(null), COMPILE_TIMEOUT_MS)
      const answered = (answer: CompileAnswer | null) => {
        if (answer !== null && answer.version !== order.version) return
        clearTimeout(timer)
        this.#waiting = null
        resolve(answer)
      }
      this.#waiting = answered
      this.tell(order)
    })
  }

  /** Milliseconds since its event loop was last seen to turn. */
  stoodStillMs(now: number): number {
    const beat = Atomics.load(this.#status, WORKER_CELL.heartbeat)
    if (beat !== this.#heartbeat) {
      this.#heartbeat = beat
      this.#heartbeatAt = now
    }
    return now - this.#heartbeatAt
  }

  /** Has it finish what runs, and resolves when its thread has ended; `late` is told when that has to be forced. */
  async leave(graceMs: number, reason: 'replacement' | 'shutdown', late: () => void): Promise<void> {
    this.leaving = true
    const ended = new Promise<void>((resolve) => this.#thread.once('exit', () => resolve()))
    this.tell({ type: 'leave', graceMs, reason })
    const extraMs = reason === 'shutdown' ? SHUTDOWN_EXTRA_MS : LEAVE_EXTRA_MS
    const timer = setTimeout(() => {
      late()
      void this.terminate()
    }, graceMs + extraMs)
    await ended
    clearTimeout(timer)
  }

  async terminate(): Promise<void> {
    await this.#thread.terminate()
  }
}
