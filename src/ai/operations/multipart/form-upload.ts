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
import { principalOf } from '../../../governance/index.ts'
import { type FormPart, formParts } from './form-parts.ts'
import { PartScanner } from './part-scanner.ts'

/** So much waits for an upstream that is not connected yet, beyond which the client is not read further. */
const KEPT_BYTES = 65_536
/** A form up to this size is kept until its request has an answer, so that another upstream can be asked with it. */
const REPEATED_BYTES = 1_048_576
/** What is kept for that is given up beyond this share of the memory that bodies may take. */
const REPEATED_SHARE = 0.5
/** Fields whose words decide something here. */
const FIELDS: ReadonlySet<string> = new Set(['model', 'n', 'stream'])

/** Words of a form that were found so far, and where the model's name stands. */
export interface FormFields {
  readonly model: string | null
  readonly n: string | null
  readonly stream: string | null
}

/**
 * A form on its way from the client to the upstream. Until its model is known, and a file begins behind it or nothing more comes, the
 * request waits, and what came is held and counted; from then on it streams, with the model's name replaced. A form that names a second
 * model is stopped, and one whose words behind a file say more than its key is held to by what came before. As long
 * as all that was handed over is still held, it can be handed over once more, to another upstream.
 */
export class FormUpload implements BodySink, BodySource, Upload, Watched {
  readonly #x: Exchange
  readonly #limit: number
  readonly #boundary: string
  readonly #scanner: PartScanner
  readonly #fields = new Map<string, string>()
  #models = 0
  #modelAt = -1
  #modelEnd = -1
  #replacement: Buffer | null = null
  /** Everything that came; null once so much was handed over that it is not kept. */
  #held: Buffer[] | null = []
  #heldBytes = 0
  /** A file begins behind the model: the words before it are all that is known when the request goes on. */
  #reachedFile = false
  /** What is wrong with a word that came. */
  #wrong: string | null = null
  #waiting = true
  /** The request waits until the form is whole. */
  #collecting = false
  /** All of it is kept, whatever its size. */
  #keepsAll = false
  #opened = false
  #writer: BodyWriter | null = null
  #paused = false
  complete = false
  movedAt: number
  dueAt: number

