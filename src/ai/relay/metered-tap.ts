import {
  type AnswerHeaders,
  type AnswerPlan,
  type AnswerTap,
  type Exchange,
  GatewayError,
  type Heartbeat,
} from '../../core/index.ts'
import { createScanner, eventData, SseCursor, SseFramer } from '../../lib/index.ts'
import type { ConversationState } from '../conversation/conversation-state.ts'
import type { AnswerFault, TokenUsage } from '../ir/answer.ts'
import { type JsonObject, objectIn } from '../ir/json.ts'
import type { ModelTarget } from '../models/target.ts'
import { usageOfTokens } from '../models/token-usage.ts'
import { faultError } from '../translate/fault-error.ts'
import { mediaTypeOf } from '../translate/media-types.ts'
import { clientHeaders } from './answer-headers.ts'
import type { AnswerMeter, StreamMeter } from './answer-meter.ts'
import { DeliveredEstimate, estimateTokens } from './delivered.ts'
import { EditedPart } from './edited-part.ts'
import { LongAnswer } from './long-answer.ts'
import { oddOpening } from './odd-opening.ts'
import { withCost, withCostComment } from './told-cost.ts'
import { errorOfAnswer, reveals } from './upstream-error.ts'

const MAX_EVENT_BYTES = 32 * 1024 * 1024
const BLANK_LINE = Buffer.from('\n\n')
const DONE = Buffer.from('[DONE]')
const scanner = createScanner(['type'], { maxDepth: 512 })

/**
 * Relays an answer in the client's own dialect byte for byte, and reads its usage on the way. Whole events go on as they
 * are; an event that is cut waits for its rest, so that an error can follow cleanly at any time.
 */
export class MeteredTap implements AnswerTap {
  readonly #x: Exchange
  readonly #target: ModelTarget
  readonly #state: ConversationState
  readonly #meter: AnswerMeter
  readonly #hints: readonly Buffer[]
  readonly #events: StreamMeter
  readonly #framer = new SseFramer(MAX_EVENT_BYTES)
  readonly #cursor = new SseCursor()
  readonly #delivered: DeliveredEstimate
  readonly #textHint: Buffer | null
  #mode: 'error' | 'whole' | 'events' = 'whole'
  #status = 0
  #headers: AnswerHeaders = {}
  #told: TokenUsage | null = null
  #problem: GatewayError | null = null
  /** An event said something of the answer itself. */
  #spoke = false
  /** The upstream said that it failed, in an event that went on. */
  #failed = false
  /** A whole answer too long for the attempt's own buffer, which streams it. */
  #long: LongAnswer | null = null

