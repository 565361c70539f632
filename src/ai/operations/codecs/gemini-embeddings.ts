import { GatewayError } from '../../../core/index.ts'
import type { OperationCodec } from '../codec.ts'
import { dimensionsOf, dropOthers, embeddingsAnswer, inside, textsOf, tokenCount } from './embeddings.ts'

/** Requests of one batch (Gemini API, "models.batchEmbedContents"). */
const MOST_TEXTS = 100

/** What the vectors are for, in the words that Cohere's clients use and in Google's. */
export const TASKS: Readonly<Record<string, string>> = {
  search_document: 'RETRIEVAL_DOCUMENT',
  search_query: 'RETRIEVAL_QUERY',
  classification: 'CLASSIFICATION',
  clustering: 'CLUSTERING',
}

/** `models/{model}:batchEmbedContents`, one text for each request. */
export const geminiEmbeddings: OperationCodec = (request, context) => {
  const texts = textsOf(request, MOST_TEXTS)
  if (texts instanceof GatewayError) return texts
  const dimensions = dimensionsOf(request)
  if (dimensions instanceof GatewayError) return dimensions
  dropOthers(request, context, 'input_type')
  const { input_type: inputType } = request
  const taskType = typeof inputType === 'string' ? (TASKS[inputType] ?? inputType) : null
  const model = `models/${context.model}`
  return {
    body: {
      requests: texts.map((text) => ({
        model,
        content: { parts: [{ text }] },
        ...(taskType === null ? {} : { taskType }),
        ...(dimensions === null ? {} : { outputDimensionality: dimensions }),
      })),
    },
    decode(answer) {
      const { embeddings } = answer
      const vectors = Array.isArray(embeddings) ? embeddings.map((entry: unknown) => inside(entry, 'values')) : null
      return embeddingsAnswer(vectors, tokenCount(inside(answer, 'usageMetadata', 'promptTokenCount')), context)
    },
  }
}
