import { type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AssistantPart, Signature, TextPart, ToolCallPart } from '../../ir/parts.ts'
import { readCache } from './cache.ts'
import { decodeAnnotation } from './citations.ts'
import { withInner } from './extra.ts'
import { audioTypeOf, sourceOfUrl } from './media.ts'
import { readThoughts } from './thoughts.ts'

/** An id for a call that came without one; throws where each call must have one. */
export type MissingId = (call: Fields) => string

/**
 * The parts of an assistant's message, in an answer or in the history: the dialect has a member for each kind, and no order
 * between them. Thoughts come first, calls last, as models make them.
 */
export function decodeAssistant(message: Fields, missingId: MissingId): AssistantPart[] {
  const { parts: thoughts, after, signatures } = readThoughts(message)
  const parts: AssistantPart[] = [...thoughts, ...decodeContent(message)]
  const refusal = message.string('refusal')
  if (refusal !== undefined && refusal !== '') parts.push({ type: 'refusal', text: refusal })
  const audio = message.fields('audio')
  if (audio !== undefined) parts.push(decodeAudio(audio))
  for (const image of message.items('images') ?? []) {
    const url = image.fields('image_url')?.string('url') ?? image.string('url')
    if (url !== undefined) parts.push({ type: 'image', source: sourceOfUrl(url) })
  }
  for (const call of message.items('tool_calls') ?? []) parts.push(decodeCall(call, missingId))
  const legacy = message.fields('function_call')
  if (legacy !== undefined) {
    parts.push({
      type: 'tool-call',
      id: missingId(legacy),
      name: legacy.text('name'),
      arguments: argumentsText(legacy.value('arguments')),
    })
  }
  const citations = (message.array('annotations') ?? []).map(decodeAnnotation).filter((citation) => citation !== null)
  const text = parts.findIndex((part) => part.type === 'text')
  // Found by its type just now.
  if (citations.length > 0 && text >= 0) parts[text] = { ...(parts[text] as TextPart), citations }
  const placed = after.size === 0 ? parts : withPlaces(parts, after)
  return signatures.size === 0 ? placed : withSignatures(placed, signatures)
}

/** Thoughts behind their calls; those whose call is not there stay in front. */
function withPlaces(parts: readonly AssistantPart[], after: ReadonlyMap<AssistantPart, string>): AssistantPart[] {
  const behind = new Map<string, AssistantPart[]>()
  for (const part of parts) if (part.type === 'tool-call') behind.set(part.id, [])
  const moves = (part: AssistantPart) => behind.has(after.get(part) ?? '')
  for (const part of parts) behind.get(after.get(part) ?? '')?.push(part)
  return parts.flatMap((part) => {
    if (moves(part)) return []
    if (part.type !== 'tool-call') return [part]
    return [part, ...(behind.get(part.id) ?? [])]
  })
}

/** Parts of a content that is a text or an array of parts. */
export function decodeParts<Part>(
  message: Fields,
  read: (object: JsonObject, part: Fields) => Part,
): (Part | TextPart)[] {
  const content = message.value('content')
  if (content === undefined || content === '') return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw message.problem('content', 'a string or an array')
  return content.map((value: unknown, index) => {
    const part = fieldsOf(value, `${message.at('content')}[${index}]`)
    return read(isObject(value) ? value : {}, part)
  })
}

export function decodeText(object: JsonObject, part: Fields): TextPart {
  return { type: 'text', text: part.text('text'), cache: readCache(object, part), extra: restOf(part) }
}

function decodeContent(message: Fields): AssistantPart[] {
  return decodeParts(message, (object, part): AssistantPart => {
    const type = part.text('type')
    switch (type) {
      case 'text':
      case 'output_text':
        return decodeText(object, part)
      case 'refusal':
        return { type: 'refusal', text: part.text('refusal') }
      // Mistral's thoughts.
      case 'thinking':
        return { type: 'reasoning', text: thinkingText(part.value('thinking')) }
      default:
        return { type: 'opaque', dialect: 'openai-chat', name: type, value: part.keep() }
    }
  })
}

/** The text of a thought that is a text or an array of texts. */
export function thinkingText(value: unknown): string {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return ''
  return value.map((item) => (isObject(item) && typeof item['text'] === 'string' ? item['text'] : '')).join('')
}

/** A sound of an answer, or in the history the name of one. */
function decodeAudio(audio: Fields): AssistantPart {
  const id = audio.string('id')
  const data = audio.string('data')
  const transcript = audio.string('transcript')
  const source =
    data === undefined
      ? ({ kind: 'file', id: id ?? '' } as const)
      : ({ kind: 'data', mediaType: audioTypeOf(data), base64: data } as const)
  return { type: 'audio', source, id, transcript, extra: audio.rest() }
}

/** One call of a tool; `arguments` is what the upstream says, empty or broken as it may be. */
export function decodeCall(call: Fields, missingId: MissingId): ToolCallPart {
  const id = call.string('id')
  const custom = call.fields('custom')
  call.value('index')
  call.value('type')
  const named = custom ?? call.fields('function')
  if (named === undefined) throw call.problem('function', 'an object')
  const part = {
    type: 'tool-call',
    id: id === undefined || id === '' ? missingId(call) : id,
    name: named.text('name'),
  } as const
  if (custom !== undefined) {
    return {
      ...part,
      custom: true,
      arguments: custom.string('input') ?? '',
      extra: withInner(call.rest(), 'custom', custom.rest()),
    }
  }
  const signature = googleSignature(call.value('extra_content'))
  const text = argumentsText(named.value('arguments'))
  return { ...part, arguments: text, signature, extra: withInner(call.rest(), 'function', named.rest()) }
}

/** Some upstreams send an object where the dialect has its text. */
export function argumentsText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Google's own endpoint for this dialect carries signatures beside the call ("Thought signatures", 2026-11). */
export function googleSignature(content: unknown): Signature | undefined {
  const google = isObject(content) ? content['google'] : undefined
  const value = isObject(google) ? google['thought_signature'] : undefined
  return typeof value === 'string' && value !== '' ? { family: 'gemini', value } : undefined
}

/** Puts signatures where they belong; one without its part becomes a thought of its own. */
function withSignatures(parts: AssistantPart[], signatures: ReadonlyMap<string, Signature>): AssistantPart[] {
  const left = new Map(signatures)
  const signed = parts.map((part): AssistantPart => {
    const key = part.type === 'tool-call' ? part.id : part.type === 'text' ? '' : null
    const signature = key === null ? undefined : left.get(key)
    if (key === null || signature === undefined) return part
    left.delete(key)
    return { ...part, signature } as AssistantPart // both kinds have the member
  })
  for (const [id, sealed] of left)
    signed.push({ type: 'reasoning', text: '', sealed, itemId: id === '' ? undefined : id })
  return signed
}

/** A member that is absent rather than undefined would say the same; this keeps parts small. */
function restOf(part: Fields): JsonObject | undefined {
  part.value('type')
  return part.rest()
}
