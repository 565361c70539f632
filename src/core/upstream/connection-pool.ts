import type { buildConnector, Client } from 'undici'
import type { Attempt, Lease } from '../attempt.ts'
import type { ResponseHandler, Transport, UpstreamRequest } from '../phases.ts'
import { httpClient } from './http-client.ts'

export interface ConnectionPoolOptions {
  /** e.g. `https://api.example.com:8443`: scheme, host and port only. */
  readonly origin: string
  readonly connectTimeoutMs: number
  readonly maxConnections: number
  /** Requests that may wait for a connection when all are busy. */
  readonly maxWaiting: number
}

/** An idle connection is kept this long when the upstream gives no hint of its own. */
const KEEP_ALIVE_MS = 55_000
const MAX_ANSWER_HEADER_BYTES = 65_536

/** Handlers that take a lease: the attempt gives its connection back when the answer is complete. */
type LeasingHandler = ResponseHandler & Partial<Pick<Attempt, 'lease' | 'done'>>

/**
 * Keep-alive connections to one origin: one undici Client each, the most recently used first, so that the working set
 * stays small and warm. undici's own Pool looks for a free client from index 0 at each dispatch, which costs with
 * hundreds of busy connections (bench/micro/connection-pool.ts).
 */
export class ConnectionPool implements Transport {
  readonly #options: ConnectionPoolOptions
  readonly #connect: ReturnType<typeof buildConnector>
  readonly #warm: Connection[] = []
  readonly #cold: Connection[] = []
  #waiting: { request: UpstreamRequest; handler: LeasingHandler }[] = []
  #size = 0
  #closed = false

  constructor(options: ConnectionPoolOptions) {
    this.#options = options
    // One connector for all clients, so that they share the TLS session cache.
    this.#connect = httpClient().buildConnector({
      allowH2: false,
      timeout: options.connectTimeoutMs,
      maxCachedSessions: 16,
    })
  }

  /** Connections that exist now, idle ones included. */
  get size(): number {
    return this.#size
  }

  dispatch(request: UpstreamRequest, handler: LeasingHandler): boolean {
    if (this.#closed) return false
    const connection = this.#take()
    if (connection === null) {
      if (this.#waiting.length >= this.#options.maxWaiting && !this.#forgetAbandoned()) return false
      this.#waiting.push({ request, handler })
      return true
    }
    connection.send(request, handler)
    return true
  }

  /** Closes idle connections now and busy ones when their answer is complete. */
  async close(): Promise<void> {
    this.#closed = true
    const all = [...this.#warm, ...this.#cold]
    this.#warm.length = 0
    this.#cold.length = 0
    await Promise.all(all.map((connection) => connection.client.destroy()))
  }

  /** Those whose client left hold no place against others. False when all still wait. */
  #forgetAbandoned(): boolean {
    const before = this.#waiting.length
    this.#waiting = this.#waiting.filter(({ handler }) => handler.done !== true)
    return this.#waiting.length < before
  }

  #take(): Connection | null {
    let connection = this.#warm.pop()
    while (connection !== undefined && !connection.connected) {
      this.#cold.push(connection)
      connection = this.#warm.pop()
    }
    if (connection !== undefined) return connection
    const cold = this.#cold.pop()
    if (cold !== undefined) return cold
    if (this.#size >= this.#options.maxConnections) return null
    this.#size++
    return new Connection(this, this.#newClient())
  }

  #newClient(): Client {
    return new (httpClient().Client)(this.#options.origin, {
      connect: this.#connect,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0, // deadlines are the attempt's
      bodyTimeout: 0,
      maxHeaderSize: MAX_ANSWER_HEADER_BYTES,
    })
  }

  /** A connection is free again; called by its lease. */
  returned(connection: Connection): void {
    let next = this.#waiting.shift()
    while (next?.handler.done === true) next = this.#waiting.shift()
    if (next !== undefined) return connection.send(next.request, next.handler)
    if (this.#closed) {
      void connection.client.destroy()
      return
    }
    if (connection.connected) this.#warm.push(connection)
    else this.#cold.push(connection)
  }
}

class Connection implements Lease {
  readonly client: Client
  readonly #pool: ConnectionPool
  #busy = false
  connected = false

  constructor(pool: ConnectionPool, client: Client) {
    this.#pool = pool
    this.client = client
    client.on('connect', () => {
      this.connected = true
    })
    client.on('disconnect', () => {
      this.connected = false
    })
  }

  send(request: UpstreamRequest, handler: LeasingHandler): void {
    this.#busy = true
    handler.lease = this
    this.client.dispatch(request as never, handler as never) // undici's types demand mutable arrays and all handler methods
  }

  release(): void {
    if (!this.#busy) return
    this.#busy = false
    this.#pool.returned(this)
  }
}
