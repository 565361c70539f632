import { isObject, type JsonObject } from '../../ir/json.ts'
import { countOf, textOf } from '../../ir/lax.ts'
import type { Losses } from '../../ir/losses.ts'
import type { Citation } from '../../ir/parts.ts'

/** One annotation of a text; null for what is none. */
export function decodeAnnotation(value: unknown): Citation | null {
  if (!isObject(value)) return null
  const raw = { dialect: 'openai-responses', value } as const
  if (value['type'] !== 'url_citation') return { title: textOf(value['filename']), raw }
  return {
    url: textOf(value['url']),
    title: textOf(value['title']),
    start: countOf(value['start_index']),
    end: countOf(value['end_index']),
    raw,
  }
}

/** The citations of a text; undefined for none, as of a text that never had any. */
export function decodeAnnotations(values: readonly unknown[] | undefined): readonly Citation[] | undefined {
  if (values === undefined || values.length === 0) return undefined
  return values.map(decodeAnnotation).filter((citation) => citation !== null)
}

/** `length`: characters of the text, for citations that do not say where they stand. */
export function encodeAnnotation(citation: Citation, length: number, losses: Losses): JsonObject | null {
  const { raw, url, title } = citation
  if (raw?.dialect === 'openai-responses') return raw.value
  if (url === undefined) {
    losses.drop('annotations')
    return null
  }
  if (citation.quote !== undefined) losses.drop('annotations.quote')
  const [start, end] = [citation.start ?? 0, citation.end ?? length]
  return { type: 'url_citation', start_index: start, end_index: end, title: title ?? url, url }
}
