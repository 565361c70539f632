import type { Stop, StreamEvent } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { reportUnread } from '../answer-shape.ts'
import type { DecodeContext, StreamDecoder, WireEvent } from '../dialect.ts'
import { EVENTS } from './answer-shape.ts'
import { decodeCitation } from './decode-parts.ts'
import { errorKind } from './errors.ts'
import { decodeStop } from './stop-reasons.ts'
import { decodeTier, usageOfAnswer } from './usage.ts'

type Emit = (event: StreamEvent) => void

/** One block while it arrives. */
interface OpenBlock {
  /** The number of its part. */
  readonly index: number
  readonly type: AssistantPart['type']
  /** Some of its text came. */
  grown: boolean
}

/** Events of the stream whose names end so are errors within it. */
const EXCEPTION = 'Exception'

/**
 * Reads the events of `POST /model/{id}/converse-stream`. Texts and thoughts have no event of their own for their beginning: the first
 * delta is it. Usage comes behind the end of the message.
 */
export class ConverseDecoder implements StreamDecoder {
  readonly #context: DecodeContext
  /** Blocks by the wire's index; one that ended is gone. */
  readonly #blocks = new Map<number, OpenBlock>()
  #next = 0
  #started = false
  #over = false
  #stop: Stop | null = null
  #extra: JsonObject | undefined

  constructor(context: DecodeContext) {
    this.#context = context
  }

  push({ name, data }: WireEvent, emit: Emit): void {
    if (this.#over) return
    let event: unknown
    try {
      event = JSON.parse(data === '' ? '{}' : data)
    } catch {
      return this.#fail({ kind: 'malformed', message: 'an event of the stream is no JSON' }, emit)
    }
    if (!isObject(event)) return this.#fail({ kind: 'malformed', message: 'an event of the stream is no object' }, emit)
    if (name?.endsWith(EXCEPTION) === true || (name === null && typeof event['message'] === 'string')) {
      const message = typeof event['message'] === 'string' ? event['message'] : 'the upstream reported an error'
      return this.#fail({ kind: name === null ? undefined : errorKind(name), message }, emit)
    }
    this.#event(name ?? '', event, emit)
  }

  /** An answer whose message ended is complete; only its usage was lost. */
  close(emit: Emit): void {
    if (this.#over) return
    if (this.#stop !== null) return this.#end(emit)
    this.#fail({ kind: 'truncated', message: 'the upstream closed the stream before its end' }, emit)
  }

  #fail(fault: { kind?: string | undefined; message: string }, emit: Emit): void {
    this.#over = true
    emit({ type: 'fault', fault })
  }

  #event(name: string, event: JsonObject, emit: Emit): void {
    const shape = EVENTS[name]
    if (shape === undefined) this.#context.losses.drop(name)
    else reportUnread(event, shape, this.#context.losses)
    switch (name) {
      case 'messageStart':
        return this.#start(emit)
      case 'contentBlockStart':
        return this.#blockStart(indexOf(event), event['start'], emit)
      case 'contentBlockDelta':
        return this.#blockDelta(indexOf(event), event['delta'], emit)
      case 'contentBlockStop':
        return this.#blockStop(indexOf(event), emit)
      case 'messageStop':
        return this.#messageStop(event, emit)
      case 'metadata':
        return this.#metadata(event, emit)
      default:
        return // what the service may add
    }
  }

  #start(emit: Emit, serviceTier?: string): void {
    if (this.#started) return
    this.#started = true
    emit({ type: 'start', dialect: 'bedrock-converse', serviceTier })
  }

  #blockStart(index: number, start: unknown, emit: Emit): void {
    const call = isObject(start) ? start['toolUse'] : undefined
    if (!isObject(call) || this.#blocks.has(index)) return
    this.#begin(index, this.#call(call), emit)
  }

  #call(call: JsonObject): AssistantPart {
    const { toolUseId: id, name, ...extra } = call
    return {
      type: 'tool-call',
      id: typeof id === 'string' ? id : this.#context.ids.next('tooluse'),
      name: typeof name === 'string' ? name : '',
      arguments: '',
      extra: Object.keys(extra).length === 0 ? undefined : extra,
    }
  }

  #begin(index: number, part: AssistantPart, emit: Emit): OpenBlock {
    this.#start(emit)
    this.#endAll(emit) // blocks do not overlap: what is still open has lost its end
    const block: OpenBlock = { index: this.#next, type: part.type, grown: false }
    this.#next += 1
    this.#blocks.set(index, block)
    emit({ type: 'part-start', choice: 0, index: block.index, part })
    return block
  }

  #blockDelta(index: number, delta: unknown, emit: Emit): void {
    if (!isObject(delta)) return
    if (typeof delta['text'] === 'string') {
      const block = this.#blocks.get(index) ?? this.#begin(index, { type: 'text', text: '' }, emit)
      this.#text(block, delta['text'], emit)
    } else if (isObject(delta['toolUse'])) {
      const block = this.#blocks.get(index)
      if (block !== undefined) this.#text(block, delta['toolUse']['input'], emit)
    } else if (isObject(delta['reasoningContent'])) {
      this.#thought(index, delta['reasoningContent'], emit)
    } else if (isObject(delta['citation'])) {
      const block = this.#blocks.get(index) ?? this.#begin(index, { type: 'text', text: '' }, emit)
      emit({ type: 'part-note', choice: 0, index: block.index, citation: decodeCitation(delta['citation']) })
    }
  }

