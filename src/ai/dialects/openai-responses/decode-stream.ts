import type { StreamEvent } from '../../ir/answer.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { isObject, type JsonObject, parseExact } from '../../ir/json.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext, StreamDecoder, WireEvent } from '../dialect.ts'
import { EVENT } from './answer-shape.ts'
import { extraOf, faultOf, logprobsOf, startOf } from './decode-answer.ts'
import { OutputReader } from './decode-output.ts'
import { decodeError } from './errors.ts'
import { decodeStop } from './stop-reasons.ts'
import { type ItemSetting, type Slot, StreamedItem } from './streamed-item.ts'
import { usageOfAnswer } from './usage.ts'

type Emit = (event: StreamEvent) => void

/** Reads the events of one streamed response. Producers leave out some of them, and send others twice. */
export class ResponsesDecoder implements StreamDecoder {
  readonly #context: DecodeContext
  readonly #items = new Map<number, StreamedItem>()
  readonly #setting: ItemSetting
  /** Items whose tokens' probabilities have been told. */
  readonly #probable = new Set<number>()
  #parts = 0
  #started = false
  #over = false
  /** Of the event before: one that comes again has the same number and says the same. */
  #number = -1
  #data = ''

  constructor(context: DecodeContext) {
    this.#context = context
    const reader = new OutputReader(() => context.ids.next('call'))
    this.#setting = { reader, nextPart: () => this.#parts++, losses: context.losses }
  }

