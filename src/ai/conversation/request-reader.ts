import { GatewayError } from '../../core/index.ts'
import { readJson, readString, type ScanFailure, type ScannedObject, skipValue, walkItems } from '../../lib/index.ts'
import { mustBe } from '../wrong-field.ts'
import { FIELD, type Field, type FieldNames, MAX_MEMBERS, RequestScanner } from './fields.ts'
import { countMedia } from './media.ts'
import { readStreamOptions } from './stream-options.ts'

/** What the gateway reads of a request; everything else passes untouched, or is decoded where it must be. */
export interface ConversationRequest {
  readonly model: string
  readonly stream: boolean
  /** The client asked for the usage event of a stream itself, or its dialect always has one. */
  readonly asksUsage: boolean
  /** The `stream_options` that ask for it: the client's own text with that member changed or added. */
  readonly usageOptions: string
  /** Output tokens that the client allows for one choice, the larger of its two maxima; null when it named none. */
  readonly maxOutputTokens: number | null
  /** Answers that are made, and paid for, whether or not all of them are told. */
  readonly choices: number
  /** Bytes of the body that can become input tokens: all but the data of media. */
  readonly textBytes: number
  readonly mediaItems: number
  /** Input tokens that they may become. */
  readonly mediaTokens: number
  /** Bytes of the conversation alone without the data of media: the base for estimates. */
  readonly contentBytes: number
  /** Where the governed keys stand; valid until the next scan of this thread. */
  readonly scanned: ScannedObject
}

/** How requests of one dialect are read. */
export interface RequestShape {
  readonly names: FieldNames
  /** The conversation may be one text; otherwise it is an array. */
  readonly textContent: boolean
  /** It may be missing, e.g. when the vendor keeps it. */
  readonly optionalContent: boolean
  /** A list of texts, or of lists of tokens, is as many prompts, each with answers of its own. */
  readonly severalPrompts: boolean
  /** `maxTokens` names an object that holds the maximum and the number of answers under these names. */
  readonly nested: { readonly maxTokens: readonly string[]; readonly choices: readonly string[] } | null
  /** A maximum must be given (a client's own SDK says so). */
  readonly requiresMaxTokens: boolean
  /** The maximum may be 0: the vendor then reads the prompt into its cache, and answers nothing. */
  readonly warmsCaches: boolean
}

/** What a request's path says, where a dialect puts it there. */
export interface PathFacts {
  readonly model: string
  readonly stream: boolean
  /** How the client reads a stream. */
  readonly framing: 'sse' | 'json-array'
}

const MAX_MODEL_NAME = 256
const ARRAY_OPEN = 0x5b
const QUOTE = 0x22
const ZERO = 0x30

/** Reads requests of one dialect without parsing what is only relayed. */
export class RequestReader {
  readonly shape: RequestShape
  readonly #scanner: RequestScanner

  constructor(shape: RequestShape) {
    this.shape = shape
    this.#scanner = new RequestScanner(shape.names)
  }

