import type { StreamEvent } from '../../ir/answer.ts'
import { withNote, withText } from '../../ir/assemble.ts'
import type { JsonObject } from '../../ir/json.ts'
import { writeJson } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart, ReasoningPart } from '../../ir/parts.ts'
import { answerBlocks, carriedSeal, encodeCitations, thoughtBlock, withExtra } from './answer-blocks.ts'
import type { Block } from './cache.ts'
import { sealOf } from './foreign-seals.ts'

type Note = Extract<StreamEvent, { type: 'part-note' }>

/**
 * Writes one block after another. A text or a thought opens with its first character: an empty one has no block, and whether a thought
 * is redacted is known when it ends.
 */
export class BlockWriter {
  readonly #losses: Losses
  /** The parts' further members are in the words of this dialect. */
  own = false
  #part: AssistantPart | null = null
  #index = -1
  #open = false

  constructor(losses: Losses) {
    this.#losses = losses
  }

  start(part: AssistantPart): string {
    this.#part = part
    switch (part.type) {
      case 'text':
        return part.text === '' ? '' : this.#begin(part) + this.#textDelta(part.text)
      case 'reasoning':
        return part.text === '' ? '' : this.#begin(part) + this.#thinkingDelta(part.text)
      case 'tool-call':
        return this.#begin(part) + (part.arguments === '' ? '' : this.#inputDelta(part.arguments))
      case 'refusal':
      case 'image':
      case 'audio':
      case 'opaque':
        return '' // known, or shown, as a whole
    }
  }

  text(text: string): string {
    const part = this.#part
    if (part === null || text === '') return ''
    switch (part.type) {
      case 'text':
        return (this.#open ? '' : this.#begin(part)) + this.#textDelta(text)
      case 'reasoning':
        return (this.#open ? '' : this.#begin(part)) + this.#thinkingDelta(text)
      case 'tool-call':
        return this.#inputDelta(text)
      default:
        this.#part = withText(part, text)
        return ''
    }
  }

  note(note: Note): string {
    if (this.#part === null) return ''
    // What carries the seal of a text stands in front of it.
    const late = this.#part.type === 'text' && note.signature !== undefined && this.#open
    if (late) this.#losses.drop('messages[].text.signature')
    this.#part = withNote(this.#part, note)
    if (this.#part.type !== 'text' || note.citation === undefined || !this.#open) return ''
    return this.#citations([note.citation])
  }

  /** Closes the block; nothing when there is none. */
  end(): string {
    const part = this.#part
    if (part === null) return ''
    this.#part = null
    if (part.type === 'reasoning') return this.#endThought(part)
    if (this.#open) return this.#stop()
    // Never opened: a text without a character, or a part that is shown as a whole.
    if (part.type === 'text' || part.type === 'tool-call') return ''
    return answerBlocks(part, this.own, this.#losses)
      .map((block) => this.#whole(block))
      .join('')
  }

  #begin(part: AssistantPart): string {
    const block = this.#opening(part)
    let text = ''
    if (part.type === 'text' || part.type === 'tool-call') {
      text = carriedSeal(part)
        .map((seal) => this.#whole(seal))
        .join('')
    }
    text += this.#blockStart(block)
    return part.type === 'text' && part.citations !== undefined ? text + this.#citations(part.citations) : text
  }

  #opening(part: AssistantPart): Block {
    const { own } = this
    switch (part.type) {
      case 'tool-call': {
        const block: Block = { type: 'tool_use', id: part.id, name: part.name, input: {} }
        return withExtra(block, part.extra, own)
      }
      case 'reasoning':
        return withExtra({ type: 'thinking', thinking: '', signature: '' }, part.extra, own)
      case 'text':
        return withExtra({ type: 'text', text: '' }, part.extra, own)
      default:
        return { type: 'text', text: '' }
    }
  }

  #endThought(part: ReasoningPart): string {
    const seal = sealOf(part)
    if (this.#open)
      return (seal === null ? '' : this.#delta({ type: 'signature_delta', signature: seal })) + this.#stop()
    if (seal === null) return ''
    return this.#whole(withExtra(thoughtBlock('', seal, part.sealed !== undefined), part.extra, this.own))
  }

  /** A block that is known at once; its text and its input arrive by deltas all the same, as readers expect. */
  #whole(block: Block): string {
    switch (block['type']) {
      case 'text':
        return this.#blockStart({ ...block, text: '' }) + this.#textDelta(String(block['text'])) + this.#stop()
      case 'thinking': {
        const signature = this.#blockStart({ ...block, signature: '' })
        return signature + this.#delta({ type: 'signature_delta', signature: block['signature'] }) + this.#stop()
      }
      case 'server_tool_use':
      case 'mcp_tool_use': {
        const input = block['input'] ?? {}
        return this.#blockStart({ ...block, input: {} }) + this.#inputDelta(writeJson(input)) + this.#stop()
      }
      default:
        return this.#blockStart(block) + this.#stop()
    }
  }

  #citations(citations: Parameters<typeof encodeCitations>[0]): string {
    return encodeCitations(citations, this.#losses)
      .map((citation) => this.#delta({ type: 'citations_delta', citation }))
      .join('')
  }

  #textDelta(text: string): string {
    return this.#delta({ type: 'text_delta', text })
  }

  #thinkingDelta(thinking: string): string {
    return this.#delta({ type: 'thinking_delta', thinking })
  }

  #inputDelta(json: string): string {
    return this.#delta({ type: 'input_json_delta', partial_json: json })
  }

  #blockStart(block: Block): string {
    this.#index += 1
    this.#open = true
    return this.#event('content_block_start', { content_block: block })
  }

  #delta(delta: JsonObject): string {
    return this.#event('content_block_delta', { delta })
  }

  #stop(): string {
    this.#open = false
    return this.#event('content_block_stop', {})
  }

  #event(type: string, members: JsonObject): string {
    return `event: ${type}\ndata: ${writeJson({ type, index: this.#index, ...members })}\n\n`
  }
}
