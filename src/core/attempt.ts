import { attemptDueAt, type Progress, passedDeadline, type Stage, waitsForClient } from './attempt-deadlines.ts'
import { NO_MORE, TAKEN_OVER } from './attempting.ts'
import type { Failure } from './balance/outcome.ts'
import type { Watched } from './deadlines.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { HeldEvents, joined } from './held-events.ts'
import type { Lease } from './lease.ts'
import type { AnswerHeaders, AnswerTap, Candidate, DispatchController, ResponseHandler, TunnelEnd } from './phases.ts'
import { fault } from './respond/fault.ts'
import { refuse } from './respond/refuse.ts'
import { end, settle } from './settle.ts'
import { switchProtocols } from './switch-protocols.ts'
import { failureOf, faultOf, isRefused } from './upstream/fault.ts'

/** An answer up to this size is collected and sent in one piece; a larger one is streamed. */
const BUFFER_LIMIT = 262_144
/** The head of a relayed answer waits so long for the body: one that breaks off before can still be asked for again. */
const HEAD_WAIT_MS = 50
const EMPTY = Buffer.alloc(0)

/** Begins the attempt that follows, after so many milliseconds. */
export type BeginAgain = (x: Exchange, waitMs: number) => void

/** One dispatch of a request to one upstream, and the relay of its answer. */
export class Attempt implements ResponseHandler, Watched, Progress {
  #x: Exchange
  readonly #candidate: Candidate
  readonly #again: BeginAgain
  readonly #tap: AnswerTap
  #controller: DispatchController | null = null
  #headers: AnswerHeaders = {}
  #status = 0
  #chunks: Buffer[] | null = null
  #buffered = 0
  #paused = false
  /** When the head leaves without a body; Infinity when it does not. */
  #headDueAt = Number.POSITIVE_INFINITY
  /** The piece that comes is the last: it leaves together with the end. */
  #last = false
  #final: Buffer | null = null
  #held: HeldEvents | null = null
  /** When the client was last sent something of a stream. */
  #lastSentAt = 0
  stage: Stage = 'connect'
  lastByteAt: number
  #queuedUntil = 0
  /** The answer is relayed as it comes. */
  streaming = false
  /** It is a stream by its nature, in which an error may follow; not a whole that was too large to be held. */
  eventful = false
  lease: Lease | null = null
  dueAt: number

  /** `again` begins the attempt that follows this one, after so many milliseconds. */
  constructor(x: Exchange, candidate: Candidate, again: BeginAgain) {
    this.#x = x
    this.#candidate = candidate
    this.#again = again
    this.#tap = candidate.open(x)
    this.lastByteAt = x.dispatchedAt
    this.dueAt = this.#nextDueAt()
    x.watched = this
  }

  /** True when nobody waits for this answer any more. */
  get done(): boolean {
    return this.stage === 'done'
  }

  get queuedUntil(): number {
    return this.#queuedUntil
  }

  /** Set by a transport that has no free connection: to Infinity, and then to when it had one. */
  set queuedUntil(at: number) {
    this.#queuedUntil = at
    if (this.stage === 'connect') this.dueAt = this.#nextDueAt()
  }

  onRequestStart(controller: DispatchController): void {
    this.#controller = controller
    if (this.stage === 'done') controller.abort(new Error('the attempt ended before its connection was ready'))
    else {
      this.stage = 'head'
      this.#x.sent = true
      this.#x.attempting?.onSent?.(this.#x)
    }
  }

  onRequestSent(): void {
    this.#x.bodyClaims--
  }

  onResponseStart(controller: DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200 || this.stage === 'done') return
    try {
      this.#begin(controller, status, headers)
    } catch (error) {
      fault(this.#x, error) // a transport would take it for a failure of the upstream
    }
  }

