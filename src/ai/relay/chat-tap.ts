import {
  type AnswerHeaders,
  type AnswerPlan,
  type AnswerTap,
  type Exchange,
  GatewayError,
  type Heartbeat,
} from '../../core/index.ts'
import { readJson } from '../../lib/index.ts'
import type { ConversationState } from '../conversation/conversation-state.ts'
import type { ModelTarget } from '../models/target.ts'
import { mediaTypeOf } from '../translate/media-types.ts'
import { ANSWER, answerScanner, tierOf } from './answer-fields.ts'
import { clientHeaders } from './answer-headers.ts'
import { estimateTokens } from './delivered.ts'
import { EventStream } from './event-stream.ts'
import { LongAnswer } from './long-answer.ts'
import { oddOpening } from './odd-opening.ts'
import { withCost, withCostComment } from './told-cost.ts'
import { errorOfAnswer, errorWithin } from './upstream-error.ts'
import { readUsage } from './usage.ts'

type Mode = 'error' | 'json' | 'events'

/**
 * Relays one answer to a chat request byte for byte and reads its usage on the way. Only what was added by the gateway
 * (the usage of a stream that the client did not ask for) is taken out again.
 */
export class ChatTap implements AnswerTap {
  readonly #x: Exchange
  readonly #target: ModelTarget
  readonly #state: ConversationState
  #mode: Mode = 'json'
  #status = 0
  #headers: AnswerHeaders = {}
  #events: EventStream | null = null
  #long: LongAnswer | null = null

  constructor(x: Exchange, target: ModelTarget, state: ConversationState) {
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
    const odd = oddOpening(status, headers)
    if (odd !== null) return this.#invalid(odd)
    const type = mediaTypeOf(headers)
    this.#state.answered = true
    if (type === 'text/event-stream' && !this.#x.wantsStream) {
      this.#state.answered = false
      return this.#invalid('answered with a stream of events, though none was asked for')
    }
    if (type === 'text/event-stream') {
      this.#mode = 'events'
      this.#events = new EventStream(this.#x, this.#target, this.#state)
      return 'stream'
    }
    if (type === 'application/json' || type.endsWith('+json')) return 'buffer'
    this.#state.answered = false
    const what = type === '' ? 'no content type' : type
    return this.#invalid(`answered 200 with ${what} instead of JSON or an event stream`)
  }

  complete(body: Buffer): Buffer | GatewayError {
    if (this.#mode === 'error') return errorOfAnswer(this.#target, this.#status, this.#headers, body)
    const scanned = answerScanner.scan(body)
    if (scanned.kind !== 'object') {
      const what = body.length === 0 ? 'an empty body' : 'a body that is not a JSON object'
      return this.#invalid(`answered 200 with ${what}`)
    }
    if (scanned.has(ANSWER.usage)) {
      const usage = readJson(body, scanned.valueStart(ANSWER.usage), scanned.valueEnd(ANSWER.usage))
      this.#state.usage = readUsage({ usage, service_tier: tierOf(body, scanned) })
    }
    if (scanned.has(ANSWER.choices)) {
      const bytes = scanned.valueEnd(ANSWER.choices) - scanned.valueStart(ANSWER.choices)
      this.#state.deliveredTokens = estimateTokens(bytes)
    } else if (scanned.has(ANSWER.error)) {
      this.#state.answered = false
      return errorWithin(this.#target, body)
    }
    return body
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    if (this.#mode === 'events' && this.#events !== null) return this.#events.push(chunk)
    // A very long one is told by its status, and by its beginning.
    if (this.#mode === 'error') return errorOfAnswer(this.#target, this.#status, this.#headers, chunk)
    this.#long ??= new LongAnswer()
    this.#long.push(chunk)
    this.#state.deliveredTokens = estimateTokens(this.#long.bytes)
    return chunk
  }

  end(): Buffer | GatewayError | null {
    if (this.#events !== null) {
      const last = this.#events.end()
      return withCostComment(last, this.#x, this.#target, this.#state.usage)
    }
    const members = this.#long?.members() ?? null
    if (members !== null) this.#state.usage = readUsage(members)
    return null
  }

  get silent(): boolean {
    return this.#events?.silent === true
  }

  get heartbeat(): Heartbeat | null {
    return this.#mode === 'events' ? this.#target.heartbeat : null
  }

  headers(headers: AnswerHeaders, body: Buffer | null): string[] {
    const events = this.#mode === 'events'
    const length = body === null ? null : body.length
    const out = clientHeaders(this.#x, this.#target, headers, length, events, this.#state.losses)
    return events ? out : withCost(out, this.#x, this.#target, this.#state.usage)
  }

  #invalid(what: string): GatewayError {
    return new GatewayError('upstream_invalid_response', `${this.#target.upstream.name} ${what}.`)
  }
}
