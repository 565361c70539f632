import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart, ToolCallPart } from '../../ir/parts.ts'
import { encodeAnnotation } from './citations.ts'
import { idOf } from './item-ids.ts'
import { sealOf } from './seals.ts'

/** Takes one event: its type, and its members without type and number. */
export type Wire = (type: string, members: JsonObject) => void

/** Where an item stands, and what names it. */
export interface Place {
  readonly index: number
  /** The answer's own id: ids of items are made of it. */
  readonly answer: string
  readonly wire: Wire
}

/** One item of an output while it grows. */
export type OutputItem = MessageItem | ThoughtItem | CallItem

/** A message: texts and refusals, each a part of its content. */
export class MessageItem {
  readonly index: number
  readonly #id: string
  readonly #name: string | undefined
  readonly #wire: Wire
  readonly #content: (JsonObject | null)[] = []
  /** Parts that are not over. */
  parts = 1
  #kind: 'output_text' | 'refusal' = 'output_text'
  #text = ''
  #extra: JsonObject | undefined
  /** Of the whole message, though its texts bring it along. */
  #phase: unknown
  #logprobs: unknown[] = []

  constructor({ index, answer, wire }: Place, name: string | undefined) {
    this.index = index
    this.#name = name
    this.#id = idOf('msg', name, answer, index)
    this.#wire = wire
  }

  /** Whether a text of this name goes on with the message: nothing of it may be open, as one text follows another. */
  takes(name: string | undefined): boolean {
    return this.parts === 0 && name === this.#name
  }

  begun(): JsonObject {
    return { id: this.#id, type: 'message', status: 'in_progress', role: 'assistant', content: [] }
  }

  beginPart(kind: 'output_text' | 'refusal', extra: JsonObject | undefined): void {
    this.#kind = kind
    this.#extra = extra
    this.#phase ??= extra?.['phase']
    this.#text = ''
    this.#logprobs = []
    this.#content.push(null)
    this.#wire('response.content_part.added', { ...this.#at(), part: this.#part([], '') })
  }

  text(text: string): void {
    this.#text += text
    if (this.#kind === 'refusal') this.#wire('response.refusal.delta', { ...this.#at(), delta: text })
    else this.#wire('response.output_text.delta', { ...this.#at(), delta: text, logprobs: [] })
  }

  /** They come beside the text, which has been told. */
  logprobs(content: readonly unknown[]): void {
    this.#logprobs.push(...content)
    const done = this.#content.length - 1
    const part = this.#content[done]
    if (part !== null && part !== undefined) this.#content[done] = { ...part, logprobs: this.#logprobs }
    else this.#wire('response.output_text.delta', { ...this.#at(), delta: '', logprobs: content })
  }

  endPart(part: AssistantPart, losses: Losses): void {
    if (this.#kind === 'refusal') {
      this.#wire('response.refusal.done', { ...this.#at(), refusal: this.#text })
      return this.#endPart([])
    }
    const annotations: JsonObject[] = []
    for (const citation of (part.type === 'text' ? part.citations : undefined) ?? []) {
      const annotation = encodeAnnotation(citation, this.#text.length, losses)
      if (annotation === null) continue
      this.#wire('response.output_text.annotation.added', {
        ...this.#at(),
        annotation_index: annotations.length,
        annotation,
      })
      annotations.push(annotation)
    }
    this.#wire('response.output_text.done', { ...this.#at(), text: this.#text, logprobs: this.#logprobs })
    this.#endPart(annotations)
  }

  #endPart(annotations: readonly JsonObject[]): void {
    const part = this.#part(annotations, this.#text)
    this.#wire('response.content_part.done', { ...this.#at(), part })
    this.#content[this.#content.length - 1] = part
  }

