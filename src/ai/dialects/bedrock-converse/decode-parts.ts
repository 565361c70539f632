import { type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { AssistantPart, Citation, ImagePart, ReasoningPart, TextPart, ToolCallPart } from '../../ir/parts.ts'
import type { DecodeContext } from '../dialect.ts'

/** Blocks of an answer, in order. Each is an object whose only member names its kind. */
export function decodeBlocks(blocks: readonly unknown[], path: string, context: DecodeContext): AssistantPart[] {
  return blocks.map((block, index) => decodeBlock(fieldsOf(block, `${path}[${index}]`), context))
}

function decodeBlock(block: Fields, context: DecodeContext): AssistantPart {
  if (block.has('text')) return { type: 'text', text: block.text('text') }
  const reasoning = block.object('reasoningContent')
  if (reasoning !== undefined) return decodeReasoning(reasoning)
  const call = block.fields('toolUse')
  if (call !== undefined && call.value('type') === undefined) return decodeCall(call, context)
  const cited = block.object('citationsContent')
  if (cited !== undefined) return decodeCited(cited)
  const image = block.fields('image')
  if (image !== undefined) return decodeImage(image)
  const name = Object.keys(block.rest() ?? {})[0] ?? (call === undefined ? 'unknown' : 'toolUse')
  const value = block.value(name)
  return { type: 'opaque', dialect: 'bedrock-converse', name, value: isObject(value) ? value : {} }
}

/** The only sealed thoughts that Converse carries are Claude's; those of other models come without a seal. */
export function decodeReasoning(reasoning: JsonObject): ReasoningPart {
  const redacted = reasoning['redactedContent']
  if (typeof redacted === 'string') {
    return { type: 'reasoning', text: '', sealed: { family: 'anthropic', value: redacted } }
  }
  const told = isObject(reasoning['reasoningText']) ? reasoning['reasoningText'] : {}
  const text = typeof told['text'] === 'string' ? told['text'] : ''
  const value = told['signature']
  if (typeof value !== 'string' || value === '') return { type: 'reasoning', text }
  return { type: 'reasoning', text, signature: { family: 'anthropic', value } }
}

function decodeCall(call: Fields, context: DecodeContext): ToolCallPart {
  const input = call.value('input')
  return {
    type: 'tool-call',
    id: call.string('toolUseId') ?? context.ids.next('tooluse'),
    name: call.text('name'),
    arguments: input === undefined ? '{}' : JSON.stringify(input),
    extra: call.rest(),
  }
}

/** A text with the places that it stands on. */
function decodeCited(cited: JsonObject): TextPart {
  const texts = Array.isArray(cited['content']) ? cited['content'] : []
  const citations = Array.isArray(cited['citations']) ? cited['citations'].filter(isObject).map(decodeCitation) : []
  return { type: 'text', text: joined(texts, ''), citations: citations.length === 0 ? undefined : citations }
}

export function decodeCitation(value: JsonObject): Citation {
  const location = isObject(value['location']) ? value['location'] : {}
  const web = isObject(location['web']) ? location['web'] : {}
  const sources = Array.isArray(value['sourceContent']) ? value['sourceContent'] : []
  const quote = joined(sources, '\n')
  return {
    url: typeof web['url'] === 'string' ? web['url'] : undefined,
    title: typeof value['title'] === 'string' ? value['title'] : undefined,
    quote: quote === '' ? undefined : quote,
    raw: { dialect: 'bedrock-converse', value },
  }
}

function joined(items: readonly unknown[], between: string): string {
  return items.map((item) => (isObject(item) && typeof item['text'] === 'string' ? item['text'] : '')).join(between)
}

function decodeImage(image: Fields): ImagePart {
  const format = image.string('format') ?? 'png'
  const base64 = image.fields('source')?.string('bytes') ?? ''
  return { type: 'image', source: { kind: 'data', mediaType: `image/${format}`, base64 }, extra: image.rest() }
}
