import { isObject, type JsonObject } from '../../ir/json.ts'
import { countOf, textOf } from '../../ir/lax.ts'
import type { Losses } from '../../ir/losses.ts'
import type { Citation } from '../../ir/parts.ts'

/** One annotation of an answer; `url_citation` is the only kind that the vendor documents. */
export function decodeAnnotation(value: unknown): Citation | null {
  if (!isObject(value)) return null
  const raw = { dialect: 'openai-chat', value } as const
  const inner = value['url_citation']
  if (!isObject(inner)) return { raw }
  return {
    url: textOf(inner['url']),
    title: textOf(inner['title']),
    quote: textOf(inner['content']),
    start: countOf(inner['start_index']),
    end: countOf(inner['end_index']),
    raw,
  }
}

/** Sources that search models list beside their answer: addresses, and for some their titles. */
export function decodeSources(citations: unknown, results: unknown): Citation[] {
  const titles = new Map<unknown, string>()
  if (Array.isArray(results)) {
    for (const result of results) {
      if (isObject(result) && typeof result['title'] === 'string') titles.set(result['url'], result['title'])
    }
  }
  const urls = Array.isArray(citations) ? citations : [...titles.keys()]
  return urls.flatMap((url) => (typeof url === 'string' ? [{ url, title: titles.get(url) }] : []))
}

/** `offset`: characters of the message's content before the text that is cited; `length`: of that text. */
export function encodeAnnotation(
  citation: Citation,
  at: { readonly offset: number; readonly length: number },
  losses: Losses,
): JsonObject | null {
  const { raw } = citation
  if (raw?.dialect === 'openai-chat' && at.offset === 0) return raw.value
  if (citation.url === undefined) {
    losses.drop('annotations')
    return null
  }
  if (citation.quote !== undefined) losses.drop('annotations.quote')
  return {
    type: 'url_citation',
    url_citation: {
      start_index: at.offset + (citation.start ?? 0),
      end_index: at.offset + (citation.end ?? at.length),
      title: citation.title ?? citation.url,
      url: citation.url,
    },
  }
}