  constructor(x: Exchange, boundary: string, limit: number) {
    this.#x = x
    this.#limit = limit
    this.#boundary = boundary
    this.movedAt = performance.now()
    this.dueAt = this.movedAt + x.gateway.limits.bodyIdleMs
    this.#scanner = new PartScanner(boundary, {
      onPart: (name, isFile) => this.#onPart(name, isFile),
      onValue: (name, value, start, end) => {
        const before = this.#fields.get(name)
        if (before !== undefined) {
          if (before !== value) this.#wrong ??= `has "${name}" twice; it could be read in two ways`
          return
        }
        if (!this.#waiting && this.#isHeldTo(name, value)) {
          this.#wrong ??= `has "${name}" behind its file; put it before the file, since this key is held to what it says`
        }
        this.#fields.set(name, value)
        if (name === 'model') [this.#modelAt, this.#modelEnd] = [start, end]
      },
    })
  }

  get fields(): FormFields {
    const of = (name: string) => this.#fields.get(name) ?? null
    return { model: of('model'), n: of('n'), stream: of('stream') }
  }

  /** Bytes in all as they leave; -1 when nobody knows. */
  get length(): number {
    const { head } = this.#x
    if (head.chunked) return -1
    const change = this.#replacement === null ? 0 : this.#replacement.length - (this.#modelEnd - this.#modelAt)
    return head.contentLength + change
  }

  get waitsFor(): 'client' | 'upstream' {
    return this.#paused ? 'upstream' : 'client'
  }

  /** All that was handed over can be handed over again. */
  get replayable(): boolean {
    return this.#held !== null
  }

  /** The model's name for the next upstream, before anything is handed over to it. A form without one stays without. */
  rename(model: string): void {
    const isSame = model === this.#fields.get('model')
    this.#replacement = this.#modelAt < 0 || isSame ? null : Buffer.from(model)
  }

  /** Its parts, once it is complete; null when it is not kept any more. */
  get parts(): readonly FormPart[] | null {
    return this.#held === null ? null : formParts(Buffer.concat(this.#held), this.#boundary)
  }

  /** Reads on until the form is complete, and keeps it; the request goes on then. */
  collect(): void {
    this.#keepsAll = true
    this.#collecting = true
    this.dueAt = performance.now() + this.#x.gateway.limits.bodyIdleMs
    this.#x.watched = this
    if (!this.#paused) return
    this.#paused = false
    this.#x.client.resumeBody()
  }

  onBody(bytes: Buffer): void {
    const x = this.#x
    if (x.settled) return
    this.movedAt = x.gateway.deadlines.now
    this.dueAt = this.movedAt + x.gateway.limits.bodyIdleMs
    x.bytesIn += bytes.length
    if (x.bytesIn > this.#limit) {
      const message = `The body is larger than the limit of ${this.#limit} bytes.`
      return this.#fail(new GatewayError('request_too_large', message))
    }
    const wrong = this.#scanner.push(bytes)
    if (wrong !== null) return this.#fail(malformed(wrong))
    if (this.#models > 1) return this.#fail(malformed('names its model twice; it could be read in two ways'))
    if (this.#wrong !== null) return this.#fail(malformed(this.#wrong))
    const writer = this.#writer
    if (this.#held !== null) this.#hold(bytes, this.#held)
    if (x.settled) return
    if (writer !== null) {
      if (this.#isTooMuch()) this.#release()
      if (!writer.write(bytes)) this.#pause()
      return
    }
    if (this.#collecting) return
    if (this.#waiting && this.#reachedFile) this.#found()
    else if (!this.#waiting && this.#heldBytes > KEPT_BYTES) this.#pause()
  }

  onBodyEnd(): void {
    if (this.#x.settled) return
    this.complete = true
    this.movedAt = this.#x.gateway.deadlines.now
    if (!this.#scanner.ended) return this.#fail(malformed('ends before its last boundary'))
    if (this.#waiting || this.#collecting) this.#found()
    this.#writer?.end()
  }

  open(writer: BodyWriter): void {
    this.#writer = writer
    this.#opened = true
    let more = true
    for (const piece of this.#renamed(this.#held ?? [])) more = writer.write(piece) && more
    if (this.#isTooMuch()) this.#release()
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
    this.#opened = false
    if (this.#x.settled) this.#release()
  }

  onDue(): void {
    const seconds = Math.round(this.#x.gateway.limits.bodyIdleMs / 1000)
    this.#fail(new GatewayError('request_timeout', `No byte of the body arrived for ${seconds} s.`))
  }

  /** Names that servers could take for the model's count as it, so that none of them is read behind our back. */
  #onPart(name: string, isFile: boolean): boolean {
    if (isFile && this.#modelAt >= 0) this.#reachedFile = true
    const plain = name.toLowerCase().replace(/[^a-z_]/g, '')
    if (plain === 'model') {
      this.#models += name === 'model' && !isFile ? 1 : 2
      return name === 'model' && !isFile
    }
    return !isFile && FIELDS.has(name)
  }

  /** Whether a word that comes when the request has gone on already would have changed what was decided. */
  #isHeldTo(name: string, value: string): boolean {
    const principal = this.#x.principal === null ? null : principalOf(this.#x)
    if (principal === null) return false
    if (principal.ruling?.readsBodies === true) return true
    // Whoever reads on to the end of the form asks once more what may be used.
    if (this.#collecting || name !== 'n' || Number(value) <= 1) return false
    const { budgets, tokenRates, rules } = principal.charged
    return budgets !== null || tokenRates !== null || rules !== null
  }

  /** The request goes on: what it asks for is known as far as it ever will be before it is sent. */
  #found(): void {
    this.#waiting = false
    this.#collecting = false
    this.#x.watched = null
    // What follows is read when the upstream takes it.
    if (!this.complete && this.#heldBytes > KEPT_BYTES) this.#pause()
    resume(this.#x, null)
  }

  #fail(error: GatewayError): void {
    if (!this.#waiting) return refuse(this.#x, error)
    this.#waiting = false
    this.#x.watched = null
    resume(this.#x, error)
  }

  /** More than is kept of what was handed over. */
  #isTooMuch(): boolean {
    const { gateway } = this.#x
    if (this.#keepsAll) return false
    return this.#heldBytes > REPEATED_BYTES || gateway.bodyBytes > gateway.limits.bodyMemoryBytes * REPEATED_SHARE
  }

  #hold(bytes: Buffer, held: Buffer[]): void {
    const x = this.#x
    held.push(bytes)
    this.#heldBytes += bytes.length
    x.bodyBytes += bytes.length
    x.gateway.bodyBytes += bytes.length
    if (this.#writer !== null || x.gateway.bodyBytes <= x.gateway.limits.bodyMemoryBytes) return
    const message = 'Too many request bodies are in memory; try again soon.'
    this.#fail(new GatewayError('saturated', message, { retryAfterSeconds: 1 }))
  }

  /** What was held, with the model's name replaced. */
  #renamed(held: readonly Buffer[]): readonly Buffer[] {
    const replacement = this.#replacement
    if (replacement === null) return held
    const pieces: Buffer[] = []
    let at = 0
    for (const piece of held) {
      const from = this.#modelAt - at
      const to = this.#modelEnd - at
      if (to <= 0 || from >= piece.length) pieces.push(piece)
      else {
        if (from > 0) pieces.push(piece.subarray(0, from))
        if (from >= 0) pieces.push(replacement)
        if (to < piece.length) pieces.push(piece.subarray(to))
      }
      at += piece.length
    }
    return pieces
  }

  #release(): void {
    const x = this.#x
    const freed = Math.min(this.#heldBytes, x.bodyBytes)
    x.bodyBytes -= freed
    x.gateway.bodyBytes -= freed
    this.#held = null
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
