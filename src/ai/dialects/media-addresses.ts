import type { AudioPart, DocumentPart, ImagePart, VideoPart } from '../ir/parts.ts'
import type { Message, ModelRequest } from '../ir/request.ts'
import type { DialectName } from './name.ts'

type MediaPart = ImagePart | DocumentPart | AudioPart | VideoPart

const WEB = /^https?:\/\//i
/** Films that the vendor looks up itself (Gemini API, "Video understanding", 2026-11). */
const FILMS = /^https:\/\/(?:www\.)?(?:youtube\.com|youtu\.be)\//i

/** What each dialect takes by its bytes alone; absent: it takes addresses. */
const NEEDS: Readonly<Partial<Record<DialectName, (part: MediaPart, url: string) => boolean>>> = {
  'bedrock-converse': () => true,
  ollama: ({ type }) => type === 'image',
  gemini: (_part, url) => !FILMS.test(url),
  // Its `file` part has bytes or an id.
  'openai-chat': ({ type }) => type === 'document',
}

/** Addresses in a request that stand for bytes which this dialect cannot do without; null for none. */
export function addressesOf(request: ModelRequest, dialect: DialectName): ReadonlySet<string> | null {
  const needs = NEEDS[dialect]
  if (needs === undefined || request.dialect === dialect) return null
  const found = new Set<string>()
  for (const part of mediaParts(request.messages)) {
    if (part.source.kind === 'url' && WEB.test(part.source.url) && needs(part, part.source.url)) {
      found.add(part.source.url)
    }
  }
  return found.size === 0 ? null : found
}

function* mediaParts(messages: readonly Message[]): Generator<MediaPart> {
  for (const { parts } of messages) {
    for (const part of parts) {
      if (part.type === 'tool-result') {
        for (const inner of part.content) if (isMedia(inner)) yield inner
      } else if (isMedia(part)) yield part
    }
  }
}

function isMedia(part: { readonly type: string }): part is MediaPart {
  return part.type === 'image' || part.type === 'document' || part.type === 'audio' || part.type === 'video'
}

/** Bytes by the address where they were found. */
export type FetchedMedia = ReadonlyMap<string, { readonly mediaType: string; readonly base64: string }>

/** The request with bytes in place of the addresses where they were found. */
export function withMedia(request: ModelRequest, media: FetchedMedia): ModelRequest {
  const put = <Part extends { readonly type: string }>(part: Part): Part => {
    if (!isMedia(part) || part.source.kind !== 'url') return part
    const found = media.get(part.source.url)
    return found === undefined ? part : { ...part, source: { kind: 'data', ...found } }
  }
  return { ...request, messages: request.messages.map((message) => inMessage(message, put)) }
}

type Put = <Part extends { readonly type: string }>(part: Part) => Part

function inMessage(message: Message, put: Put): Message {
  switch (message.role) {
    case 'system':
      return message
    case 'user':
      return { ...message, parts: message.parts.map(put) }
    case 'assistant':
      return { ...message, parts: message.parts.map(put) }
    case 'tool':
      return { ...message, parts: message.parts.map((part) => ({ ...part, content: part.content.map(put) })) }
  }
}
