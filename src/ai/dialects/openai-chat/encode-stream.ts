import type { GatewayError } from '../../../core/index.ts'
import type { StreamEvent, TokenUsage } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext, StreamEncoder } from '../dialect.ts'
import { sseData } from '../sse-data.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { answerId } from './encode-answer.ts'
import { encodeError } from './errors.ts'
import { encodeStop } from './stop-reasons.ts'
import { ToldChoice } from './told-choice.ts'
import { encodeUsage } from './usage.ts'

/**
 * Chunks as the vendor sends them: the role first, `null` for what strict clients need there, the finish reason in a
 * chunk of its own, usage after it with empty choices if the client asked for it, `[DONE]` at the end.
 */
export class ChatStreamEncoder implements StreamEncoder {
  readonly #context: AnswerContext
  readonly #legacy: boolean
  readonly #asksUsage: boolean
  readonly #report: AnswerReport
  /** The members that parts bring along are in the words of this dialect. */
  #own = false
  readonly #choices = new Map<number, ToldChoice>()
  /** All of a chunk before its choices, and after them: the same for each. */
  #head: string
  #tail: string
  #tier = ''
  #usage: TokenUsage | null = null
  #over = false

  constructor(context: AnswerContext) {
    const { request } = context
    this.#context = context
    this.#report = new AnswerReport('openai-chat', ANSWER_CARRIES, context.losses)
    this.#legacy = request.legacyFunctions === true
    this.#asksUsage = request.parameters.includeUsage === true
    this.#head = this.#headOf({ type: 'start' })
    this.#tail = this.#tailOf()
  }

  push(event: StreamEvent): string {
    if (this.#over) return ''
    this.#report.event(event)
    switch (event.type) {
      case 'start':
        this.#own = event.dialect === 'openai-chat'
        this.#head = this.#headOf(event)
        if (event.serviceTier !== undefined) this.#tier = `,"service_tier":${JSON.stringify(event.serviceTier)}`
        this.#tail = this.#tailOf()
        return ''
      case 'part-start':
        return this.#deltas(event.choice, this.#choice(event.choice).start(event.index, event.part))
      case 'part-delta':
        return this.#deltas(event.choice, this.#choice(event.choice).grow(event.index, event.text))
      case 'part-note':
        return this.#deltas(event.choice, this.#choice(event.choice).note(event))
      case 'part-end':
        return this.#deltas(event.choice, this.#choice(event.choice).end(event.index))
      case 'logprobs':
        return this.#chunk({
          index: event.choice,
          delta: {},
          logprobs: { refusal: null, ...event.logprobs },
          finish_reason: null,
        })
      case 'stop':
        return this.#stop(event)
      case 'usage':
        this.#usage = event.usage
        if (event.serviceTier !== undefined) this.#tier = `,"service_tier":${JSON.stringify(event.serviceTier)}`
        return ''
      case 'fault': {
        this.#over = true
        const { message, kind } = event.fault
        return sseData({ error: { message, type: 'server_error', param: null, code: kind ?? 'upstream_error' } })
      }
      case 'end':
        return this.#end(event.extra)
    }
  }

  fail(error: GatewayError): string {
    if (this.#over) return ''
    this.#over = true
    // No [DONE] follows: it would be a proper end.
    return sseData(encodeError(error))
  }

  #stop({ choice, stop }: Extract<StreamEvent, { type: 'stop' }>): string {
    const told = this.#choice(choice)
    const cut = stop.reason === 'length' || stop.reason === 'context-length'
    const left = this.#deltas(choice, told.finish(cut ? 'cut' : 'whole'))
    const has = { refusal: told.refused, legacy: this.#legacy }
    const reason = encodeStop(stop, has, this.#context.losses)
    return left + this.#chunk({ index: choice, delta: {}, logprobs: null, finish_reason: reason })
  }

  #end(extra: JsonObject | undefined): string {
    this.#over = true
    // Members of a whole answer that nobody here knows: no chunk has a place that readers look at.
    this.#context.losses.dropAll('', extra)
    const usage = this.#asksUsage && this.#usage !== null ? encodeUsage(this.#usage, this.#context.losses) : null
    const last = usage === null ? '' : `${this.#head}[],"usage":${JSON.stringify(usage)}${this.#tier}}\n\n`
    return `${last}data: [DONE]\n\n`
  }

  #choice(index: number): ToldChoice {
    let choice = this.#choices.get(index)
    if (choice === undefined) {
      choice = new ToldChoice({ legacy: this.#legacy, own: this.#own, losses: this.#context.losses })
      this.#choices.set(index, choice)
    }
    return choice
  }

  #deltas(index: number, deltas: readonly JsonObject[] | null): string {
    if (deltas === null) return ''
    let text = ''
    for (const delta of deltas) text += this.#chunk({ index, delta, logprobs: null, finish_reason: null })
    return text
  }

  #chunk(choice: JsonObject): string {
    return `${this.#head}[${JSON.stringify(choice)}]${this.#tail}`
  }

  #headOf({ id, createdAt, model }: Extract<StreamEvent, { type: 'start' }>): string {
    const head = JSON.stringify({
      id: answerId(id, this.#context),
      object: 'chat.completion.chunk',
      created: createdAt ?? this.#context.createdAt,
      model: model ?? this.#context.model,
    })
    return `data: ${head.slice(0, -1)},"choices":`
  }

  #tailOf(): string {
    return `${this.#asksUsage ? ',"usage":null' : ''}${this.#tier}}\n\n`
  }
}