  finished(status: string): JsonObject {
    const phase = this.#phase
    const said = phase === undefined ? {} : { phase }
    return { id: this.#id, type: 'message', status, role: 'assistant', content: this.#content, ...said }
  }

  #part(annotations: readonly JsonObject[], text: string): JsonObject {
    if (this.#kind === 'refusal') return { type: 'refusal', refusal: text }
    const { phase: _phase, ...extra } = this.#extra ?? {}
    return { ...extra, type: 'output_text', annotations, logprobs: this.#logprobs, text }
  }

  #at(): JsonObject {
    return { item_id: this.#id, output_index: this.index, content_index: this.#content.length - 1 }
  }
}

/** A thought: summaries, its own text, and its seal. */
export class ThoughtItem {
  readonly index: number
  readonly #id: string
  readonly #name: string | undefined
  readonly #wire: Wire
  readonly #summary: JsonObject[] = []
  readonly #content: JsonObject[] = []
  parts = 1
  /** Where the part at hand goes. */
  kind: 'summary' | 'content' = 'summary'
  seal: string | null = null
  /** Members that only this dialect knows. */
  extra: JsonObject | undefined
  #text = ''

  constructor({ index, answer, wire }: Place, name: string | undefined) {
    this.index = index
    this.#name = name
    this.#id = idOf('rs', name, answer, index)
    this.#wire = wire
  }

  /** A sealed thought is over, and one without a name stands alone. */
  takes(name: string | undefined): boolean {
    return this.parts === 0 && this.seal === null && name !== undefined && name === this.#name
  }

  begun(): JsonObject {
    return { id: this.#id, type: 'reasoning', summary: [] }
  }

  text(text: string): void {
    const summary = this.kind === 'summary'
    if (this.#text === '') {
      const type = summary ? 'response.reasoning_summary_part.added' : 'response.content_part.added'
      this.#wire(type, { ...this.#at(), part: this.#part('') })
    }
    this.#text += text
    const type = summary ? 'response.reasoning_summary_text.delta' : 'response.reasoning_text.delta'
    this.#wire(type, { ...this.#at(), delta: text })
  }

  endPart(part: AssistantPart): void {
    if (part.type === 'reasoning') this.seal = sealOf(part)
    const text = this.#text
    if (text === '') return
    const [done, over] =
      this.kind === 'summary'
        ? (['response.reasoning_summary_text.done', 'response.reasoning_summary_part.done'] as const)
        : (['response.reasoning_text.done', 'response.content_part.done'] as const)
    this.#wire(done, { ...this.#at(), text })
    this.#wire(over, { ...this.#at(), part: this.#part(text) })
    this.#list().push(this.#part(text))
    this.#text = ''
  }

  finished(): JsonObject {
    return {
      ...this.extra,
      id: this.#id,
      type: 'reasoning',
      summary: this.#summary,
      ...(this.#content.length === 0 ? {} : { content: this.#content }),
      ...(this.seal === null ? {} : { encrypted_content: this.seal }),
    }
  }

  #list(): JsonObject[] {
    return this.kind === 'summary' ? this.#summary : this.#content
  }

  #part(text: string): JsonObject {
    return { type: this.kind === 'summary' ? 'summary_text' : 'reasoning_text', text }
  }

  #at(): JsonObject {
    const index = this.#list().length
    const place = this.kind === 'summary' ? { summary_index: index } : { content_index: index }
    return { item_id: this.#id, output_index: this.index, ...place }
  }
}

/** A call of a tool, with a JSON object or with free text. */
export class CallItem {
  readonly index: number
  readonly #id: string
  readonly #wire: Wire
  readonly #call: ToolCallPart
  parts = 1
  #text = ''

  constructor({ index, answer, wire }: Place, call: ToolCallPart) {
    this.index = index
    this.#id = idOf(call.custom === true ? 'ctc' : 'fc', call.itemId, answer, index)
    this.#wire = wire
    this.#call = call
  }

  begun(): JsonObject {
    return this.#item('in_progress', '')
  }

  text(text: string): void {
    this.#text += text
    const custom = this.#call.custom === true
    const type = custom ? 'response.custom_tool_call_input.delta' : 'response.function_call_arguments.delta'
    this.#wire(type, { item_id: this.#id, output_index: this.index, delta: text })
  }

  endPart(): void {
    // Whether it was cut is known when the answer stops.
  }

  finished(status: 'completed' | 'incomplete'): JsonObject {
    const { custom } = this.#call
    const name = this.#call.namespace?.tool ?? this.#call.name
    // Clients parse the arguments: a call without any has an empty object, unless it was cut.
    if (this.#text === '' && custom !== true && status === 'completed') this.text('{}')
    const at = { item_id: this.#id, output_index: this.index }
    if (custom === true) this.#wire('response.custom_tool_call_input.done', { ...at, input: this.#text })
    else this.#wire('response.function_call_arguments.done', { ...at, name, arguments: this.#text })
    return this.#item(status, this.#text)
  }

  #item(status: string, text: string): JsonObject {
    const { custom, extra, id, name, namespace } = this.#call
    const named = namespace === undefined ? { name } : { name: namespace.tool, namespace: namespace.name }
    const common = { id: this.#id, status, call_id: id, ...named }
    if (custom === true) return { ...extra, ...common, type: 'custom_tool_call', input: text }
    return { ...extra, ...common, type: 'function_call', arguments: text }
  }
}
