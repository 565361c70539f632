import { isObject, type JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import type { Citation } from '../../ir/parts.ts'

/** Sources of `groundingMetadata` for one text: what its segments stand on, or all sources where it has no segments. */
export function groundingCitations(grounding: JsonObject, text: string): readonly Citation[] {
  const chunks = objects(grounding['groundingChunks'])
  const supports = objects(grounding['groundingSupports'])
  if (supports.length === 0) return chunks.map((chunk) => sourceOf(chunk)).filter((source) => source.url !== undefined)
  const citations: Citation[] = []
  const named = new Set<unknown>()
  const bytes = Buffer.from(text)
  for (const support of supports) {
    const { segment, groundingChunkIndices: indices } = support
    const place = isObject(segment) ? placeOf(segment, text, bytes) : {}
    for (const index of Array.isArray(indices) ? indices : []) {
      const chunk = chunks[Number(index)]
      named.add(chunk)
      if (chunk !== undefined) citations.push({ ...sourceOf(chunk), ...place })
    }
  }
  for (const chunk of chunks) if (!named.has(chunk)) citations.push(sourceOf(chunk))
  return citations.filter(({ url, title }) => url !== undefined || title !== undefined)
}

/** Passages that the model repeated from somewhere: `citationMetadata`, with the licence of what it repeats. */
export function citedSources(metadata: JsonObject, text: string): readonly Citation[] {
  const bytes = Buffer.from(text)
  return objects(metadata['citations'] ?? metadata['citationSources']).map((value) => {
    const { uri, title } = value
    return {
      ...(typeof uri === 'string' && { url: uri }),
      ...(typeof title === 'string' && { title }),
      ...placeOf(value, text, bytes),
      raw: { dialect: 'gemini', value },
    }
  })
}

function sourceOf(chunk: JsonObject): Citation {
  const source = chunk['web'] ?? chunk['retrievedContext'] ?? chunk['maps'] ?? chunk['image']
  if (!isObject(source)) return {}
  const { uri = source['sourceUri'], title } = source
  return { ...(typeof uri === 'string' && { url: uri }), ...(typeof title === 'string' && { title }) }
}

/**
 * Where a segment stands, in characters. The vendor counts bytes of UTF-8 from the beginning of a part; of a stream's
 * parts nobody knows any more which began where, so the segment's own text decides.
 */
function placeOf(segment: JsonObject, text: string, bytes: Buffer): Citation {
  const { startIndex = 0, endIndex, text: quote } = segment
  const quoted = typeof quote === 'string' && quote !== '' ? { quote } : {}
  if (typeof startIndex !== 'number' || typeof endIndex !== 'number' || endIndex <= startIndex) return quoted
  const start = bytes.subarray(0, startIndex).toString().length
  const end = start + bytes.subarray(startIndex, endIndex).toString().length
  if (typeof quote !== 'string' || text.slice(start, end) === quote) {
    return end <= text.length && end > start ? { ...quoted, start, end } : quoted
  }
  const found = text.indexOf(quote)
  return found < 0 ? quoted : { ...quoted, start: found, end: found + quote.length }
}

function objects(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : []
}

export interface EncodedCitations {
  readonly groundingMetadata?: JsonObject
  readonly citationMetadata?: JsonObject
}

/** Citations of one text for a client. */
export function encodeCitations(citations: readonly Citation[], text: string, losses: Losses): EncodedCitations {
  const repeated: JsonObject[] = []
  const chunks: JsonObject[] = []
  const supports: JsonObject[] = []
  const known = new Map<string, number>()
  for (const citation of citations) {
    if (citation.raw?.dialect === 'gemini') {
      repeated.push(citation.raw.value)
      continue
    }
    const { url, title, start, end, quote } = citation
    const cited = start === undefined || end === undefined ? undefined : text.slice(start, end)
    // A segment holds the answer's own words, and has no place for those of the source.
    if (quote !== undefined && quote !== cited) losses.drop('messages[].text.citations.quote')
    const key = `${url ?? ''} ${title ?? ''}`
    let at = known.get(key)
    if (at === undefined) {
      at = chunks.push({ web: { ...(url !== undefined && { uri: url }), ...(title !== undefined && { title }) } }) - 1
      known.set(key, at)
    }
    if (start === undefined || end === undefined) continue
    supports.push({
      segment: {
        startIndex: Buffer.byteLength(text.slice(0, start)),
        endIndex: Buffer.byteLength(text.slice(0, end)),
        text: text.slice(start, end),
      },
      groundingChunkIndices: [at],
    })
  }
  return {
    ...(chunks.length > 0 && {
      groundingMetadata: { groundingChunks: chunks, ...(supports.length > 0 && { groundingSupports: supports }) },
    }),
    ...(repeated.length > 0 && { citationMetadata: { citations: repeated } }),
  }
}
