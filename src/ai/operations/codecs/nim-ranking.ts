import { GatewayError } from '../../../core/index.ts'
import { isObject } from '../../ir/json.ts'
import type { OperationCodec } from '../codec.ts'
import { inside, tokenCount } from './embeddings.ts'
import { rankedAnswer, readRanking } from './ranking.ts'

/** `POST /v1/ranking` of a NIM (NVIDIA, "NeMo Retriever Reranking NIM API"): passages, and a logit for each. */
export const nimRanking: OperationCodec = (request, context) => {
  const ranking = readRanking(request, context)
  if (ranking instanceof GatewayError) return ranking
  return {
    body: {
      model: context.model,
      query: { text: ranking.query },
      passages: ranking.documents.map((text) => ({ text })),
      truncate: 'END',
    },
    decode(answer) {
      const { rankings } = answer
      const scores: unknown[] = ranking.documents.map(() => null)
      for (const entry of Array.isArray(rankings) ? rankings : []) {
        if (isObject(entry) && typeof entry['index'] === 'number') scores[entry['index']] = sigmoid(entry['logit'])
      }
      return rankedAnswer(Array.isArray(rankings) ? scores : null, ranking, {
        id: context.id,
        model: context.model,
        tokens: tokenCount(inside(answer, 'usage', 'total_tokens')),
      })
    },
  }
}

/** A logit on the scale from 0 to 1 that relevance has elsewhere; the order stays. */
function sigmoid(logit: unknown): number | null {
  return typeof logit === 'number' ? 1 / (1 + Math.exp(-logit)) : null
}
