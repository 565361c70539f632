import type { BodyWriter, Exchange, GatewayError } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import { malformedForm } from './form-head.ts'
import { type FormPart, formParts } from './form-parts.ts'
import { HeldMemory } from './held-memory.ts'
import { HeldUpload, type UploadContent } from './held-upload.ts'
import { PartScanner } from './part-scanner.ts'

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
 * request waits; from then on it streams, with the model's name replaced. A form that names a second model is stopped, and one whose
 * words behind a file say more than its key is held to by what came before. As long as all that was handed over is still held, it can
 * be handed over once more, to another upstream.
 */
export class FormUpload implements UploadContent {
  readonly body: HeldUpload
  readonly #x: Exchange
  readonly #boundary: string
  readonly #scanner: PartScanner
  readonly #memory: HeldMemory
  readonly #fields = new Map<string, string>()
  #models = 0
  #modelAt = -1
  #modelEnd = -1
  #replacement: Buffer | null = null
  /** Everything that came; null once so much was handed over that it is not kept. */
  #held: Buffer[] | null = []
  heldBytes = 0
  /** A file begins behind the model: the words before it are all that is known when the request goes on. */
  #reachedFile = false
  /** What is wrong with a word that came. */
  #wrong: string | null = null
  /** The request waits until the form is whole, and all of it is kept, whatever its size. */
  #collects = false
  #isOpen = false

  constructor(x: Exchange, boundary: string, limit: number) {
    this.#x = x
    this.#boundary = boundary
    this.#memory = new HeldMemory(x)
    this.body = new HeldUpload(x, this, limit)
    this.#scanner = new PartScanner(boundary, {
      onPart: (name, isFile) => this.#onPart(name, isFile),
      onValue: (name, value, start, end) => {
        const before = this.#fields.get(name)
        if (before !== undefined) {
          if (before !== value) this.#wrong ??= `has "${name}" twice; it could be read in two ways`
          return
        }
        if (this.body.wentOn && this.#isHeldTo(name, value)) {
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

  get isKnown(): boolean {
    return this.#reachedFile && !this.#collects
  }

  get length(): number {
    const { head } = this.#x
    if (head.chunked) return -1
    const change = this.#replacement === null ? 0 : this.#replacement.length - (this.#modelEnd - this.#modelAt)
    return head.contentLength + change
  }

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
    this.#collects = true
    this.body.waitOn()
  }

  read(bytes: Buffer): GatewayError | null {
    const wrong = this.#scanner.push(bytes)
    if (wrong !== null) return malformedForm(wrong)
    if (this.#models > 1) return malformedForm('names its model twice; it could be read in two ways')
    if (this.#wrong !== null) return malformedForm(this.#wrong)
    if (this.#held === null) return null
    this.#held.push(bytes)
    this.heldBytes += bytes.length
    const tooMuch = this.#memory.take(bytes.length)
    // An upstream that takes it lets go of what is too much.
    return this.#isOpen ? null : tooMuch
  }

  readEnd(): GatewayError | null {
    return this.#scanner.ended ? null : malformedForm('ends before its last boundary')
  }

  begin(writer: BodyWriter): boolean {
    this.#isOpen = true
    let more = true
    for (const piece of this.#renamed(this.#held ?? [])) more = writer.write(piece) && more
    if (this.#isTooMuch()) this.#release()
    return more
  }

  pass(writer: BodyWriter, bytes: Buffer | null): boolean {
    if (bytes === null) return true
    if (this.#isTooMuch()) this.#release()
    return writer.write(bytes)
  }

  close(): void {
    this.#isOpen = false
    if (this.#x.settled) this.#release()
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
    if (this.#collects || name !== 'n' || Number(value) <= 1) return false
    const { budgets, tokenRates, rules } = principal.charged
    return budgets !== null || tokenRates !== null || rules !== null
  }

  /** More than is kept of what was handed over. */
  #isTooMuch(): boolean {
    const { gateway } = this.#x
    if (this.#collects) return false
    return this.heldBytes > REPEATED_BYTES || gateway.bodyBytes > gateway.limits.bodyMemoryBytes * REPEATED_SHARE
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
    this.#memory.give(this.heldBytes)
    this.#held = null
    this.heldBytes = 0
  }
}
