import { GatewayError } from '../../../core/index.ts'
import type { OperationCodec } from '../codec.ts'
import { dimensionsOf, dropOthers, embeddingsAnswer, inside, textsOf, tokenCount } from './embeddings.ts'
import { TASKS } from './gemini-embeddings.ts'

/** Instances of one request; newer models take a single one (Vertex AI, "Get text embeddings"). */
const MOST_TEXTS = 250

/** `publishers/google/models/{model}:predict`. */
export const vertexEmbeddings: OperationCodec = (request, context) => {
  const texts = textsOf(request, context.model.includes('gemini-embedding') ? 1 : MOST_TEXTS)
  if (texts instanceof GatewayError) return texts
  const dimensions = dimensionsOf(request)
  if (dimensions instanceof GatewayError) return dimensions
  dropOthers(request, context, 'input_type')
  const { input_type: inputType } = request
  const task = typeof inputType === 'string' ? (TASKS[inputType] ?? inputType) : null
  return {
    body: {
      instances: texts.map((content) => ({
        content,
        ...(task === null ? {} : { task_type: task }),
      })),
      ...(dimensions === null ? {} : { parameters: { outputDimensionality: dimensions } }),
    },
    decode(answer) {
      const { predictions } = answer
      const entries: readonly unknown[] = Array.isArray(predictions) ? predictions : []
      const counts = entries.map((entry) => tokenCount(inside(entry, 'embeddings', 'statistics', 'token_count')))
      const tokens = counts.reduce<number | null>((sum, each) => (sum === null || each === null ? null : sum + each), 0)
      const vectors = entries.map((entry) => inside(entry, 'embeddings', 'values'))
      return embeddingsAnswer(vectors.length === 0 ? null : vectors, tokens, context)
    },
  }
}