  #thought(index: number, delta: JsonObject, emit: Emit): void {
    const block = this.#blocks.get(index) ?? this.#begin(index, { type: 'reasoning', text: '' }, emit)
    this.#text(block, delta['text'], emit)
    const signature = delta['signature']
    const redacted = delta['redactedContent']
    const note = { type: 'part-note', choice: 0, index: block.index } as const
    if (typeof signature === 'string' && signature !== '') {
      emit({ ...note, signature: { family: 'anthropic', value: signature } })
    }
    if (typeof redacted === 'string') emit({ ...note, sealed: { family: 'anthropic', value: redacted } })
  }

  #text(block: OpenBlock, text: unknown, emit: Emit): void {
    if (typeof text !== 'string' || text === '') return
    block.grown = true
    emit({ type: 'part-delta', choice: 0, index: block.index, text })
  }

  #blockStop(index: number, emit: Emit): void {
    const block = this.#blocks.get(index)
    if (block === undefined) return
    this.#blocks.delete(index)
    if (block.type === 'tool-call' && !block.grown) {
      emit({ type: 'part-delta', choice: 0, index: block.index, text: '{}' })
    }
    emit({ type: 'part-end', choice: 0, index: block.index })
  }

  #endAll(emit: Emit): void {
    for (const index of [...this.#blocks.keys()]) this.#blockStop(index, emit)
  }

  #messageStop(event: JsonObject, emit: Emit): void {
    if (this.#stop !== null) return
    this.#start(emit)
    this.#endAll(emit)
    const further = event['additionalModelResponseFields']
    if (isObject(further)) this.#extra = { additionalModelResponseFields: further }
    this.#stop = decodeStop(event['stopReason'], further)
    emit({ type: 'stop', choice: 0, stop: this.#stop })
  }

  /** Ends the stream; one that comes before the message's end only tells the usage. */
  #metadata(event: JsonObject, emit: Emit): void {
    this.#start(emit)
    // `p` is padding that hides the length of events.
    const { usage: _usage, metrics: _metrics, p: _padding, serviceTier, ...further } = event
    const told = usageOfAnswer(event)
    if (told !== null) emit({ type: 'usage', usage: told, serviceTier: decodeTier(serviceTier) })
    if (Object.keys(further).length > 0) this.#extra = { ...this.#extra, ...further }
    if (this.#stop !== null) this.#end(emit)
  }

  #end(emit: Emit): void {
    this.#over = true
    emit({ type: 'end', extra: this.#extra })
  }
}

function indexOf(event: JsonObject): number {
  return typeof event['contentBlockIndex'] === 'number' ? event['contentBlockIndex'] : 0
}
