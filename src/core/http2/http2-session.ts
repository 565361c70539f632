import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { handle } from '../handle.ts'
import type { HeadLimits } from '../http1/head-limits.ts'
import type { Connection, ConnectionTimeouts, Door } from '../listen/door.ts'
import { refuse } from '../respond/refuse.ts'
import { end } from '../settle.ts'
import { FloodGauge } from './flood-gauge.ts'
import { Http2Stream } from './http2-stream.ts'
import { readRequestList } from './request-list.ts'

const END_STREAM = 1
const ENHANCE_YOUR_CALM = 11
/** The largest stream id: whatever was sent before the client heard of the end is still served. */
const ALL_STREAMS = 2 ** 31 - 1
/** After its last word a session is closed, whether or not the client has taken it. */
const LAST_WORD_MS = 5_000

/**
 * Limits of a session. Streams have windows of 64 KiB, so 100 of them hold 6.4 MB at most. The floods that nghttp2 stops
 * itself (unread acknowledgements of PING and SETTINGS, CONTINUATION) have its own limits.
 */
const LIMITS = {
  maxSettings: 16,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  maxOutstandingPings: 4,
  maxOutstandingSettings: 4,
  streamResetBurst: 1_000,
  streamResetRate: 100,
  strictSingleValueFields: false,
} as const

/** Headers beyond the limit with which a request is still answered, pseudo headers included. */
const PAIRS_BEYOND = 156

/** What all streams together may send in one round trip. */
const CONNECTION_WINDOW_BYTES = 1_048_576

/** One client connection of HTTP/2: up to a hundred requests at once. */
export class Http2Session implements Connection {
  readonly address: string | null
  readonly door: Door
  /** Bytes of bodies that were handed over. */
  bodyBytes = 0
  readonly #gateway: Gateway
  readonly #socket: Socket
  readonly #session: ServerHttp2Session
  readonly #streams = new Set<Http2Stream>()
  readonly #gauge = new FloodGauge()
  /** When the session had nothing to do for the last time. */
  #idleSince = performance.now()
  #served = false
  /** The client was told to go. */
  #toldAt = -1
  #closed = false
  /** The last stream whose head came through. */
  #lastSeen = 0

