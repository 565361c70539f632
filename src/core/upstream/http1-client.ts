import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { DispatchController, ResponseHandler, UpstreamRequest } from '../phases.ts'
import type { AnswerHead } from './answer-head.ts'
import { type AnswerListener, AnswerParser } from './answer-parser.ts'
import { TransportError } from './transport-error.ts'

/** Where connections of a pool go, and what they share. */
export interface Endpoint {
  readonly secure: boolean
  readonly hostname: string
  readonly port: number
  /** Value of the Host header. */
  readonly authority: string
  readonly connectTimeoutMs: number
  /** The last TLS session of this origin: the next connection resumes it. */
  tlsSession: Buffer | null
}

/** Above this a body is written beside the head, not joined with it. */
const ONE_WRITE_LIMIT = 16_384
/** An idle connection is kept this long when the upstream gives no hint of its own. */
const DEFAULT_IDLE_MS = 55_000
/** The upstream's own time for idle connections, less what a request needs to arrive. */
const IDLE_MARGIN_MS = 1_000

/**
 * Sockets of one thread read into one buffer: a read is consumed before the next one begins. What a handler gets is a
 * copy, since it may still be on its way to a client then.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536)

/**
 * One keep-alive connection to an HTTP/1.1 upstream: one request at a time, answers read strictly (answer-parser.ts).
 * It connects at the first request, and again when the upstream has closed in between. Half the processor time of a
 * general client for small answers (docs/decisions/0005-upstream-client.md).
 */
export class Http1Client implements AnswerListener, DispatchController {
  readonly #endpoint: Endpoint
  readonly #parser = new AnswerParser(this)
  #socket: Socket | null = null
  #ready = false
  #connectTimer: NodeJS.Timeout | null = null
  #request: UpstreamRequest | null = null
  #handler: ResponseHandler | null = null
  #keepAlive = false
  #idleMs = DEFAULT_IDLE_MS
  #idleSince = 0

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint
  }

  /** True while a connection stands and carries no request. */
  get idle(): boolean {
    return this.#ready && this.#handler === null
  }

  /** True when an idle connection is too old to be trusted with a request. */
  isStale(now: number): boolean {
    return this.idle && now - this.#idleSince > this.#idleMs
  }

  /** Sends a request; nothing else may be under way. */
  dispatch(request: UpstreamRequest, handler: ResponseHandler): void {
    this.#request = request
    this.#handler = handler
    if (this.#ready) this.#send()
    else this.#connect()
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Gives the answer up: the connection is closed at once. */
  abort(reason: Error): void {
    this.#fail(reason)
  }

  /** Closes the connection; a request under way fails. */
  destroy(): void {
    if (this.#handler !== null) this.#fail(new TransportError('pool_closed', 'The connection was closed.'))
    else this.#drop()
  }

  onHead(head: AnswerHead): void {
    this.#keepAlive = head.keepAlive
    this.#idleMs = head.idleMs === null ? DEFAULT_IDLE_MS : Math.max(0, head.idleMs - IDLE_MARGIN_MS)
    this.#handler?.onResponseStart(this, head.status, head.headers)
  }

  onBody(bytes: Buffer): void {
    this.#handler?.onResponseData(this, Buffer.from(bytes))
  }

  onComplete(leftover: boolean): void {
    const handler = this.#handler
    if (handler === null) return
    this.#handler = null
    this.#request = null
    const socket = this.#socket
    // A request that is not fully written will not be: the upstream answered without reading it.
    const reusable = this.#keepAlive && !leftover && socket !== null && socket.writableLength === 0
    if (reusable) {
      this.#idleSince = performance.now()
      if (socket.isPaused()) socket.resume()
    } else this.#drop()
    handler.onResponseEnd(this, null)
  }

  #connect(): void {
    const { secure, hostname, port, connectTimeoutMs, tlsSession } = this.#endpoint
    const onread = { buffer: READ_BUFFER, callback: (length: number) => this.#read(socket, length) }
    const target = { host: hostname, port, noDelay: true, keepAlive: true, onread }
    const socket: Socket = secure
      ? connectTls({
          ...target,
          ALPNProtocols: ['http/1.1'],
          ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
          ...(tlsSession === null ? {} : { session: tlsSession }),
        })
      : connectTcp(target)
    this.#socket = socket
    if (secure) socket.on('session', (session: Buffer) => (this.#endpoint.tlsSession = session))
    socket.once(secure ? 'secureConnect' : 'connect', () => this.#connected(socket))
    socket.on('error', (error) => this.#lost(socket, error))
    socket.on('end', () => this.#ended(socket))
    socket.on('close', () => this.#ended(socket))
    this.#connectTimer = setTimeout(() => {
      this.#lost(socket, new TransportError('connect_timeout', `No connection within ${connectTimeoutMs} ms.`))
    }, connectTimeoutMs)
  }

  #connected(socket: Socket): void {
    if (socket !== this.#socket) return
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer)
    this.#connectTimer = null
    this.#ready = true
    this.#idleSince = performance.now()
    if (this.#handler !== null) this.#send()
  }

  #send(): void {
    const request = this.#request
    const handler = this.#handler
    const socket = this.#socket
    if (request === null || handler === null || socket === null) return
    handler.onRequestStart(this, null)
    // The handler may have given up on hearing that the connection stands.
    if (this.#handler !== handler) return
    this.#parser.expect(request.method)
    const body = request.body
    const head = this.#headOf(request)
    if (body === null || body.length === 0) socket.write(head, 'latin1')
    else if (body.length <= ONE_WRITE_LIMIT) socket.write(head + body.toString('latin1'), 'latin1')
    else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
    }
  }

  #headOf({ method, path, headers, fixed, body }: UpstreamRequest): string {
    let head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#endpoint.authority}\r\nconnection: keep-alive\r\n${fixed ?? ''}`
    for (let at = 0; at + 1 < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`
    if (body !== null) head += `content-length: ${body.length}\r\n`
    return `${head}\r\n`
  }

  /** Answers whether reading goes on. */
  #read(socket: Socket, length: number): boolean {
    if (socket !== this.#socket) return false
    if (this.#handler === null) {
      // An idle connection has nothing to say; whatever this is, it is no answer.
      this.#drop()
      return false
    }
    try {
      this.#parser.push(READ_BUFFER.subarray(0, length))
    } catch (error) {
      this.#lost(socket, error instanceof Error ? error : new Error(String(error)))
      return false
    }
    return !socket.isPaused()
  }

  /** The upstream has closed its side, or the connection is gone. */
  #ended(socket: Socket): void {
    if (socket !== this.#socket) return
    if (this.#handler === null) return this.#drop()
    try {
      if (!this.#ready) throw new TransportError('connection_closed', 'The connection was closed while it was made.')
      this.#keepAlive = false
      this.#parser.end()
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #lost(socket: Socket, error: Error): void {
    if (socket === this.#socket) this.#fail(error)
  }

  #fail(error: Error): void {
    const handler = this.#handler
    this.#handler = null
    this.#request = null
    this.#drop()
    handler?.onResponseError(this, error)
  }

  #drop(): void {
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer)
    this.#connectTimer = null
    this.#ready = false
    const socket = this.#socket
    this.#socket = null
    socket?.destroy()
  }
}
