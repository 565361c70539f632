import { FieldProblem, type Fields } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { MediaSource } from '../../ir/parts.ts'
import { mediaTypeOf } from '../media-type.ts'
import { camelMember } from './spelling.ts'

export type MediaKind = 'image' | 'audio' | 'video' | 'document'

export interface Media {
  readonly kind: MediaKind
  readonly source: MediaSource
  readonly name: string | undefined
  readonly extra: JsonObject | undefined
}

/** Reads `inlineData` or `fileData`; null when the part has neither. */
export function decodeMedia(part: Fields): Media | null {
  const inline = camelMember(part, 'inlineData')
  if (inline !== undefined) {
    const said = inline.text('mimeType')
    // Parameters of sounds say how they are to be heard.
    const mediaType = kindOf(said) === 'image' ? mediaTypeOf(said) : said
    const source: MediaSource = { kind: 'data', mediaType, base64: plainBase64(inline.text('data')) }
    return { kind: kindOf(mediaType), source, name: inline.string('displayName'), extra: inline.rest() }
  }
  const file = camelMember(part, 'fileData')
  if (file === undefined) return null
  const uri = file.text('fileUri')
  if (uri === '') throw new FieldProblem(file.at('fileUri'), 'expected the address of a file')
  const mediaType = file.string('mimeType')
  const source: MediaSource = isPublic(uri)
    ? { kind: 'url', url: uri, mediaType }
    : { kind: 'file', id: uri, mediaType }
  const kind = mediaType === undefined ? kindOfUri(uri) : kindOf(mediaType)
  return { kind, source, name: file.string('displayName'), extra: file.rest() }
}

/**
 * Bytes may come in either alphabet, padded or not (protobuf's ProtoJSON format); the vendor's client for Python writes the one for
 * addresses, and no other vendor takes that.
 */
function plainBase64(text: string): string {
  const plain = text.includes('-') || text.includes('_') ? text.replaceAll('-', '+').replaceAll('_', '/') : text
  return plain.length % 4 < 2 ? plain : plain.padEnd(plain.length + 4 - (plain.length % 4), '=')
}

export function kindOf(mediaType: string): MediaKind {
  const [kind] = mediaType.split('/', 1)
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'document'
}

/** Files of the vendor's have addresses too, which nobody else can read. */
function isPublic(uri: string): boolean {
  return /^https?:\/\//.test(uri) && !uri.startsWith('https://generativelanguage.googleapis.com/')
}

/** Whether a file's id is an address that this vendor can read. */
export function isVendorFile(id: string): boolean {
  return id.startsWith('gs://') || id.startsWith('https://') || id.startsWith('files/')
}

const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  heic: 'image/heic',
  heif: 'image/heif',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  mp3: 'audio/mp3',
  wav: 'audio/wav',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
}

const USUAL: Readonly<Record<MediaKind, string>> = {
  image: 'image/jpeg',
  audio: 'audio/mp3',
  video: 'video/mp4',
  document: 'application/pdf',
}

const ENDING = /\.([A-Za-z0-9]{2,4})(?:[?#]|$)/

function typeOfUri(uri: string): string | undefined {
  const ending = ENDING.exec(uri)?.[1]?.toLowerCase()
  return ending === undefined ? undefined : TYPES[ending]
}

/** An address without a type is a film's (the vendor reads those of YouTube), unless its ending says more. */
function kindOfUri(uri: string): MediaKind {
  const type = typeOfUri(uri)
  return type === undefined ? 'video' : kindOf(type)
}

/** `inlineData` or `fileData` of a source; null for what this vendor cannot read. */
export function encodeSource(source: MediaSource, kind: MediaKind): JsonObject | null {
  switch (source.kind) {
    case 'data':
      return { inlineData: { mimeType: source.mediaType, data: source.base64 } }
    case 'url':
      return { fileData: typed(source.url, source.mediaType, kind) }
    case 'file':
      return isVendorFile(source.id) ? { fileData: typed(source.id, source.mediaType, kind) } : null
    case 'text':
      return { text: source.text }
  }
}

function typed(fileUri: string, mediaType: string | undefined, kind: MediaKind): JsonObject {
  const mimeType = mediaType ?? typeOfUri(fileUri)
  if (mimeType !== undefined) return { fileUri, mimeType }
  return kind === 'video' ? { fileUri } : { fileUri, mimeType: USUAL[kind] }
}
