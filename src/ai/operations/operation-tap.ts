import { type AnswerHeaders, type AnswerPlan, type AnswerTap, type Exchange, GatewayError } from '../../core/index.ts'
import { isObject, type JsonObject, objectIn, writeJson } from '../ir/json.ts'
import type { ModelTarget } from '../models/target.ts'
import { clientHeaders } from '../relay/answer-headers.ts'
import { LongAnswer } from '../relay/long-answer.ts'
import { oddOpening } from '../relay/odd-opening.ts'
import { errorOfAnswer, errorOfStatus, errorWithin, reveals } from '../relay/upstream-error.ts'
import { mediaTypeOf } from '../translate/media-types.ts'
import { OperationEvents } from './operation-events.ts'
import type { OperationState } from './operation-state.ts'
import { formOfVectors, withVectors } from './vectors.ts'

/** Answers that must be read as a whole before they can be put into other words. */
const LONGEST_CONVERTED = 64 * 1024 * 1024
const LONGEST_QUOTE = 500

/** `whole`: JSON that is passed on as it is; `converted`: JSON that is put into other words; `bytes`: sound, text, files. */
type Mode = 'error' | 'whole' | 'converted' | 'events' | 'bytes'

/** Relays one answer of an operation, or puts it into OpenAI's words, and reads its usage on the way. */
export class OperationTap implements AnswerTap {
  readonly #x: Exchange
  readonly #target: ModelTarget
  readonly #state: OperationState
  #events: OperationEvents | null = null
  #mode: Mode = 'bytes'
  #status = 0
  #headers: AnswerHeaders = {}
  #long: LongAnswer | null = null
  #held: Buffer[] = []
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
    const odd = oddOpening(status, headers, 299)
    if (odd !== null) return this.#invalid(odd)
    const type = mediaTypeOf(headers)
    this.#state.answered = true
    if (type === 'application/json' || type.endsWith('+json')) {
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
      this.#events = new OperationEvents(this.#x, this.#target, this.#state)
      // A form may say so behind its file, where nobody looks.
      this.#x.wantsStream = true
      return 'stream'
    }
    return 'relay'
  }

  complete(body: Buffer): Buffer | GatewayError {
    if (this.#mode === 'error') return this.#error(body)
    const answer = objectIn(body)
    if (answer === null) {
      this.#state.answered = false
      return this.#invalid(`answered 200 with ${body.length === 0 ? 'an empty body' : 'a body that is no JSON object'}`)
    }
    return this.#finish(answer, body)
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    switch (this.#mode) {
      case 'error':
        // A very long one is told by its status, and by its beginning.
        return this.#error(chunk)
      case 'bytes':
        return chunk
      case 'events':
        return this.#events?.push(chunk) ?? null
      case 'whole':
        if (this.#heldBytes === 0 && this.#wantsOtherVectors(chunk)) this.#mode = 'converted'
        else return this.#keep(chunk)
        return this.#hold(chunk)
      case 'converted':
        return this.#hold(chunk)
    }
  }

  end(): Buffer | GatewayError | null {
    if (this.#events !== null) return this.#events.end()
    if (this.#mode === 'whole' && this.#long !== null) {
      const answer = this.#long.members()
      const read = answer === null ? null : this.#state.operation.meter.read(answer, this.#state.facts)
      if (read !== null) this.#state.usage = read
      return null
    }
    if (this.#mode !== 'converted') return null
    const body = Buffer.concat(this.#held)
    this.#held = []
    const answer = objectIn(body)
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
    const said = reveals(this.#target, body) ? null : wordsOf(objectIn(body))
    if (this.#state.encode !== null) {
      return errorOfStatus(this.#target, this.#status, this.#headers, said, null, body)
    }
    if (said === null) return errorOfAnswer(this.#target, this.#status, this.#headers, body)
    const told = Buffer.from(JSON.stringify({ error: { message: said, type: null, param: null, code: null } }))
    // What it is stands in the upstream's own words.
    return errorOfStatus(this.#target, this.#status, this.#headers, said.slice(0, LONGEST_QUOTE), told, body)
  }

  #invalid(what: string): GatewayError {
    return new GatewayError('upstream_invalid_response', `${this.#target.upstream.name} ${what}.`)
  }
}

/** Operations whose answers are JSON, or events of it. */
const JSON_ONLY: ReadonlySet<string> = new Set([
  'embeddings',
  'moderations',
  'rerank',
  'images.generations',
  'images.edits',
  'images.variations',
])

/** The message of an error in the shapes of Google, AWS, Cohere and FastAPI. */
function wordsOf(body: JsonObject | null): string | null {
  if (body === null) return null
  const { error, message, detail } = body
  for (const words of [isObject(error) ? error['message'] : error, message, body['Message'], detail]) {
    if (typeof words === 'string' && words !== '') return words
  }
  return null
}
