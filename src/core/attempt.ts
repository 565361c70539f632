import { AnswerRelay } from './answer-relay.ts'
import {
  attemptDueAt,
  type Held,
  heldUntil,
  type Progress,
  passedDeadline,
  type Stage,
  totalDueAt,
  waitsForClient,
} from './attempt-deadlines.ts'
import { NO_MORE, TAKEN_OVER } from './attempting.ts'
import type { Failure } from './balance/outcome.ts'
import type { Watched } from './deadlines.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Lease } from './lease.ts'
import type { AnswerHeaders, Candidate, DispatchController, ResponseHandler, TunnelEnd } from './phases.ts'
import { fault } from './respond/fault.ts'
import { refuse } from './respond/refuse.ts'
import { end, settle } from './settle.ts'
import { switchProtocols } from './switch-protocols.ts'
import { failureOf, faultOf, isRefused } from './upstream/fault.ts'

const TOO_SLOW = 'The client did not take the answer within the total deadline.'

/** Begins the attempt that follows, after so many milliseconds. */
export type BeginAgain = (x: Exchange, waitMs: number) => void

/** One dispatch of a request to one upstream: how far it is, what ends it, and what follows. Its answer goes by `AnswerRelay`. */
export class Attempt implements ResponseHandler, Watched, Progress {
  #x: Exchange
  readonly #candidate: Candidate
  readonly #again: BeginAgain
  readonly #relay: AnswerRelay
  #controller: DispatchController | null = null
  stage: Stage = 'connect'
  lastByteAt: number
  #queuedUntil = 0
  lease: Lease | null = null
  dueAt: number

  /** `again` begins the attempt that follows this one, after so many milliseconds. */
  constructor(x: Exchange, candidate: Candidate, again: BeginAgain) {
    this.#x = x
    this.#candidate = candidate
    this.#again = again
    this.#relay = new AnswerRelay(x, candidate.open(x))
    this.lastByteAt = x.dispatchedAt
    this.dueAt = this.#nextDueAt()
    x.watched = this
  }

  /** True when nobody waits for this answer any more. */
  get done(): boolean {
    return this.stage === 'done'
  }

  /** The answer is a stream by its nature, in which an error may follow. */
  get eventful(): boolean {
    return this.#relay.eventful
  }

  get silent(): boolean {
    return this.#relay.silent
  }

  get held(): Held | null {
    return this.#relay.held
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
    this.lastByteAt = performance.now()
    if (x.firstByteAt === 0) x.firstByteAt = this.lastByteAt
    const wait = x.attempting === null ? NO_MORE : x.attempting.onHead(x, status, headers)
    if (wait !== NO_MORE) return this.#giveWay(wait, null)
    const problem = this.#relay.begin(controller, status, headers)
    if (problem !== null) this.#reject(problem)
    else this.dueAt = this.#nextDueAt()
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
    this.#relay.expectEnd()
    this.onResponseData(controller, chunk)
  }

  #take(chunk: Buffer): void {
    this.lastByteAt = this.#x.gateway.deadlines.now
    const isUnheard = !this.#x.client.headSent
    const problem = this.#relay.take(chunk)
    if (problem !== null) return this.#reject(problem)
    if (isUnheard && this.#x.client.headSent) this.dueAt = this.#nextDueAt()
  }

  onResponseEnd(_controller: DispatchController, trailers: readonly string[] | null): void {
    this.lease?.release()
    if (this.stage === 'done') return
    try {
      if (this.#relay.streaming) this.#endStream(trailers)
      else this.#endWhole()
    } catch (error) {
      fault(this.#x, error) // as above
    }
  }

  #endWhole(): void {
    const body = this.#relay.whole()
    if (body instanceof GatewayError) return this.#reject(body)
    const x = this.#x
    x.attempting?.onAnswer?.(x)
    this.release()
    this.#relay.sendWhole(body)
    settle(x)
  }

  #endStream(trailers: readonly string[] | null): void {
    const last = this.#relay.end()
    if (last instanceof GatewayError) return this.#reject(last)
    const x = this.#x
    x.attempting?.onAnswer?.(x)
    this.release()
    this.#relay.sendEnd(last, trailers)
    settle(x)
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
      switchProtocols(this.#x, this.#candidate, this.#relay.tap, { headers, end })
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
    this.#relay.serve(x)
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
    this.#relay.drop()
    this.#x.watched = null
  }

  /** The client takes more of the answer. */
  drained(): void {
    if (!this.#relay.paused) return
    this.#relay.paused = false
    this.lastByteAt = this.#x.gateway.deadlines.now
    if (this.stage === 'done') return
    this.dueAt = this.#nextDueAt()
    this.#controller?.resume()
  }

  #nextDueAt(): number {
    const { upstream } = this.#candidate
    // A client that takes what it has been sent too slowly, or not at all, is its connection's to notice.
    const due = this.#relay.paused ? totalDueAt(this.#x, upstream) : attemptDueAt(this.#x, upstream, this)
    return Math.min(this.#relay.dueAt, due)
  }

  onDue(now: number): void {
    if (this.stage === 'body') this.#sendWhatIsDue(now)
    if (this.stage === 'done') return
    this.dueAt = this.#nextDueAt()
    if (this.dueAt > now) return
    const { upstream } = this.#candidate
    if (this.#relay.paused) end(this.#x, 'cancelled', new GatewayError('client_stalled', TOO_SLOW))
    else if (waitsForClient(this.#x, upstream, this, now))
      refuse(this.#x, new GatewayError('request_timeout', 'The body stopped arriving.'))
    else if (!this.#isCutShort(now)) {
      const { error, failure } = passedDeadline(this.#x, upstream, this, now)
      this.fail(error, failure)
    }
    if (!this.#x.settled) return
    this.#x.client.cut()
  }

  /** An error whose words do not come is told by its status, and by what there is of them. */
  #isCutShort(now: number): boolean {
    if (this.held?.what !== 'error' || now < heldUntil(this.#x, this.#candidate.upstream.timeouts, this)) return false
    try {
      const error = this.#relay.cutShort()
      if (error === null) return false
      this.#reject(error)
    } catch (thrown) {
      fault(this.#x, thrown) // as above
    }
    return true
  }

  #sendWhatIsDue(now: number): void {
    try {
      this.#relay.onDue(now)
    } catch (error) {
      fault(this.#x, error) // as above
    }
  }
}
