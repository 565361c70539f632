import { GatewayError } from '../../../core/index.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { wrongField } from '../../wrong-field.ts'
import type { CodecContext } from '../codec.ts'

/** A request of Cohere's shape (Cohere, "Rerank API (v2)"). */
export interface Ranking {
  readonly query: string
  readonly documents: readonly string[]
  readonly topN: number
  readonly withDocuments: boolean
}

export function readRanking(request: JsonObject, context: CodecContext): Ranking | GatewayError {
  const { query, documents, top_n: topN, return_documents: withDocuments } = request
  if (typeof query !== 'string' || query === '') return wrongField('query', '"query" must be a non-empty string.')
  const texts = Array.isArray(documents) ? documents.map(textOf) : []
  if (texts.length === 0 || !texts.every((text) => typeof text === 'string')) {
    return wrongField('documents', '"documents" must be a list of texts, or of objects with a "text".')
  }
  if (topN !== undefined && !(typeof topN === 'number' && Number.isSafeInteger(topN) && topN > 0)) {
    return wrongField('top_n', '"top_n" must be a positive whole number.')
  }
  const known = new Set(['model', 'query', 'documents', 'top_n', 'return_documents'])
  for (const name of Object.keys(request)) if (!known.has(name)) context.losses.drop(name)
  return { query, documents: texts, topN: topN ?? texts.length, withDocuments: withDocuments === true }
}

/** Scores by the place of their document, as the client's shape has them: the best first. */
export function rankedAnswer(
  scores: readonly unknown[] | null,
  { documents, topN, withDocuments }: Ranking,
  { id, model, tokens }: { readonly id: string; readonly model: string; readonly tokens: number | null },
): JsonObject | GatewayError {
  if (scores === null || scores.length !== documents.length) {
    return new GatewayError('upstream_invalid_response', 'The upstream did not answer with a score for each document.')
  }
  const results = scores
    .map((score, index) => ({ index, relevance_score: typeof score === 'number' ? score : 0 }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, topN)
    .map((result) => (withDocuments ? { ...result, document: { text: documents[result.index] } } : result))
  return { id, model, results, meta: tokens === null ? {} : { tokens: { input_tokens: tokens } } }
}

function textOf(document: unknown): unknown {
  return isObject(document) ? document['text'] : document
}
