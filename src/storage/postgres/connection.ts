import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type {
  ConnectionAnswer,
  ConnectionCall,
  ConnectionFailure,
  ConnectionStart,
  ConnectionUse,
  ConnectionValue,
  Notice,
} from './connection-messages.ts'
import type { PostgresTarget } from './url.ts'

const ENTRY = new URL(`./connection-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
/** Beyond the time that the server gives a statement itself: to connect, and for the way. */
const MARGIN_MS = 10_000
const START_MS = 10_000
const START_TRIES = 3

interface Thread {
  readonly worker: Worker
  readonly calls: MessagePort
}

/** What PostgreSQL, or the way to it, said. Its message never holds values. */
export class PostgresError extends Error {
  /** Null when it did not come from the server. */
  readonly sqlState: string | null
  readonly isLost: boolean

  constructor({ message, sqlState, isLost }: ConnectionFailure) {
    super(message)
    this.name = 'PostgresError'
    this.sqlState = sqlState
    this.isLost = isLost
  }
}

/** Rows and what else a statement gives. */
export type ConnectionResult = Exclude<ConnectionAnswer, { readonly failure: ConnectionFailure }>

/**
 * A connection to PostgreSQL whose calls are synchronous: another thread holds it, and this one sleeps until the answer is there.
 * For threads that do nothing else, as those of the database.
 */
export class PostgresConnection {
  readonly #target: PostgresTarget
  readonly #use: ConnectionUse
  readonly #onNotice: (notice: Notice) => void
  readonly #answered = new Int32Array(new SharedArrayBuffer(4))
  #thread: Thread | null = null
  #last = 0
  /** How long an answer is waited for. */
  #patienceMs: number

  constructor(target: PostgresTarget, use: ConnectionUse, onNotice: (notice: Notice) => void = () => undefined) {
    this.#target = target
    this.#use = use
    this.#onNotice = onNotice
    this.#patienceMs = use.statementMs + MARGIN_MS
  }

  /** Runs one statement, or several without values. `session`: that of its transaction, see ConnectionCall. */
  query(sql: string, values: readonly ConnectionValue[] = [], session: number | null = null): ConnectionResult {
    const thread = this.#started()
    const id = ++this.#last
    thread.calls.postMessage({ id, session, sql, values } satisfies ConnectionCall)
    const answer = this.#wait(thread.calls, id, this.#patienceMs)
    // Its connection is cut with the thread, and what was begun rolled back; the next statement gets another.
    if (answer === null) this.close()
    if (answer === null) throw new PostgresError(silence(this.#patienceMs))
    if ('failure' in answer) throw new PostgresError(answer.failure)
    return answer
  }

  /** Does some work whose statements, and waits for locks, may take longer than others. */
  patiently<T>(ms: number, work: () => T): T {
    const { statementMs, lockMs } = this.#use
    this.#patienceMs = ms + MARGIN_MS
    try {
      this.query(`SET statement_timeout = ${ms}; SET lock_timeout = ${ms}`)
      const result = work()
      this.query(`SET statement_timeout = ${statementMs}; SET lock_timeout = ${lockMs}`)
      return result
    } finally {
      this.#patienceMs = statementMs + MARGIN_MS
    }
  }

  /** Ends the thread; what was begun is rolled back. */
  close(): void {
    const thread = this.#thread
    this.#thread = null
    thread?.calls.close()
    void thread?.worker.terminate()
  }

  /** Null when there is no answer for so long. */
  #wait(calls: MessagePort, id: number, patienceMs: number): ConnectionAnswer | null {
    for (const untilMs = performance.now() + patienceMs; ; ) {
      const seen = Atomics.load(this.#answered, 0)
      // What the other thread posts is a ConnectionAnswer.
      const message = receiveMessageOnPort(calls)?.message as ConnectionAnswer | undefined
      if (message?.id === id) return message
      if (message !== undefined) continue
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0 || Atomics.wait(this.#answered, 0, seen, leftMs) === 'timed-out') return null
    }
  }

  #started(): Thread {
    if (this.#thread !== null) return this.#thread
    // A thread that does not even begin is given up, and another one tried.
    for (let tries = 1; tries <= START_TRIES; tries++) {
      const thread = this.#start()
      if (this.#wait(thread.calls, 0, START_MS) !== null) return thread
      this.close()
    }
    throw new PostgresError(silence(START_TRIES * START_MS))
  }

  #start(): Thread {
    const { port1: calls, port2 } = new MessageChannel()
    const start: ConnectionStart = { target: this.#target, use: this.#use, calls: port2, answered: this.#answered }
    const worker = new Worker(ENTRY, { name: 'ferro-postgres', workerData: start, transferList: [port2] })
    const thread = { worker, calls }
    // It keeps no process alive: whoever uses the connection does.
    worker.unref()
    calls.unref()
    worker.on('message', this.#onNotice)
    const gone = (): void => {
      if (this.#thread === thread) this.#thread = null
    }
    worker.on('error', gone)
    worker.on('exit', gone)
    this.#thread = thread
    return thread
  }
}

function silence(ms: number): ConnectionFailure {
  return { message: `no answer within ${Math.round(ms / 1_000)} s`, sqlState: null, isLost: true }
}
