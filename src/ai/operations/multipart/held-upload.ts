import {
  type BodySink,
  type BodySource,
  type BodyWriter,
  bodyIdle,
  bodyTooLarge,
  type Exchange,
  type GatewayError,
  refuse,
  resume,
  type Upload,
  type Watched,
} from '../../../core/index.ts'

/** So much waits for an upstream that is not connected yet, beyond which the client is not read further. */
const KEPT_BYTES = 65_536

/** What an upload consists of, and what of it leaves. */
export interface UploadContent {
  /** Reads what has arrived; what is wrong with it, or null. */
  read(bytes: Buffer): GatewayError | null
  /** All has arrived; what is wrong with the whole, or null. */
  readEnd(): GatewayError | null
  /** Enough is known for the request to go on before all has arrived. */
  readonly isKnown: boolean
  /** Bytes that may leave and are here. */
  readonly heldBytes: number
  /** Bytes in all as they leave; -1 when nobody knows. Asked once the request has gone on. */
  readonly length: number
  /** All that was handed over can be handed over again. */
  readonly replayable: boolean
  /** Hands over what may leave, from the first byte. False: the upstream is slow. */
  begin(writer: BodyWriter): boolean
  /** Hands over what `read` of these bytes, or `readEnd` (null), has added. False: the upstream is slow. */
  pass(writer: BodyWriter, bytes: Buffer | null): boolean
  /** The attempt that took it is over. */
  close(): void
}

/**
 * A body whose request waits until enough of it was read to know where it goes. What came before is held; from then on it
 * streams, as fast as its upstream takes it.
 */
export class HeldUpload implements BodySink, BodySource, Upload, Watched {
  readonly #x: Exchange
  readonly #content: UploadContent
  readonly #limit: number
  #waiting = true
  /** The request has gone on once, with what was known then. */
  wentOn = false
  #failed = false
  #writer: BodyWriter | null = null
  #paused = false
  complete = false
  movedAt: number
  dueAt: number

  /** `limit`: bytes of the body as it arrives. */
  constructor(x: Exchange, content: UploadContent, limit: number) {
    this.#x = x
    this.#content = content
    this.#limit = limit
    this.movedAt = performance.now()
    this.dueAt = this.movedAt + x.gateway.limits.bodyIdleMs
  }

  get length(): number {
    return this.#content.length
  }

  get replayable(): boolean {
    return this.#content.replayable
  }

  get waitsFor(): 'client' | 'upstream' {
    return this.#paused ? 'upstream' : 'client'
  }

  /** Begins to read; the request waits. */
  start(): void {
    this.#x.upload = this
    this.#x.watched = this
    this.#x.client.readBody(this)
  }

  /** The request waits once more, until the content is known or has all arrived. */
  waitOn(): void {
    this.#waiting = true
    this.dueAt = performance.now() + this.#x.gateway.limits.bodyIdleMs
    this.#x.watched = this
    this.#goOn()
  }

  onBody(bytes: Buffer): void {
    const x = this.#x
    if (x.settled || this.#failed) return
    this.movedAt = x.gateway.deadlines.now
    this.dueAt = this.movedAt + x.gateway.limits.bodyIdleMs
    x.bytesIn += bytes.length
    if (x.bytesIn > this.#limit) return this.#fail(bodyTooLarge(this.#limit))
    const content = this.#content
    const wrong = content.read(bytes)
    if (wrong !== null) return this.#fail(wrong)
    if (this.#writer !== null) {
      if (!content.pass(this.#writer, bytes)) this.#pause()
    } else if (!this.#waiting) this.#boundHeld()
    else if (content.isKnown) this.#found()
  }

  onBodyEnd(): void {
    if (this.#x.settled || this.#failed) return
    this.movedAt = this.#x.gateway.deadlines.now
    const wrong = this.#content.readEnd()
    if (wrong !== null) return this.#fail(wrong)
    this.complete = true
    if (this.#waiting) return this.#found()
    if (this.#writer === null) return
    this.#content.pass(this.#writer, null)
    this.#writer.end()
  }

  open(writer: BodyWriter): void {
    this.#writer = writer
    const more = this.#content.begin(writer)
    if (this.complete) return writer.end()
    if (more) this.#goOn()
    else this.#pause()
  }

  onDrain(): void {
    this.movedAt = this.#x.gateway.deadlines.now
    if (this.#writer !== null) this.#goOn()
  }

  close(): void {
    this.#writer = null
    this.#content.close()
  }

  onDue(): void {
    this.#fail(bodyIdle(this.#x.gateway.limits.bodyIdleMs))
  }

  /** The request goes on: what it asks for is known as far as it ever will be before it is sent. */
  #found(): void {
    this.#waiting = false
    this.wentOn = true
    this.#x.watched = null
    if (!this.complete) this.#boundHeld()
    resume(this.#x, null)
  }

  /** What follows is read when the upstream takes it. */
  #boundHeld(): void {
    if (this.#content.heldBytes > KEPT_BYTES) this.#pause()
  }

  #fail(error: GatewayError): void {
    this.#failed = true
    if (!this.#waiting) return refuse(this.#x, error)
    this.#waiting = false
    this.#x.watched = null
    resume(this.#x, error)
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#x.client.pauseBody()
  }

  #goOn(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#x.client.resumeBody()
  }
}
