import { type AnswerHeaders, type AnswerPlan, type AnswerTap, type Exchange, GatewayError } from '../../core/index.ts'
import { createScanner, eventData, readString, SseCursor, SseFramer } from '../../lib/index.ts'
import { isObject, type JsonObject, writeJson } from '../ir/json.ts'
import type { ModelTarget } from '../models/target.ts'
import { clientHeaders } from '../relay/answer-headers.ts'
import { LongAnswer } from '../relay/long-answer.ts'
import { errorOfAnswer, errorOfStatus, errorWithin, reveals } from '../relay/upstream-error.ts'
import { classOfAnswer } from '../routing/failures/classify.ts'
import type { OperationState } from './operation-state.ts'
import { formOfVectors, withVectors } from './vectors.ts'

/** Answers that must be read as a whole before they can be put into other words. */
const LONGEST_CONVERTED = 64 * 1024 * 1024
/** The longest event: a picture in it is base64. */
const LONGEST_EVENT = 64 * 1024 * 1024

/** `whole`: JSON that is passed on as it is; `converted`: JSON that is put into other words; `bytes`: sound, text, files. */
type Mode = 'error' | 'whole' | 'converted' | 'events' | 'bytes'

/** Relays one answer of an operation, or puts it into OpenAI's words, and reads its usage on the way. */
export class OperationTap implements AnswerTap {
  readonly #x: Exchange
  readonly #target: ModelTarget
  readonly #state: OperationState
  readonly #framer = new SseFramer(LONGEST_EVENT)
  readonly #cursor = new SseCursor()
  #mode: Mode = 'bytes'
  #status = 0
  #headers: AnswerHeaders = {}
  #long: LongAnswer | null = null
  #held: Buffer[] = []
  /** An event said that the answer is whole, or that it failed. */
  #ended = false
  #heldBytes = 0

