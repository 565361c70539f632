import type { StreamEvent } from '../../ir/answer.ts'
import { Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart, ReasoningPart } from '../../ir/parts.ts'
import { CALL } from './answer-shape.ts'
import { decodeAnnotation } from './citations.ts'
import type { OutputReader } from './decode-output.ts'

type Emit = (event: StreamEvent) => void

/** Where in an item a text goes: its parts, its thoughts, and their summaries are numbered apart. */
export type Slot = `${'content' | 'summary' | 'call'} ${number}`

interface Piece {
  readonly index: number
  readonly refusal: boolean
  text: string
  annotations: number
  ended: boolean
}

export interface ItemSetting {
  readonly reader: OutputReader
  /** Numbers the parts of the answer. */
  readonly nextPart: () => number
  readonly losses: Losses
}

/**
 * One item of a stream while it arrives. Deltas, the events that repeat a text when it is done, and the whole item at its end may each
 * be missing: what a later one knows more is told as one more delta.
 */
export class StreamedItem {
  readonly type: string
  readonly #setting: ItemSetting
  readonly #id: string | undefined
  readonly #phase: unknown
  readonly #pieces = new Map<Slot, Piece>()
  /** A call as it began: what is said of it only at its end comes too late. */
  readonly #begun: JsonObject
  #ended = false

  constructor(item: JsonObject, setting: ItemSetting, emit: Emit) {
    this.type = typeof item['type'] === 'string' ? item['type'] : 'message'
    this.#id = typeof item['id'] === 'string' ? item['id'] : undefined
    this.#phase = item['phase'] ?? undefined
    this.#setting = setting
    this.#begun = item
    if (isCall(this.type)) this.#beginCall(item, emit)
  }

