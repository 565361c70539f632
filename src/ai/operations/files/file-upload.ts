import {
  type BodySink,
  type BodySource,
  type BodyWriter,
  type Exchange,
  GatewayError,
  refuse,
  resume,
  type Upload,
  type Watched,
} from '../../../core/index.ts'
import { PartScanner } from '../multipart/part-scanner.ts'
import { atLine, type BatchLines } from './batch-lines.ts'
import { LineRewriter } from './line-rewriter.ts'

/** So much waits for an upstream that is not connected yet, beyond which the client is not read further. */
const KEPT_BYTES = 65_536
/** A rewritten file of no more goes out with its length; a longer one in chunks, since nobody knows how long it will be. */
const WHOLE_BYTES = 1_048_576
/** The purpose of files whose lines are requests (OpenAI's API reference, "Files", 2026-11; others took it over). */
const BATCH = 'batch'

export interface FileUploadOptions {
  readonly boundary: string
  readonly limit: number
  /** For the lines of a batch's input. */
  readonly lines: BatchLines
  /** Null: the form says it. */
  readonly purpose: string | null
}

type Piece = readonly [bytes: Buffer, isFile: boolean]

/**
 * A file on its way from the client to the provider that keeps it. The request waits until the form has said what the file is
 * for: lines of a batch are read and written anew as they stream, and everything else passes as it is.
 */
export class FileUpload implements BodySink, BodySource, Upload, Watched {
  readonly #x: Exchange
  readonly #limit: number
  readonly #lines: BatchLines
  readonly #scanner: PartScanner
  readonly #rewriter: LineRewriter
  /** Null: not known yet. */
  #purpose: string | null = null
  #purposes = 0
  #files = 0
  #inFile = false
  /** What came before it was known what becomes of it. */
  #undecided: Piece[] = []
  /** What may leave and was not handed over. */
  #held: Buffer[] = []
  #heldBytes = 0
  #waiting = true
  #opened = false
  #writer: BodyWriter | null = null
  #paused = false
  #length = -1
  #wrong: GatewayError | null = null
  complete = false
  movedAt: number
  dueAt: number

