import type { Socket } from 'node:net'
import { lendReads, ownBytes } from '../connect/lend-reads.ts'
import { SocketWriter } from '../connect/socket-writer.ts'
import { drained } from '../drained.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { handle } from '../handle.ts'
import type { Connection, ConnectionTimeouts, Door } from '../listen/door.ts'
import type { TunnelEnd } from '../phases.ts'
import { refuse } from '../respond/refuse.ts'
import { cancel, end } from '../settle.ts'
import { ClientFlow, HELD_BYTES } from './client-flow.ts'
import { DISCARD_BYTES, DiscardedRest } from './discarded-rest.ts'
import { headTooLarge } from './head-buffer.ts'
import { HeadReader } from './head-reader.ts'
import { Http1Stream } from './http1-stream.ts'
import { KnownLines } from './known-lines.ts'
import { RequestBody } from './request-body.ts'
import { RequestHead, readRequestHead } from './request-head.ts'
import { SocketTunnel } from './socket-tunnel.ts'
import { StallWatch } from './stall-watch.ts'
import { unreadableAnswer } from './unreadable.ts'
import { type Wait, waitBoundMs, waitsForAnswer } from './wait-bounds.ts'

const MAIN: Door = { listener: 'main', scheme: 'http' }

/**
 * `head`: a request is awaited or arriving. `body`: its body is. `answer`: it is complete, its answer is not.
 * `drop`: the answer is complete, what is left of the body is read over; a request may follow it.
 * `tunnel`: another protocol has taken over.
 * `discard`: the last answer is given, nothing that arrives is a request any more.
 */
type State = 'head' | 'body' | 'answer' | 'drop' | 'tunnel' | 'discard' | 'closed'

/** One client connection: requests one after the other, each answered before the next is begun. */
export class Http1Connection implements Connection {
  readonly #gateway: Gateway
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #onClosed: (connection: Http1Connection) => void
  readonly address: string | null
  readonly door: Door
  /** The body of the current request has arrived. */
  bodyRead = true
  /** The end of the connection is that of the answer, which has no other framing (HTTP/1.0). */
  endsWithAnswer = false
  #state: State = 'head'
  #stream: Http1Stream | null = null
  readonly #flow: ClientFlow
  #reading = false
  readonly #heads = new HeadReader()
  readonly #known = new KnownLines()
  readonly #body = new RequestBody()
  #tunnel: SocketTunnel | null = null
  #discarded: DiscardedRest | null = null
  /** Since when the client has been able to do what is waited for. */
  #since = performance.now()
  #served = false
  readonly #stall: StallWatch

