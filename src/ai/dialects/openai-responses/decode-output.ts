import { type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AssistantPart, ReasoningPart, Signature, ToolCallPart } from '../../ir/parts.ts'
import { CONTENT, decodeSaidPart } from './decode-parts.ts'
import { readSeal, type SealKind } from './seals.ts'

/** An id for a call that came without one; throws where each call must have one. */
export type MissingId = (item: Fields) => string

/** Members of an item that say how it came about: nothing of them is told to the other side. */
const RUNNING = ['status', 'created_by', 'role', 'type'] as const

/** A signature for the part that follows the item that carries it. */
export interface CarriedSignature {
  readonly kind: SealKind
  readonly seal: Signature
}

/**
 * Reads what a model made, item by item, in an answer or in the history. Each item gives its parts; items of a kind that only the
 * vendor runs, or that nobody knows, are kept whole.
 */
export class OutputReader {
  readonly #missingId: MissingId
  #carried: CarriedSignature | null = null

  constructor(missingId: MissingId) {
    this.#missingId = missingId
  }

  read(object: JsonObject, item: Fields): AssistantPart[] {
    switch (object['type'] ?? 'message') {
      case 'message':
        return this.#message(item)
      case 'reasoning':
        return this.#reasoning(item)
      case 'function_call':
        return [this.#call(item, 'arguments')]
      case 'custom_tool_call':
        return [this.#call(item, 'input')]
      case 'image_generation_call':
        return [imageOf(object, item)]
      default:
        item.keep()
        return [{ type: 'opaque', dialect: 'openai-responses', name: String(object['type']), value: object }]
    }
  }

  #message(item: Fields): AssistantPart[] {
    const itemId = item.string('id')
    passOver(item)
    const phase = item.value('phase')
    const content = item.value('content')
    if (typeof content === 'string') return content === '' ? [] : [this.signed({ type: 'text', text: content, itemId })]
    return (item.array('content') ?? []).map((value, index): AssistantPart => {
      const at = `${item.at('content')}[${index}]`
      const fields = fieldsOf(value, at)
      const said = decodeSaidPart(fields, itemId)
      if (said === null) {
        fields.keep()
        const object = isObject(value) ? value : {}
        const name = `${CONTENT}${String(object['type'])}`
        return { type: 'opaque', dialect: 'openai-responses', name, value: object }
      }
      if (said.type === 'refusal') return said
      return this.signed(phase === undefined ? said : { ...said, extra: { ...said.extra, phase } })
    })
  }

  #reasoning(item: Fields): AssistantPart[] {
    const itemId = item.string('id')
    passOver(item)
    const value = item.string('encrypted_content') ?? ''
    const carried = value === '' ? null : readSeal(value)
    const parts: ReasoningPart[] = [
      ...(item.items('summary') ?? []).map((part): ReasoningPart => {
        return { type: 'reasoning', text: part.string('text') ?? '', summary: true, itemId }
      }),
      ...(item.items('content') ?? []).map((part): ReasoningPart => {
        return { type: 'reasoning', text: part.string('text') ?? '', itemId }
      }),
    ]
    const extra = item.rest()
    if (carried !== null && (carried.kind === 'call' || carried.kind === 'text')) {
      this.#carried = carried
      return parts
    }
    const last = parts.pop() ?? { type: 'reasoning', text: '', itemId }
    const sealed = withSeal(last, carried)
    // A thought of another vendor's was named here: nobody else knows it by that.
    if (carried !== null && carried.seal.family !== 'openai') {
      return [...parts, sealed].map((part) => ({ ...part, itemId: undefined }))
    }
    if (sealed.text === '' && carried === null) return parts
    return [...parts, extra === undefined ? sealed : { ...sealed, extra }]
  }

  #call(item: Fields, member: 'arguments' | 'input'): ToolCallPart {
    passOver(item)
    const itemId = item.string('id')
    const id = item.string('call_id') ?? ''
    const said = item.value(member)
    const text = said === undefined ? '' : typeof said === 'string' ? said : JSON.stringify(said)
    const part: ToolCallPart = {
      type: 'tool-call',
      id: id === '' ? this.#missingId(item) : id,
      name: item.text('name'),
      arguments: text,
      itemId,
      extra: item.rest(),
    }
    return this.signed(member === 'input' ? { ...part, custom: true } : part)
  }

  /** A text or a call with the signature that came in front of it. */
  signed<Part extends AssistantPart & { readonly signature?: Signature | undefined }>(part: Part): Part {
    const carried = this.#carried
    this.#carried = null
    const kind = part.type === 'tool-call' ? 'call' : 'text'
    return carried === null || carried.kind !== kind ? part : { ...part, signature: carried.seal }
  }
}

/** A thought with its seal, of whichever kind it is. */
export function withSeal(part: ReasoningPart, carried: CarriedSignature | null): ReasoningPart {
  if (carried === null) return part
  return carried.kind === 'signed' ? { ...part, signature: carried.seal } : { ...part, sealed: carried.seal }
}

function passOver(item: Fields): void {
  for (const name of RUNNING) item.value(name)
}

const IMAGE_TYPES: Readonly<Record<string, string>> = {
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  svg: 'image/svg+xml',
}

/** A picture that the vendor's tool made; one that is not there yet, or failed, stays what it is. */
function imageOf(object: JsonObject, item: Fields): AssistantPart {
  const { result, output_format: format } = object
  if (typeof result !== 'string' || result === '') {
    return { type: 'opaque', dialect: 'openai-responses', name: 'image_generation_call', value: item.keep() }
  }
  for (const name of ['id', 'status', 'result', 'output_format']) item.value(name)
  const mediaType = IMAGE_TYPES[String(format)] ?? 'image/png'
  return { type: 'image', source: { kind: 'data', mediaType, base64: result } }
}
