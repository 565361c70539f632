import { GatewayError } from '../../../core/index.ts'
import type { OperationCodec } from '../codec.ts'
import { tokenCount } from './embeddings.ts'
import { rankedAnswer, readRanking } from './ranking.ts'

/** `POST /v1/inference/{model}`: one query for each document, and a score for each (DeepInfra, "Reranker"). */
export const deepinfraRerank: OperationCodec = (request, context) => {
  const ranking = readRanking(request, context)
  if (ranking instanceof GatewayError) return ranking
  return {
    body: { queries: [ranking.query], documents: ranking.documents },
    decode(answer) {
      const { scores } = answer
      return rankedAnswer(Array.isArray(scores) ? scores : null, ranking, {
        id: context.id,
        model: context.model,
        tokens: tokenCount(answer['input_tokens']),
      })
    },
  }
}
