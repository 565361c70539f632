import type { StreamEvent, TokenUsage } from '../../ir/answer.ts'
import { isObject, type JsonObject, objectIn } from '../../ir/json.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext, StreamDecoder, WireEvent } from '../dialect.ts'
import { decodeError } from '../openai-chat/errors.ts'
import { decodeStop } from '../openai-chat/stop-reasons.ts'
import { usageOfAnswer } from '../openai-chat/usage.ts'
import { CHUNK } from './answer-shape.ts'
import { decodeLogprobs } from './logprobs.ts'

type Emit = (event: StreamEvent) => void

interface Told {
  begun: boolean
  reason: string | null
  matched: unknown
}

/** Reads `text_completion` events: one text for each choice. */
export class CompletionStreamDecoder implements StreamDecoder {
  readonly #context: DecodeContext
  readonly #choices = new Map<number, Told>()
  #started = false
  #over = false
  #usage: TokenUsage | null = null

  constructor(context: DecodeContext) {
    this.#context = context
  }

  push(event: WireEvent, emit: Emit): void {
    if (this.#over || event.data === '') return
    if (event.data === '[DONE]') {
      if (this.#choices.size > 0) this.#finish(emit)
      else this.#fail('The upstream ended its stream without an answer.', 'empty', emit)
      return
    }
    const chunk = objectIn(event.data)
    if (chunk === null) return this.#fail('The upstream sent an event that is no JSON object.', 'malformed', emit)
    const fault = decodeError(chunk)
    if (fault !== null) return this.#fail(fault.message, fault.kind, emit)
    this.#chunk(chunk, emit)
  }

  close(emit: Emit): void {
    if (this.#over) return
    const told = [...this.#choices.values()]
    if (told.length > 0 && told.every(({ reason }) => reason !== null)) this.#finish(emit)
    else this.#fail('The upstream closed its stream before the answer was complete.', 'truncated', emit)
  }

  #chunk(chunk: JsonObject, emit: Emit): void {
    reportUnread(chunk, CHUNK, this.#context.losses)
    const { choices, id, model, created } = chunk
    const usage = usageOfAnswer(chunk)
    if (usage !== null) this.#usage = usage
    if (!Array.isArray(choices)) return
    if (!this.#started && choices.length > 0) {
      this.#started = true
      emit({
        type: 'start',
        dialect: 'openai-completions',
        id: typeof id === 'string' && id !== '' ? id : undefined,
        model: typeof model === 'string' && model !== '' ? model : undefined,
        createdAt: typeof created === 'number' ? created : undefined,
      })
    }
    for (const [at, choice] of choices.entries()) if (isObject(choice)) this.#choice(choice, at, emit)
  }

  #choice(choice: JsonObject, at: number, emit: Emit): void {
    const { index, text, finish_reason: reason } = choice
    const number = typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 ? index : at
    let told = this.#choices.get(number)
    if (told === undefined) {
      told = { begun: false, reason: null, matched: undefined }
      this.#choices.set(number, told)
    }
    if (typeof text === 'string' && text !== '') {
      if (!told.begun) emit({ type: 'part-start', choice: number, index: 0, part: { type: 'text', text: '' } })
      told.begun = true
      emit({ type: 'part-delta', choice: number, index: 0, text })
    }
    const logprobs = decodeLogprobs(choice['logprobs'])
    if (logprobs !== undefined) emit({ type: 'logprobs', choice: number, logprobs })
    if (typeof reason === 'string' && reason !== '') told.reason = reason
    if (choice['stop_reason'] !== undefined) told.matched = choice['stop_reason']
  }

  #finish(emit: Emit): void {
    this.#over = true
    for (const [choice, { begun, reason, matched }] of this.#choices) {
      if (begun) emit({ type: 'part-end', choice, index: 0 })
      emit({ type: 'stop', choice, stop: decodeStop(reason, [], matched) })
    }
    if (this.#usage !== null) emit({ type: 'usage', usage: this.#usage })
    emit({ type: 'end' })
  }

  #fail(message: string, kind: string | undefined, emit: Emit): void {
    this.#over = true
    if (this.#usage !== null) emit({ type: 'usage', usage: this.#usage })
    emit({ type: 'fault', fault: { message, kind } })
  }
}
