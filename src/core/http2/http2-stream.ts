import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { BodySink, ClientStream } from '../client-stream.ts'
import { drained } from '../drained.ts'
import type { Exchange } from '../exchange.ts'
import type { RequestHead } from '../http1/request-head.ts'
import type { ClientCertificate } from '../listen/client-certificate.ts'
import type { ConnectionTimeouts } from '../listen/door.ts'
import { cancel } from '../settle.ts'
import { answerList } from './answer-list.ts'
import type { Http2Session } from './http2-session.ts'
import { trailerFields } from './trailer-fields.ts'

/** A code of RST_STREAM (RFC 9113, 7). */
const NO_ERROR = 0
/** Of one write, a client that takes less of it a second is given up. */
const SLOWEST_BYTES_PER_SECOND = 4_096

/** One request on an HTTP/2 connection. */
export class Http2Stream implements ClientStream {
  /** Set when the gateway has begun to serve the request. */
  exchange: Exchange | null = null
  headSent = false
  ended = false
  /** The answer, or the refusal of one, was ours; not a reset of the client. */
  finished = false
  readonly #session: Http2Session
  readonly #stream: ServerHttp2Stream
  readonly #head: RequestHead
  /** When the body began to be waited for; later by the time in which nobody took it. */
  #since = performance.now()
  /** Since when the body is not taken; -1 while it is. */
  #pausedAt = -1
  #bodyRead: boolean
  #sink: BodySink | null = null
  #hasBody = false
  /** Bytes that the answer's Content-Length still promises; -1 when it promises none. */
  #promised = -1
  /** The client takes trailers: the answer ends when it is known whether there are any. */
  #trailing = false
  #trailers: OutgoingHttpHeaders = {}
  #unsent = 0
  #movedAt = this.#since

  constructor(session: Http2Session, stream: ServerHttp2Stream, head: RequestHead, complete: boolean) {
    this.#session = session
    this.#stream = stream
    this.#head = head
    this.#bodyRead = complete
    stream.on('drain', () => {
      if (this.exchange !== null) drained(this.exchange)
    })
    // The client has reset it, before our side was complete; `close` tells all other ends.
    stream.on('aborted', () => this.abandon())
    stream.on('error', () => undefined)
    stream.on('close', () => {
      this.abandon()
      session.gone(this)
    })
  }

  get address(): string | null {
    return this.#session.address
  }

  get listener(): string {
    return this.#session.door.listener
  }

  get scheme(): 'http' | 'https' {
    return this.#session.door.scheme
  }

  get certificate(): ClientCertificate | null {
    return this.#session.door.certificate ?? null
  }

  get unsentBytes(): number {
    return this.ended ? 0 : this.#stream.writableLength
  }