  constructor(x: Exchange, { boundary, limit, lines, purpose }: FileUploadOptions) {
    this.#purpose = purpose
    this.#x = x
    this.#limit = limit
    this.#lines = lines
    this.#rewriter = new LineRewriter((line) => lines.line(line), limit)
    this.movedAt = performance.now()
    this.dueAt = this.movedAt + x.gateway.limits.bodyIdleMs
    this.#scanner = new PartScanner(boundary, {
      onPart: (name, isFile) => this.#onPart(name, isFile),
      onValue: (_name, value) => this.#decide(value),
      onBytes: (bytes, isValue) => this.#onBytes(bytes, isValue),
    })
  }

  /** Lines of a batch, which were looked at; null: a file for something else. */
  get batch(): BatchLines | null {
    return this.#purpose === BATCH ? this.#lines : null
  }

  /** Bytes in all as they leave; -1 when nobody knows. */
  get length(): number {
    return this.#length
  }

  /** Nothing that was handed over is kept. */
  get replayable(): boolean {
    return !this.#opened
  }

  get waitsFor(): 'client' | 'upstream' {
    return this.#paused ? 'upstream' : 'client'
  }

  onBody(bytes: Buffer): void {
    const x = this.#x
    if (x.settled || this.#wrong !== null) return
    this.movedAt = x.gateway.deadlines.now
    this.dueAt = this.movedAt + x.gateway.limits.bodyIdleMs
    x.bytesIn += bytes.length
    if (x.bytesIn > this.#limit) {
      const message = `The body is larger than the limit of ${this.#limit} bytes.`
      return this.#fail(new GatewayError('request_too_large', message))
    }
    const wrong = this.#scanner.push(bytes)
    if (wrong !== null) this.#wrong ??= malformed(wrong)
    if (this.#purposes > 1 || this.#files > 1)
      this.#wrong ??= malformed('says twice what it is; it could be read in two ways')
    if (this.#wrong !== null) return this.#fail(this.#wrong)
    if (x.settled) return
    if (this.#writer !== null) {
      if (!this.#hand(this.#writer)) this.#pause()
    } else if (this.#waiting && this.#isKnown()) this.#found()
    else if (!this.#waiting && this.#heldBytes > KEPT_BYTES) this.#pause()
  }

  onBodyEnd(): void {
    if (this.#x.settled || this.#wrong !== null) return
    this.movedAt = this.#x.gateway.deadlines.now
    if (!this.#scanner.ended) return this.#fail(malformed('ends before its last boundary'))
    // Without a purpose it is for the provider to refuse.
    if (this.#purpose === null) this.#decide('')
    if (this.#wrong !== null) return this.#fail(this.#wrong)
    this.complete = true
    if (this.#waiting) this.#found()
    if (this.#writer === null) return
    this.#hand(this.#writer)
    this.#writer.end()
  }

  open(writer: BodyWriter): void {
    this.#writer = writer
    this.#opened = true
    const more = this.#hand(writer)
    if (this.complete) return writer.end()
    if (more) this.#goOn()
    else this.#pause()
  }

  onDrain(): void {
    this.movedAt = this.#x.gateway.deadlines.now
    this.#goOn()
  }

  close(): void {
    this.#writer = null
    this.#release()
  }

  onDue(): void {
    const seconds = Math.round(this.#x.gateway.limits.bodyIdleMs / 1000)
    this.#fail(new GatewayError('request_timeout', `No byte of the body arrived for ${seconds} s.`))
  }

  /** Names that servers could take for one of these count as it, so that none of them is read behind our back. */
  #onPart(name: string, isFile: boolean): boolean {
    const plain = name.toLowerCase().replace(/[^a-z_]/g, '')
    this.#inFile = isFile
    if (plain === 'file') this.#files += name === 'file' && isFile ? 1 : 2
    else if (isFile) this.#files += 2
    if (plain !== 'purpose') return false
    this.#purposes += name === 'purpose' && !isFile ? 1 : 2
    return name === 'purpose' && !isFile
  }

  #decide(purpose: string): void {
    if (this.#purpose !== null) return
    this.#purpose = purpose
    const pieces = this.#undecided
    this.#undecided = []
    for (const [bytes] of pieces) this.#account(-bytes.length)
    for (const [bytes, isFile] of pieces) this.#passOn(bytes, isFile)
  }

  #onBytes(bytes: Buffer, isValue: boolean): void {
    if (this.#wrong !== null || this.#x.settled) return
    const isFile = isValue && this.#inFile
    if (this.#purpose !== null) return this.#passOn(bytes, isFile)
    this.#undecided.push([bytes, isFile])
    this.#account(bytes.length)
  }

  #passOn(bytes: Buffer, isFile: boolean): void {
    if (this.#purpose !== BATCH) return this.#hold(bytes)
    const before = this.#rewriter.held
    const ready = isFile ? this.#rewriter.push(bytes) : this.#rewriter.end()
    this.#account(this.#rewriter.held - before)
    if (ready instanceof GatewayError) {
      this.#wrong ??= ready.code === 'request_too_large' ? atLine(this.#lines.next, ready) : ready
      return
    }
    for (const each of ready) this.#hold(each)
    if (!isFile) this.#hold(bytes)
  }

  #isKnown(): boolean {
    if (this.#purpose === null) return false
    return this.#purpose !== BATCH || this.#heldBytes > WHOLE_BYTES
  }

  /** The request goes on: what it asks for is known as far as it ever will be before it is sent. */
  #found(): void {
    const { head } = this.#x
    if (this.#purpose !== BATCH) this.#length = head.chunked ? -1 : head.contentLength
    else if (this.complete) this.#length = this.#heldBytes
    this.#waiting = false
    this.#x.watched = null
    // What follows is read when the upstream takes it.
    if (!this.complete && this.#heldBytes > KEPT_BYTES) this.#pause()
    resume(this.#x, null)
  }

  #fail(error: GatewayError): void {
    this.#wrong = error
    if (!this.#waiting) return refuse(this.#x, error)
    this.#waiting = false
    this.#x.watched = null
    resume(this.#x, error)
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    this.#account(bytes.length)
  }

  /** Everything that is here for this request counts among the bodies in memory. */
  #account(change: number): void {
    const x = this.#x
    // A request that has ended was counted out already.
    const counted = Math.max(change, -x.bodyBytes)
    x.bodyBytes += counted
    x.gateway.bodyBytes += counted
    if (change <= 0 || x.gateway.bodyBytes <= x.gateway.limits.bodyMemoryBytes) return
    const message = 'Too many request bodies are in memory; try again soon.'
    this.#wrong ??= new GatewayError('saturated', message, { retryAfterSeconds: 1 })
  }

  /** Hands over what may leave. False: the upstream is slow. */
  #hand(writer: BodyWriter): boolean {
    let more = true
    for (const piece of this.#held) more = writer.write(piece) && more
    this.#account(-this.#heldBytes)
    this.#held = []
    this.#heldBytes = 0
    return more
  }

  #release(): void {
    const x = this.#x
    const { bodyBytes } = x
    x.gateway.bodyBytes -= bodyBytes
    x.bodyBytes = 0
    this.#held = []
    this.#undecided = []
    this.#heldBytes = 0
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#x.client.pauseBody()
  }

  #goOn(): void {
    if (!this.#paused || !this.#opened) return
    this.#paused = false
    this.#x.client.resumeBody()
  }
}

function malformed(what: string): GatewayError {
  return new GatewayError('invalid_request', `The form ${what}.`)
}
