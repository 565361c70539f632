import type { StreamEvent } from '../../ir/answer.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { wordOf } from '../../ir/lax.ts'
import type { AssistantPart, Citation, ReasoningPart, Signature } from '../../ir/parts.ts'
import type { DecodeContext } from '../dialect.ts'
import { thinkingText } from './assistant.ts'
import { decodeAnnotation } from './citations.ts'
import { logprobsOf } from './decode-answer.ts'
import { audioTypeOf, sourceOfUrl } from './media.ts'
import { continues, type Detail, isForeignSeal, readDetail, readThinkingBlock, thoughtOf } from './reasoning-details.ts'
import { decodeStop } from './stop-reasons.ts'
import { StreamedCalls } from './streamed-calls.ts'

type Emit = (event: StreamEvent) => void
type Prose = 'text' | 'refusal'

/** One answer of a stream, put together from its deltas. */
export class StreamedChoice {
  readonly #index: number
  readonly #calls: StreamedCalls
  #parts = 0
  #seen = false
  #finishReason: string | null = null
  #matched: unknown
  /** The part that text goes on with; calls run beside it. */
  #open: { readonly index: number; readonly type: Prose | 'reasoning' } | null = null
  #thought: { part: ReasoningPart; index: number | undefined } | null = null
  #refused = false
  #lastText: number | null = null
  #cited = false
  /** What belongs to a text that has not begun. */
  #citations: Citation[] = []
  #textSignature: Signature | null = null
  #sound: { id: string | undefined; transcript: string; bytes: Buffer[]; extra: JsonObject | undefined } | null = null

  constructor(index: number, context: DecodeContext) {
    this.#index = index
    this.#calls = new StreamedCalls(index, () => this.#parts++, context)
  }

  /** Whether the upstream has said why it ended. */
  get finished(): boolean {
    return this.#finishReason !== null
  }

