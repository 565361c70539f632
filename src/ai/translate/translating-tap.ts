import {
  type AnswerHeaders,
  type AnswerPlan,
  type AnswerTap,
  type Exchange,
  GatewayError,
  type Heartbeat,
} from '../../core/index.ts'
import type { ConversationState } from '../conversation/conversation-state.ts'
import type { AnswerContext, DecodeContext, StreamDecoder, UpstreamDialect, WireEvent } from '../dialects/dialect.ts'
import type { AnswerFault, ModelAnswer, StreamEvent } from '../ir/answer.ts'
import { AnswerAssembler } from '../ir/assemble.ts'
import { eventsOf } from '../ir/disassemble.ts'
import { FieldProblem } from '../ir/fields.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../ir/json.ts'
import { withWays } from '../models/service-tier.ts'
import type { ModelTarget } from '../models/target.ts'
import type { TargetEndpoint } from '../models/target-endpoint.ts'
import { usageOfTokens } from '../models/token-usage.ts'
import { estimateTokens } from '../relay/delivered.ts'
import { oddOpening } from '../relay/odd-opening.ts'
import { withCost, withCostComment } from '../relay/told-cost.ts'
import { errorOfStatus } from '../relay/upstream-error.ts'
import { SealCollector } from '../seals/seal-collector.ts'
import { sealedCallsOf } from '../seals/sealed-call.ts'
import { faultError } from './fault-error.ts'
import { isStreamOf, mediaTypeOf } from './media-types.ts'
import { EventRaiser, raiseAnswer } from './raise.ts'
import { TRANSLATION, translatedHeaders } from './translated-headers.ts'
import type { Translation } from './translation.ts'
import type { WireReader } from './wire-reader.ts'
import { wireReader } from './wire-readers.ts'

/** Longest whole answer that is held to be translated. */
const LONGEST_ANSWER = 64 * 1024 * 1024

type Mode = 'error' | 'whole' | 'stream' | 'collect'

/**
 * Puts one answer of an upstream into the client's dialect: whole, event by event, or from one form into the other when
 * the upstream chose another than the client. An error is never followed by anything.
 */
export class TranslatingTap implements AnswerTap {
  readonly #x: Exchange
  readonly #target: ModelTarget
  readonly #state: ConversationState
  readonly #translation: Translation
  readonly #dialect: UpstreamDialect
  readonly #context: AnswerContext
  readonly #decoding: DecodeContext
  readonly #raiser: EventRaiser
  /** Null: nobody keeps seals of this answer. */
  readonly #seals: SealCollector | null
  #mode: Mode = 'whole'
  #status = 0
  #headers: AnswerHeaders = {}
  #reader: WireReader | null = null
  #decoder: StreamDecoder | null = null
  #assembler: AnswerAssembler | null = null
  #held: Buffer[] = []
  #heldBytes = 0
  /** Text for the client that the event at hand made. */
  #out = ''
  #fault: AnswerFault | null = null
  #problem: GatewayError | null = null
  /** Something of the answer itself came. */
  #began = false
  /** It says something: a text, the name of a tool, an end. */
  #spoke = false
  #textBytes = 0
  /** How the vendor served the answer, as far as it told. */
  #tier: string | undefined
  #reportedBytes = 0
  /** What the header said of the losses; null: it was not written yet. */
  #told: string | null = null

  constructor(
    x: Exchange,
    target: ModelTarget,
    state: ConversationState,
    endpoint: TargetEndpoint,
    translation: Translation,
  ) {
    const { dialect } = endpoint
    if (dialect === null) throw new Error(`${target.name} is not translated to`)
    this.#x = x
    this.#target = target
    this.#state = state
    this.#translation = translation
    this.#dialect = dialect
    const { losses, request } = translation
    const id = x.id.replaceAll('-', '')
    const streamFraming = state.pathFacts?.framing
    const createdAt = Math.floor(x.time / 1000)
    this.#context = { id, model: target.model, createdAt, request, losses, streamFraming }
    this.#decoding = { losses, ids: new Ids(id) }
    this.#raiser = new EventRaiser(translation.undo)
    this.#seals = state.keepSeals === null ? null : new SealCollector(state.keepSeals)
  }

