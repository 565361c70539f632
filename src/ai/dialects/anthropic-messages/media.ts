import type { Fields } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import { textOfSource } from '../../ir/media-text.ts'
import type { DocumentPart, ImagePart, MediaSource } from '../../ir/parts.ts'
import { mediaTypeOf } from '../media-type.ts'
import { type Block, readCache } from './cache.ts'

/** Kinds of pictures that the API takes ("Vision"). */
const IMAGES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])
const PDF = 'application/pdf'

export function decodeImage(block: Fields): ImagePart {
  const source = block.fields('source')
  if (source === undefined) throw block.problem('source', 'an object')
  return { type: 'image', source: sourceOf(source), cache: readCache(block), extra: block.rest() }
}

/** `source` of a picture or a document, where it is one of those that both share. */
function sourceOf(source: Fields): MediaSource {
  switch (source.oneOf('type', ['base64', 'url', 'file', 'text'])) {
    case 'base64':
      return { kind: 'data', mediaType: mediaTypeOf(source.text('media_type')), base64: source.text('data') }
    case 'url':
      return { kind: 'url', url: source.text('url') }
    case 'file':
      return { kind: 'file', id: source.text('file_id') }
    case 'text':
      // There is one type of it.
      source.string('media_type')
      return { kind: 'text', text: source.text('data') }
    case undefined:
      throw source.problem('type', 'a string')
  }
}

export function decodeDocument(block: Fields): DocumentPart {
  const source = block.fields('source')
  if (source === undefined) throw block.problem('source', 'an object')
  const shared = {
    name: block.string('title'),
    context: block.string('context'),
    citations: block.fields('citations')?.boolean('enabled'),
    cache: readCache(block),
  }
  if (source.string('type') !== 'content') {
    return { type: 'document', source: sourceOf(source), ...shared, extra: block.rest() }
  }
  // Blocks of its own: their text is what others can read, and the whole goes back to where it came from.
  const content = source.value('content')
  return {
    type: 'document',
    source: { kind: 'text', text: textIn(content) },
    ...shared,
    extra: { ...block.rest(), source: { type: 'content', content } },
  }
}

/** A search result that the client brings along: a document for everyone else. */
export function decodeSearchResult(block: Fields): DocumentPart {
  const result: JsonObject = {
    type: 'search_result',
    source: block.text('source'),
    title: block.text('title'),
    content: block.array('content') ?? [],
    ...(block.has('citations') ? { citations: block.object('citations') } : {}),
  }
  return {
    type: 'document',
    source: { kind: 'text', text: textIn(result['content']) },
    name: block.string('title'),
    citations: block.fields('citations')?.boolean('enabled'),
    cache: readCache(block),
    extra: { ...block.rest(), search_result: result },
  }
}

function textIn(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((item) => (isObject(item) && typeof item['text'] === 'string' ? item['text'] : ''))
    .filter((text) => text !== '')
    .join('\n')
}

/** `own`: the request came in this dialect, so files and further members mean the same to the upstream. */
export interface Writing {
  readonly own: boolean
  readonly losses: Losses
}

/** Null, with a report: the API has no picture of this kind. */
export function encodeImage(part: ImagePart, { own, losses }: Writing): Block | null {
  const source = encodeSource(part.source, own)
  const unknownKind = part.source.kind === 'data' && !IMAGES.has(part.source.mediaType)
  if (source === null || part.source.kind === 'text' || (unknownKind && !own)) {
    losses.drop('messages[].image')
    return null
  }
  const block: Block = { type: 'image', source }
  addExtra(block, part.extra, 'messages[].image', { own, losses })
  return block
}

export function encodeDocument(part: DocumentPart, writing: Writing): Block | null {
  const { own, losses } = writing
  const { source: ownSource, search_result: result, ...rest } = part.extra ?? {}
  if (own && isObject(result)) return { ...result, ...rest }
  const source = own && isObject(ownSource) ? ownSource : documentSource(part.source, own)
  if (source === null) {
    losses.drop('messages[].document')
    return null
  }
  const block: Block = { type: 'document', source }
  if (part.name !== undefined) block['title'] = part.name
  if (part.context !== undefined) block['context'] = part.context
  if (part.citations !== undefined) block['citations'] = { enabled: part.citations }
  addExtra(block, own ? rest : part.extra, 'messages[].document', writing)
  return block
}

export function addExtra(block: Block, extra: JsonObject | undefined, path: string, { own, losses }: Writing): void {
  if (extra === undefined) return
  if (own) Object.assign(block, extra)
  else losses.dropAll(path, extra)
}

function encodeSource(source: MediaSource, own: boolean): JsonObject | null {
  switch (source.kind) {
    case 'data':
      return { type: 'base64', media_type: source.mediaType, data: source.base64 }
    case 'url':
      return { type: 'url', url: source.url }
    case 'file':
      return own ? { type: 'file', file_id: source.id } : null
    case 'text':
      return { type: 'text', media_type: 'text/plain', data: source.text }
  }
}

/** The API reads PDF and plain text; what is text by another name goes as text. */
function documentSource(source: MediaSource, own: boolean): JsonObject | null {
  if (source.kind !== 'data' || source.mediaType === PDF) return encodeSource(source, own)
  const data = textOfSource(source)
  if (data !== null) return { type: 'text', media_type: 'text/plain', data }
  return own ? encodeSource(source, own) : null
}