  readBody(sink: BodySink): void {
    if (this.ended) return
    this.#sink = sink
    const stream = this.#stream
    let trailers: readonly string[] | null = null
    stream.on('trailers', (_trailers, _flags, list) => {
      trailers = list
    })
    stream.on('end', () => {
      // A reset ends what can be read, too.
      if (stream.aborted || this.#sink === null) return
      this.#bodyRead = true
      this.#sink.onBodyEnd(trailers)
    })
    stream.on('data', (bytes: Buffer) => {
      this.#session.bodyBytes += bytes.length
      this.#sink?.onBody(bytes)
    })
  }

  pauseBody(): void {
    if (this.ended) return
    if (this.#pausedAt < 0) this.#pausedAt = performance.now()
    this.#stream.pause()
  }

  resumeBody(): void {
    if (this.ended) return
    if (this.#pausedAt >= 0) this.#since += performance.now() - this.#pausedAt
    this.#pausedAt = -1
    this.#stream.resume()
  }

  askForBody(): void {
    if (!this.ended && !this.headSent && !this.#stream.closed) this.#stream.additionalHeaders({ ':status': 100 })
  }

  answer(status: number, headers: string[], body: Buffer | string): void {
    if (this.ended || this.headSent) return
    const { list, length } = answerList(status, headers)
    const silent = this.#isSilent(status)
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    if (!silent && length >= 0 && length !== bytes) throw new RangeError('the length of an answer is wrong')
    if (length < 0 && !isBodiless(status)) list.push('content-length', String(bytes))
    this.headSent = true
    const empty = silent || bytes === 0
    this.#respond(list, empty)
    if (!empty) this.#stream.end(body)
    this.#finish()
  }

  start(status: number, headers: string[]): void {
    if (this.ended || this.headSent) return
    const { list, length } = answerList(status, headers)
    this.#hasBody = !this.#isSilent(status)
    if (this.#hasBody) this.#promised = length
    this.headSent = true
    this.#trailing = this.#hasBody && this.#head.get('te') === 'trailers'
    const stream = this.#stream
    if (this.#trailing) stream.on('wantTrailers', () => this.#sendTrailers())
    this.#respond(list, !this.#hasBody)
  }

  write(bytes: Buffer): boolean {
    if (this.ended || !this.#hasBody || bytes.length === 0) return true
    return !this.#keepsPromise(bytes.length) || this.#stream.write(bytes)
  }

  end(last: Buffer | null, trailers: readonly string[] | null = null): void {
    const length = this.#hasBody ? (last?.length ?? 0) : 0
    if (this.ended || !this.#keepsPromise(length)) return
    if (this.#promised > 0) return this.cut()
    if (trailers !== null && this.#trailing) this.#trailers = trailerFields(trailers)
    if (this.#hasBody) {
      if (last === null || length === 0) this.#stream.end()
      else this.#stream.end(last)
    }
    this.#finish()
  }

  cut(): void {
    if (this.ended) return
    this.ended = true
    this.finished = true
    this.#sink = null
    this.#reset()
  }

  /** HTTP/2 switches no protocols (RFC 9113, 8.6). */
  upgrade(): null {
    return null
  }

  closeAfterAnswer(): void {
    this.#session.leaveAfter(this)
  }

  /** The client has left, or the stream is over: nothing that is called has an effect any more. */
  abandon(): void {
    // What we end ourselves is no client that has left.
    const left = !this.ended
    this.ended = true
    this.#sink = null
    if (left && this.exchange !== null) cancel(this.exchange)
  }

  /** Why the stream has taken too long, or null. */
  lateness(now: number, { requestTimeoutMs, answerIdleMs }: ConnectionTimeouts): 'body' | 'answer' | null {
    if (!this.ended && !this.#bodyRead && this.#sink !== null && this.#pausedAt < 0) {
      if (now - this.#since > (this.exchange?.route?.bodyTotalMs ?? requestTimeoutMs)) return 'body'
    }
    const unsent = this.#stream.writableLength
    if (unsent !== this.#unsent || unsent === 0) {
      this.#unsent = unsent
      this.#movedAt = now
    }
    const patienceMs = answerIdleMs + (unsent / SLOWEST_BYTES_PER_SECOND) * 1_000
    return now - this.#movedAt > patienceMs ? 'answer' : null
  }

  /** Ends the stream whatever state it is in. */
  destroy(): void {
    this.abandon()
    this.#reset()
  }

  /**
   * RST_STREAM with INTERNAL_ERROR. Not by `close(code)`: Node ends the stream first, and what was cut would look whole
   * (seen with 26.10).
   */
  #reset(): void {
    this.#stream.destroy(new Error('the answer was cut'))
  }

  #isSilent(status: number): boolean {
    return this.#head.method === 'HEAD' || isBodiless(status)
  }

  #respond(list: string[], endStream: boolean): void {
    if (!this.#stream.closed) this.#stream.respond(list, { endStream, waitForTrailers: this.#trailing })
  }

  /** Everything before the trailers has left. */
  #sendTrailers(): void {
    const stream = this.#stream
    if (stream.closed || stream.destroyed) return
    stream.sendTrailers(this.#trailers)
    // They leave in the next turn.
    if (!this.#bodyRead) setImmediate(() => setImmediate(() => stream.close(NO_ERROR)))
  }

  /** False, and the answer cut, when it grows longer than its head says. */
  #keepsPromise(bytes: number): boolean {
    if (this.#promised < 0) return true
    this.#promised -= bytes
    if (this.#promised >= 0) return true
    this.cut()
    return false
  }

  #finish(): void {
    this.ended = true
    this.finished = true
    this.#sink = null
    // The client need not send the rest of its body (RFC 9113, 8.1), once the answer is out.
    const stream = this.#stream
    if (!this.#bodyRead && !this.#trailing) stream.once('finish', () => setImmediate(() => stream.close(NO_ERROR)))
    this.#session.answered(this)
  }
}

/** Answers that never have a body (RFC 9110, 6.4.1 and 15.3.6). */
function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 205 || status === 304
}
