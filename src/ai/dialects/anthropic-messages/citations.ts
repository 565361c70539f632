import { isObject, type JsonObject } from '../../ir/json.ts'
import { wordOf } from '../../ir/lax.ts'
import type { Citation } from '../../ir/parts.ts'

/** One citation of a text: a place in a document, in a search result, or on the web. */
export function decodeCitation(value: JsonObject): Citation {
  return {
    url: wordOf(value['url']) ?? webAddress(value['source']),
    title: wordOf(value['title']) ?? wordOf(value['document_title']),
    quote: wordOf(value['cited_text']),
    raw: { dialect: 'anthropic-messages', value },
  }
}

export function decodeCitations(values: readonly unknown[]): readonly Citation[] | undefined {
  const citations = values.filter(isObject).map(decodeCitation)
  return citations.length === 0 ? undefined : citations
}

/**
 * A citation for a client: as it came, or, of another vendor's, what the dialect has for a page of the web. Null: it names no
 * page.
 */
export function encodeCitation(citation: Citation): JsonObject | null {
  if (citation.raw?.dialect === 'anthropic-messages') return citation.raw.value
  if (citation.url === undefined) return null
  return {
    type: 'web_search_result_location',
    url: citation.url,
    title: citation.title ?? null,
    cited_text: citation.quote ?? '',
    encrypted_index: '',
  }
}

/** A citation that goes back to the API: only one that it made itself, which its index proves. */
export function replayedCitation(citation: Citation): JsonObject | null {
  if (citation.raw?.dialect !== 'anthropic-messages') return null
  return citation.raw.value['encrypted_index'] === '' ? null : citation.raw.value
}

function webAddress(value: unknown): string | undefined {
  const text = wordOf(value)
  return text?.startsWith('https://') === true || text?.startsWith('http://') === true ? text : undefined
}
