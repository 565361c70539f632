import type { StreamEvent } from '../../ir/answer.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { AssistantPart, ReasoningPart, Signature, ToolCallPart } from '../../ir/parts.ts'
import { encodeAnnotation } from './citations.ts'
import { callMembers, encodeAudio } from './encode-answer.ts'
import { urlOfSource } from './media.ts'
import { detailsOf, foreignSeal } from './reasoning-details.ts'

type Deltas = readonly JsonObject[] | null
type Note = Extract<StreamEvent, { type: 'part-note' }>

/** A part that has begun, and what is known of it. */
type Told =
  | { readonly type: 'text'; readonly offset: number; length: number }
  | { readonly type: 'refusal' | 'silent' }
  | { readonly type: 'call'; readonly call: ToolCallPart; readonly wire: number; empty: boolean }
  | {
      readonly type: 'thought'
      readonly index: number
      readonly summary: boolean
      readonly after: string | undefined
      known: ReasoningPart
      untold: boolean
    }

/** One answer as deltas. The dialect has one text, one list of calls and one of thoughts, so parts may overlap. */
export class ToldChoice {
  readonly #legacy: boolean
  readonly #own: boolean
  readonly #losses: Losses
  readonly #parts = new Map<number, Told>()
  #begun = false
  #calls = 0
  #lastCall: string | undefined
  #thoughts = 0
  #textLength = 0
  refused = false

  constructor({ legacy, own, losses }: { readonly legacy: boolean; readonly own: boolean; readonly losses: Losses }) {
    this.#legacy = legacy
    this.#own = own
    this.#losses = losses
  }