  constructor(gateway: Gateway, accepted: Socket, onClosed: (connection: Http1Connection) => void, door: Door = MAIN) {
    this.door = door
    this.#gateway = gateway
    const lent = lendReads(accepted, (bytes) => this.#onData(bytes))
    const socket = lent ?? accepted
    this.#socket = socket
    this.#writer = new SocketWriter(socket)
    this.#flow = new ClientFlow(socket, this, gateway.pausedClients)
    this.#onClosed = onClosed
    this.address = door.address ?? socket.remoteAddress ?? null
    this.#stall = new StallWatch(socket, this.#writer, this.#since)
    if (lent === null) socket.on('data', (bytes: Buffer) => this.#onData(bytes))
    socket.on('drain', () => this.#onDrain())
    socket.on('end', () => this.#onEnd())
    // What it says is told by `close` as well: the client has left.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#onClose())
  }

  get unsentBytes(): number {
    return this.#writer.unsentBytes
  }

  /** Answers say that no request may follow. */
  get leaving(): boolean {
    return this.#gateway.leaving
  }

  /** True while no request is under way or arriving. */
  get idle(): boolean {
    return this.#state === 'head' && !this.#heads.isArriving && !this.#flow.holds && this.unsentBytes === 0
  }

  /** When the last answer ended, or the connection began. */
  get idleSince(): number {
    return this.#since
  }

  /** Little is left of the body: it is read over when the answer is complete, and the connection goes on. */
  get dropsBody(): boolean {
    return this.#body.endsWithin(DISCARD_BYTES)
  }

  writeText(text: string): boolean {
    return this.#writer.writeText(text)
  }

  /** The end of an answer behind which the connection goes on. */
  writeLast(text: string): void {
    this.#writer.writeLater(text)
  }

  writeBytes(bytes: Buffer): boolean {
    return this.#writer.writeBytes(bytes)
  }

  writeAll(pieces: readonly (string | Buffer)[]): boolean {
    return this.#writer.writeAll(pieces)
  }

  pauseBody(): void {
    this.#flow.pauseBody()
  }

  resumeBody(): void {
    // The client is not late with what nobody took.
    this.#since += this.#flow.unpauseBody()
    this.#goOn()
  }

  /**
   * libuv does not wait for the end of a socket that is not read. A write of nothing sends nothing, and fails once the kernel
   * knows of a reset (seen with Node 26.10 on Linux); an orderly end is seen by reading on for a bounded while.
   */
  lookWhilePaused(): void {
    this.#flow.readAhead()
    if (this.#socket.writable && this.unsentBytes === 0) this.#socket.write('')
  }

  /** There is now somebody who takes the body. */
  bodyWanted(): void {
    this.#goOn()
  }

  destroy(): void {
    const socket = this.#socket
    this.#writer.flush()
    // A client that knows the end of its answer by the end of the connection would take a FIN for it.
    const isCut = this.endsWithAnswer && (this.#state !== 'discard' || this.unsentBytes > 0)
    if (isCut && this.door.scheme === 'http') socket.resetAndDestroy()
    else socket.destroy()
  }

  /** The answer of a request is complete. */
  answered(stream: Http1Stream, keepAlive: boolean): void {
    if (stream !== this.#stream) return
    this.#stream = null
    this.#served = true
    if (!keepAlive || !(this.bodyRead || this.dropsBody)) return this.#leave()
    this.#state = this.bodyRead ? 'head' : 'drop'
    this.#since = this.#gateway.deadlines.now
    this.#flow.unpauseBody()
    this.#goOn()
  }

  /** From now on the bytes of the connection are another protocol's; those that came already are its first. */
  tunnel(): TunnelEnd {
    this.#stream = null
    this.#state = 'tunnel'
    this.#tunnel = new SocketTunnel(this.#socket, this.#flow.release())
    return this.#tunnel
  }

  /** Looks whether the client has taken too long; called every second or so. */
  sweep(now: number, timeouts: ConnectionTimeouts): void {
    if (this.#stall.isStalled(now, timeouts.answerIdleMs)) return this.#giveUp()
    const wait = this.#wait()
    if (wait === null) return
    if (waitsForAnswer(wait) && this.unsentBytes > 0) this.#since = now
    const routeMs = wait === 'body' ? this.#stream?.exchange?.route?.bodyTotalMs : undefined
    if (now - this.#since <= (routeMs ?? waitBoundMs(wait, timeouts))) return
    if (wait === 'head') this.#refuse(timeout('The head of the request'))
    else if (wait === 'body') this.#refuseCurrent(timeout('The request'))
    else if (wait === 'drop') this.#leave()
    else this.destroy()
  }

  /** What the client is to do next; null: nothing, or nobody takes it for now. */
  #wait(): Wait | null {
    switch (this.#state) {
      case 'head':
        return this.#heads.isArriving || !this.#served ? 'head' : 'next'
      case 'body':
        return this.#flow.bodyPaused ? null : 'body'
      case 'drop':
      case 'discard':
        return this.#state
      case 'answer':
      case 'tunnel':
      case 'closed':
        return null
    }
  }

  /** The client takes nothing of what waits for it. */
  #giveUp(): void {
    const x = this.#stream?.exchange ?? null
    if (x !== null) end(x, 'cancelled', new GatewayError('client_stalled', 'The client stopped reading.'))
    this.destroy()
  }

  #onData(bytes: Buffer): void {
    if (this.#tunnel !== null) return this.#tunnel.onBytes(ownBytes(bytes, 0))
    if (this.#discarded !== null) return this.#discarded.onBytes(bytes)
    if (this.#reading || this.#flow.holds) this.#flow.hold(bytes, 0)
    else this.#read(bytes)
  }

  /** Reads on where a request ended, or its body is asked for: first what came before, then what the socket has. */
  #goOn(): void {
    if (this.#reading) return
    if (this.#flow.holds) setImmediate(() => this.#readHeld())
    else this.#flow.adjust()
  }

  #readHeld(): void {
    if (this.#reading || this.#flow.bodyPaused) return
    const held = this.#flow.take()
    if (held !== null) this.#read(held)
  }

  #read(bytes: Buffer): void {
    this.#reading = true
    let at = 0
    try {
      at = this.#readRequests(bytes)
    } catch (error) {
      // Requests confine their own errors. What comes through all the same costs the connection, not the thread.
      this.#gateway.onFault(error, this.#stream?.exchange ?? null)
      this.destroy()
      at = bytes.length
    }
    this.#reading = false
    if (at < bytes.length) this.#flow.hold(bytes, at)
    else this.#flow.adjust()
  }

  /** Reads as far as it is somebody's turn; returns where it stopped. */
  #readRequests(bytes: Buffer): number {
    let at = 0
    while (at < bytes.length) {
      if (this.#state === 'head') {
        // A client that asks and asks but takes no answers is not served before it does.
        if (this.unsentBytes > HELD_BYTES) return at
        at = this.#readHead(bytes, at)
      } else if (this.#state === 'body') {
        const stream = this.#stream
        if (stream === null || stream.sink === null || this.#flow.bodyPaused) return at
        at = this.#readBody(stream, bytes, at)
      } else if (this.#state === 'drop') at = this.#dropBody(bytes, at)
      else if (this.#state === 'answer') return at
      else {
        this.#tunnel?.onBytes(ownBytes(bytes, at))
        return bytes.length
      }
    }
    return at
  }

  #readHead(bytes: Buffer, from: number): number {
    const heads = this.#heads
    const wasArriving = heads.isArriving
    const at = heads.read(bytes, from, this.#gateway.headLimits)
    if (at instanceof GatewayError) {
      this.#refuse(at)
      return bytes.length
    }
    const text = heads.take()
    if (text !== null) this.#begin(text)
    else if (heads.isArriving && !wasArriving) this.#since = performance.now()
    return at
  }

  #begin(text: string): void {
    const limits = this.#gateway.headLimits
    const head =
      text.length > limits.headBytes ? headTooLarge(limits.headBytes) : readRequestHead(text, limits, this.#known)
    if (head instanceof GatewayError) return this.#refuse(head)
    const stream = new Http1Stream(this, head)
    this.#stream = stream
    if (head.problem === null && !head.chunked && head.contentLength <= 0) {
      this.bodyRead = true
      this.#state = 'answer'
    } else {
      this.bodyRead = false
      this.#state = 'body'
      this.#since = performance.now()
      this.#body.expect(head)
    }
    stream.exchange = handle(this.#gateway, stream, head)
  }

  #readBody(stream: Http1Stream, bytes: Buffer, from: number): number {
    const body = this.#body
    const at = body.read(bytes, from)
    if (at instanceof GatewayError) {
      this.#refuseCurrent(at)
      return bytes.length
    }
    const { start, end, complete } = body
    // Whoever ends the request on hearing of its last bytes ends one whose body was read.
    if (complete) this.#bodyArrived()
    const { sink } = stream
    if (end > start && sink !== null) {
      sink.onBody(sink.takesLent === true ? bytes.subarray(start, end) : ownBytes(bytes, start, end))
    }
    if (complete) stream.sink?.onBodyEnd(body.trailers)
    return at
  }

  /** Reads over what nobody wants. Only the very end of the body lets another head begin. */
  #dropBody(bytes: Buffer, from: number): number {
    const body = this.#body
    const at = body.read(bytes, from)
    if (at instanceof GatewayError || !body.endsWithin(DISCARD_BYTES)) {
      this.#leave()
      return bytes.length
    }
    if (!body.complete) return at
    this.bodyRead = true
    this.#state = 'head'
    this.#since = performance.now()
    return at
  }

  #bodyArrived(): void {
    this.bodyRead = true
    this.#state = 'answer'
  }

  /** Ends the current request, whose body cannot be read to its end. */
  #refuseCurrent(error: GatewayError): void {
    const x = this.#stream?.exchange ?? null
    if (x === null || x.settled) this.destroy()
    else refuse(x, error)
  }

  /** Answers what is no request, and closes. */
  #refuse(error: GatewayError): void {
    this.#heads.drop()
    this.#gateway.onUnreadable?.(error)
    const body = unreadableAnswer(error)
    const stream = new Http1Stream(this, new RequestHead('', ''))
    this.#stream = stream
    stream.closeAfterAnswer()
    stream.answer(error.status, ['content-type', 'application/json'], body)
  }

  /** No request follows: what still arrives is thrown away, so that the client can read the answer to its end. */
  #leave(): void {
    this.#state = 'discard'
    this.#since = performance.now()
    this.#flow.release()
    this.#discarded = new DiscardedRest(this.#socket)
    this.#discarded.begin(this.#writer)
  }

  #onDrain(): void {
    if (this.#tunnel !== null) return this.#tunnel.onDrain()
    const x = this.#stream?.exchange ?? null
    if (x !== null) drained(x)
    else this.#goOn()
  }

  /** The client has closed its side: it wants no answer any more, but gets what is on the way. */
  #onEnd(): void {
    if (this.#tunnel !== null) return this.#tunnel.onEnd()
    if (this.#stream !== null || this.unsentBytes === 0) this.destroy()
    else if (this.#state === 'head') this.#leave()
  }

  #onClose(): void {
    this.#flow.release()
    this.#onClosed(this)
    this.#tunnel?.onClose()
    this.#state = 'closed'
    this.#heads.drop()
    const stream = this.#stream
    this.#stream = null
    if (stream !== null) {
      stream.abandon()
      if (stream.exchange !== null) cancel(stream.exchange)
    }
  }
}

function timeout(what: string): GatewayError {
  return new GatewayError('request_timeout', `${what} did not arrive in time.`)
}