  #begin(controller: DispatchController, status: number, headers: AnswerHeaders): void {
    const x = this.#x
    this.#controller = controller
    this.stage = 'body'
    this.#status = status
    this.#headers = headers
    this.lastByteAt = performance.now()
    if (x.firstByteAt === 0) x.firstByteAt = this.lastByteAt
    const wait = x.attempting === null ? NO_MORE : x.attempting.onHead(x, status, headers)
    if (wait !== NO_MORE) return this.#giveWay(wait, null)
    const plan = this.#tap.start(status, headers)
    if (plan instanceof GatewayError) this.#reject(plan)
    else {
      this.streaming = plan !== 'buffer'
      this.eventful = plan === 'stream'
      if (plan === 'relay') this.#headDueAt = this.lastByteAt + HEAD_WAIT_MS
      this.dueAt = this.#nextDueAt()
    }
  }

  onResponseData(_controller: DispatchController, chunk: Buffer): void {
    if (this.stage === 'done') return
    try {
      this.#take(chunk)
    } catch (error) {
      fault(this.#x, error) // as above
    }
  }

  onResponseLast(controller: DispatchController, chunk: Buffer): void {
    this.#last = true
    this.onResponseData(controller, chunk)
  }

  #take(chunk: Buffer): void {
    this.lastByteAt = this.#x.gateway.deadlines.now
    if (this.streaming) return this.#forward(this.#tap.push(chunk))
    this.#buffered += chunk.length
    if (this.#chunks === null) this.#chunks = [chunk]
    else this.#chunks.push(chunk)
    if (this.#buffered > BUFFER_LIMIT) {
      const held = Buffer.concat(this.#chunks)
      this.#chunks = null
      this.streaming = true
      this.#forward(this.#tap.push(held))
    }
  }

  onResponseEnd(_controller: DispatchController, trailers: readonly string[] | null): void {
    this.lease?.release()
    if (this.stage === 'done') return
    try {
      if (this.streaming) this.#endStream(trailers)
      else this.#endBuffered()
    } catch (error) {
      fault(this.#x, error) // as above
    }
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    this.lease?.release()
    if (this.stage === 'done') return
    const connected = this.stage !== 'connect'
    const answering = this.stage === 'body'
    this.fail(
      faultOf(error, this.#candidate.upstream.name, connected, answering),
      failureOf(error, connected, answering),
    )
  }

  onUpgrade(_controller: DispatchController, headers: AnswerHeaders, end: TunnelEnd): void {
    if (this.stage === 'done') return end.destroy()
    try {
      this.stage = 'body'
      switchProtocols(this.#x, this.#candidate, this.#tap, { headers, end })
    } catch (error) {
      end.destroy()
      fault(this.#x, error) // as above
    }
  }

  /** This attempt came to nothing; another may follow as long as the client has seen none of its answer. */
  fail(error: GatewayError, failure: Failure): void {
    try {
      this.#fail(error, failure)
    } catch (thrown) {
      fault(this.#x, thrown) // nobody above a transport or a deadline would confine it to this request
    }
  }

  #fail(error: GatewayError, failure: Failure): void {
    const x = this.#x
    const { attempting } = x
    if (attempting !== null) {
      if (x.client.headSent) attempting.onBroken(x, failure)
      else {
        const unseen = this.stage === 'connect' || isRefused(error.cause)
        const wait = attempting.onFailure(x, { failure, error, processed: unseen ? 'no' : 'unknown' })
        if (wait !== NO_MORE) return this.#giveWay(wait, failure)
      }
    }
    refuse(x, attempting?.verdict?.(x, error) ?? error)
  }

  /** Rejects the answer in the next turn, when the attempt has not ended by then: for a tap that has given bytes now. */
  rejectSoon(error: GatewayError): void {
    process.nextTick(() => {
      if (this.stage === 'done') return
      try {
        this.#reject(error)
      } catch (thrown) {
        fault(this.#x, thrown) // nobody above would confine it to this request
      }
    })
  }

  /** The tap found that this answer is none: another attempt may follow as long as the client has seen none of it. */
  #reject(error: GatewayError): void {
    const x = this.#x
    const { attempting } = x
    const wait = attempting?.onRejected?.(x, error) ?? NO_MORE
    if (wait !== NO_MORE) return this.#giveWay(wait, 'invalid_answer')
    refuse(x, attempting?.verdict?.(x, error) ?? error)
  }

  #giveWay(waitMs: number, failure: Failure | null): void {
    if (waitMs === TAKEN_OVER) return
    const x = this.#x
    this.abort(new Error('another attempt follows'))
    x.upload?.close()
    x.route?.giveWay?.(x, failure)
    this.#again(x, waitMs)
  }

  /** From now on it serves this request, whose own attempt is over: it was one of the request's double. */
  serve(x: Exchange): void {
    this.#x = x
    x.attempt = this
    x.watched = this
  }

  /** Stops this attempt: the upstream's connection is closed if the answer is not complete. */
  abort(reason: Error): void {
    if (this.stage === 'done') return
    this.release()
    this.#controller?.abort(reason)
  }

  /** No callback has an effect any more; the deadline is off. */
  release(): void {
    this.stage = 'done'
    this.#chunks = null
    this.#x.watched = null
  }

  /** No other attempt can answer from here on. */
  #beFirst(): Exchange {
    this.#x.attempting?.onFirst?.(this.#x)
    return this.#x // another one, when this was the attempt of a double
  }

  #endBuffered(): void {
    const chunks = this.#chunks ?? []
    const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
    const result = this.#tap.complete(body)
    if (result instanceof GatewayError) return this.#reject(result)
    const x = this.#beFirst()
    x.attempting?.onAnswer?.(x)
    const headers = this.#tap.headers(this.#headers, result)
    this.release()
    x.route?.editAnswer?.(x, this.#status, headers)
    x.status = this.#status
    x.bytesOut = result.length
    x.client.answer(this.#status, headers, result)
    settle(x)
  }

  #endStream(trailers: readonly string[] | null): void {
    const ending = this.#tap.end()
    const final = this.#final
    if (ending instanceof GatewayError) {
      this.#last = false
      this.#forward(final)
      return this.#reject(ending)
    }
    const x = this.#x.client.headSent ? this.#x : this.#beFirst()
    x.attempting?.onAnswer?.(x)
    const last = joined(this.#held?.take() ?? null, joined(final, ending))
    this.#sendHead()
    this.release()
    if (last !== null) x.bytesOut += last.length
    x.client.end(last, trailers === null ? null : this.#tap.trailers?.(trailers))
    settle(x)
  }

  #forward(out: Buffer | GatewayError | null): void {
    if (out === null) return
    if (out instanceof GatewayError) return this.#reject(out)
    if (this.#last) {
      this.#final = out
      return
    }
    if (this.#isHeldBack(out)) return
    const isFirst = !this.#x.client.headSent
    if (isFirst) this.#beFirst()
    const bytes = joined(this.#held?.take() ?? null, out) ?? out
    this.#sendHead()
    this.#lastSentAt = this.lastByteAt
    this.#write(bytes)
    if (isFirst) this.dueAt = this.#nextDueAt()
  }

  #write(bytes: Buffer): void {
    const x = this.#x
    x.bytesOut += bytes.length
    if (!x.client.write(bytes) && !this.#paused) {
      this.#paused = true
      this.#controller?.pause()
    }
  }

  /** Another attempt is possible as long as the client has seen nothing: what says nothing yet waits for what does. */
  #isHeldBack(out: Buffer): boolean {
    const x = this.#x
    if (!this.eventful || x.attempting === null || x.client.headSent || this.#tap.silent !== true) return false
    this.#held ??= new HeldEvents()
    return this.#held.add(out)
  }

  /** The client takes more of the answer. */
  drained(): void {
    if (!this.#paused) return
    this.#paused = false
    this.lastByteAt = this.#x.gateway.deadlines.now
    if (this.stage === 'done') return
    this.dueAt = this.#nextDueAt()
    this.#controller?.resume()
  }

  #sendHead(): void {
    const x = this.#x
    if (x.client.headSent) return
    const headers = this.#tap.headers(this.#headers, null)
    x.route?.editAnswer?.(x, this.#status, headers)
    x.status = this.#status
    x.client.start(this.#status, headers)
  }

  #nextDueAt(): number {
    return Math.min(this.#headDueAt, this.#beatDueAt(), attemptDueAt(this.#x, this.#candidate.upstream, this))
  }

  /** A heartbeat commits the answer: there is none before its first byte, nor for a client that does not read. */
  #beatDueAt(): number {
    const { heartbeat } = this.#tap
    if (heartbeat === undefined || heartbeat === null) return Number.POSITIVE_INFINITY
    if (!this.eventful || this.#paused || !this.#x.client.headSent) return Number.POSITIVE_INFINITY
    return this.#lastSentAt + heartbeat.everyMs
  }

  /** The upstream's own deadlines go on: it has said nothing. */
  #beat(now: number): void {
    const { heartbeat } = this.#tap
    if (heartbeat === undefined || heartbeat === null) return
    this.#lastSentAt = now
    try {
      this.#write(heartbeat.bytes)
    } catch (error) {
      fault(this.#x, error) // as above
    }
  }

  /** Of a stream nothing has come yet that says anything. */
  get silent(): boolean {
    return this.eventful && !this.#x.client.headSent
  }

  onDue(now: number): void {
    if (this.#headDueAt <= now) this.#sendHeadAlone()
    if (this.stage === 'body' && this.#beatDueAt() <= now) this.#beat(now)
    if (this.stage === 'done') return
    this.dueAt = this.#nextDueAt()
    if (this.dueAt > now) return
    const { upstream } = this.#candidate
    if (this.#paused) end(this.#x, 'cancelled', new GatewayError('client_stalled', 'The client stopped reading.'))
    else if (waitsForClient(this.#x, upstream, this, now))
      refuse(this.#x, new GatewayError('request_timeout', 'The body stopped arriving.'))
    else {
      const { error, failure } = passedDeadline(this.#x, upstream, this, now)
      this.fail(error, failure)
    }
    if (!this.#x.settled) return
    this.#x.client.cut()
  }

  #sendHeadAlone(): void {
    this.#headDueAt = Number.POSITIVE_INFINITY
    if (this.#x.client.headSent) return
    try {
      this.#forward(EMPTY)
    } catch (error) {
      fault(this.#x, error) // as above
    }
  }
}