  constructor(x: Exchange, target: ModelTarget, state: OperationState) {
    this.#x = x
    this.#target = target
    this.#state = state
  }

  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    this.#status = status
    this.#headers = headers
    if (status >= 400) {
      this.#mode = 'error'
      return 'buffer'
    }
    if (status < 200 || status >= 300) return this.#invalid(`answered ${status}, which is no answer to this request`)
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') {
      return this.#invalid('compressed its answer, though it was asked not to')
    }
    const type = String(headers['content-type'] ?? '')
      .split(';', 1)[0]
      ?.trim()
      .toLowerCase()
    this.#state.answered = true
    if (type === 'application/json' || type?.endsWith('+json') === true) {
      this.#mode = this.#state.decode === null ? 'whole' : 'converted'
      return 'buffer'
    }
    if (this.#state.decode !== null || JSON_ONLY.has(this.#state.operation.name)) {
      this.#state.answered = false
      if (type !== 'text/event-stream' || !this.#state.facts.stream) {
        return this.#invalid(`answered 200 with ${type === '' ? 'no content type' : type} instead of JSON`)
      }
      this.#state.answered = true
    }
    if (type === 'text/event-stream') {
      this.#mode = 'events'
      // A form may say so behind its file, where nobody looks.
      this.#x.wantsStream = true
      return 'stream'
    }
    return 'relay'
  }

  complete(body: Buffer): Buffer | GatewayError {
    if (this.#mode === 'error') return this.#error(body)
    const answer = parsed(body)
    if (answer === null) {
      this.#state.answered = false
      return this.#invalid(`answered 200 with ${body.length === 0 ? 'an empty body' : 'a body that is no JSON object'}`)
    }
    return this.#finish(answer, body)
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    switch (this.#mode) {
      case 'error':
        return this.#invalid(`answered ${this.#status} with a very long body`)
      case 'bytes':
        return chunk
      case 'events': {
        const part = this.#framer.push(chunk)
        if (part === null) return null
        if (part === 'overflow') return this.#invalid('sent an event that is too large')
        this.#readEvents(part)
        return part
      }
      case 'whole':
        if (this.#heldBytes === 0 && this.#wantsOtherVectors(chunk)) this.#mode = 'converted'
        else return this.#keep(chunk)
        return this.#hold(chunk)
      case 'converted':
        return this.#hold(chunk)
    }
  }

  end(): Buffer | GatewayError | null {
    if (this.#mode === 'events') {
      const rest = this.#framer.end()
      if (rest !== null) this.#readEvents(Buffer.concat([rest, BLANK_LINE]))
      return this.#ended ? rest : this.#truncated()
    }
    if (this.#mode === 'whole' && this.#long !== null) {
      const answer = this.#long.members()
      const read = answer === null ? null : this.#state.operation.meter.read(answer, this.#state.facts)
      if (read !== null) this.#state.usage = read
      return null
    }
    if (this.#mode !== 'converted') return null
    const body = Buffer.concat(this.#held)
    this.#held = []
    const answer = parsed(body)
    return answer === null
      ? this.#invalid('answered 200 with a body that is no JSON object')
      : this.#finish(answer, body)
  }

  headers(headers: AnswerHeaders, body: Buffer | null): string[] {
    const length = body === null ? null : body.length
    return clientHeaders(this.#x, this.#target, headers, length, this.#mode === 'events', this.#state.losses)
  }

  #finish(answer: JsonObject, body: Buffer): Buffer | GatewayError {
    const { decode, operation, facts, vectors } = this.#state
    if (decode === null) {
      if (isObject(answer['error']) && answer['data'] === undefined) {
        this.#state.answered = false
        return errorWithin(this.#target, body)
      }
      this.#state.usage = operation.meter.read(answer, facts)
      if (vectors === null || !this.#wantsOtherVectors(body)) return body
      return Buffer.from(JSON.stringify(withVectors(answer, vectors)))
    }
    const decoded = decode(answer)
    if (decoded instanceof GatewayError) {
      this.#state.answered = false
      return decoded
    }
    this.#state.usage = operation.meter.read(decoded, facts)
    const { encode } = this.#state
    if (encode !== null) {
      return Buffer.from(writeJson(encode(vectors === null ? decoded : withVectors(decoded, vectors), answer)))
    }
    if (vectors === null) return Buffer.from(JSON.stringify(decoded))
    const { inputTokens } = operation.meter.guess(facts)
    // Clients count on it; in the record it stands as the estimate that it is.
    const usage = decoded['usage'] ?? { prompt_tokens: inputTokens, total_tokens: inputTokens }
    return Buffer.from(JSON.stringify({ ...withVectors(decoded, vectors), usage }))
  }

  #wantsOtherVectors(bytes: Buffer): boolean {
    const { vectors } = this.#state
    if (vectors === null) return false
    const form = formOfVectors(bytes)
    return form !== null && form !== vectors
  }

  #readEvents(part: Buffer): void {
    const cursor = this.#cursor
    cursor.load(part)
    while (cursor.next()) {
      const event = part.subarray(cursor.start, cursor.end)
      if (!this.#ended && isLast(event)) this.#ended = true
      if (!event.includes('"usage"')) continue
      const data = eventData(event, 0, event.length)
      const value = data === null ? null : parsed(data)
      if (value === null) continue
      const usage = this.#state.operation.meter.read(value, this.#state.facts)
      if (usage !== null) this.#state.usage = usage
    }
  }

  #keep(chunk: Buffer): Buffer {
    this.#long ??= new LongAnswer()
    this.#long.push(chunk)
    this.#heldBytes += chunk.length
    return chunk
  }

  #hold(chunk: Buffer): GatewayError | null {
    this.#heldBytes += chunk.length
    if (this.#heldBytes > LONGEST_CONVERTED) return this.#invalid('sent an answer that is too long to be translated')
    this.#held.push(chunk)
    return null
  }

  #error(body: Buffer): GatewayError {
    // An error in other words than OpenAI's is told, not passed on.
    if (this.#state.decode === null) return errorOfAnswer(this.#target, this.#status, this.#headers, body)
    const said = reveals(this.#target, body) ? null : wordsOf(parsed(body))
    if (this.#state.encode !== null) {
      const reason = classOfAnswer(this.#status, this.#headers, body)
      return errorOfStatus(this.#target, this.#status, this.#headers, said, null, reason)
    }
    const told =
      said === null
        ? body
        : Buffer.from(JSON.stringify({ error: { message: said, type: null, param: null, code: null } }))
    return errorOfAnswer(this.#target, this.#status, this.#headers, told)
  }

  #truncated(): GatewayError {
    return new GatewayError(
      'upstream_truncated',
      `${this.#target.upstream.name} ended its answer before it was complete.`,
    )
  }

  #invalid(what: string): GatewayError {
    return new GatewayError('upstream_invalid_response', `${this.#target.upstream.name} ${what}.`)
  }
}

const BLANK_LINE = Buffer.from('\n\n')
const DONE = Buffer.from('[DONE]')
const LAST_TYPES = /(?:\.completed|\.done|^error)$/
const lastScanner = createScanner(['type', 'error'], { maxDepth: 64 })
const [TYPE, ERROR] = [0, 1]
/** First byte of `null`. */
const NULL = 0x6e
/** Operations whose answers are JSON, or events of it. */
const JSON_ONLY: ReadonlySet<string> = new Set([
  'embeddings',
  'moderations',
  'rerank',
  'images.generations',
  'images.edits',
  'images.variations',
])

/**
 * Whether an event is the last of an answer, or of one of its pictures: `image_generation.completed`, `speech.audio.done`,
 * `transcript.text.done` (OpenAI's API reference, streaming events, 2026-11), the end of streams of chat completions, or an error.
 */
function isLast(event: Buffer): boolean {
  const data = eventData(event, 0, event.length)
  if (data === null) return false
  if (data.equals(DONE)) return true
  const scanned = lastScanner.scan(data)
  if (scanned.kind !== 'object') return false
  if (scanned.has(ERROR) && data[scanned.valueStart(ERROR)] !== NULL) return true
  const type = scanned.has(TYPE) ? readString(data, scanned.valueStart(TYPE), scanned.valueEnd(TYPE)) : null
  return type !== null && LAST_TYPES.test(type)
}

function parsed(body: Buffer): JsonObject | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null // what cannot be read tells nothing
  }
}

/** The message of an error in the shapes of Google, AWS, Cohere and FastAPI. */
function wordsOf(body: JsonObject | null): string | null {
  if (body === null) return null
  const { error, message, detail } = body
  for (const words of [isObject(error) ? error['message'] : error, message, body['Message'], detail]) {
    if (typeof words === 'string' && words !== '') return words
  }
  return null
}
