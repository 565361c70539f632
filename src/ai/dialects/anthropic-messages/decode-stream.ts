import type { Stop, StreamEvent } from '../../ir/answer.ts'
import { FieldProblem, Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject, parseExact } from '../../ir/json.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext, StreamDecoder, WireEvent } from '../dialect.ts'
import { EVENT } from './answer-shape.ts'
import { decodeCitation } from './citations.ts'
import { decodeRefusal, withRefusal } from './decode-answer.ts'
import { decodeAssistantBlocks } from './decode-parts.ts'
import { decodeError } from './errors.ts'
import { OpenBlock } from './open-block.ts'
import { decodeStop } from './stop-reasons.ts'
import { decodeTier, decodeUsage, mergedUsage } from './usage.ts'

type Emit = (event: StreamEvent) => void

/** Members of a message that the decoder reads itself; others are its `extra`. */
const MESSAGE: readonly string[] = ['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'usage']

/** Reads the events of one streamed message ("Streaming messages"). */
export class MessagesDecoder implements StreamDecoder {
  readonly #context: DecodeContext
  /** Blocks by the wire's index. */
  readonly #blocks = new Map<number, OpenBlock>()
  #next = 0
  #started = false
  #over = false
  #stop: Stop | null = null
  #usage: JsonObject = {}
  #extra: JsonObject | undefined

  constructor(context: DecodeContext) {
    this.#context = context
  }

  push({ data }: WireEvent, emit: Emit): void {
    if (this.#over || data === '' || data === '[DONE]') return
    try {
      const event: unknown = JSON.parse(data)
      if (!isObject(event)) return this.#fail('an event of the stream is no object', emit)
      reportUnread(event, EVENT, this.#context.losses)
      this.#event(event, data, emit)
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

  #event(event: JsonObject, data: string, emit: Emit): void {
    switch (event['type']) {
      case 'message_start':
        return this.#messageStart(event, emit)
      case 'content_block_start':
        // Only blocks hold input of tools: numbers in it are kept as they stand.
        return this.#blockStart(parseExact(data), emit)
      case 'content_block_delta':
        return this.#blockDelta(event, emit)
      case 'content_block_stop':
        return this.#blockStop(indexOf(event), emit)
      case 'message_delta':
        return this.#messageDelta(event, emit)
      case 'message_stop':
        return this.#messageStop(emit)
      case 'error':
        return this.#error(event, emit)
      default:
        return // `ping`, and what the API may add: it asks clients to pass over events that they do not know
    }
  }

  #messageStart(event: JsonObject, emit: Emit): void {
    if (this.#started) return
    const message = new Fields(isObject(event['message']) ? event['message'] : {}, 'message')
    const usage = message.object('usage')
    this.#start(emit, {
      id: message.string('id'),
      model: message.string('model'),
      serviceTier: decodeTier(usage?.['service_tier']),
    })
    for (const name of MESSAGE) message.value(name)
    this.#extra = message.rest()
    if (usage !== undefined) this.#tellUsage(usage, emit)
  }

  #start(
    emit: Emit,
    known: { id?: string | undefined; model?: string | undefined; serviceTier?: string | undefined },
  ): void {
    if (this.#started) return
    this.#started = true
    emit({ type: 'start', dialect: 'anthropic-messages', ...known })
  }

  #blockStart(event: unknown, emit: Emit): void {
    if (!isObject(event) || !isObject(event['content_block'])) return
    this.#start(emit, {})
    const index = indexOf(event)
    if (this.#blocks.has(index)) return
    // Blocks do not overlap: what is still open has lost its end.
    this.#closeAll(emit)
    this.#open(index, event['content_block'], emit)
  }

  #open(index: number, block: JsonObject, emit: Emit): OpenBlock {
    const open = new OpenBlock(block)
    this.#blocks.set(index, open)
    const part = open.early(this.#context.ids)
    if (part !== null) this.#begin(open, part, emit)
    return open
  }

  #begin(open: OpenBlock, part: AssistantPart, emit: Emit): void {
    open.index = this.#next
    this.#next += 1
    emit({ type: 'part-start', choice: 0, index: open.index, part })
  }

  #blockDelta(event: JsonObject, emit: Emit): void {
    const delta = event['delta']
    if (!isObject(delta)) return
    const index = indexOf(event)
    const kind = IMPLIED[String(delta['type'])]
    let open = this.#blocks.get(index)
    if (open === undefined) {
      if (kind === undefined) throw new FieldProblem('index', 'no block was opened there')
      this.#start(emit, {})
      open = this.#open(index, { type: kind }, emit)
    }
    if (!open.ended) this.#apply(open, delta, emit)
  }

  #apply(open: OpenBlock, delta: JsonObject, emit: Emit): void {
    if (!open.isKnown) return open.collect(delta)
    const index = open.index
    switch (delta['type']) {
      case 'text_delta':
        return this.#text(open, delta['text'], emit)
      case 'thinking_delta':
        return this.#text(open, delta['thinking'], emit)
      case 'input_json_delta':
        return this.#text(open, delta['partial_json'], emit)
      case 'signature_delta': {
        const value = delta['signature']
        if (typeof value !== 'string' || value === '') return
        return emit({ type: 'part-note', choice: 0, index, signature: { family: 'anthropic', value } })
      }
      case 'citations_delta': {
        const value = delta['citation']
        if (isObject(value)) emit({ type: 'part-note', choice: 0, index, citation: decodeCitation(value) })
      }
    }
  }

  #text(open: OpenBlock, text: unknown, emit: Emit): void {
    if (typeof text !== 'string' || text === '') return
    open.grown = true
    emit({ type: 'part-delta', choice: 0, index: open.index, text })
  }

  #blockStop(index: number, emit: Emit): void {
    const open = this.#blocks.get(index)
    if (open === undefined || open.ended) return
    open.ended = true
    if (!open.isKnown) {
      for (const part of decodeAssistantBlocks([open.whole()], 'content')) this.#begin(open, part, emit)
    }
    const text = open.late()
    if (text !== null) emit({ type: 'part-delta', choice: 0, index: open.index, text })
    emit({ type: 'part-end', choice: 0, index: open.index })
  }

  #closeAll(emit: Emit): void {
    for (const [index, open] of this.#blocks) if (!open.ended) this.#blockStop(index, emit)
  }

  #messageDelta(event: JsonObject, emit: Emit): void {
    this.#start(emit, {})
    const { delta, usage } = event
    const further: Record<string, unknown> = {}
    if (isObject(delta)) {
      const fields = new Fields(delta, 'delta')
      const reason = fields.value('stop_reason')
      const sequence = fields.value('stop_sequence')
      if (typeof reason === 'string') this.#stop = decodeStop(reason, sequence)
      Object.assign(further, fields.rest())
    }
    if (isObject(event['context_management'])) further['context_management'] = event['context_management']
    if (Object.keys(further).length > 0) this.#extra = { ...this.#extra, ...further }
    if (isObject(usage)) this.#tellUsage(usage, emit)
  }

  #tellUsage(usage: JsonObject, emit: Emit): void {
    this.#usage = mergedUsage(this.#usage, usage)
    emit({ type: 'usage', usage: decodeUsage(this.#usage) })
  }

  #messageStop(emit: Emit): void {
    this.#start(emit, {})
    this.#closeAll(emit)
    const refusal = decodeRefusal(this.#extra?.['stop_details'])
    if (refusal !== null) {
      emit({ type: 'part-start', choice: 0, index: this.#next, part: refusal })
      emit({ type: 'part-end', choice: 0, index: this.#next })
    }
    this.#over = true
    emit({ type: 'stop', choice: 0, stop: this.#stop ?? { reason: 'other' } })
    emit({ type: 'end', extra: withRefusal(this.#extra) })
  }

  #error(event: JsonObject, emit: Emit): void {
    this.#over = true
    emit({ type: 'fault', fault: decodeError(event) ?? { message: 'the upstream reported an error' } })
  }

  #fail(message: string, emit: Emit): void {
    this.#over = true
    emit({ type: 'fault', fault: { kind: 'malformed', message } })
  }
}

/** Blocks that a delta opens when the upstream left their start out. */
const IMPLIED: Readonly<Record<string, string>> = { text_delta: 'text', thinking_delta: 'thinking' }

function indexOf(event: JsonObject): number {
  return typeof event['index'] === 'number' ? event['index'] : 0
}
