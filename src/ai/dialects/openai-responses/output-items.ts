import type { Stop, StreamEvent } from '../../ir/answer.ts'
import { withNote, withText } from '../../ir/assemble.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { AssistantPart, ReasoningPart, Signature, ToolCallPart } from '../../ir/parts.ts'
import type { AnswerContext } from '../dialect.ts'
import { namespacesOf } from './flat-names.ts'
import { CallItem, MessageItem, type OutputItem, type Place, ThoughtItem, type Wire } from './output-item.ts'
import { writeSeal } from './seals.ts'

type Note = Extract<StreamEvent, { type: 'part-note' }>

/** A part that is not over; its item is null until there is something of it to tell. */
interface Open {
  part: AssistantPart
  item: OutputItem | null
}

/**
 * Puts the parts of one answer into items, and tells the events of each on the way. Texts that stand together share a message,
 * thoughts of one name an item. The last item stays open until something else follows: it may go on, and whether it was cut is
 * known only when the answer stops.
 */
export class OutputItems {
  /** As `response.completed` lists them; the ones that are not over hold null. */
  readonly items: (JsonObject | null)[] = []
  /** The members that the parts bring along are in the words of this dialect. */
  own = false
  refused = false
  readonly #context: AnswerContext
  readonly #wire: Wire
  readonly #namespaces: ReturnType<typeof namespacesOf>
  readonly #open = new Map<number, Open>()
  readonly #unfinished = new Set<OutputItem>()
  #tail: OutputItem | null = null
  /** The text that token probabilities belong to. */
  #text: MessageItem | null = null

  constructor(context: AnswerContext, wire: Wire) {
    this.#context = context
    this.#wire = wire
    this.#namespaces = namespacesOf(context.request)
  }

  start(index: number, part: AssistantPart): void {
    const open: Open = { part, item: null }
    this.#open.set(index, open)
    if (part.type === 'tool-call') {
      if (part.signature !== undefined) this.#carry('call', part.signature)
      open.item = this.#add((place) => new CallItem(place, this.#called(part)))
      if (part.arguments !== '') open.item.text(part.arguments)
    } else if ('text' in part && part.text !== '') {
      open.item = this.#begin(part)
      open.item.text(part.text)
    }
  }

  text(index: number, text: string): void {
    const open = this.#open.get(index)
    if (open === undefined || text === '') return
    if (open.item === null) {
      if (open.part.type !== 'text' && open.part.type !== 'refusal' && open.part.type !== 'reasoning') {
        open.part = withText(open.part, text)
        return
      }
      open.item = this.#begin(open.part)
    }
    open.item.text(text)
  }

  note(note: Note): void {
    const open = this.#open.get(note.index)
    if (open === undefined) return
    // What a text was signed with after it began: an item for it would have to stand in front.
    const late = open.part.type === 'text' && note.signature !== undefined && open.item !== null
    if (late) this.#context.losses.drop('message.text.signature')
    open.part = withNote(open.part, note)
  }