  push(choice: JsonObject, emit: Emit): void {
    const { delta, message, finish_reason: reason } = choice
    // Some send a whole message as the only chunk; beside deltas it repeats them.
    const news = isObject(delta) ? delta : isObject(message) && !this.#seen ? message : null
    if (news !== null) {
      this.#seen = true
      this.#delta(news, emit)
    }
    const logprobs = logprobsOf(choice['logprobs'])
    if (logprobs !== undefined) emit({ type: 'logprobs', choice: this.#index, logprobs })
    if (typeof reason === 'string' && reason !== '') this.#finishReason = reason
    if (choice['stop_reason'] !== undefined) this.#matched = choice['stop_reason']
  }

  finish(sources: readonly Citation[], emit: Emit): void {
    if (this.#lastText !== null && !this.#cited) {
      for (const citation of sources) this.#cite(citation, emit)
    }
    this.#endOpen(emit)
    this.#emitSound(emit)
    const cut = this.#finishReason === 'length'
    const orphans = this.#calls.finish(cut ? 'cut' : 'whole', emit)
    if (this.#textSignature !== null) orphans.push(['', this.#textSignature])
    for (const [id, sealed] of orphans) {
      this.#whole({ type: 'reasoning', text: '', sealed, itemId: id === '' ? undefined : id }, emit)
    }
    const parts: AssistantPart[] = [...this.#calls.parts]
    if (this.#refused) parts.push({ type: 'refusal', text: '' })
    emit({ type: 'stop', choice: this.#index, stop: decodeStop(this.#finishReason, parts, this.#matched) })
  }

  #delta(delta: JsonObject, emit: Emit): void {
    this.#reasoning(delta, emit)
    const { content, refusal, images, annotations, audio, tool_calls: calls, function_call: legacy } = delta
    if (typeof content === 'string') this.#prose('text', content, emit)
    else if (Array.isArray(content)) for (const part of content) this.#contentPart(part, emit)
    if (Array.isArray(annotations)) {
      for (const value of annotations) {
        const citation = decodeAnnotation(value)
        if (citation !== null) this.#cite(citation, emit)
      }
    }
    if (typeof refusal === 'string' && refusal !== '') {
      this.#refused = true
      this.#prose('refusal', refusal, emit)
    }
    if (isObject(audio)) this.#hear(audio)
    if (Array.isArray(images)) for (const image of images) this.#image(image, emit)
    const some = Array.isArray(calls) && calls.length > 0
    if (!some && !isObject(legacy)) return
    this.#endOpen(emit)
    if (some) for (const [at, call] of calls.entries()) if (isObject(call)) this.#calls.push(call, at, emit)
    if (isObject(legacy)) this.#calls.push({ index: 0, function: legacy }, 0, emit)
  }

  /** The same thought stands in several members of one delta: the one that says most is read. */
  #reasoning(delta: JsonObject, emit: Emit): void {
    const { reasoning_details: details, thinking_blocks: blocks } = delta
    if (Array.isArray(details) && details.length > 0) {
      for (const value of details) this.#detail(readDetail(value), emit)
      return
    }
    if (Array.isArray(blocks) && blocks.length > 0) {
      for (const value of blocks) this.#detail(readThinkingBlock(value), emit)
      return
    }
    const text = wordOf(delta['reasoning_content']) ?? wordOf(delta['reasoning'])
    if (text !== undefined) this.#think(text, emit)
  }

  #think(text: string, emit: Emit): void {
    if (this.#open?.type !== 'reasoning') {
      this.#openThought({ type: 'reasoning', text: '' }, undefined, emit)
    }
    this.#grow(text, emit)
  }

  #detail(detail: Detail | null, emit: Emit): void {
    if (detail === null) return
    if (isForeignSeal(detail) && detail.sealed !== undefined) return this.#foreign(detail.id, detail.sealed, emit)
    const thought = this.#open?.type === 'reasoning' ? this.#thought : null
    if (thought === null || !continues(thought.part, thought.index, detail)) {
      this.#openThought({ ...thoughtOf(detail), text: '' }, detail.index, emit)
    } else {
      thought.index = detail.index ?? thought.index
      this.#note(thought, detail, emit)
    }
    if (detail.text !== '') this.#grow(detail.text, emit)
  }

  #note(thought: { part: ReasoningPart }, { signature, sealed }: Detail, emit: Emit): void {
    if (this.#open === null || (signature === undefined && sealed === undefined)) return
    const { part } = thought
    thought.part = { ...part, signature: signature ?? part.signature, sealed: sealed ?? part.sealed }
    emit({ type: 'part-note', choice: this.#index, index: this.#open.index, signature, sealed })
  }

  #foreign(id: string | undefined, signature: Signature, emit: Emit): void {
    if (id !== undefined) return this.#calls.sign(id, signature, emit)
    if (this.#open?.type !== 'text') this.#textSignature = signature
    else emit({ type: 'part-note', choice: this.#index, index: this.#open.index, signature })
  }

  #openThought(part: ReasoningPart, index: number | undefined, emit: Emit): void {
    this.#endOpen(emit)
    this.#open = { index: this.#parts++, type: 'reasoning' }
    this.#thought = { part, index }
    emit({ type: 'part-start', choice: this.#index, index: this.#open.index, part })
  }

  #grow(text: string, emit: Emit): void {
    const thought = this.#thought
    if (this.#open === null || thought === null || text === '') return
    // Whether there is text is all that is asked of it later.
    if (thought.part.text === '') thought.part = { ...thought.part, text: '…' }
    emit({ type: 'part-delta', choice: this.#index, index: this.#open.index, text })
  }

  #prose(type: Prose, text: string, emit: Emit): void {
    if (text === '') return
    if (this.#open?.type !== type) {
      this.#endOpen(emit)
      const index = this.#parts++
      this.#open = { index, type }
      emit({ type: 'part-start', choice: this.#index, index, part: this.#newProse(type) })
      if (type === 'text') {
        this.#lastText = index
        const waiting = this.#citations
        this.#citations = []
        for (const citation of waiting) this.#cite(citation, emit)
      }
    }
    emit({ type: 'part-delta', choice: this.#index, index: this.#open.index, text })
  }

  #newProse(type: Prose): AssistantPart {
    if (type === 'refusal') return { type, text: '' }
    const signature = this.#textSignature
    this.#textSignature = null
    return signature === null ? { type, text: '' } : { type, text: '', signature }
  }

  #contentPart(value: unknown, emit: Emit): void {
    if (!isObject(value)) return
    const { type, text, thinking } = value
    if (type === 'thinking') this.#think(thinkingText(thinking), emit)
    else if (typeof text === 'string') this.#prose('text', text, emit)
    else if (typeof type === 'string') this.#whole({ type: 'opaque', dialect: 'openai-chat', name: type, value }, emit)
  }

  #cite(citation: Citation, emit: Emit): void {
    this.#cited = true
    if (this.#lastText === null) this.#citations.push(citation)
    else emit({ type: 'part-note', choice: this.#index, index: this.#lastText, citation })
  }

  #image(value: unknown, emit: Emit): void {
    const image = isObject(value) ? value['image_url'] : undefined
    const url = isObject(image) ? image['url'] : undefined
    if (typeof url === 'string') this.#whole({ type: 'image', source: sourceOfUrl(url) }, emit)
  }

  /** A sound comes in pieces of base64 that need not fit together: it is told whole, at the end. */
  #hear(audio: JsonObject): void {
    this.#sound ??= { id: undefined, transcript: '', bytes: [], extra: undefined }
    const { id, data, transcript, expires_at: expires } = audio
    this.#sound.id = wordOf(id) ?? this.#sound.id
    this.#sound.transcript += wordOf(transcript) ?? ''
    if (typeof data === 'string') this.#sound.bytes.push(Buffer.from(data, 'base64'))
    if (typeof expires === 'number') this.#sound.extra = { expires_at: expires }
  }

  #emitSound(emit: Emit): void {
    if (this.#sound === null) return
    const { id, transcript, bytes, extra } = this.#sound
    const base64 = Buffer.concat(bytes).toString('base64')
    const source = { kind: 'data', mediaType: audioTypeOf(base64), base64 } as const
    this.#whole({ type: 'audio', source, id, transcript, extra }, emit)
  }

  #whole(part: AssistantPart, emit: Emit): void {
    this.#endOpen(emit)
    const index = this.#parts++
    emit({ type: 'part-start', choice: this.#index, index, part })
    emit({ type: 'part-end', choice: this.#index, index })
  }

  #endOpen(emit: Emit): void {
    if (this.#open === null) return
    emit({ type: 'part-end', choice: this.#index, index: this.#open.index })
    this.#open = null
    this.#thought = null
  }
}
