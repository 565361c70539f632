import type { MediaSource } from '../../ir/parts.ts'
import { mediaTypeOf } from '../media-type.ts'

const BASE64 = ';base64'

/** An address, or the bytes that a data URL holds (RFC 2397). */
export function sourceOfUrl(url: string): MediaSource {
  if (!/^data:/i.test(url)) return { kind: 'url', url }
  const comma = url.indexOf(',')
  const head = url.slice('data:'.length, comma)
  if (comma < 0 || !head.toLowerCase().endsWith(BASE64)) return { kind: 'url', url }
  return { kind: 'data', mediaType: mediaTypeOf(head.slice(0, -BASE64.length)), base64: url.slice(comma + 1) }
}

/** The address of something, its bytes in a data URL; null for a file at a vendor's, and for text. */
export function urlOfSource(source: MediaSource): string | null {
  switch (source.kind) {
    case 'url':
      return source.url
    case 'data':
      return `data:${source.mediaType};base64,${source.base64}`
    case 'file':
    case 'text':
      return null
  }
}

/** The dialect's short names of sounds, and what they are called elsewhere. */
const AUDIO_TYPES: Readonly<Record<string, string>> = {
  wav: 'audio/wav',
  mp3: 'audio/mpeg',
  flac: 'audio/flac',
  opus: 'audio/opus',
  ogg: 'audio/ogg',
  aac: 'audio/aac',
  m4a: 'audio/mp4',
  pcm16: 'audio/pcm',
}
const AUDIO_FORMATS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(AUDIO_TYPES).map(([format, type]) => [type, format])),
  'audio/mp3': 'mp3',
  'audio/x-wav': 'wav',
  'audio/wave': 'wav',
}

export function audioType(format: string): string {
  return AUDIO_TYPES[format] ?? `audio/${format}`
}

export function audioFormat(mediaType: string): string {
  return AUDIO_FORMATS[mediaType] ?? mediaType.slice(mediaType.indexOf('/') + 1)
}

/** First base64 characters of the formats that say what they are; raw samples (pcm16) do not. */
const AUDIO_HEADS: readonly (readonly [string, string])[] = [
  ['UklGR', 'audio/wav'],
  ['SUQz', 'audio/mpeg'],
  ['//', 'audio/mpeg'],
  ['ZkxhQ', 'audio/flac'],
  ['T2dnUw', 'audio/ogg'],
]

/** What kind of sound base64 data is: an answer does not say it. */
export function audioTypeOf(base64: string): string {
  return AUDIO_HEADS.find(([head]) => base64.startsWith(head))?.[1] ?? 'audio/pcm'
}