  start(index: number, part: AssistantPart): Deltas {
    switch (part.type) {
      case 'text':
        return this.#startText(index, part)
      case 'refusal':
        this.refused = true
        this.#parts.set(index, { type: 'refusal' })
        return this.#first(part.text === '' ? [] : [{ refusal: part.text }])
      case 'reasoning':
        return this.#startThought(index, part)
      case 'tool-call':
        return this.#startCall(index, part)
      case 'audio': {
        this.#parts.set(index, { type: 'silent' })
        const audio = encodeAudio(part, this.#own, this.#losses)
        return this.#first(audio['audio'] === undefined ? [] : [audio])
      }
      case 'image': {
        this.#parts.set(index, { type: 'silent' })
        const url = urlOfSource(part.source)
        if (url !== null) return this.#first([{ images: [{ type: 'image_url', image_url: { url } }] }])
        this.#losses.drop('message.image')
        return null
      }
      case 'opaque':
        this.#parts.set(index, { type: 'silent' })
        this.#losses.drop(`message.${part.name}`)
        return null
    }
  }

  grow(index: number, text: string): Deltas {
    const part = this.#parts.get(index)
    if (part === undefined || text === '') return null
    switch (part.type) {
      case 'text':
        part.length += text.length
        this.#textLength += text.length
        return [{ content: text }]
      case 'refusal':
        return [{ refusal: text }]
      case 'silent':
        return null
      case 'thought':
        return [thoughtDelta(part, text)]
      case 'call':
        part.empty = false
        return this.#callDelta(part, text)
    }
  }

  note({ index, signature, sealed, citation }: Note): Deltas {
    const part = this.#parts.get(index)
    if (part === undefined) return null
    if (part.type === 'thought') {
      part.known = { ...part.known, signature: signature ?? part.known.signature, sealed: sealed ?? part.known.sealed }
      part.untold = true
      return null
    }
    const deltas: JsonObject[] = []
    if (part.type === 'text' && citation !== undefined) {
      const annotation = encodeAnnotation(citation, { offset: part.offset, length: part.length }, this.#losses)
      if (annotation !== null) deltas.push({ annotations: [annotation] })
    }
    if (signature !== undefined)
      deltas.push(...this.#foreign(signature, part.type === 'call' ? part.call.id : undefined))
    return deltas.length === 0 ? null : deltas
  }

  end(index: number): Deltas {
    const part = this.#parts.get(index)
    if (part?.type !== 'thought' || !part.untold) return null
    part.untold = false
    const { known } = part
    // Its text has been told; a thought of which only a seal is known has none.
    const details = detailsOf({ ...known, text: '' }, part.index, part.after).filter(
      ({ type }) => type !== 'reasoning.summary',
    )
    return details.length === 0 ? null : this.#first([{ reasoning_details: details }])
  }

  /** What is missing when the answer stops: seals that came late, arguments of a call without any, as clients parse them. */
  finish(state: 'cut' | 'whole'): Deltas {
    const deltas: JsonObject[] = []
    for (const [index, part] of this.#parts) {
      // A seal that came late.
      if (part.type === 'thought') deltas.push(...(this.end(index) ?? []))
      if (state === 'cut' || part.type !== 'call' || !part.empty || part.call.custom === true) continue
      part.empty = false
      deltas.push(...(this.#callDelta(part, '{}') ?? []))
    }
    return this.#first(deltas)
  }

  #startText(index: number, part: Extract<AssistantPart, { type: 'text' }>): Deltas {
    const { text, citations, signature } = part
    const at = { offset: this.#textLength, length: text.length }
    this.#parts.set(index, { type: 'text', ...at })
    this.#textLength += text.length
    const deltas: JsonObject[] = []
    if (text !== '') deltas.push({ content: text })
    for (const citation of citations ?? []) {
      const annotation = encodeAnnotation(citation, at, this.#losses)
      if (annotation !== null) deltas.push({ annotations: [annotation] })
    }
    if (signature !== undefined) deltas.push(...this.#foreign(signature, undefined))
    return this.#first(deltas, '')
  }

  #startThought(index: number, part: ReasoningPart): Deltas {
    const told: Told = {
      type: 'thought',
      index: this.#thoughts++,
      summary: part.summary === true,
      after: this.#lastCall,
      known: part,
      untold: part.signature !== undefined || part.sealed !== undefined,
    }
    this.#parts.set(index, told)
    return this.#first(part.text === '' ? [] : [thoughtDelta(told, part.text)])
  }

  #startCall(index: number, call: ToolCallPart): Deltas {
    const { id, name, arguments: text, signature } = call
    const told: Told = { type: 'call', call, wire: this.#calls++, empty: text === '' }
    this.#parts.set(index, told)
    this.#lastCall = id
    if (this.#legacy) {
      if (told.wire === 0) return this.#first([{ function_call: { name, arguments: text } }])
      this.#losses.drop('tool_calls')
      return null
    }
    const deltas: JsonObject[] = [{ tool_calls: [{ index: told.wire, ...callMembers(call, text, this.#own) }] }]
    if (signature !== undefined) deltas.unshift(...this.#foreign(signature, id))
    return this.#first(deltas)
  }

  #callDelta({ call, wire }: Extract<Told, { type: 'call' }>, text: string): Deltas {
    if (this.#legacy) return wire === 0 ? [{ function_call: { arguments: text } }] : null
    const body = call.custom === true ? { custom: { input: text } } : { function: { arguments: text } }
    return [{ tool_calls: [{ index: wire, ...body }] }]
  }

  #foreign(signature: Signature, id: string | undefined): JsonObject[] {
    if (signature.family !== 'gemini') {
      this.#losses.drop('message.tool_call.signature')
      return []
    }
    return [{ reasoning_details: [foreignSeal(signature, this.#thoughts++, id)] }]
  }

  /** The role comes before everything else, with the members that the vendor has there. */
  #first(deltas: readonly JsonObject[], content: '' | null = null): readonly JsonObject[] {
    if (this.#begun) return deltas
    this.#begun = true
    const [next, ...rest] = deltas
    const role = { role: 'assistant', content, refusal: null }
    // A call stands in the same chunk as the role, as the vendor sends it.
    const called = next?.['tool_calls'] !== undefined || next?.['function_call'] !== undefined
    return called ? [{ ...role, ...next }, ...rest] : [role, ...deltas]
  }
}

/** More of a thought, for those who show it and for those who send it back. */
function thoughtDelta({ index, summary, known, after }: Extract<Told, { type: 'thought' }>, text: string): JsonObject {
  const [detail] = detailsOf(
    { type: 'reasoning', text, summary, itemId: known.itemId, extra: known.extra },
    index,
    after,
  )
  return { reasoning_content: text, reasoning_details: [detail] }
}
