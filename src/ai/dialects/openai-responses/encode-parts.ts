import type { JsonObject } from '../../ir/json.ts'
import type { DocumentPart, TextPart, ToolResultPart, UserPart } from '../../ir/parts.ts'
import { documentText } from '../document-text.ts'
import { writeCache } from '../openai-chat/cache.ts'
import { innerOf, ownExtra } from '../openai-chat/extra.ts'
import { audioFormat, urlOfSource } from '../openai-chat/media.ts'
import { CONTENT } from './decode-parts.ts'
import type { Spelling } from './spelling.ts'

/** A text of the client. */
export function encodeText(part: TextPart, spelling: Spelling): JsonObject {
  const { losses } = spelling
  if (part.citations !== undefined) losses.drop('messages[].text.citations')
  return {
    ...ownExtra(spelling.own, part.extra, 'messages[].text', losses),
    type: 'input_text',
    text: part.text,
    ...writeCache(part.cache, spelling.cache, 'messages[].text.cache_control', losses),
  }
}

/** One plain text as it is; everything else as parts. */
export function contentOf(parts: readonly JsonObject[]): string | readonly JsonObject[] {
  const [first] = parts
  if (parts.length === 0) return ''
  const plain = parts.length === 1 && first?.['type'] === 'input_text' && Object.keys(first).length === 2
  return plain ? String(first['text']) : parts
}

/** A part of a user's message, or of what a tool gave; null for what the upstream cannot be told, which is reported. */
export function encodeUserPart(part: UserPart, spelling: Spelling): JsonObject | null {
  const { losses, own } = spelling
  switch (part.type) {
    case 'text':
      return encodeText(part, spelling)
    case 'image': {
      const url = urlOfSource(part.source)
      if (url === null && part.source.kind !== 'file') return dropped('image', spelling)
      const place = part.source.kind === 'file' ? { file_id: part.source.id } : { image_url: url }
      return {
        ...ownExtra(own, part.extra, 'messages[].image', losses),
        type: 'input_image',
        ...place,
        detail: part.detail ?? 'auto',
        ...writeCache(part.cache, spelling.cache, 'messages[].image.cache_control', losses),
      }
    }
    case 'document':
      return encodeDocument(part, spelling)
    case 'audio': {
      const { source } = part
      const format = source.kind === 'data' ? audioFormat(source.mediaType) : null
      if (source.kind !== 'data' || (spelling.vendor && format !== 'wav' && format !== 'mp3')) {
        return dropped('audio', spelling)
      }
      const extra = ownExtra(own, part.extra, 'messages[].audio', losses)
      return {
        ...extra,
        type: 'input_audio',
        input_audio: { ...innerOf(extra, 'input_audio'), data: source.base64, format },
      }
    }
    case 'video':
      return dropped('video', spelling)
    case 'opaque':
      if (part.dialect === 'openai-responses' && part.name.startsWith(CONTENT)) return part.value
      return dropped(part.name, spelling)
  }
}

function dropped(what: string, { losses }: Spelling): null {
  losses.drop(`messages[].${what}`)
  return null
}

function encodeDocument(part: DocumentPart, spelling: Spelling): JsonObject | null {
  const { losses, own } = spelling
  const { source, name, context } = part
  const cache = writeCache(part.cache, spelling.cache, 'messages[].document.cache_control', losses)
  const isText = source.kind === 'text' || (source.kind === 'data' && source.mediaType.startsWith('text/'))
  if (isText) {
    losses.adapt('messages[].document')
    const text = source.kind === 'text' ? source.text : Buffer.from(source.base64, 'base64').toString('utf8')
    return { type: 'input_text', text: documentText(part, text), ...cache }
  }
  if (context !== undefined) losses.drop('messages[].document.context')
  const extra = ownExtra(own, part.extra, 'messages[].document', losses)
  const named = name === undefined ? {} : { filename: name }
  if (source.kind === 'file') return { ...extra, type: 'input_file', file_id: source.id, ...named, ...cache }
  if (source.kind === 'url') return { ...extra, type: 'input_file', file_url: source.url, ...named, ...cache }
  // The vendor wants a name beside bytes.
  const filename = name ?? 'document.pdf'
  return { ...extra, type: 'input_file', filename, file_data: urlOfSource(source), ...cache }
}

/** What a tool gave: a text where it is one, else parts. */
export function encodeResultOutput(part: ToolResultPart, spelling: Spelling, failed: string) {
  const content = part.content.map((item) => encodeUserPart(item, spelling)).filter((item) => item !== null)
  if (part.isError) {
    spelling.losses.adapt('messages[].tool_result.is_error')
    const [first] = content
    if (first?.['type'] === 'input_text') content[0] = { ...first, text: failed + String(first['text']) }
    else content.unshift({ type: 'input_text', text: failed })
  }
  return contentOf(content)
}
