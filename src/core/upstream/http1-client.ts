import type { Socket } from 'node:net'
import { asError } from '../../lib/index.ts'
import { SocketWriter } from '../connect/socket-writer.ts'
import { SocketTunnel } from '../http1/socket-tunnel.ts'
import type { ResponseHandler, UpstreamRequest } from '../phases.ts'
import type { AnswerHead } from './answer-head.ts'
import { type AnswerListener, AnswerParser } from './answer-parser.ts'
import { headerLines } from './header-lines.ts'
import { Turn, type TurnOwner } from './http1-turn.ts'
import { type Endpoint, openSocket } from './open-socket.ts'
import { requestHead } from './request-head.ts'
import { TransportError } from './transport-error.ts'
import { UploadQueue } from './upload-queue.ts'

/** Above this a body is written beside the head, not joined with it. */
const ONE_WRITE_LIMIT = 16_384
/** An idle connection is kept this long when the upstream gives no hint of its own. */
const DEFAULT_IDLE_MS = 55_000
/** The upstream's own time for idle connections, less what a request needs to arrive. */
const IDLE_MARGIN_MS = 1_000
const STALE = 'A kept connection was closed before it answered.'

/**
 * One keep-alive connection to an HTTP/1.1 upstream: one request at a time, answers read strictly (answer-parser.ts).
 * It connects at the first request, and again when the upstream has closed in between. Half the processor time of a
 * general client for small answers (docs/decisions/0005-upstream-client.md).
 *
 * A handler may dispatch the next request from within any of its calls. What it throws at the start or within the body
 * of an answer ends that answer; what it throws at the end is not caught here.
 */