  end(index: number): void {
    const open = this.#open.get(index)
    if (open === undefined) return
    this.#open.delete(index)
    const { part } = open
    const sealed = part.type === 'reasoning' && (part.sealed !== undefined || part.signature !== undefined)
    const item = open.item ?? (sealed ? this.#begin(part) : null)
    if (item === null) return this.#whole(part)
    item.endPart(part, this.#context.losses)
    item.parts--
    if (item.parts === 0 && item !== this.#tail) this.#close(item, 'completed')
  }

  logprobs(content: readonly unknown[]): void {
    if (this.#text === null) this.#context.losses.drop('logprobs')
    else this.#text.logprobs(content)
  }

  /** Ends what is open. What the model was cut in is not complete. */
  finish(stop: Stop): void {
    for (const index of [...this.#open.keys()]) this.end(index)
    const cut = stop.reason === 'length' || stop.reason === 'context-length' || stop.reason === 'content-filter'
    for (const item of [...this.#unfinished]) {
      this.#close(item, cut && item === this.#tail ? 'incomplete' : 'completed')
    }
  }

  /** A call as the client knows it: by its namespace, unless the upstream has said that already. */
  #called(part: ToolCallPart): ToolCallPart {
    const call = this.own ? part : { ...part, extra: undefined }
    const namespace = this.#namespaces?.get(call.name)
    return namespace === undefined || call.extra?.['namespace'] !== undefined ? call : { ...call, namespace }
  }

  #begin(part: AssistantPart): OutputItem {
    if (part.type === 'reasoning') return this.#beginThought(part)
    if (part.type === 'refusal') this.refused = true
    if (part.type === 'text' && part.signature !== undefined) this.#carry('text', part.signature)
    const itemId = 'itemId' in part ? part.itemId : undefined
    const tail = this.#tail
    let item = tail instanceof MessageItem && tail.takes(itemId) ? tail : null
    if (item === null) item = this.#add((place) => new MessageItem(place, itemId))
    else item.parts++
    this.#text = item
    if (part.type === 'text') {
      item.beginPart('output_text', this.own ? part.extra : undefined)
    } else item.beginPart('refusal', undefined)
    return item
  }

  #beginThought(part: ReasoningPart): OutputItem {
    const tail = this.#tail
    let item = tail instanceof ThoughtItem && tail.takes(part.itemId) ? tail : null
    if (item === null) item = this.#add((place) => new ThoughtItem(place, part.itemId))
    else item.parts++
    if (this.own && part.extra !== undefined) item.extra = part.extra
    // Clients that ask for a summary show nothing else.
    const wanted = this.#context.request.parameters.reasoning?.summary
    const summary = part.summary === true || (wanted !== undefined && wanted !== 'none')
    item.kind = summary ? 'summary' : 'content'
    return item
  }

  /** A seal of another vendor's on a text or a call, as a thought in front of it. */
  #carry(kind: 'call' | 'text', seal: Signature): void {
    const item = this.#add((place) => new ThoughtItem(place, undefined))
    item.seal = writeSeal(kind, seal)
    item.parts = 0
  }

  #whole(part: AssistantPart): void {
    const { losses } = this.#context
    switch (part.type) {
      case 'image': {
        if (part.source.kind !== 'data') return losses.drop('message.image')
        const { mediaType, base64 } = part.source
        const format = mediaType.slice(mediaType.indexOf('/') + 1)
        return this.#told(
          'ig',
          { type: 'image_generation_call', result: null, output_format: format },
          { result: base64 },
        )
      }
      case 'opaque':
        if (part.dialect !== 'openai-responses' || part.value['type'] !== part.name) {
          return losses.drop(`message.${part.name}`)
        }
        return this.#told(null, part.value, {})
      default:
        return // a text, refusal or thought of which nothing came
    }
  }

  /** An item that is known at once. */
  #told(prefix: string | null, item: JsonObject, later: JsonObject): void {
    this.#leaveTail()
    const index = this.items.length
    const named = prefix === null ? {} : { id: `${prefix}_${this.#context.id}${index}`, status: 'in_progress' }
    const begun = { ...named, ...item }
    const whole = { ...begun, ...later, ...(prefix === null ? {} : { status: 'completed' }) }
    this.items.push(whole)
    this.#wire('response.output_item.added', { output_index: index, item: begun })
    this.#wire('response.output_item.done', { output_index: index, item: whole })
  }

  #add<Item extends OutputItem>(make: (place: Place) => Item): Item {
    this.#leaveTail()
    const index = this.items.length
    const item = make({ index, answer: this.#context.id, wire: this.#wire })
    this.items.push(null)
    this.#unfinished.add(item)
    this.#tail = item
    this.#wire('response.output_item.added', { output_index: index, item: item.begun() })
    return item
  }

  #leaveTail(): void {
    const tail = this.#tail
    this.#tail = null
    if (tail !== null && tail.parts === 0) this.#close(tail, 'completed')
  }

  #close(item: OutputItem, status: 'completed' | 'incomplete'): void {
    if (!this.#unfinished.delete(item)) return
    const whole = item.finished(status)
    this.items[item.index] = whole
    this.#wire('response.output_item.done', { output_index: item.index, item: whole })
  }
}
