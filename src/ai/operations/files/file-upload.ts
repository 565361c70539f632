import { type BodyWriter, type Exchange, GatewayError } from '../../../core/index.ts'
import { malformedForm } from '../multipart/form-head.ts'
import { HeldMemory } from '../multipart/held-memory.ts'
import { HeldUpload, type UploadContent } from '../multipart/held-upload.ts'
import { PartScanner } from '../multipart/part-scanner.ts'
import { atLine, type BatchLines } from './batch-lines.ts'
import { LineRewriter } from './line-rewriter.ts'

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
export class FileUpload implements UploadContent {
  readonly body: HeldUpload
  readonly #x: Exchange
  readonly #lines: BatchLines
  readonly #scanner: PartScanner
  readonly #rewriter: LineRewriter
  readonly #memory: HeldMemory
  /** Null: not known yet. */
  #purpose: string | null
  #purposes = 0
  #files = 0
  #inFile = false
  /** What came before it was known what becomes of it. */
  #undecided: Piece[] = []
  /** What may leave and was not handed over. */
  #held: Buffer[] = []
  heldBytes = 0
  #wasOpened = false
  /** All of a rewritten file was here before any of it left. */
  #isWhole = false
  #wrong: GatewayError | null = null

  constructor(x: Exchange, { boundary, limit, lines, purpose }: FileUploadOptions) {
    this.#purpose = purpose
    this.#x = x
    this.#lines = lines
    this.#memory = new HeldMemory(x)
    this.body = new HeldUpload(x, this, limit)
    this.#rewriter = new LineRewriter((line) => lines.line(line), limit)
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

  get isKnown(): boolean {
    if (this.#purpose === null) return false
    return this.#purpose !== BATCH || this.heldBytes > WHOLE_BYTES
  }

  get length(): number {
    const { head } = this.#x
    if (this.#purpose === BATCH) return this.#isWhole ? this.heldBytes : -1
    return head.chunked ? -1 : head.contentLength
  }

  /** Nothing that was handed over is kept. */
  get replayable(): boolean {
    return !this.#wasOpened
  }

  read(bytes: Buffer): GatewayError | null {
    const malformed = this.#scanner.push(bytes)
    if (malformed !== null) this.#wrong ??= malformedForm(malformed)
    if (this.#purposes > 1 || this.#files > 1)
      this.#wrong ??= malformedForm('says twice what it is; it could be read in two ways')
    return this.#wrong
  }

  readEnd(): GatewayError | null {
    if (!this.#scanner.ended) return malformedForm('ends before its last boundary')
    // Without a purpose it is for the provider to refuse.
    if (this.#purpose === null) this.#decide('')
    this.#isWhole = !this.#wasOpened && this.heldBytes <= WHOLE_BYTES
    return this.#wrong
  }

  begin(writer: BodyWriter): boolean {
    this.#wasOpened = true
    return this.pass(writer)
  }

  pass(writer: BodyWriter): boolean {
    let more = true
    for (const piece of this.#held) more = writer.write(piece) && more
    this.#memory.give(this.heldBytes)
    this.#held = []
    this.heldBytes = 0
    return more
  }

  close(): void {
    this.#memory.giveAll()
    this.#held = []
    this.#undecided = []
    this.heldBytes = 0
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
    for (const [bytes] of pieces) this.#memory.give(bytes.length)
    for (const [bytes, isFile] of pieces) this.#passOn(bytes, isFile)
  }

  #onBytes(bytes: Buffer, isValue: boolean): void {
    if (this.#wrong !== null || this.#x.settled) return
    const isFile = isValue && this.#inFile
    if (this.#purpose !== null) return this.#passOn(bytes, isFile)
    this.#undecided.push([bytes, isFile])
    this.#take(bytes.length)
  }

  #passOn(bytes: Buffer, isFile: boolean): void {
    if (this.#purpose !== BATCH) return this.#hold(bytes)
    const before = this.#rewriter.held
    const ready = isFile ? this.#rewriter.push(bytes) : this.#rewriter.end()
    const change = this.#rewriter.held - before
    if (change > 0) this.#take(change)
    else this.#memory.give(-change)
    if (ready instanceof GatewayError) {
      this.#wrong ??= ready.code === 'request_too_large' ? atLine(this.#lines.next, ready) : ready
      return
    }
    for (const each of ready) this.#hold(each)
    if (!isFile) this.#hold(bytes)
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#held.push(bytes)
    this.heldBytes += bytes.length
    this.#take(bytes.length)
  }

  #take(bytes: number): void {
    const tooMuch = this.#memory.take(bytes)
    this.#wrong ??= tooMuch
  }
}