  get parts(): AssistantPart[] {
    if (isCall(this.type)) return [{ type: 'tool-call', id: '', name: '', arguments: '' }]
    return [...this.#pieces.values()].map(({ refusal }) => ({ type: refusal ? 'refusal' : 'text', text: '' }))
  }

  /** More of a text. */
  grow(slot: Slot, text: unknown, emit: Emit, kind?: 'refusal'): void {
    if (typeof text !== 'string' || text === '' || this.#ended) return
    const piece = this.#piece(slot, emit, kind)
    if (piece === null || piece.ended) return
    piece.text += text
    emit({ type: 'part-delta', choice: 0, index: piece.index, text })
  }

  /** The whole of a text: what is missing of it is told. */
  complete(slot: Slot, text: unknown, emit: Emit, kind?: 'refusal'): void {
    if (typeof text !== 'string' || this.#ended) return
    const known = this.#pieces.get(slot)?.text ?? ''
    if (text.length > known.length && text.startsWith(known)) this.grow(slot, text.slice(known.length), emit, kind)
  }

  annotate(slot: Slot, annotation: unknown, emit: Emit): void {
    const citation = decodeAnnotation(annotation)
    if (citation === null || this.#ended) return
    const piece = this.#piece(slot, emit)
    if (piece === null || piece.ended) return
    piece.annotations++
    emit({ type: 'part-note', choice: 0, index: piece.index, citation })
  }

  /** The item as it is at its end. */
  finish(item: JsonObject, emit: Emit): void {
    if (this.#ended) return
    switch (this.type) {
      case 'message':
        this.#finishMessage(item, emit)
        break
      case 'reasoning':
        this.#finishThought(item, emit)
        break
      case 'function_call':
      case 'custom_tool_call':
        this.complete('call 0', item[this.type === 'function_call' ? 'arguments' : 'input'], emit)
        this.#reportLate(item)
        break
      default:
        for (const part of this.#setting.reader.read(item, new Fields(item, 'item'))) this.#whole(part, emit)
    }
    this.cut(emit)
  }

  #reportLate(item: JsonObject): void {
    for (const [name, value] of Object.entries(item)) {
      if (value !== null && !Object.hasOwn(CALL, name) && !Object.hasOwn(this.#begun, name)) {
        this.#setting.losses.drop(`output[].${name}`)
      }
    }
  }

  /** Nothing more may be said of it. */
  get ended(): boolean {
    return this.#ended
  }

  /** The item ends as far as it has come. */
  cut(emit: Emit): void {
    if (this.#ended) return
    this.#ended = true
    this.#endPieces(emit)
  }

  #endPieces(emit: Emit): void {
    for (const piece of this.#pieces.values()) {
      if (piece.ended) continue
      piece.ended = true
      emit({ type: 'part-end', choice: 0, index: piece.index })
    }
  }

  #finishMessage({ content }: JsonObject, emit: Emit): void {
    if (!Array.isArray(content)) return
    for (const [at, part] of content.entries()) {
      if (!isObject(part)) continue
      const slot: Slot = `content ${at}`
      if (part['type'] === 'refusal') {
        this.complete(slot, part['refusal'], emit, 'refusal')
        continue
      }
      this.complete(slot, part['text'], emit)
      const { annotations } = part
      if (!Array.isArray(annotations)) continue
      const told = this.#pieces.get(slot)?.annotations ?? 0
      for (const annotation of annotations.slice(told)) this.annotate(slot, annotation, emit)
    }
  }

  #finishThought(item: JsonObject, emit: Emit): void {
    // The reader knows seals of every kind; the texts may have come before.
    const parts = this.#setting.reader.read(item, new Fields(item, 'item'))
    let [summaries, contents] = [0, 0]
    for (const part of parts) {
      if (part.type !== 'reasoning') continue
      const slot: Slot = part.summary === true ? `summary ${summaries++}` : `content ${contents++}`
      this.complete(slot, part.text, emit)
      this.#seal(part, slot, emit)
    }
  }

  #seal({ signature, sealed }: ReasoningPart, slot: Slot, emit: Emit): void {
    if (signature === undefined && sealed === undefined) return
    // A seal without a text is a thought by itself; one that came with deltas belongs to the last of them.
    const last = this.#pieces.get(slot) ?? [...this.#pieces.values()].at(-1)
    if (last !== undefined) return emit({ type: 'part-note', choice: 0, index: last.index, signature, sealed })
    this.#whole({ type: 'reasoning', text: '', signature, sealed, itemId: this.#id }, emit)
  }

  #whole(part: AssistantPart, emit: Emit): void {
    const index = this.#setting.nextPart()
    emit({ type: 'part-start', choice: 0, index, part })
    emit({ type: 'part-end', choice: 0, index })
  }

  #beginCall(item: JsonObject, emit: Emit): void {
    const custom = this.type === 'custom_tool_call'
    const member = custom ? 'input' : 'arguments'
    // Some say the arguments at once, others again later: they are told when the call is done.
    const [part] = this.#setting.reader.read({ ...item, [member]: '' }, new Fields({ ...item, [member]: '' }, 'item'))
    if (part?.type !== 'tool-call') return
    const index = this.#setting.nextPart()
    this.#pieces.set('call 0', { index, refusal: false, text: '', annotations: 0, ended: false })
    emit({ type: 'part-start', choice: 0, index, part })
  }

  #piece(slot: Slot, emit: Emit, kind?: 'refusal'): Piece | null {
    const known = this.#pieces.get(slot)
    if (known !== undefined) return known
    const part = this.#partFor(slot, kind)
    if (part === null) return null
    // Texts of one item follow each other; its seal, which comes with its end, is the last one's.
    this.#endPieces(emit)
    const index = this.#setting.nextPart()
    const piece: Piece = { index, refusal: kind === 'refusal', text: '', annotations: 0, ended: false }
    this.#pieces.set(slot, piece)
    emit({ type: 'part-start', choice: 0, index: piece.index, part })
    return piece
  }

  #partFor(slot: Slot, kind: 'refusal' | undefined): AssistantPart | null {
    const itemId = this.#id
    if (this.type === 'reasoning') {
      return slot.startsWith('summary')
        ? { type: 'reasoning', text: '', summary: true, itemId }
        : { type: 'reasoning', text: '', itemId }
    }
    if (this.type !== 'message') return null
    if (kind === 'refusal') return { type: 'refusal', text: '', itemId }
    const extra = this.#phase === undefined ? undefined : { phase: this.#phase }
    return this.#setting.reader.signed({ type: 'text', text: '', itemId, extra })
  }
}

function isCall(type: string): boolean {
  return type === 'function_call' || type === 'custom_tool_call'
}
