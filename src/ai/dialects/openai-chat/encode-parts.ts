import type { JsonObject } from '../../ir/json.ts'
import type { DocumentPart, ImagePart, TextPart, UserPart } from '../../ir/parts.ts'
import { documentText } from '../document-text.ts'
import { writeCache } from './cache.ts'
import { innerOf, ownExtra } from './extra.ts'
import { audioFormat, urlOfSource } from './media.ts'
import type { Spelling } from './spelling.ts'

/** A text with what stands beside it; nothing but `type` and `text` when there is nothing. */
export function encodeText(part: TextPart, spelling: Spelling): JsonObject {
  if (part.extra === undefined && part.cache === undefined && part.citations === undefined) {
    return { type: 'text', text: part.text }
  }
  const { losses } = spelling
  return {
    ...ownExtra(spelling.own, part.extra, 'messages[].text', losses),
    type: 'text',
    text: part.text,
    ...writeCache(part.cache, spelling.cache, 'messages[].text.cache_control', losses),
  }
}

/** Texts as one, where there is one or the upstream takes no parts there. */
export function encodeTexts(parts: readonly TextPart[], between: string, spelling: Spelling): string | JsonObject[] {
  const encoded = parts.map((part) => encodeText(part, spelling))
  const plain = encoded.every((part) => Object.keys(part).length === 2)
  if (plain && parts.length <= 1) return parts[0]?.text ?? ''
  if (spelling.partsEverywhere) return encoded
  const { losses } = spelling
  losses.adapt('messages[].content')
  for (const { extra, cache } of parts) {
    losses.dropAll('messages[].text', extra)
    if (cache !== undefined) losses.drop('messages[].text.cache_control')
  }
  return parts.map((part) => part.text).join(between)
}

/** A part of a user's message, or of what a tool gave; null for what the upstream cannot be told, which is reported. */
export function encodeMedia(part: UserPart, spelling: Spelling): JsonObject | null {
  switch (part.type) {
    case 'text':
      return encodeText(part, spelling)
    case 'image':
      return encodeImage(part, spelling)
    case 'document':
      return encodeDocument(part, spelling)
    case 'audio': {
      const { source } = part
      if (part.id !== undefined) spelling.losses.drop('messages[].audio.id')
      if (part.transcript !== undefined) spelling.losses.drop('messages[].audio.transcript')
      const extra = ownExtra(spelling.own, part.extra, 'messages[].audio', spelling.losses)
      if (source.kind === 'url' && !spelling.vendor) {
        return { ...extra, type: 'audio_url', audio_url: { url: source.url } }
      }
      const format = source.kind === 'data' ? audioFormat(source.mediaType) : null
      if (source.kind !== 'data' || format === null || (spelling.vendor && format !== 'wav' && format !== 'mp3')) {
        return dropped('audio', spelling)
      }
      return {
        ...extra,
        type: 'input_audio',
        input_audio: { ...innerOf(extra, 'input_audio'), data: source.base64, format },
      }
    }
    case 'video': {
      const url = urlOfSource(part.source)
      if (url === null || spelling.vendor) return dropped('video', spelling)
      const extra = ownExtra(spelling.own, part.extra, 'messages[].video', spelling.losses)
      return { ...extra, type: 'video_url', video_url: { ...innerOf(extra, 'video_url'), url } }
    }
    case 'opaque':
      return part.dialect === 'openai-chat' ? part.value : dropped(part.name, spelling)
  }
}

function dropped(what: string, { losses }: Spelling): null {
  losses.drop(`messages[].${what}`)
  return null
}

function encodeImage(part: ImagePart, spelling: Spelling): JsonObject | null {
  const url = urlOfSource(part.source)
  if (url === null) return dropped('image', spelling)
  const { losses } = spelling
  const extra = ownExtra(spelling.own, part.extra, 'messages[].image', losses)
  const detail = part.detail === undefined ? {} : { detail: part.detail }
  return {
    ...extra,
    type: 'image_url',
    image_url: { ...innerOf(extra, 'image_url'), url, ...detail },
    ...writeCache(part.cache, spelling.cache, 'messages[].image.cache_control', losses),
  }
}

function encodeDocument(part: DocumentPart, spelling: Spelling): JsonObject | null {
  const { losses } = spelling
  const { source } = part
  const extra = ownExtra(spelling.own, part.extra, 'messages[].document', losses)
  const cache = writeCache(part.cache, spelling.cache, 'messages[].document.cache_control', losses)
  const text = textOfDocument(part)
  if (text !== null) {
    losses.adapt('messages[].document')
    return { type: 'text', text, ...cache }
  }
  if (part.context !== undefined) losses.drop('messages[].document.context')
  const inner = innerOf(extra, 'file')
  if (source.kind === 'file') {
    const name = part.name === undefined ? {} : { filename: part.name }
    return { ...extra, type: 'file', file: { ...inner, file_id: source.id, ...name }, ...cache }
  }
  const data = urlOfSource(source)
  // The vendor takes bytes; several others take an address in the same member.
  if (data === null || (source.kind === 'url' && spelling.vendor && !spelling.own)) return dropped('document', spelling)
  const filename = part.name ?? (spelling.own ? undefined : 'document.pdf')
  const file = { ...inner, file_data: data, ...(filename === undefined ? {} : { filename }) }
  return { ...extra, type: 'file', file, ...cache }
}

/** Documents that are text stand in the message itself, under their name; null for others. */
function textOfDocument(part: DocumentPart): string | null {
  const { source } = part
  const isText = source.kind === 'text' || (source.kind === 'data' && source.mediaType.startsWith('text/'))
  if (!isText) return null
  const text = source.kind === 'text' ? source.text : Buffer.from(source.base64, 'base64').toString('utf8')
  return documentText(part, text)
}
