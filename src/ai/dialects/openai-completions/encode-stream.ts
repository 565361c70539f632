import type { GatewayError } from '../../../core/index.ts'
import type { StreamEvent, TokenUsage } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext, StreamEncoder } from '../dialect.ts'
import { encodeError } from '../openai-chat/errors.ts'
import { encodeStop } from '../openai-chat/stop-reasons.ts'
import { encodeUsage } from '../openai-chat/usage.ts'
import { sseData } from '../sse-data.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { answerId, finishReason, shownText } from './encode-answer.ts'
import { encodeLogprobs } from './logprobs.ts'

/** Chunks of `text_completion` as the vendor sends them, `[DONE]` at the end. */
export class CompletionStreamEncoder implements StreamEncoder {
  readonly #context: AnswerContext
  readonly #report: AnswerReport
  /** Parts whose text is shown, by choice and number. */
  readonly #shown = new Set<string>()
  /** Characters of each choice whose probabilities have been told. */
  readonly #offsets = new Map<number, number>()
  #usage: TokenUsage | null = null
  #over = false
  #head: JsonObject

  constructor(context: AnswerContext) {
    this.#context = context
    this.#report = new AnswerReport('openai-completions', ANSWER_CARRIES, context.losses)
    this.#head = headOf({ type: 'start' }, context)
  }

  push(event: StreamEvent): string {
    if (this.#over) return ''
    this.#report.event(event)
    switch (event.type) {
      case 'start':
        this.#head = headOf(event, this.#context)
        return ''
      case 'part-start': {
        const { type } = event.part
        if (type === 'text' || type === 'refusal') this.#shown.add(`${event.choice}.${event.index}`)
        const text = shownText(event.part, this.#context.losses)
        return text === '' ? '' : this.#chunk(event.choice, { text })
      }
      case 'part-delta':
        if (!this.#shown.has(`${event.choice}.${event.index}`) || event.text === '') return ''
        return this.#chunk(event.choice, { text: event.text })
      case 'logprobs':
        return this.#logprobs(event.choice, event.logprobs)
      case 'stop': {
        const reason = encodeStop(event.stop, { refusal: false, legacy: false }, this.#context.losses)
        return this.#chunk(event.choice, { finish_reason: finishReason(reason) })
      }
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'fault': {
        this.#over = true
        const { message, kind } = event.fault
        return sseData({ error: { message, type: 'server_error', param: null, code: kind ?? 'upstream_error' } })
      }
      case 'end':
        this.#context.losses.dropAll('', event.extra)
        return this.#end()
      case 'part-note':
        if (event.citation !== undefined) this.#context.losses.drop('choices[].annotations')
        return ''
      case 'part-end':
        return ''
    }
  }

  fail(error: GatewayError): string {
    if (this.#over) return ''
    this.#over = true
    return sseData(encodeError(error))
  }

  #logprobs(choice: number, logprobs: JsonObject): string {
    if (this.#context.request.parameters.logprobs === undefined) return ''
    const offset = this.#offsets.get(choice) ?? 0
    const encoded = encodeLogprobs(logprobs, offset)
    if (encoded === null) return ''
    const tokens = Array.isArray(encoded['tokens']) ? encoded['tokens'] : []
    this.#offsets.set(
      choice,
      tokens.reduce((sum: number, token) => sum + String(token).length, offset),
    )
    return this.#chunk(choice, { logprobs: encoded })
  }

  #end(): string {
    this.#over = true
    const asked = this.#context.request.parameters.includeUsage === true
    if (!asked || this.#usage === null) return 'data: [DONE]\n\n'
    const usage = encodeUsage(this.#usage, this.#context.losses)
    return `${sseData({ ...this.#head, choices: [], usage })}data: [DONE]\n\n`
  }

  #chunk(index: number, members: JsonObject): string {
    return sseData({ ...this.#head, choices: [{ text: '', index, logprobs: null, finish_reason: null, ...members }] })
  }
}

function headOf({ id, createdAt, model }: Extract<StreamEvent, { type: 'start' }>, context: AnswerContext): JsonObject {
  return {
    id: answerId(id, context),
    object: 'text_completion',
    created: createdAt ?? context.createdAt,
    model: model ?? context.model,
  }
}