  read(body: Buffer, path: PathFacts | null = null): ConversationRequest | GatewayError {
    if (body.length === 0) return invalid('invalid_json', 'The request has no body; a JSON object is needed.')
    const scanned = this.#scanner.scan(body)
    if (scanned.kind !== 'object') return scanError(scanned)
    const model = path === null ? this.#text(body, scanned, 'model') : path.model
    if (model === null || model === '') return mustBe(this.#name('model'), 'a non-empty string')
    if (model.length > MAX_MODEL_NAME) {
      return mustBe(this.#name('model'), `a string of at most ${MAX_MODEL_NAME} characters`)
    }
    const content = this.#content(body, scanned)
    if (content instanceof GatewayError) return content
    const stream = path === null ? this.#flag(body, scanned, 'stream') : path.stream
    if (stream === undefined) return mustBe(this.#name('stream'), 'true or false')
    const options = this.shape.names.streamOptions === undefined ? ALWAYS_TOLD : readStreamOptions(body, scanned)
    if (options instanceof GatewayError) return options
    const bounds = this.#bounds(body, scanned)
    if (bounds instanceof GatewayError) return bounds
    const prompts = this.shape.severalPrompts && content !== null ? promptsAt(body, content) : 1
    const media = content === null ? NO_MEDIA : countMedia(body, content)
    const contentLength = content === null ? 0 : scanned.valueEnd(FIELD.content) - content
    return {
      model,
      stream: stream ?? false,
      asksUsage: options.asksUsage,
      usageOptions: options.withUsage,
      maxOutputTokens: bounds.maxOutputTokens,
      choices: bounds.choices * prompts,
      textBytes: body.length - media.bytes,
      mediaItems: media.items,
      mediaTokens: media.tokens,
      contentBytes: contentLength - media.bytes,
      scanned,
    }
  }

  /** Offset of the conversation; null when it is missing and may be. */
  #content(body: Buffer, scanned: ScannedObject): number | null | GatewayError {
    const { textContent, optionalContent } = this.shape
    const at = this.#scanner.has(scanned, 'content') ? scanned.valueStart(FIELD.content) : -1
    if (at < 0 && optionalContent) return null
    if (at >= 0 && (body[at] === ARRAY_OPEN || (textContent && body[at] === QUOTE))) return at
    return mustBe(this.#name('content'), textContent ? 'a string or an array' : 'an array')
  }

  #bounds(
    body: Buffer,
    scanned: ScannedObject,
  ): { readonly maxOutputTokens: number | null; readonly choices: number } | GatewayError {
    const { nested } = this.shape
    if (nested !== null) return this.#nestedBounds(body, scanned, nested)
    const maxTokens = this.#maximum(body, scanned)
    if (maxTokens === undefined) return mustBe(this.#name('maxTokens'), 'a positive whole number')
    const other = this.#positive(body, scanned, 'otherMaxTokens')
    if (other === undefined) return mustBe(this.#name('otherMaxTokens'), 'a positive whole number')
    const told = this.#positive(body, scanned, 'choices')
    if (told === undefined) return mustBe(this.#name('choices'), 'a positive whole number')
    const made = this.#positive(body, scanned, 'candidates')
    if (made === undefined) return mustBe(this.#name('candidates'), 'a positive whole number')
    const maxOutputTokens = largerOf(maxTokens, other)
    if (maxOutputTokens === null && this.shape.requiresMaxTokens) {
      return mustBe(this.#name('maxTokens'), 'given: a positive whole number')
    }
    return { maxOutputTokens, choices: Math.max(told ?? 1, made ?? 1) }
  }

  #nestedBounds(
    body: Buffer,
    scanned: ScannedObject,
    nested: NonNullable<RequestShape['nested']>,
  ): { readonly maxOutputTokens: number | null; readonly choices: number } | GatewayError {
    let maxOutputTokens: number | null = null
    let choices = 1
    for (const field of ['maxTokens', 'otherMaxTokens'] as const) {
      if (!this.#scanner.has(scanned, field)) continue
      const value = readJson(body, scanned.valueStart(FIELD[field]), scanned.valueEnd(FIELD[field]))
      if (value === null) continue
      if (typeof value !== 'object') return mustBe(this.#name(field), 'an object')
      for (const [name, given] of Object.entries(value)) {
        const isMax = nested.maxTokens.includes(name)
        if ((!isMax && !nested.choices.includes(name)) || given === null) continue
        if (!isCount(given)) return mustBe(`${this.#name(field)}.${name}`, 'a positive whole number')
        if (isMax) maxOutputTokens = largerOf(maxOutputTokens, given)
        else choices = Math.max(choices, given)
      }
    }
    return { maxOutputTokens, choices }
  }

  #name(field: Field): string {
    return this.shape.names[field] ?? field
  }

  #text(body: Buffer, scanned: ScannedObject, field: Field): string | null {
    if (!this.#scanner.has(scanned, field)) return null
    return readString(body, scanned.valueStart(FIELD[field]), scanned.valueEnd(FIELD[field]))
  }

  /** True or false; null when absent or null; undefined when it is something else. */
  #flag(body: Buffer, scanned: ScannedObject, field: Field): boolean | null | undefined {
    if (!this.#scanner.has(scanned, field)) return null
    const first = body[scanned.valueStart(FIELD[field])]
    return first === 0x74 ? true : first === 0x66 ? false : first === 0x6e ? null : undefined
  }

  #maximum(body: Buffer, scanned: ScannedObject): number | null | undefined {
    const { warmsCaches } = this.shape
    if (warmsCaches && this.#scanner.has(scanned, 'maxTokens')) {
      const at = scanned.valueStart(FIELD.maxTokens)
      if (body[at] === ZERO && scanned.valueEnd(FIELD.maxTokens) === at + 1) return 0
    }
    return this.#positive(body, scanned, 'maxTokens')
  }

  /** A positive whole number; null when absent or null; undefined when it is something else. */
  #positive(body: Buffer, scanned: ScannedObject, field: Field): number | null | undefined {
    if (!this.#scanner.has(scanned, field)) return null
    return positiveAt(body, scanned.valueStart(FIELD[field]), scanned.valueEnd(FIELD[field]))
  }
}

const ALWAYS_TOLD = { asksUsage: true, withUsage: '' }
const NO_MEDIA = { bytes: 0, items: 0, tokens: 0 }

/** Providers differ in which of the two names they follow when both are given: only the larger one bounds the cost. */
function largerOf(maxTokens: number | null, maxCompletionTokens: number | null): number | null {
  if (maxTokens === null || maxCompletionTokens === null) return maxTokens ?? maxCompletionTokens
  return Math.max(maxTokens, maxCompletionTokens)
}

/** Prompts of a text completion: one text, one list of tokens, or a list of either. */
export function promptsAt(body: Buffer, content: number): number {
  if (body[content] !== ARRAY_OPEN) return 1
  let prompts = 0
  walkItems(body, content, (at) => {
    if (body[at] === QUOTE || body[at] === ARRAY_OPEN) prompts++
    return skipValue(body, at)
  })
  return Math.max(1, prompts)
}

function positiveAt(body: Buffer, start: number, end: number): number | null | undefined {
  if (end - start <= 9) {
    // Nearly always a few digits: read without making a text of them.
    let value = 0
    let at = start
    for (; at < end; at++) {
      const digit = (body[at] as number) - 0x30 // in range
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (at === end && value > 0) return value
  }
  const value = readJson(body, start, end)
  if (value === null) return null
  return isCount(value) ? value : undefined
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= 1e9
}

function invalid(code: 'invalid_json' | 'invalid_request', message: string): GatewayError {
  return new GatewayError(code, message)
}

/** What is wrong with a body, in the words of an error. */
export function scanError(failure: ScanFailure): GatewayError {
  const at = `at byte ${failure.offset}`
  switch (failure.kind) {
    case 'not-json':
      return invalid('invalid_json', `The body is not valid JSON: unexpected input ${at}.`)
    case 'trailing-data':
      return invalid('invalid_json', `The body is not valid JSON: more follows the object ${at}.`)
    case 'not-object':
      return invalid('invalid_request', 'The body must be a JSON object.')
    case 'bom':
      return invalid('invalid_json', 'The body begins with a byte order mark; send plain UTF-8.')
    case 'invalid-utf8':
      return invalid('invalid_json', `The body is not valid UTF-8 ${at}.`)
    case 'too-many': {
      const message = `The body has more than ${MAX_MEMBERS} members and list items, which is more than is taken (${at}).`
      return invalid('invalid_request', message)
    }
    case 'too-deep':
      return invalid('invalid_request', `The body is nested too deeply ${at}.`)
    case 'duplicate-key': {
      const message = `The key "${failure.key ?? ''}" appears twice (${at}); it could be read in two ways.`
      return new GatewayError('invalid_request', message, { param: failure.key ?? '' })
    }
  }
}
