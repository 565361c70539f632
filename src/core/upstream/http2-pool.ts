import type { Attempt } from '../attempt.ts'
import type { ResponseHandler, Transport, UpstreamRequest } from '../phases.ts'
import type { ConnectionPoolOptions } from './connection-pool.ts'
import { checkRequest } from './header-lines.ts'
import { Http2Client, type Http2ClientEvents } from './http2-client.ts'
import { type Endpoint, endpointOf } from './open-socket.ts'

const SWEEP_MS = 5_000

interface Waiting {
  readonly request: UpstreamRequest
  /** `done`: nobody waits for the answer any more. */
  readonly handler: ResponseHandler & { readonly done?: boolean } & Partial<Pick<Attempt, 'queuedUntil'>>
}

/**
 * Connections of HTTP/2 to one origin: over TLS by ALPN, without it by prior knowledge. A connection is filled before
 * the next is made; one that says GOAWAY is replaced, and ends what it has.
 */
export class Http2Pool implements Transport, Http2ClientEvents {
  readonly #options: ConnectionPoolOptions
  readonly #endpoint: Endpoint
  /** Those that take requests; the first are filled first, so that the last ones may become idle. */
  readonly #clients: Http2Client[] = []
  #waiting: Waiting[] = []
  #sweep: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: ConnectionPoolOptions) {
    this.#options = options
    const endpoint = endpointOf(options.origin, options.connectTimeoutMs, options)
    this.#endpoint = endpoint.tls === null ? endpoint : { ...endpoint, tls: { ...endpoint.tls, alpn: ['h2'] } }
  }

  /** Connections that take requests. */
  get size(): number {
    return this.#clients.length
  }

  /** Throws a RangeError for a request with characters that no head may have. */
  dispatch(request: UpstreamRequest, handler: Waiting['handler']): boolean {
    checkRequest(request)
    if (this.#closed) return false
    const client = this.#take()
    if (client !== null) client.dispatch(request, handler)
    else if (this.#waiting.length < this.#options.maxWaiting || this.#forgetAbandoned()) {
      this.#waiting.push({ request, handler })
      handler.queuedUntil = Number.POSITIVE_INFINITY
    } else return false
    return true
  }

  /** Takes no more; connections close when they have served what they have, and what waits. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#sweep !== null) clearInterval(this.#sweep)
    if (this.#waiting.length === 0) for (const client of [...this.#clients]) client.retire()
  }

  onRoom(client: Http2Client): void {
    while (client.room > 0) {
      const next = this.#nextWaiting()
      if (next === undefined) break
      client.dispatch(next.request, next.handler)
    }
    if (this.#closed && this.#waiting.length === 0) client.retire()
  }

  onRetired(client: Http2Client): void {
    const at = this.#clients.indexOf(client)
    if (at >= 0) this.#clients.splice(at, 1)
    while (this.#waiting.length > 0) {
      const other = this.#take()
      const next = other === null ? undefined : this.#nextWaiting()
      if (other === null || next === undefined) return
      other.dispatch(next.request, next.handler)
    }
  }

  #take(): Http2Client | null {
    for (const client of this.#clients) if (client.room > 0) return client
    if (this.#clients.length >= this.#options.maxConnections) return null
    const made = new Http2Client(this.#endpoint, this)
    this.#clients.push(made)
    this.#sweep ??= setInterval(() => this.#closeStale(), SWEEP_MS).unref()
    return made
  }

  #nextWaiting(): Waiting | undefined {
    let next = this.#waiting.shift()
    while (next?.handler.done === true) next = this.#waiting.shift()
    if (next !== undefined) next.handler.queuedUntil = performance.now()
    return next
  }

  #forgetAbandoned(): boolean {
    const before = this.#waiting.length
    this.#waiting = this.#waiting.filter(({ handler }) => handler.done !== true)
    return this.#waiting.length < before
  }

  #closeStale(): void {
    const now = performance.now()
    for (const client of [...this.#clients]) if (client.isStale(now)) client.retire()
    if (this.#clients.length > 0 || this.#sweep === null) return
    clearInterval(this.#sweep)
    this.#sweep = null
  }
}
