/**
 * The thread that holds one connection to PostgreSQL, for a thread that waits for its answers: the client is asynchronous, and
 * who uses the database is not. It connects at the first call, and again at the next one after the connection was lost; between
 * failed tries it answers at once with the last failure, for longer and longer.
 */
import { parentPort, workerData } from 'node:worker_threads'
import pg from 'pg'
import type {
  ConnectionAnswer,
  ConnectionCall,
  ConnectionFailure,
  ConnectionStart,
  Notice,
} from './connection-messages.ts'
import { INSTANCE_SETTING } from './counter-shares.ts'

const CONNECT_MS = 5_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
/** A frozen program must not keep locks from others. */
const IDLE_IN_TRANSACTION_MS = 60_000

/** Type numbers of PostgreSQL's catalogue: int8 and numeric are sums and moments, which are exact in a JavaScript number. */
const [INT8, NUMERIC, JSON_TEXT, JSONB] = [20, 1700, 114, 3802] as const

class Connection {
  readonly #start: ConnectionStart
  #client: pg.Client | null = null
  #session = 0
  #failure: { readonly failure: ConnectionFailure; readonly untilMs: number; readonly pauseMs: number } | null = null

  constructor(start: ConnectionStart) {
    this.#start = start
  }

  async answer(call: ConnectionCall): Promise<ConnectionAnswer> {
    const { id, sql, values } = call
    if (call.session !== null && (this.#client === null || call.session !== this.#session)) {
      return { id, failure: { message: 'the connection was lost in a transaction', sqlState: null, isLost: true } }
    }
    let client: pg.Client
    try {
      client = await this.#connected()
    } catch (error) {
      return { id, failure: failureOf(error, true) }
    }
    try {
      // Values are copied into arrays that the client may keep.
      const answered: pg.QueryResult | pg.QueryResult[] = await client.query({ text: sql, values: [...values] })
      // Several statements in one text have an answer each: the last one counts.
      const result = Array.isArray(answered) ? answered.at(-1) : answered
      if (result === undefined) throw new Error('no statement')
      return { id, session: this.#session, rows: result.rows, changes: result.rowCount ?? 0, command: result.command }
    } catch (error) {
      const isLost = this.#client !== client || isFatal(error)
      if (isLost) this.#drop()
      return { id, failure: failureOf(error, isLost) }
    }
  }

  close(): void {
    this.#drop()
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== null) return this.#client
    const before = this.#failure
    if (before !== null && performance.now() < before.untilMs)
      throw Object.assign(new Error(before.failure.message), { code: before.failure.sqlState })
    try {
      this.#client = await this.#connect()
      this.#session++
      this.#failure = null
      return this.#client
    } catch (error) {
      const pauseMs = before === null ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, before.pauseMs * 2)
      this.#failure = { failure: failureOf(error, true), untilMs: performance.now() + pauseMs, pauseMs }
      throw error
    }
  }

  async #connect(): Promise<pg.Client> {
    const { host, port, database, user, password, sslMode, ca } = this.#start.target
    const client = new pg.Client({
      ...{ host, port, database, user, password: password ?? '' },
      ssl:
        sslMode === 'disable'
          ? false
          : { rejectUnauthorized: sslMode === 'verify-full', ...(ca === undefined ? {} : { ca }) },
      application_name: 'ferro',
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      types: { getTypeParser },
    })
    // Without a listener a connection that breaks while nobody asks would end the thread.
    client.on('error', () => {
      if (this.#client === client) this.#drop()
    })
    client.on('notification', ({ channel, payload }) => {
      parentPort?.postMessage({ channel, text: payload ?? '' } satisfies Notice)
    })
    try {
      await client.connect()
      await client.query(this.#settings())
      return client
    } catch (error) {
      void client.end().catch(() => undefined) // it did not get so far
      throw error
    }
  }

  #settings(): string {
    const { readOnly, statementMs, lockMs, listen, instance } = this.#start.use
    return [
      `SET statement_timeout = ${statementMs}`,
      `SET lock_timeout = ${lockMs}`,
      `SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`,
      "SET TIME ZONE 'UTC'",
      "SET client_min_messages = 'warning'",
      // A segment of the journal goes when its rows are on disk, and not before.
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
      ...(instance === null ? [] : [`SET ${INSTANCE_SETTING} = ${pg.escapeLiteral(instance)}`]),
      ...(readOnly ? ['SET default_transaction_read_only = on'] : []),
      ...listen.map((channel) => `LISTEN ${channel}`),
    ].join('; ')
  }

  #drop(): void {
    const client = this.#client
    this.#client = null
    if (client === null) return
    // A server that does not answer would not hear a farewell either. The type has no word for the socket.
    const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection
    stream.destroy()
  }
}

/** Numbers as numbers, JSON as the text that it is, and all else as the client reads it. */
function getTypeParser(type: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (type === INT8 || type === NUMERIC) return Number
  if (type === JSON_TEXT || type === JSONB) return (value) => value
  // The client's own table takes both formats by two signatures; only text is asked for here.
  return pg.types.getTypeParser(type, format as 'text') as (value: string) => unknown
}

/** Whether the server has closed the connection, or is about to: class 57 and 08 of SQLSTATE, and what came from the system. */
function isFatal(error: unknown): boolean {
  if (!(error instanceof Error)) return true
  const state = sqlStateOf(error)
  if (state === null) return true
  return /^(?:08|57P|53[134])/.test(state) || state === '25P03'
}

function failureOf(error: unknown, isLost: boolean): ConnectionFailure {
  if (!(error instanceof Error)) return { message: String(error), sqlState: null, isLost }
  // Several addresses of one name are tried: the message of all of them together is empty.
  const [first] = error instanceof AggregateError ? error.errors : []
  const message = error.message === '' && first instanceof Error ? first.message : error.message
  return { message, sqlState: sqlStateOf(error), isLost }
}

function sqlStateOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null
}

const start = workerData as ConnectionStart // written by the thread that waits
const connection = new Connection(start)
function tell(answer: ConnectionAnswer): void {
  start.calls.postMessage(answer)
  Atomics.add(start.answered, 0, 1)
  Atomics.notify(start.answered, 0)
}
// Who waits asks for one thing at a time.
start.calls.on('message', (call: ConnectionCall) => {
  void connection.answer(call).then(tell)
})
start.calls.on('close', () => connection.close())
// It is here: the first answer, to no call.
tell({ id: 0, session: 0, rows: [], changes: 0, command: '' })