  start(status: number, headers: AnswerHeaders): AnswerPlan | GatewayError {
    this.#status = status
    this.#headers = headers
    const name = this.#target.upstream.name
    if (status >= 400) {
      this.#mode = 'error'
      return 'buffer'
    }
    const odd = oddOpening(status, headers)
    if (odd !== null) return this.#invalid(odd)
    const type = mediaTypeOf(headers)
    const streamed = isStreamOf(this.#dialect.framing, type, this.#state.stream)
    if (!streamed && type !== 'application/json' && !type.endsWith('+json')) {
      const what = type === '' ? 'no content type' : type
      return new GatewayError(
        'upstream_invalid_response',
        `${name} answered 200 with ${what} instead of JSON or a stream.`,
      )
    }
    this.#state.answered = true
    if (this.#state.stream) this.#state.encoder = this.#state.surface.client.streamEncoder(this.#context)
    if (!streamed) return 'buffer'
    this.#mode = this.#state.stream ? 'stream' : 'collect'
    this.#reader = wireReader(this.#dialect.framing)
    this.#decoder = this.#dialect.streamDecoder(this.#decoding)
    if (this.#mode === 'collect') this.#assembler = new AnswerAssembler(this.#dialect.name)
    return 'stream'
  }

  complete(body: Buffer): Buffer | GatewayError {
    if (this.#mode === 'error') return this.#errorOf(body)
    const parsed = this.#parse(body)
    if (parsed instanceof GatewayError) return parsed
    const answer = this.#decode(parsed)
    return answer instanceof GatewayError ? answer : this.#withCost(this.#encode(answer))
  }

  push(chunk: Buffer): Buffer | GatewayError | null {
    if (this.#problem !== null) return this.#problem
    if (this.#mode === 'error') return this.#errorOf(chunk)
    if (this.#reader === null) return this.#hold(chunk)
    const wrong = this.#reader.push(chunk, this.#read)
    if (wrong !== null) return this.#invalid(wrong)
    return this.#flush()
  }

  end(): Buffer | GatewayError | null {
    if (this.#problem !== null) return this.#problem
    if (this.#reader === null) return this.complete(Buffer.concat(this.#held))
    const wrong = this.#reader.end(this.#read)
    if (wrong !== null) return this.#invalid(wrong)
    if (this.#fault === null) this.#decoder?.close(this.#raise)
    if (this.#fault !== null) return this.#failure(this.#fault)
    if (this.#assembler === null) return this.#withCost(this.#flush())
    const answer = this.#assembler.answer()
    if (answer === null) return this.#failure({ message: '', kind: 'truncated' })
    return 'choices' in answer ? this.#encode(answer) : this.#failure(answer)
  }

  get silent(): boolean {
    return this.#mode === 'stream' && !this.#spoke
  }

  get heartbeat(): Heartbeat | null {
    return this.#sendsEvents && this.#mode === 'stream' ? this.#target.heartbeat : null
  }

  headers(headers: AnswerHeaders, body: Buffer | null): string[] {
    const { losses } = this.#translation
    const report = this.#mode === 'stream' ? this.#toldAtStart() : losses.header()
    const length = body === null ? null : body.length
    const out = translatedHeaders(
      this.#x,
      this.#target,
      headers,
      length,
      this.#sendsEvents,
      report,
      this.#state.surface.client.name,
    )
    return this.#state.stream ? out : withCost(out, this.#x, this.#target, this.#state.usage)
  }

  /** The client gets a stream of events, and no array of JSON that grows. */
  get #sendsEvents(): boolean {
    return this.#state.stream && this.#context.streamFraming !== 'json-array'
  }

  #withCost<Bytes extends Buffer | GatewayError | null>(last: Bytes): Bytes | Buffer {
    if (!this.#sendsEvents || this.#problem !== null) return last
    return withCostComment(last, this.#x, this.#target, this.#state.usage)
  }

  /** Of an answer that is still to come nobody knows yet what of it will be lost. */
  #toldAtStart(): string {
    this.#told = this.#translation.losses.header()
    return `${this.#told}; answer=pending`
  }

  /**
   * What was lost since the header, in front of the last events: a comment, which readers of server-sent events pass over.
   */
  #lateReport(): string {
    const report = this.#translation.losses.header()
    const { readsComments } = this.#state.surface.client
    return this.#told === null || report === this.#told || readsComments === false
      ? ''
      : `: ${TRANSLATION}: ${report}\n\n`
  }

  #hold(chunk: Buffer): GatewayError | null {
    this.#heldBytes += chunk.length
    if (this.#heldBytes > LONGEST_ANSWER) return this.#invalid('sent an answer that is too long to be translated')
    this.#held.push(Buffer.from(chunk))
    return null
  }

  readonly #read = (event: WireEvent): void => {
    if (this.#fault === null) this.#decoder?.push(event, this.#raise)
  }

  readonly #raise = (event: StreamEvent): void => {
    if (this.#fault === null) this.#raiser.push(event, this.#take)
  }

  readonly #take = (event: StreamEvent): void => {
    const state = this.#state
    switch (event.type) {
      case 'fault':
        this.#fault = event.fault
        // An upstream that failed at once did not work for us.
        if (!this.#began && event.fault.kind !== 'truncated') state.answered = false
        return
      case 'part-start':
        this.#began = true
        if (event.part.type === 'tool-call') this.#spoke = true
        break
      case 'start':
        this.#tier = event.serviceTier
        break
      case 'usage':
        this.#tier = event.serviceTier ?? this.#tier
        state.usage = withWays(usageOfTokens(event.usage), { tier: this.#tier })
        this.#reportedBytes = this.#textBytes
        state.unreportedTokens = 0
        break
      case 'part-delta':
        if (event.text !== '') this.#spoke = true
        this.#textBytes += event.text.length
        state.deliveredTokens = estimateTokens(this.#textBytes)
        state.unreportedTokens = estimateTokens(this.#textBytes - this.#reportedBytes)
        break
      default:
    }
    this.#seals?.push(event)
    if (this.#assembler !== null) return this.#assembler.push(event)
    const text = state.encoder?.push(event) ?? ''
    this.#out += event.type === 'end' ? this.#lateReport() + text : text
  }

  /** What the events so far made; an error follows it in the next turn, or when the upstream says more. */
  #flush(): Buffer | GatewayError | null {
    const text = this.#out
    this.#out = ''
    if (this.#fault !== null) {
      const error = this.#failure(this.#fault)
      if (text === '' || this.#assembler !== null) return error
      this.#problem = error
      this.#x.attempt?.rejectSoon(error)
    }
    return text === '' ? null : Buffer.from(text)
  }

  #parse(body: Buffer): JsonObject | GatewayError {
    let value: unknown
    try {
      value = parseExact(body.toString('utf8'))
    } catch {
      value = null // said below, as for any other value that is no object
    }
    if (isObject(value)) return value
    this.#state.answered = false
    const what = body.length === 0 ? 'an empty body' : 'a body that is not a JSON object'
    return this.#invalid(`answered 200 with ${what}`)
  }

  #decode(body: JsonObject): ModelAnswer | GatewayError {
    try {
      const answer = this.#dialect.decodeAnswer(body, this.#decoding)
      if (!('choices' in answer)) {
        this.#state.answered = false
        return this.#failure(answer)
      }
      return raiseAnswer(answer, this.#translation.undo)
    } catch (error) {
      if (!(error instanceof FieldProblem)) throw error
      this.#state.answered = false
      return this.#invalid(`sent an answer that cannot be read: ${error.param}: ${error.message}`)
    }
  }

  #encode(answer: ModelAnswer): Buffer {
    const state = this.#state
    if (answer.usage !== undefined) state.usage = withWays(usageOfTokens(answer.usage), { tier: answer.serviceTier })
    state.deliveredTokens = estimateTokens(textLength(answer))
    if (this.#mode === 'whole') this.#keepSeals(answer)
    const { encoder } = state
    if (encoder === null) return Buffer.from(writeJson(state.surface.client.encodeAnswer(answer, this.#context)))
    let text = ''
    for (const event of eventsOf(answer)) text += encoder.push(event)
    return Buffer.from(text)
  }

  #keepSeals({ choices }: ModelAnswer): void {
    const calls = this.#state.keepSeals === null ? [] : choices.flatMap(({ parts }) => sealedCallsOf(parts))
    if (calls.length > 0) this.#state.keepSeals?.(calls)
  }

  #errorOf(body: Buffer): GatewayError {
    let said: string | null = null
    try {
      const value: unknown = JSON.parse(body.toString('utf8'))
      if (isObject(value)) said = this.#dialect.decodeError(value)?.message ?? null
    } catch {
      said = null // an HTML page or a cut body: nothing to quote
    }
    if (said !== null && this.#target.secretTexts.some((secret) => said?.includes(secret) === true)) said = null
    const quoted = said?.slice(0, LONGEST_QUOTE) ?? null
    return errorOfStatus(this.#target, this.#status, this.#headers, quoted, null, body)
  }

  #failure(fault: AnswerFault): GatewayError {
    return faultError(this.#target.upstream.name, fault, this.#target.secretTexts)
  }

  #invalid(what: string): GatewayError {
    return new GatewayError('upstream_invalid_response', `${this.#target.upstream.name} ${what}.`)
  }
}

const LONGEST_QUOTE = 500

/** Names for what an upstream leaves nameless, unique within the request and across requests. */
class Ids {
  readonly #request: string
  #last = 0

  constructor(request: string) {
    this.#request = request
  }

  next(prefix: string): string {
    this.#last++
    return `${prefix}_${this.#request}${this.#last}`
  }
}

function textLength(answer: ModelAnswer): number {
  let length = 0
  for (const choice of answer.choices) {
    for (const part of choice.parts) {
      if (part.type === 'tool-call') length += part.arguments.length
      else if ('text' in part) length += part.text.length
    }
  }
  return length
}