export class Http1Client implements AnswerListener, TurnOwner {
  readonly #endpoint: Endpoint
  readonly #parser: AnswerParser
  #socket: Socket | null = null
  /** Of the socket, once it is connected. */
  #writer: SocketWriter | null = null
  #ready = false
  #turn: Turn | null = null
  /** What the turn sends, until it is sent. */
  #unsent: UpstreamRequest | null = null
  #keepAlive = false
  #idleMs = DEFAULT_IDLE_MS
  #idleSince = 0
  /** Answers that were complete on this connection. */
  #served = 0
  /** The piece of the answer's body that came with the current read: a view, or several joined in bytes of their own. */
  #piece: Buffer | null = null
  #pieceLength = 0
  /** Pieces were joined. */
  #joined = false
  #readLength = 0
  /** A byte of the current answer has come. */
  #answering = false
  #tunnel: SocketTunnel | null = null

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint
    this.#parser = new AnswerParser(this, endpoint.maxHeadBytes)
  }

  /** True while a connection stands and carries no request. */
  get idle(): boolean {
    return this.#ready && this.#turn === null
  }

  /** True when an idle connection is too old to be trusted with a request; `now` is of `performance.now()`. */
  isStale(now: number): boolean {
    return this.idle && now - this.#idleSince > this.#idleMs
  }

  /** Sends a request, whose texts `checkRequest` has seen; nothing else may be under way. */
  dispatch(request: UpstreamRequest, handler: ResponseHandler): void {
    this.#turn = new Turn(this, handler)
    this.#unsent = request
    if (this.#ready) this.#send()
    else this.#connect(request)
  }

  /** Closes the connection; a request under way fails. */
  destroy(): void {
    this.#fail(new TransportError('pool_closed', 'The connection was closed.'))
  }

  pause(turn: Turn): void {
    if (turn === this.#turn) this.#socket?.pause()
  }

  resume(turn: Turn): void {
    if (turn === this.#turn) this.#socket?.resume()
  }

  abort(turn: Turn, reason: Error): void {
    if (turn === this.#turn) this.#fail(reason)
  }

  writeBody(turn: Turn, bytes: Buffer, memory: Buffer | null): boolean {
    if (turn !== this.#turn || turn.upload === null || bytes.length === 0) return true
    return turn.upload.body(bytes, memory)
  }

  endBody(turn: Turn, trailers: readonly string[] | null): void {
    if (turn !== this.#turn) return
    turn.bodySent = true
    if (turn.chunked) turn.upload?.text(`0\r\n${trailers === null ? '' : headerLines(trailers)}\r\n`)
  }

  onSwitch(head: AnswerHead, rest: Buffer): void {
    const turn = this.#turn
    const socket = this.#socket
    if (turn === null || socket === null) return
    this.#tunnel = new SocketTunnel(socket, Buffer.from(rest))
    if (turn.handler.onUpgrade === undefined) return this.destroy()
    turn.handler.onUpgrade(turn, head.headers, this.#tunnel)
  }

  onHead(head: AnswerHead): void {
    this.#keepAlive = head.keepAlive
    this.#idleMs = head.idleMs === null ? DEFAULT_IDLE_MS : Math.max(0, head.idleMs - IDLE_MARGIN_MS)
    const turn = this.#turn
    turn?.handler.onResponseStart(turn, head.status, head.headers)
  }

  /** Kept until the read is over: chunks that arrive together leave together. */
  onBody(bytes: Buffer): void {
    const held = this.#piece
    if (held === null) {
      this.#piece = bytes
      this.#pieceLength = bytes.length
      return
    }
    let joined = held
    if (!this.#joined) {
      // What one read brought, less its framing.
      joined = this.#piece = Buffer.allocUnsafe(this.#readLength)
      this.#joined = true
      held.copy(joined)
    }
    bytes.copy(joined, this.#pieceLength)
    this.#pieceLength += bytes.length
  }

  /** The handler gets bytes of its own: they may still be on their way to a client when the next read begins. */
  #takePiece(): Buffer | null {
    const piece = this.#piece
    if (piece === null) return null
    const own = this.#joined ? piece.subarray(0, this.#pieceLength) : Buffer.from(piece)
    this.#piece = null
    this.#joined = false
    return own
  }

  onComplete(leftover: boolean, trailers: readonly string[] | null): void {
    const turn = this.#turn
    if (turn === null) return
    const last = this.#takePiece()
    if (last !== null) {
      if (turn.handler.onResponseLast === undefined) turn.handler.onResponseData(turn, last)
      else turn.handler.onResponseLast(turn, last)
      if (turn !== this.#turn) return // the handler gave the answer up
    }
    this.#turn = null
    const socket = this.#socket
    // A request that is not fully written will not be: the upstream answered without reading it.
    const isSent = turn.bodySent && turn.upload?.isEmpty !== false && this.#writer?.unsentBytes === 0
    if (isSent) turn.handler.onRequestSent?.()
    if (this.#keepAlive && !leftover && isSent && socket !== null) {
      this.#served++
      this.#idleSince = performance.now()
      if (socket.isPaused()) socket.resume()
    } else {
      turn.upload?.close()
      this.#drop()
    }
    turn.handler.onResponseEnd(turn, trailers)
  }

  #connect(request: UpstreamRequest): void {
    const onConnect = () => this.#connected(socket)
    const onRead = (bytes: Buffer) => this.#read(socket, bytes)
    const socket = openSocket(this.#endpoint, { onConnect, onRead }, request)
    this.#socket = socket
    socket.on('error', (error) => this.#lost(socket, error))
    socket.on('drain', () => this.#drained(socket))
    socket.on('end', () => this.#ended(socket))
    socket.on('close', () => this.#ended(socket))
  }

  #connected(socket: Socket): void {
    if (socket !== this.#socket) return
    this.#ready = true
    this.#writer = new SocketWriter(socket)
    this.#served = 0
    this.#idleSince = performance.now()
    this.#send()
  }

  #send(): void {
    const turn = this.#turn
    const request = this.#unsent
    if (turn === null || request === null) return
    try {
      turn.handler.onRequestStart(turn, null)
    } catch (error) {
      return this.#fail(asError(error))
    }
    const writer = this.#writer
    // The handler may have given up on hearing that the connection stands.
    if (this.#turn !== turn || writer === null) return
    this.#unsent = null
    const upgrade = request.upgrade ?? null
    this.#answering = false
    this.#parser.expect(request.method, upgrade !== null)
    const { pieces = null } = request
    const source = request.source ?? null
    const head = requestHead(request, this.#endpoint.authority)
    if (source !== null) {
      turn.bodySent = false
      turn.chunked = source.length < 0
      turn.upload = new UploadQueue(writer, turn.chunked, () => {
        if (turn === this.#turn && !turn.bodySent) source.onDrain()
      })
      turn.upload.text(head)
      return source.open(turn)
    }
    if (pieces !== null) {
      writer.writeAll([head, ...pieces])
      return
    }
    const { body } = request
    if (body === null || body.length === 0) writer.writeText(head)
    else if (body.length <= ONE_WRITE_LIMIT) writer.writeText(head + body.toString('latin1'))
    else writer.writeAll([head, body])
  }

  /** Answers whether reading goes on. */
  #read(socket: Socket, bytes: Buffer): boolean {
    if (socket !== this.#socket) return false
    if (this.#tunnel !== null) {
      this.#tunnel.onBytes(Buffer.from(bytes))
      return !socket.isPaused()
    }
    const turn = this.#turn
    this.#answering = true
    if (turn === null || !this.#parser.busy) {
      // Nothing was asked; whatever this is, it is no answer.
      this.#fail(new TransportError('invalid_answer', 'The upstream sent something before it was asked.'))
      return false
    }
    this.#readLength = bytes.length
    try {
      this.#push(turn, bytes)
    } catch (error) {
      this.#threw(turn, error)
    }
    return socket === this.#socket && !socket.isPaused()
  }

  #push(turn: Turn, bytes: Buffer): void {
    try {
      this.#parser.push(bytes)
    } finally {
      // What was valid in front of what was not is told as well.
      const piece = this.#takePiece()
      if (piece !== null && turn === this.#turn) turn.handler.onResponseData(turn, piece)
    }
  }

  #drained(socket: Socket): void {
    if (socket !== this.#socket) return
    if (this.#tunnel !== null) this.#tunnel.onDrain()
    else this.#turn?.upload?.drained()
  }

  /** The upstream has closed its side, or the connection is gone. */
  #ended(socket: Socket): void {
    if (socket !== this.#socket) return
    if (this.#tunnel !== null) return this.#tunnelEnded(this.#tunnel, socket)
    const turn = this.#turn
    if (turn === null) return this.#drop()
    if (!this.#parser.busy) {
      return this.#fail(new TransportError('connection_closed', 'The connection was closed while it was made.'))
    }
    this.#keepAlive = false
    if (this.#served > 0 && !this.#answering) {
      return this.#fail(new TransportError('stale_connection', STALE))
    }
    try {
      this.#parser.end()
    } catch (error) {
      this.#threw(turn, error)
    }
  }

  #tunnelEnded(tunnel: SocketTunnel, socket: Socket): void {
    if (!socket.destroyed) return tunnel.onEnd()
    const turn = this.#turn
    this.#turn = null
    this.#tunnel = null
    this.#drop()
    tunnel.onClose()
    turn?.handler.onResponseEnd(turn, null)
  }

  /** Ends the turn in which something was thrown; if it had ended already, the error is of somebody else's making. */
  #threw(turn: Turn, error: unknown): void {
    if (turn !== this.#turn) throw error
    this.#fail(asError(error))
  }

  #lost(socket: Socket, error: Error): void {
    if (socket !== this.#socket) return
    if (this.#tunnel !== null) return this.#tunnelEnded(this.#tunnel, socket)
    const isStale = this.#turn !== null && this.#served > 0 && !this.#answering
    this.#fail(isStale ? new TransportError('stale_connection', STALE) : error)
  }

  #fail(error: Error): void {
    const turn = this.#turn
    const tunnel = this.#tunnel
    this.#turn = null
    this.#unsent = null
    this.#tunnel = null
    turn?.upload?.close()
    if (turn?.bodySent === false) this.#reset()
    this.#drop()
    tunnel?.onClose()
    turn?.handler.onResponseError(turn, error)
  }

  /** An upstream that does not read its request would hear of an orderly end only behind all that was sent before. */
  #reset(): void {
    const { tls, socketPath } = this.#endpoint
    const socket = this.#socket
    if (socket !== null && !socket.connecting && tls === null && socketPath === undefined) socket.resetAndDestroy()
  }

  #drop(): void {
    this.#ready = false
    this.#parser.stop()
    const socket = this.#socket
    this.#socket = null
    this.#writer = null
    socket?.destroy()
  }
}
