import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { http2Over } from '../connect/http2-over.ts'
import type { ResponseHandler, UpstreamRequest } from '../phases.ts'
import { Http2Call } from './http2-call.ts'
import { requestList } from './http2-headers.ts'
import { type Endpoint, openSocket } from './open-socket.ts'
import { TransportError } from './transport-error.ts'

/** Requests at once, until the upstream says how many it takes, and at most. */
const MAX_STREAMS = 100
const IDLE_MS = 55_000
/** After an answer that did not come: does the connection still live? */
const PING_MS = 5_000
/** Stream ids end at 2^31 (RFC 9113, 5.1.1); a connection is replaced long before. */
const MAX_SERVED = 1_000_000_000

export interface Http2ClientEvents {
  /** It takes another request. */
  onRoom(client: Http2Client): void
  /** It takes no request any more; those under way may still end well. */
  onRetired(client: Http2Client): void
}

/** One connection of HTTP/2 to an upstream: many requests at once. It connects at the first request. */
export class Http2Client {
  /** Answers that were complete on this connection. */
  served = 0
  /** The last stream that the upstream has looked at, or may have. */
  lastStreamId = Number.POSITIVE_INFINITY
  readonly #endpoint: Endpoint
  readonly #events: Http2ClientEvents
  readonly #calls = new Set<Http2Call>()
  /** Those of them that are not sent yet. */
  #unsent: Http2Call[] = []
  #socket: Socket | null = null
  #session: ClientHttp2Session | null = null
  #ready = false
  #maxStreams = MAX_STREAMS
  /** The same for those that are sent: until the settings of the upstream are known, one. */
  #sendable = 1
  #retired = false
  #idleSince = performance.now()
  #lost: Error | null = null
  #gone = false
  #ping: NodeJS.Timeout | null = null

  constructor(endpoint: Endpoint, events: Http2ClientEvents) {
    this.#endpoint = endpoint
    this.#events = events
  }

  /** Requests that it takes now. */
  get room(): number {
    return this.#retired ? 0 : this.#maxStreams - this.#calls.size
  }

  /** True when nothing is under way, and has not been for a while. */
  isStale(now: number): boolean {
    return this.#calls.size === 0 && now - this.#idleSince > IDLE_MS
  }

  dispatch(request: UpstreamRequest, handler: ResponseHandler): void {
    const call = new Http2Call(this, request, handler)
    this.#calls.add(call)
    if (request.upgrade !== undefined && request.upgrade !== null) {
      return call.fail(new TransportError('no_upgrade', 'HTTP/2 switches no protocols.'))
    }
    this.#unsent.push(call)
    if (this.#ready) this.#beginNext()
    else if (this.#socket === null) this.#connect(request)
  }

  /** Takes no more; closes when what is under way has ended. */
  retire(): void {
    if (!this.#retired) {
      this.#retired = true
      this.#events.onRetired(this)
    }
    if (this.#calls.size > 0) return
    if (this.#session === null) this.#socket?.destroy()
    else if (!this.#session.destroyed) this.#session.close()
  }

  /** Closes the connection; requests under way fail. */
  destroy(): void {
    this.#end(new TransportError('pool_closed', 'The connection was closed.'))
  }

  /** A call needs its place no more. */
  released(call: Http2Call): void {
    if (!this.#calls.delete(call)) return
    const at = this.#unsent.indexOf(call)
    if (at >= 0) this.#unsent.splice(at, 1)
    this.#idleSince = performance.now()
    this.#beginNext()
    if (this.#retired || this.served > MAX_SERVED) this.retire()
    else if (!this.#gone) this.#events.onRoom(this)
  }

  /** Something came: the connection lives. */
  heard(): void {
    if (this.#ping === null) return
    clearTimeout(this.#ping)
    this.#ping = null
  }

  /** An answer did not come in time: the next ones may not either, if the connection is dead without saying so. */
  suspect(): void {
    const session = this.#session
    if (this.#ping !== null || session === null || session.destroyed || !this.#ready) return
    this.#ping = setTimeout(() => {
      this.#end(new TransportError('connection_closed', 'The connection to the upstream does not answer.'))
    }, PING_MS).unref()
    session.ping((error) => {
      if (error === null) this.heard()
    })
  }

  /** Why the whole connection ended, or null as long as it stands. */
  lossOf(answered: boolean): Error | null {
    if (!this.#gone) return null
    if (this.served > 0 && !answered) {
      return new TransportError('stale_connection', 'A kept connection was closed before it answered.')
    }
    return this.#lost ?? new TransportError('connection_closed', 'The upstream closed the connection.')
  }

  #connect(request: UpstreamRequest): void {
    const socket = openSocket(this.#endpoint, { onConnect: () => this.#connected(socket) }, request)
    this.#socket = socket
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(null))
  }

  #connected(socket: Socket): void {
    if (this.#gone) return
    const secure = this.#endpoint.tls !== null
    if (secure && 'alpnProtocol' in socket && socket.alpnProtocol !== 'h2') {
      return this.#end(new TransportError('no_http2', 'The upstream did not agree to HTTP/2.'))
    }
    const { authority, maxHeadBytes } = this.#endpoint
    const session = http2Over(socket, `${secure ? 'https' : 'http'}://${authority}`, maxHeadBytes)
    this.#session = session
    session.on('remoteSettings', ({ maxConcurrentStreams = MAX_STREAMS }) => {
      this.#maxStreams = Math.min(MAX_STREAMS, maxConcurrentStreams)
      this.#sendable = this.#maxStreams
      this.#beginNext()
      if (this.room > 0) this.#events.onRoom(this)
    })
    session.on('goaway', (_code, lastStreamId) => {
      this.lastStreamId = lastStreamId
      this.retire()
    })
    session.on('error', (error) => this.#end(error))
    session.on('close', () => this.#end(null))
    session.once('connect', () => {
      this.#ready = true
      this.#beginNext()
    })
  }

  #beginNext(): void {
    const session = this.#session
    if (!this.#ready || session === null || this.#gone) return
    const scheme = this.#endpoint.tls === null ? 'http' : 'https'
    while (this.#unsent.length > 0 && this.#calls.size - this.#unsent.length < this.#sendable) {
      const call = this.#unsent.shift()
      if (call?.over === false) call.begin(session, requestList(call.request, scheme, this.#endpoint.authority))
    }
  }

  /** The connection is gone, or must go. */
  #end(error: Error | null): void {
    if (this.#gone) return
    this.#gone = true
    this.#lost = error
    this.heard()
    if (!this.#retired) {
      this.#retired = true
      this.#events.onRetired(this)
    }
    const fault = error ?? new TransportError('connection_closed', 'The connection was closed while it was made.')
    // Those that have a stream hear of it by their stream, which knows more.
    for (const call of this.#unsent.splice(0)) call.fail(fault)
    if (this.#session !== null && !this.#session.destroyed) this.#session.destroy(error ?? undefined)
    this.#socket?.destroy()
  }
}
