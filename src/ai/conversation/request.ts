import { GatewayError } from '../../core/index.ts'
import { readJson, readString, type ScanFailure, type ScannedObject } from '../../lib/index.ts'
import { FIELD, requestScanner } from './fields.ts'
import { countMedia } from './media.ts'
import { readStreamOptions } from './stream-options.ts'

/** What the gateway reads of a chat request; everything else passes untouched. */
export interface ConversationRequest {
  readonly model: string
  readonly stream: boolean
  /** The client asked for the usage event of a stream itself. */
  readonly asksUsage: boolean
  /** The `stream_options` that ask for it: the client's own text with that member changed or added. */
  readonly usageOptions: string
  /** Output tokens that the client allows for one choice, the larger of its two maxima; null when it named none. */
  readonly maxOutputTokens: number | null
  readonly choices: number
  /** Bytes of the body that can become input tokens: all but the data of media. */
  readonly textBytes: number
  readonly mediaItems: number
  /** Bytes of the messages alone without the data of media: the base for estimates. */
  readonly messageBytes: number
  /** Where the governed keys stand; valid until the next scan of this thread. */
  readonly scanned: ScannedObject
}

const MAX_MODEL_NAME = 256

/** Scans a chat request, without parsing what it only relays. */
export function readChatRequest(body: Buffer): ConversationRequest | GatewayError {
  if (body.length === 0) return invalid('invalid_json', 'The request has no body; a JSON object is needed.')
  const scanned = requestScanner.scan(body)
  if (scanned.kind !== 'object') return scanError(scanned)
  const model = stringAt(body, scanned, FIELD.model)
  if (model === null || model === '') return wrongType('model', 'a non-empty string')
  if (model.length > MAX_MODEL_NAME) return wrongType('model', `a string of at most ${MAX_MODEL_NAME} characters`)
  if (!scanned.has(FIELD.messages) || body[scanned.valueStart(FIELD.messages)] !== 0x5b) {
    return wrongType('messages', 'an array')
  }
  const stream = flag(body, scanned, FIELD.stream)
  if (stream === undefined) return wrongType('stream', 'true or false')
  const options = readStreamOptions(body, scanned)
  if (options instanceof GatewayError) return options
  const maxTokens = positive(body, scanned, FIELD.maxTokens)
  if (maxTokens === undefined) return wrongType('max_tokens', 'a positive whole number')
  const maxCompletion = positive(body, scanned, FIELD.maxCompletionTokens)
  if (maxCompletion === undefined) return wrongType('max_completion_tokens', 'a positive whole number')
  const choices = positive(body, scanned, FIELD.n)
  if (choices === undefined) return wrongType('n', 'a positive whole number')
  const media = countMedia(body, scanned.valueStart(FIELD.messages))
  return {
    model,
    stream: stream ?? false,
    asksUsage: options.asksUsage,
    usageOptions: options.withUsage,
    maxOutputTokens: largerOf(maxTokens, maxCompletion),
    choices: choices ?? 1,
    textBytes: body.length - media.bytes,
    mediaItems: media.items,
    messageBytes: scanned.valueEnd(FIELD.messages) - scanned.valueStart(FIELD.messages) - media.bytes,
    scanned,
  }
}

/** Providers differ in which of the two names they follow when both are given: only the larger one bounds the cost. */
function largerOf(maxTokens: number | null, maxCompletionTokens: number | null): number | null {
  if (maxTokens === null || maxCompletionTokens === null) return maxTokens ?? maxCompletionTokens
  return Math.max(maxTokens, maxCompletionTokens)
}

function stringAt(body: Buffer, scanned: ScannedObject, field: number): string | null {
  if (!scanned.has(field)) return null
  return readString(body, scanned.valueStart(field), scanned.valueEnd(field))
}

/** True or false; null when absent or null; undefined when it is something else. */
function flag(body: Buffer, scanned: ScannedObject, field: number): boolean | null | undefined {
  if (!scanned.has(field)) return null
  const first = body[scanned.valueStart(field)]
  return first === 0x74 ? true : first === 0x66 ? false : first === 0x6e ? null : undefined
}

/** A positive whole number; null when absent or null; undefined when it is something else. */
function positive(body: Buffer, scanned: ScannedObject, field: number): number | null | undefined {
  if (!scanned.has(field)) return null
  const start = scanned.valueStart(field)
  const end = scanned.valueEnd(field)
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
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= 1e9 ? value : undefined
}

function wrongType(param: string, expected: string): GatewayError {
  return new GatewayError('invalid_request', `"${param}" must be ${expected}.`, { param })
}

function invalid(code: 'invalid_json' | 'invalid_request', message: string): GatewayError {
  return new GatewayError(code, message)
}

function scanError(failure: ScanFailure): GatewayError {
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
    case 'too-deep':
      return invalid('invalid_request', `The body is nested too deeply ${at}.`)
    case 'duplicate-key': {
      const message = `The key "${failure.key ?? ''}" appears twice (${at}); it could be read in two ways.`
      return new GatewayError('invalid_request', message, { param: failure.key ?? '' })
    }
  }
}
