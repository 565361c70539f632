import type { Held } from './attempt-deadlines.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { HeldEvents, joined } from './held-events.ts'
import type { AnswerHeaders, AnswerTap, DispatchController } from './phases.ts'

/** An answer up to this size is collected and sent in one piece; a larger one is streamed. */
const BUFFER_LIMIT = 262_144
/** The head of a relayed answer waits so long for the body: one that breaks off before can still be asked for again. */
const HEAD_WAIT_MS = 50
const EMPTY = Buffer.alloc(0)

/** The way of one attempt's answer through its tap to the client: collected and sent whole, or piece by piece as it comes. */
export class AnswerRelay {
  readonly tap: AnswerTap
  #x: Exchange
  #controller: DispatchController | null = null
  #headers: AnswerHeaders = {}
  #status = 0
  #chunks: Buffer[] | null = null
  #buffered = 0
  /** When the head leaves without a body; Infinity when it does not. */
  #headDueAt = Number.POSITIVE_INFINITY
  /** The piece that comes is the last: it leaves together with the end. */
  #last = false
  #final: Buffer | null = null
  #held: HeldEvents | null = null
  /** When the client was last sent something of a stream. */
  #lastSentAt = 0
  /** The answer is relayed as it comes. */
  streaming = false
  /** It is a stream by its nature, in which an error may follow; not a whole that was too large to be held. */
  eventful = false
  /** The client does not take what was sent: the upstream waits. */
  paused = false
  /** The body is collected before anything of it is passed on; null: it is not. */
  held: Held | null = null

  constructor(x: Exchange, tap: AnswerTap) {
    this.#x = x
    this.tap = tap
  }

  /** From now on this request's client gets the answer. */
  serve(x: Exchange): void {
    this.#x = x
  }

  /** The head came. An error when the tap finds that this is no answer. */
  begin(controller: DispatchController, status: number, headers: AnswerHeaders): GatewayError | null {
    this.#controller = controller
    this.#status = status
    this.#headers = headers
    const plan = this.tap.start(status, headers)
    if (plan instanceof GatewayError) return plan
    this.streaming = plan !== 'buffer'
    this.eventful = plan === 'stream'
    if (plan === 'relay') this.#headDueAt = performance.now() + HEAD_WAIT_MS
    if (plan === 'buffer') this.held = { what: status < 400 ? 'answer' : 'error', sinceMs: performance.now() }
    return null
  }

  /** A piece of the body came. An error as of `begin`. */
  take(chunk: Buffer): GatewayError | null {
    if (this.streaming) return this.#forward(this.tap.push(chunk))
    this.#buffered += chunk.length
    if (this.#chunks === null) this.#chunks = [chunk]
    else this.#chunks.push(chunk)
    if (this.#buffered <= BUFFER_LIMIT) return null
    const held = Buffer.concat(this.#chunks)
    this.#chunks = null
    this.streaming = true
    return this.#forward(this.tap.push(held))
  }

  /** The piece that comes now is the last: the end follows within the same call. */
  expectEnd(): void {
    this.#last = true
  }

  /** The whole body as the client gets it, or an error as of `begin`. */
  whole(): Buffer | GatewayError {
    const chunks = this.#chunks ?? []
    const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
    const result = this.tap.complete(body)
    if (!(result instanceof GatewayError)) this.#beFirst()
    return result
  }

  /** The error that an answer is by what came of it so far; null when it is none. */
  cutShort(): GatewayError | null {
    const result = this.tap.complete(Buffer.concat(this.#chunks ?? []))
    return result instanceof GatewayError ? result : null
  }

  sendWhole(body: Buffer): void {
    const x = this.#x
    const headers = this.tap.headers(this.#headers, body)
    x.route?.editAnswer?.(x, this.#status, headers)
    x.status = this.#status
    x.bytesOut = body.length
    x.client.answer(this.#status, headers, body)
  }

  /** The stream has ended: the last bytes of it, null for none, or an error as of `begin`, before which the client gets the rest. */
  end(): Buffer | GatewayError | null {
    const ending = this.tap.end()
    const final = this.#final
    if (ending instanceof GatewayError) {
      this.#last = false
      this.#forward(final)
      return ending
    }
    if (!this.#x.client.headSent) this.#beFirst()
    return joined(this.#held?.take() ?? null, joined(final, ending))
  }

  sendEnd(last: Buffer | null, trailers: readonly string[] | null): void {
    const x = this.#x
    this.#sendHead()
    if (last !== null) x.bytesOut += last.length
    x.client.end(last, trailers === null ? null : this.tap.trailers?.(trailers))
  }

  /** Nothing of the answer is wanted any more. */
  drop(): void {
    this.#chunks = null
  }

  /** Of a stream nothing has come yet that says anything. */
  get silent(): boolean {
    return this.eventful && !this.#x.client.headSent
  }

  /** When the client is to be sent something although nothing has come; Infinity for never. */
  get dueAt(): number {
    return Math.min(this.#headDueAt, this.#beatDueAt())
  }

  /** Sends what is due while nothing comes: the head alone, a heartbeat. */
  onDue(now: number): void {
    if (this.#headDueAt <= now) {
      this.#headDueAt = Number.POSITIVE_INFINITY
      if (!this.#x.client.headSent) this.#forward(EMPTY)
    }
    if (this.#beatDueAt() <= now) this.#beat(now)
  }

  #forward(out: Buffer | GatewayError | null): GatewayError | null {
    if (out === null || out instanceof GatewayError) return out
    if (this.#last) {
      this.#final = out
      return null
    }
    if (this.#isHeldBack(out)) return null
    if (!this.#x.client.headSent) this.#beFirst()
    const bytes = joined(this.#held?.take() ?? null, out) ?? out
    this.#sendHead()
    this.#lastSentAt = this.#x.gateway.deadlines.now
    this.#write(bytes)
    return null
  }

  /** No other attempt can answer from here on. The request may be another one then, when this was the attempt of its double. */
  #beFirst(): void {
    this.#x.attempting?.onFirst?.(this.#x)
  }

  /** Another attempt is possible as long as the client has seen nothing: what says nothing yet waits for what does. */
  #isHeldBack(out: Buffer): boolean {
    const x = this.#x
    if (!this.eventful || x.attempting === null || x.client.headSent || this.tap.silent !== true) return false
    this.#held ??= new HeldEvents()
    return this.#held.add(out)
  }

  #sendHead(): void {
    const x = this.#x
    if (x.client.headSent) return
    const headers = this.tap.headers(this.#headers, null)
    x.route?.editAnswer?.(x, this.#status, headers)
    x.status = this.#status
    x.client.start(this.#status, headers)
  }

  #write(bytes: Buffer): void {
    const x = this.#x
    x.bytesOut += bytes.length
    if (!x.client.write(bytes) && !this.paused) {
      this.paused = true
      this.#controller?.pause()
    }
  }

  /** A heartbeat commits the answer: there is none before its first byte, nor for a client that does not read. */
  #beatDueAt(): number {
    const { heartbeat } = this.tap
    if (heartbeat === undefined || heartbeat === null) return Number.POSITIVE_INFINITY
    if (!this.eventful || this.paused || !this.#x.client.headSent) return Number.POSITIVE_INFINITY
    return this.#lastSentAt + heartbeat.everyMs
  }

  /** The upstream's own deadlines go on: it has said nothing. */
  #beat(now: number): void {
    const { heartbeat } = this.tap
    if (heartbeat === undefined || heartbeat === null) return
    this.#lastSentAt = now
    this.#write(heartbeat.bytes)
  }
}
