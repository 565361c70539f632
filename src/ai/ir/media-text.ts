import type { MediaSource } from './parts.ts'

/** Types of texts that do not begin with `text/`. */
const TEXTS: ReadonlySet<string> = new Set(['application/json', 'application/xml', 'application/yaml'])

/** Whether what is of this type can be read as it is. */
export function isTextType(mediaType: string): boolean {
  return mediaType.startsWith('text/') || TEXTS.has(mediaType)
}

/** The text that a source holds, as itself or as bytes; null where there is none. */
export function textOfSource(source: MediaSource): string | null {
  if (source.kind === 'text') return source.text
  if (source.kind !== 'data' || !isTextType(source.mediaType)) return null
  return Buffer.from(source.base64, 'base64').toString('utf8')
}