  constructor(gateway: Gateway, socket: Socket, onClosed: (connection: Http2Session) => void, door: Door) {
    this.#gateway = gateway
    this.#socket = socket
    this.door = door
    this.address = door.address ?? socket.remoteAddress ?? null
    const { performServerHandshake } = process.getBuiltinModule('node:http2')
    this.#session = performServerHandshake(socket, { ...LIMITS, ...listLimits(gateway.headLimits) })
    this.#session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
    this.#session.on('stream', (stream, _headers, flags, list) => this.#onStream(stream, flags, list))
    // That it is over is told by `close` as well.
    this.#session.on('error', (error) => {
      if (isProtocolError(error)) this.#unreadable()
    })
    socket.on('error', () => undefined)
    // It wants no answer any more.
    socket.on('end', () => {
      this.#countUnseen()
      this.destroy()
    })
    socket.on('close', () => {
      this.#closed = true
      for (const stream of this.#streams) stream.abandon()
      onClosed(this)
    })
  }

  get idleSince(): number {
    return this.#idleSince
  }

  get idle(): boolean {
    return this.#streams.size === 0
  }

  sweep(now: number, timeouts: ConnectionTimeouts): void {
    this.#countUnseen()
    if (this.#gauge.isFlooded(now, this.#socket, this.bodyBytes)) return this.#calm()
    for (const stream of this.#streams) this.#look(stream, now, timeouts)
    if (this.#toldAt >= 0) return this.#goOnLeaving(now)
    const patienceMs = this.#served ? timeouts.keepAliveMs : timeouts.headerTimeoutMs
    if (this.#gateway.leaving || (this.idle && now - this.#idleSince > patienceMs)) this.leave()
  }

  /** A first GOAWAY takes everything that is on its way; the second, a sweep later, says what was the last stream. */
  leave(): void {
    if (this.#toldAt >= 0 || this.#session.destroyed) return
    this.#toldAt = performance.now()
    this.#session.goaway(0, ALL_STREAMS)
  }

  destroy(): void {
    // By themselves they would end as if they were complete.
    for (const stream of this.#streams) stream.destroy()
    if (this.#session.destroyed) this.#socket.destroy()
    else this.#session.destroy()
  }

  /** No request follows this one. */
  leaveAfter(stream: Http2Stream): void {
    if (this.#streams.has(stream) && !this.#session.closed && !this.#session.destroyed) {
      this.#toldAt = performance.now()
      this.#session.close()
    }
  }

  /** The answer of a stream is complete, though not all of it may have left. */
  answered(_stream: Http2Stream): void {
    this.#served = true
    this.#gauge.served()
    if (this.#gateway.leaving) this.leave()
  }

  /** A stream is over. */
  gone(stream: Http2Stream): void {
    if (!this.#streams.delete(stream)) return
    this.#idleSince = performance.now()
    if (!stream.finished) this.#countReset()
  }

  #onStream(stream: ServerHttp2Stream, flags: number, list: readonly string[]): void {
    this.#lastSeen = stream.id ?? this.#lastSeen
    this.#gauge.begun(list)
    if (stream.closed || stream.destroyed) {
      // It was reset before anybody could look at it.
      stream.on('error', () => undefined)
      return this.#countReset()
    }
    const complete = (flags & END_STREAM) !== 0
    const head = readRequestList(list, { scheme: this.door.scheme, complete, limits: this.#gateway.headLimits })
    const own = new Http2Stream(this, stream, head, complete)
    this.#streams.add(own)
    try {
      own.exchange = handle(this.#gateway, own, head)
    } catch (error) {
      // Requests confine their own errors. What comes through all the same costs the stream.
      this.#gateway.onFault(error, null)
      own.cut()
    }
  }

  /**
   * nghttp2 resets a stream whose head is not valid and tells nobody; all that can be seen is that it has looked at a later
   * stream than the last that came here. Several between two looks count as one.
   */
  #countUnseen(): void {
    if (this.#session.destroyed) return
    const { lastProcStreamID = 0 } = this.#session.state
    if (lastProcStreamID <= this.#lastSeen) return
    this.#lastSeen = lastProcStreamID
    this.#unreadable()
  }

  #unreadable(): void {
    this.#gateway.onUnreadable?.(new GatewayError('malformed_request', 'The request is not valid HTTP/2.'))
  }

  /** Rapid resets cost us more than the client (CVE-2023-44487), and so do faults that make us reset. */
  #countReset(): void {
    if (!this.#closed && this.#gauge.reset()) this.#calm()
  }

  #calm(): void {
    if (!this.#session.destroyed) this.#session.destroy(new Error('the client floods'), ENHANCE_YOUR_CALM)
  }

  #look(stream: Http2Stream, now: number, timeouts: ConnectionTimeouts): void {
    const late = stream.lateness(now, timeouts)
    const x = stream.exchange
    if (late === 'body' && x !== null)
      refuse(x, new GatewayError('request_timeout', 'The request did not arrive in time.'))
    else if (late === 'answer') {
      if (x !== null) end(x, 'cancelled', new GatewayError('client_stalled', 'The client stopped reading.'))
      stream.destroy()
    }
  }

  #goOnLeaving(now: number): void {
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close()
    if (this.idle && now - Math.max(this.#toldAt, this.#idleSince) > LAST_WORD_MS) this.#socket.destroy()
  }
}

/** Header lists that are beyond our own limits, but not beyond these, get a proper answer. */
function listLimits({ headBytes, headers }: HeadLimits) {
  const settings = { maxConcurrentStreams: 100, initialWindowSize: 65_535, maxHeaderListSize: 2 * headBytes }
  return { settings, maxHeaderListPairs: headers + PAIRS_BEYOND }
}

/** What nghttp2 says of a peer that does not keep to the protocol; not that the connection has ended. */
function isProtocolError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_HTTP2_ERROR'
}
