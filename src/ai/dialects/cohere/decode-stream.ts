import type { AnswerFault, StreamEvent } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext, StreamDecoder, WireEvent } from '../dialect.ts'
import { EVENT } from './answer-shape.ts'
import { decodeCitation } from './citations.ts'
import { decodeError } from './errors.ts'
import { decodeLogprobs } from './logprobs.ts'
import { FINISH_REASONS, isFailure } from './stop-reasons.ts'
import { decodeUsage } from './usage.ts'

type Emit = (event: StreamEvent) => void

interface Open {
  readonly kind: 'text' | 'thinking' | 'plan' | 'call'
  readonly index: number
  /** A call without arguments is told by silence. */
  empty: boolean
}

/** Reads the events of `/v2/chat` with `stream`. Citations may come after their text ended: texts end with the message. */
export class CohereStreamDecoder implements StreamDecoder {
  readonly #context: DecodeContext
  #over = false
  #parts = 0
  #open: Open | null = null
  /** The last text, which citations belong to. */
  #text: Open | null = null
  #started = false

  constructor(context: DecodeContext) {
    this.#context = context
  }

  push({ data }: WireEvent, emit: Emit): void {
    if (this.#over || data === '' || data === '[DONE]') return
    const event = parse(data)
    if (event === null)
      return this.#fail({ message: 'An event of the stream is no JSON object.', kind: 'malformed' }, emit)
    reportUnread(event, EVENT, this.#context.losses)
    const delta = object(event['delta'])
    const message = object(delta['message'])
    switch (event['type']) {
      case 'message-start':
        return this.#start(event, emit)
      case 'content-start':
        return this.#content(object(message['content']), 'begins', emit)
      case 'content-delta':
        this.#content(object(message['content']), 'goes on', emit)
        return this.#logprobs(event, emit)
      case 'content-end':
        return this.#endThinking(emit)
      case 'tool-plan-delta':
        return this.#plan(message['tool_plan'], emit)
      case 'tool-call-start':
        return this.#call(object(message['tool_calls']), emit)
      case 'tool-call-delta':
        return this.#arguments(object(object(message['tool_calls'])['function'])['arguments'], emit)
      case 'tool-call-end':
        if (this.#open?.kind === 'call') this.#end(emit)
        return
      case 'citation-start':
        return this.#cite(message['citations'], emit)
      case 'citation-end':
      case 'debug':
        return
      case 'message-end':
        return this.#finish(delta, emit)
      default: {
        const fault = decodeError(event)
        if (fault !== null) this.#fail(fault, emit)
      }
    }
  }

  close(emit: Emit): void {
    if (!this.#over) this.#fail({ message: 'The stream ended before its answer did.', kind: 'truncated' }, emit)
  }

  #start({ id }: JsonObject, emit: Emit): void {
    if (this.#started) return
    this.#started = true
    emit({ type: 'start', dialect: 'cohere', ...(typeof id === 'string' && { id }) })
  }

  #content(content: JsonObject, step: 'begins' | 'goes on', emit: Emit): void {
    const thinks = content['type'] === 'thinking' || content['thinking'] !== undefined
    const kind = thinks ? 'thinking' : 'text'
    const text = thinks ? content['thinking'] : content['text']
    if (step === 'begins' || this.#open?.kind !== kind) {
      this.#begin(kind, thinks ? { type: 'reasoning', text: '' } : { type: 'text', text: '' }, emit)
    }
    this.#delta(text, emit)
  }

  #plan(text: unknown, emit: Emit): void {
    if (this.#open?.kind !== 'plan') this.#begin('plan', { type: 'text', text: '' }, emit)
    this.#delta(text, emit)
  }

  #call(call: JsonObject, emit: Emit): void {
    const { name, arguments: text } = object(call['function'])
    const id = typeof call['id'] === 'string' ? call['id'] : this.#context.ids.next('call')
    this.#begin('call', { type: 'tool-call', id, name: typeof name === 'string' ? name : '', arguments: '' }, emit)
    this.#arguments(text, emit)
  }

  #arguments(text: unknown, emit: Emit): void {
    if (this.#open?.kind === 'call') this.#delta(text, emit)
  }

  #begin(kind: Open['kind'], part: AssistantPart, emit: Emit): void {
    this.#start({}, emit)
    if (this.#open !== null) this.#end(emit)
    const index = this.#parts++
    this.#open = { kind, index, empty: true }
    if (part.type === 'text') this.#text = this.#open
    emit({ type: 'part-start', choice: 0, index, part })
  }

  #delta(text: unknown, emit: Emit): void {
    if (this.#open === null || typeof text !== 'string' || text === '') return
    this.#open.empty = false
    emit({ type: 'part-delta', choice: 0, index: this.#open.index, text })
  }

  #end(emit: Emit): void {
    if (this.#open === null) return
    const { kind, index, empty } = this.#open
    if (kind === 'call' && empty) emit({ type: 'part-delta', choice: 0, index, text: '{}' })
    emit({ type: 'part-end', choice: 0, index })
    this.#open = null
  }

  #endThinking(emit: Emit): void {
    if (this.#open?.kind === 'thinking') this.#end(emit)
  }

  #cite(citation: unknown, emit: Emit): void {
    if (this.#text === null || this.#text !== this.#open) return this.#context.losses.drop('message.citations')
    for (const item of Array.isArray(citation) ? citation : [citation]) {
      if (!isObject(item)) continue
      emit({ type: 'part-note', choice: 0, index: this.#text.index, citation: decodeCitation(item) })
    }
  }

  #logprobs(event: JsonObject, emit: Emit): void {
    const { logprobs } = event
    if (logprobs === undefined || logprobs === null) return
    const decoded = decodeLogprobs(Array.isArray(logprobs) ? logprobs : [logprobs])
    if (decoded !== null) emit({ type: 'logprobs', choice: 0, logprobs: decoded })
  }

  #finish(delta: JsonObject, emit: Emit): void {
    const { error, finish_reason: word, usage } = delta
    if (isFailure(word) || typeof error === 'string') {
      const message = typeof error === 'string' ? error : 'The model failed to answer.'
      return this.#fail({ message, ...(typeof word === 'string' && { kind: word }) }, emit)
    }
    this.#start({}, emit)
    this.#end(emit)
    const raw = typeof word === 'string' ? word : undefined
    const reason = raw === undefined ? 'other' : (FINISH_REASONS[raw] ?? 'other')
    emit({ type: 'stop', choice: 0, stop: { reason, ...(raw !== undefined && { raw }) } })
    if (isObject(usage)) emit({ type: 'usage', usage: decodeUsage(usage) })
    this.#over = true
    emit({ type: 'end' })
  }

  #fail(fault: AnswerFault, emit: Emit): void {
    this.#over = true
    emit({ type: 'fault', fault })
  }
}

function object(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

function parse(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null // the caller says so
  }
}