  constructor(x: Exchange, target: ModelTarget, state: ConversationState, meter: AnswerMeter) {
    this.#x = x
    this.#target = target
    this.#state = state
    this.#meter = meter
    this.#hints = meter.hints.map((text) => Buffer.from(text))
    this.#events = meter.stream()
    const text = meter.textEvents
    this.#delivered = new DeliveredEstimate(text?.envelope)
    this.#textHint = text === undefined ? null : Buffer.from(text.hint)
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
    if (type === 'text/event-stream') {
      if (!this.#x.wantsStream) return this.#invalid('answered with a stream of events, though none was asked for')
      this.#mode = 'events'
      this.#state.answered = true
      return 'stream'
    }
    if (type !== 'application/json' && !type.endsWith('+json')) {
      const what = type === '' ? 'no content type' : type
      return this.#invalid(`answered 200 with ${what} instead of JSON or an event stream`)
    }
    this.#state.answered = true
    return 'buffer'
  }

  complete(body: Buffer): Buffer | GatewayError {
    if (this.#mode === 'error') return errorOfAnswer(this.#target, this.#status, this.#headers, body)
    const answer = objectIn(body)
    if (answer === null) {
      this.#state.answered = false
      return this.#invalid(
        `answered 200 with ${body.length === 0 ? 'an empty body' : 'a body that is not a JSON object'}`,
      )
    }
    const fault = this.#meter.faultOf(answer)
    if (fault !== null) {
      this.#state.answered = false
      return this.#failure(fault)
    }
    this.#readWhole(answer, body.length)
    return body
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    if (this.#problem !== null) return this.#problem
    // A very long one is told by its status, and by its beginning.
    if (this.#mode === 'error') return errorOfAnswer(this.#target, this.#status, this.#headers, chunk)
    if (this.#mode === 'whole') return this.#keep(chunk)
    if (this.#failed) return null
    const part = this.#framer.push(chunk)
    if (part === null) return null
    return part === 'overflow' ? this.#invalid('sent an event that is too large') : this.#read(part)
  }

  end(): Buffer | GatewayError | null {
    if (this.#problem !== null) return this.#problem
    if (this.#mode === 'whole') {
      const answer = this.#long?.members() ?? null
      if (answer !== null) this.#readWhole(answer, this.#long?.bytes ?? 0)
      return null
    }
    if (this.#failed) return null
    const rest = this.#framer.end()
    // The blank line behind the last event may be missing; one that was cut within is no event.
    const last = rest === null ? null : this.#read(Buffer.concat([rest, BLANK_LINE]))
    if (last instanceof GatewayError) return last
    if (this.#events.ended || this.#failed) return withCostComment(last, this.#x, this.#target, this.#state.usage)
    return new GatewayError(
      'upstream_truncated',
      `${this.#target.upstream.name} ended its answer before it was complete.`,
    )
  }

  get silent(): boolean {
    return this.#mode === 'events' && !this.#spoke
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

  #keep(chunk: Buffer): Buffer {
    this.#long ??= new LongAnswer()
    this.#long.push(chunk)
    this.#state.deliveredTokens = estimateTokens(this.#long.bytes)
    return chunk
  }

  #readWhole(answer: JsonObject, bytes: number): void {
    const usage = this.#meter.readUsage(answer)
    if (usage !== null) this.#state.usage = usageOfTokens(usage)
    this.#state.deliveredTokens = estimateTokens(bytes)
  }

  #read(part: Buffer): Buffer | GatewayError | null {
    const cursor = this.#cursor
    cursor.load(part)
    const out = new EditedPart(part)
    while (cursor.next()) {
      const { start, end } = cursor
      const event = part.subarray(start, end)
      if (this.#textHint === null || event.includes(this.#textHint)) {
        this.#delivered.add(end - start)
        this.#spoke = true
      }
      if (!isReadable(event)) return this.#stopAt(this.#invalid('sent an event that is not JSON'), out.upTo(start))
      if (!this.#tells(event)) continue
      const problem = this.#readTelling(event)
      if (problem !== null) return this.#stopAt(problem, out.upTo(start))
      // What an upstream sends behind its own error would make a whole answer of it.
      if (this.#failed) break
    }
    this.#state.deliveredTokens = this.#delivered.tokens
    this.#state.unreportedTokens = this.#delivered.unreported
    return this.#failed ? out.upTo(cursor.end) : out.finish()
  }

  #tells(event: Buffer): boolean {
    for (const hint of this.#hints) if (event.includes(hint)) return true
    return false
  }

  #readTelling(event: Buffer): GatewayError | null {
    const data = eventData(event, 0, event.length)
    if (data === null || data.length === 0) return null
    const value = objectIn(data)
    if (value === null) return null
    const events = this.#events
    events.read(value)
    const { usage, fault } = events
    if (usage !== null && usage !== this.#told) {
      this.#told = usage
      this.#state.usage = usageOfTokens(usage)
      this.#delivered.report()
    }
    return fault === null ? null : this.#readFault(fault, data)
  }

  #readFault(fault: AnswerFault, data: Buffer): GatewayError | null {
    const secret = reveals(this.#target, data)
    const error = this.#failure(secret ? { ...fault, message: '' } : fault)
    if (secret || this.#meter.forwardsFaults !== true || !this.#x.client.headSent) return error
    this.#failed = true
    this.#x.error = error
    this.#x.end = 'upstream_error'
    return null
  }

  /** What stands before the event is given now; the error follows with what comes next, or in the next turn. */
  #stopAt(problem: GatewayError, before: Buffer | null): Buffer | GatewayError {
    if (before === null || before.length === 0) {
      // An upstream that failed at once did not work for us.
      if (!this.#x.client.headSent) this.#state.answered = false
      return problem
    }
    this.#problem = problem
    this.#x.attempt?.rejectSoon(problem)
    return before
  }

  #failure(fault: AnswerFault): GatewayError {
    return faultError(this.#target.upstream.name, fault, this.#target.secretTexts)
  }

  #invalid(what: string): GatewayError {
    return new GatewayError('upstream_invalid_response', `${this.#target.upstream.name} ${what}.`)
  }
}

/** Translated, such an event would be an error: relayed, it is none either that a client could read. */
function isReadable(event: Buffer): boolean {
  const data = eventData(event, 0, event.length)
  return data === null || data.length === 0 || data.equals(DONE) || scanner.scan(data).kind === 'object'
}
