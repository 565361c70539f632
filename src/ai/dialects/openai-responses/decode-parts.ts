import { type Fields, fieldsOf } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { RefusalPart, TextPart, ToolResultPart, UserPart } from '../../ir/parts.ts'
import { readCache } from '../openai-chat/cache.ts'
import { withInner } from '../openai-chat/extra.ts'
import { audioType, sourceOfUrl } from '../openai-chat/media.ts'
import { decodeAnnotations } from './citations.ts'

const DETAILS = ['auto', 'low', 'high', 'original'] as const
/** Marks a part of a message that is unknown, as an opaque part that is no item of its own. */
export const CONTENT = 'content.'

/** The parts of a content or an output that is a text or an array of parts. */
export function decodeContent<Part>(
  fields: Fields,
  name: 'content' | 'output',
  read: (object: JsonObject, part: Fields) => Part,
): (Part | TextPart)[] {
  const value = fields.value(name)
  if (value === undefined) throw fields.problem(name, 'a string or an array')
  if (typeof value === 'string') return value === '' ? [] : [{ type: 'text', text: value }]
  if (!Array.isArray(value)) throw fields.problem(name, 'a string or an array')
  return value.map((item: unknown, index) => {
    const part = fieldsOf(item, `${fields.at(name)}[${index}]`)
    return read(isObject(item) ? item : {}, part)
  })
}

/** A text of the client, or of instructions. */
export function decodeText(object: JsonObject, part: Fields): TextPart {
  part.value('type')
  return { type: 'text', text: part.text('text'), cache: readCache(object, part), extra: part.rest() }
}

/** One part of a user's message. A type that nobody knows goes on to an upstream of this dialect only. */
export function decodeUserPart(object: JsonObject, part: Fields): UserPart {
  const type = part.text('type')
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return decodeText(object, part)
    case 'input_image': {
      const cache = readCache(object, part)
      const url = part.string('image_url')
      const id = part.string('file_id')
      if (url === undefined && id === undefined) throw part.problem('image_url', 'a string, or a file_id')
      const source = url === undefined ? ({ kind: 'file', id: id ?? '' } as const) : sourceOfUrl(url)
      const detail = part.oneOf('detail', DETAILS)
      return { type: 'image', source, detail, cache, extra: part.rest() }
    }
    case 'input_file':
      return decodeFile(object, part)
    case 'input_audio': {
      const audio = part.fields('input_audio')
      if (audio === undefined) throw part.problem('input_audio', 'an object')
      const source = { kind: 'data', mediaType: audioType(audio.text('format')), base64: audio.text('data') } as const
      return { type: 'audio', source, extra: withInner(part.rest(), 'input_audio', audio.rest()) }
    }
    default:
      return { type: 'opaque', dialect: 'openai-responses', name: `${CONTENT}${type}`, value: part.keep() }
  }
}

function decodeFile(object: JsonObject, part: Fields): UserPart {
  const cache = readCache(object, part)
  const name = part.string('filename')
  const [id, data, url] = [part.string('file_id'), part.string('file_data'), part.string('file_url')]
  if (data !== undefined) {
    // Bytes without the head of a data URL are taken for what the dialect's files are.
    const source = data.startsWith('data:')
      ? sourceOfUrl(data)
      : ({ kind: 'data', mediaType: 'application/pdf', base64: data } as const)
    return { type: 'document', source, name, cache, extra: part.rest() }
  }
  if (url !== undefined) return { type: 'document', source: { kind: 'url', url }, name, cache, extra: part.rest() }
  if (id === undefined) throw part.problem('file_data', 'a string, or a file_id or file_url')
  return { type: 'document', source: { kind: 'file', id }, name, cache, extra: part.rest() }
}

/** What a tool gave: texts, pictures and files; anything else is reported. */
export function decodeResultContent(item: Fields, losses: Losses): ToolResultPart['content'] {
  const content: ToolResultPart['content'][number][] = []
  for (const part of decodeContent(item, 'output', decodeUserPart)) {
    if (part.type === 'text' || part.type === 'image' || part.type === 'document') content.push(part)
    else losses.drop(`messages[].tool_result.${part.type === 'opaque' ? part.name.slice(CONTENT.length) : part.type}`)
  }
  return content
}

/** One part of an assistant's message; null for a type that nobody knows. Token probabilities are read elsewhere. */
export function decodeSaidPart(part: Fields, itemId: string | undefined): TextPart | RefusalPart | null {
  const type = part.text('type')
  switch (type) {
    case 'output_text':
    case 'input_text':
    case 'text': {
      part.value('logprobs')
      const citations = decodeAnnotations(part.array('annotations'))
      return { type: 'text', text: part.text('text'), citations, itemId, extra: part.rest() }
    }
    case 'refusal':
      return { type: 'refusal', text: part.text('refusal'), itemId }
    default:
      return null
  }
}
