import type { GatewayError } from '../../../core/index.ts'
import type { Stop, StreamEvent, TokenUsage } from '../../ir/answer.ts'
import { withNote, withText } from '../../ir/assemble.ts'
import { type JsonObject, writeJson } from '../../ir/json.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { AnswerReport } from '../carried-answer.ts'
import type { AnswerContext, StreamEncoder } from '../dialect.ts'
import { ANSWER_CARRIES } from './answer-carries.ts'
import { BlockWriter } from './block-writer.ts'
import { encodeEnd, messageId, refusalDetails } from './encode-answer.ts'
import { encodeError, encodeFault } from './errors.ts'
import { encodeUsage } from './usage.ts'

type Start = Extract<StreamEvent, { type: 'start' }>
type Note = Extract<StreamEvent, { type: 'part-note' }>

/** A part that began while another one was being written. */
interface Held {
  part: AssistantPart
  ended: boolean
}

/**
 * Writes the events of one streamed message. Blocks of this dialect never overlap: a part that begins while another is open is held
 * back until that one ends. `message_start` waits for the event behind the upstream's start, which often tells the usage.
 */
export class MessagesEncoder implements StreamEncoder {
  readonly #context: AnswerContext
  readonly #blocks: BlockWriter
  readonly #report: AnswerReport
  readonly #held = new Map<number, Held>()
  #start: Start | null = null
  #begun = false
  #over = false
  /** The part that is being written. */
  #current = -1
  #calls = false
  #refusal: string | null = null
  #stop: Stop = { reason: 'other' }
  #usage: TokenUsage | null = null
  #tier: string | undefined

  constructor(context: AnswerContext) {
    this.#context = context
    this.#blocks = new BlockWriter(context.losses)
    this.#report = new AnswerReport('anthropic-messages', ANSWER_CARRIES, context.losses)
  }

  push(event: StreamEvent): string {
    if (this.#over) return ''
    this.#report.event(event)
    switch (event.type) {
      case 'start':
        this.#start = event
        this.#blocks.own = event.dialect === 'anthropic-messages'
        return ''
      case 'usage':
        this.#usage = event.usage
        this.#tier = event.serviceTier ?? this.#tier
        return this.#begin()
      case 'logprobs':
        this.#context.losses.drop('logprobs')
        return ''
      case 'part-start':
      case 'part-delta':
      case 'part-note':
      case 'part-end':
      case 'stop':
        if (event.choice === 0) return this.#begin() + this.#choiceEvent(event)
        this.#context.losses.drop('n')
        return ''
      case 'fault':
        this.#over = true
        return message('error', encodeFault(event.fault))
      case 'end':
        return this.#end(event.extra)
    }
  }

  fail(error: GatewayError, requestId: string): string {
    if (this.#over) return ''
    this.#over = true
    return message('error', encodeError(error, requestId))
  }

  #choiceEvent(event: Extract<StreamEvent, { choice: number }>): string {
    switch (event.type) {
      case 'part-start':
        return this.#partStart(event.index, event.part)
      case 'part-delta':
        return this.#partDelta(event.index, event.text)
      case 'part-note':
        return this.#partNote(event)
      case 'part-end':
        return this.#partEnd(event.index)
      case 'stop':
        this.#stop = event.stop
        return ''
      case 'logprobs':
        return ''
    }
  }

  #begin(): string {
    if (this.#begun) return ''
    this.#begun = true
    const start = this.#start
    return message('message_start', {
      type: 'message_start',
      message: {
        id: messageId(start?.id, this.#context.id),
        type: 'message',
        role: 'assistant',
        model: start?.model ?? this.#context.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: encodeUsage(this.#usage ?? { input: 0, output: 0 }, start?.serviceTier),
      },
    })
  }

  #partStart(index: number, part: AssistantPart): string {
    if (part.type === 'tool-call') this.#calls = true
    if (this.#current >= 0 || part.type === 'refusal') {
      this.#held.set(index, { part, ended: false })
      return ''
    }
    this.#current = index
    return this.#blocks.start(part)
  }

  #partDelta(index: number, text: string): string {
    if (index === this.#current) return this.#blocks.text(text)
    const held = this.#held.get(index)
    if (held !== undefined) held.part = withText(held.part, text)
    return ''
  }

  #partNote(note: Note): string {
    if (note.index === this.#current) return this.#blocks.note(note)
    const held = this.#held.get(note.index)
    if (held !== undefined) held.part = withNote(held.part, note)
    return ''
  }

  #partEnd(index: number): string {
    const held = this.#held.get(index)
    if (held !== undefined) held.ended = true
    if (index === this.#current) return this.#blocks.end() + this.#nextHeld()
    return held?.part.type === 'refusal' ? this.#nextHeld() : ''
  }

  /** Writes what waited for the block that just ended, up to the first part that is still growing. */
  #nextHeld(): string {
    this.#current = -1
    let text = ''
    for (const [index, { part, ended }] of this.#held) {
      if (part.type === 'refusal') {
        if (ended) {
          this.#refusal = (this.#refusal ?? '') + part.text
          this.#held.delete(index)
        }
        continue
      }
      this.#held.delete(index)
      text += this.#blocks.start(part)
      if (!ended) {
        this.#current = index
        return text
      }
      text += this.#blocks.end()
    }
    return text
  }

  #end(extra: JsonObject | undefined): string {
    let text = this.#begin()
    // A decoder ends its parts; one that did not leaves no block open for the client.
    for (const held of this.#held.values()) held.ended = true
    text += this.#blocks.end() + this.#nextHeld()
    this.#over = true
    const delta: Record<string, unknown> = { ...encodeEnd(this.#stop, this.#calls, this.#context.losses) }
    if (this.#refusal !== null) delta['stop_details'] = refusalDetails(this.#refusal)
    const event: Record<string, unknown> = { type: 'message_delta', delta }
    if (this.#blocks.own) {
      const { context_management: management, ...members } = extra ?? {}
      Object.assign(delta, members)
      if (management !== undefined) event['context_management'] = management
    } else {
      this.#context.losses.dropAll('', extra)
    }
    event['usage'] = encodeUsage(this.#usage ?? { input: 0, output: 0 }, this.#tier)
    return text + message('message_delta', event) + message('message_stop', { type: 'message_stop' })
  }
}

/** One event of the wire: its name stands before the data, and in it. */
export function message(name: string, data: JsonObject): string {
  return `event: ${name}\ndata: ${writeJson(data)}\n\n`
}
