import type { Attempt } from '../attempt.ts'
import type { Lease } from '../lease.ts'
import type { ResponseHandler, Transport, UpstreamRequest } from '../phases.ts'
import { checkRequest } from './header-lines.ts'
import { Http1Client } from './http1-client.ts'
import { type Endpoint, type EndpointOptions, endpointOf } from './open-socket.ts'

export interface ConnectionPoolOptions extends EndpointOptions {
  /** e.g. `https://api.example.com:8443`, scheme, host and port only; or `unix:/run/app.sock`. */
  readonly origin: string
  readonly connectTimeoutMs: number
  readonly maxConnections: number
  /** Requests that may wait for a connection when all are busy. */
  readonly maxWaiting: number
}

const SWEEP_MS = 5_000

/** Handlers that take a lease: the attempt gives its connection back when the answer is complete. */
type LeasingHandler = ResponseHandler & Partial<Pick<Attempt, 'lease' | 'done' | 'queuedUntil'>>

/**
 * Keep-alive connections to one origin, the most recently used first, so that the working set stays small and warm.
 */
export class ConnectionPool implements Transport {
  readonly #options: ConnectionPoolOptions
  readonly #endpoint: Endpoint
  /** Idle connections; the last one was used last. */
  readonly #idle: Connection[] = []
  readonly #all = new Set<Connection>()
  #waiting: { request: UpstreamRequest; handler: LeasingHandler }[] = []
  #sweep: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: ConnectionPoolOptions) {
    this.#options = options
    this.#endpoint = endpointOf(options.origin, options.connectTimeoutMs, options)
  }

  /** Connections that exist now, idle ones included. */
  get size(): number {
    return this.#all.size
  }

  /** Throws a RangeError for a request that would not be one line by line. */
  dispatch(request: UpstreamRequest, handler: LeasingHandler): boolean {
    checkRequest(request)
    if (this.#closed) return false
    const connection = this.#take()
    if (connection === null) {
      if (this.#waiting.length >= this.#options.maxWaiting && !this.#forgetAbandoned()) return false
      this.#waiting.push({ request, handler })
      handler.queuedUntil = Number.POSITIVE_INFINITY
      return true
    }
    connection.send(request, handler)
    return true
  }

  /** Takes no more; idle connections close now, busy ones when they have served what waits. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#sweep !== null) clearInterval(this.#sweep)
    for (const connection of this.#idle.splice(0)) this.#discard(connection)
  }

  /** A connection is free again; called by its lease. */
  returned(connection: Connection): void {
    let next = this.#waiting.shift()
    while (next?.handler.done === true) next = this.#waiting.shift()
    if (next !== undefined) {
      next.handler.queuedUntil = performance.now()
      return connection.send(next.request, next.handler)
    }
    if (this.#closed || !connection.client.idle) return this.#discard(connection)
    this.#idle.push(connection)
    this.#sweep ??= setInterval(() => this.#closeStale(), SWEEP_MS).unref()
  }

  /** Those whose client left hold no place against others. False when all still wait. */
  #forgetAbandoned(): boolean {
    const before = this.#waiting.length
    this.#waiting = this.#waiting.filter(({ handler }) => handler.done !== true)
    return this.#waiting.length < before
  }

  #take(): Connection | null {
    const now = performance.now()
    let connection = this.#idle.pop()
    while (connection !== undefined && (!connection.client.idle || connection.client.isStale(now))) {
      this.#discard(connection)
      connection = this.#idle.pop()
    }
    if (connection !== undefined) return connection
    if (this.#all.size >= this.#options.maxConnections) return null
    const made = new Connection(this, new Http1Client(this.#endpoint))
    this.#all.add(made)
    return made
  }

  /** The oldest are at the front. */
  #closeStale(): void {
    const now = performance.now()
    const kept = this.#idle.filter((connection) => {
      if (connection.client.idle && !connection.client.isStale(now)) return true
      this.#discard(connection)
      return false
    })
    this.#idle.splice(0, this.#idle.length, ...kept)
    if (kept.length > 0 || this.#sweep === null) return
    clearInterval(this.#sweep)
    this.#sweep = null
  }

  #discard(connection: Connection): void {
    this.#all.delete(connection)
    connection.client.destroy()
  }
}

class Connection implements Lease {
  readonly client: Http1Client
  readonly #pool: ConnectionPool
  #busy = false

  constructor(pool: ConnectionPool, client: Http1Client) {
    this.#pool = pool
    this.client = client
  }

  send(request: UpstreamRequest, handler: LeasingHandler): void {
    this.#busy = true
    handler.lease = this
    this.client.dispatch(request, handler)
  }

  release(): void {
    if (!this.#busy) return
    this.#busy = false
    this.#pool.returned(this)
  }
}