  push({ name, data }: WireEvent, emit: Emit): void {
    if (this.#over || data === '' || data === '[DONE]') return
    try {
      const event: unknown = JSON.parse(data)
      if (!isObject(event)) return this.#fail('an event of the stream is no object', emit)
      const { sequence_number: number } = event
      if (typeof number === 'number' && number > 0 && number === this.#number && data === this.#data) return
      this.#number = typeof number === 'number' ? number : -1
      this.#data = data
      const { type } = event
      reportUnread(event, EVENT, this.#context.losses)
      this.#event(typeof type === 'string' ? type : (name ?? ''), event, data, emit)
    } catch (error) {
      if (error instanceof SyntaxError) return this.#fail('an event of the stream is no JSON', emit)
      if (!(error instanceof FieldProblem)) throw error
      this.#fail(`an event of the stream cannot be read: ${error.param}: ${error.message}`, emit)
    }
  }

  close(emit: Emit): void {
    if (this.#over) return
    this.#over = true
    emit({ type: 'fault', fault: { kind: 'truncated', message: 'the upstream closed the stream before its end' } })
  }

  #event(type: string, event: JsonObject, data: string, emit: Emit): void {
    switch (type) {
      case 'response.created':
      case 'response.in_progress':
      case 'response.queued':
        return this.#start(event, emit)
      case 'response.output_item.added':
        this.#item(event, emit)
        return
      // Calls of the vendor's own tools may hold numbers that a double cannot.
      case 'response.output_item.done':
        return this.#itemDone(indexOf(event), exact(data, 'item') ?? event['item'], emit)
      case 'response.output_text.delta':
        this.#item(event, emit)?.grow(content(event), event['delta'], emit)
        return this.#logprobs(indexOf(event), event['logprobs'], emit)
      case 'response.output_text.done':
        return this.#item(event, emit)?.complete(content(event), event['text'], emit)
      case 'response.output_text.annotation.added':
        return this.#item(event, emit)?.annotate(content(event), event['annotation'], emit)
      case 'response.refusal.delta':
        return this.#item(event, emit)?.grow(content(event), event['delta'], emit, 'refusal')
      case 'response.refusal.done':
        return this.#item(event, emit)?.complete(content(event), event['refusal'], emit, 'refusal')
      case 'response.content_part.done':
        return this.#contentDone(event, emit)
      case 'response.reasoning_summary_text.delta':
        return this.#item(event, emit, 'reasoning')?.grow(summary(event), event['delta'], emit)
      case 'response.reasoning_summary_text.done':
        return this.#item(event, emit, 'reasoning')?.complete(summary(event), event['text'], emit)
      case 'response.reasoning_text.delta':
        return this.#item(event, emit, 'reasoning')?.grow(content(event), event['delta'], emit)
      case 'response.reasoning_text.done':
        return this.#item(event, emit, 'reasoning')?.complete(content(event), event['text'], emit)
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#items.get(indexOf(event))?.grow('call 0', event['delta'], emit)
      case 'response.function_call_arguments.done':
        return this.#items.get(indexOf(event))?.complete('call 0', event['arguments'], emit)
      case 'response.custom_tool_call_input.done':
        return this.#items.get(indexOf(event))?.complete('call 0', event['input'], emit)
      case 'response.completed':
      case 'response.incomplete':
        return this.#end(type, event, data, emit)
      case 'response.failed':
      case 'response.cancelled':
      case 'error':
        return this.#error(event, emit)
      default:
        // A server that reports an error without the dialect's own event.
        if (!type.startsWith('response.') && isObject(event['error'])) this.#error(event, emit)
    }
  }

  #start(event: JsonObject, emit: Emit): void {
    if (this.#started) return
    this.#started = true
    const { response } = event
    emit({ type: 'start', dialect: 'openai-responses', ...(isObject(response) ? startOf(response) : {}) })
  }

  /** The item that an event is about; made when the event that adds it did not come. */
  #item(event: JsonObject, emit: Emit, type = 'message'): StreamedItem | undefined {
    this.#start({}, emit)
    const index = indexOf(event)
    const known = this.#items.get(index)
    if (known !== undefined) return known
    const { item, item_id: id } = event
    const made = isObject(item) ? item : { type, id }
    const streamed = new StreamedItem(made, this.#setting, emit)
    this.#items.set(index, streamed)
    return streamed
  }

  #itemDone(index: number, item: unknown, emit: Emit): void {
    if (!isObject(item)) return
    const streamed = this.#item({ output_index: index, item }, emit)
    if (streamed?.ended !== false) return
    streamed.finish(item, emit)
    // Some tell the probabilities with the whole item alone.
    if (!this.#probable.has(index)) this.#logprobs(index, logprobsOf([item]), emit)
  }

  #contentDone(event: JsonObject, emit: Emit): void {
    const { part } = event
    if (!isObject(part)) return
    const thought = part['type'] === 'reasoning_text'
    const item = this.#item(event, emit, thought ? 'reasoning' : 'message')
    if (part['type'] === 'refusal') item?.complete(content(event), part['refusal'], emit, 'refusal')
    else item?.complete(content(event), part['text'], emit)
  }

  #logprobs(index: number, logprobs: unknown, emit: Emit): void {
    if (!Array.isArray(logprobs) || logprobs.length === 0) return
    this.#probable.add(index)
    emit({ type: 'logprobs', choice: 0, logprobs: { content: logprobs } })
  }

  #end(type: string, event: JsonObject, data: string, emit: Emit): void {
    this.#start(event, emit)
    const response = exact(data, 'response') ?? (isObject(event['response']) ? event['response'] : {})
    const output = Array.isArray(response['output']) ? response['output'] : []
    for (const [index, item] of output.entries()) this.#itemDone(index, item, emit)
    for (const item of this.#items.values()) item.cut(emit)
    this.#over = true
    const usage = usageOfAnswer(response)
    if (usage !== null) emit({ type: 'usage', usage, serviceTier: startOf(response).serviceTier })
    const status = type === 'response.completed' ? 'completed' : 'incomplete'
    const parts = [...this.#items.values()].flatMap((item) => item.parts)
    emit({ type: 'stop', choice: 0, stop: decodeStop({ ...response, status }, parts) })
    emit({ type: 'end', extra: extraOf(response) })
  }

  #error(event: JsonObject, emit: Emit): void {
    this.#over = true
    const { response } = event
    // What was used is owed, also for an answer that failed.
    const usage = isObject(response) ? usageOfAnswer(response) : null
    if (usage !== null) emit({ type: 'usage', usage })
    const { message, code } = event
    const bare = typeof message === 'string' ? { message, kind: typeof code === 'string' ? code : undefined } : null
    const fault = decodeError(event) ?? bare ?? (isObject(response) ? faultOf(response) : null)
    emit({ type: 'fault', fault: fault ?? { message: 'the upstream reported an error' } })
  }

  #fail(message: string, emit: Emit): void {
    this.#over = true
    emit({ type: 'fault', fault: { kind: 'malformed', message } })
  }
}

/** A member of the event, read again without rounding where a number may need it. */
function exact(data: string, name: string): JsonObject | null {
  const event = parseExact(data)
  const member = isObject(event) ? event[name] : null
  return isObject(member) ? member : null
}

function indexOf({ output_index: index }: JsonObject): number {
  return typeof index === 'number' ? index : 0
}

function content({ content_index: index }: JsonObject): Slot {
  return `content ${typeof index === 'number' ? index : 0}`
}

function summary({ summary_index: index }: JsonObject): Slot {
  return `summary ${typeof index === 'number' ? index : 0}`
}
