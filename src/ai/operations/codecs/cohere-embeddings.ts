import { GatewayError } from '../../../core/index.ts'
import type { OperationCodec } from '../codec.ts'
import { dimensionsOf, dropOthers, embeddingsAnswer, inside, textsOf, tokenCount } from './embeddings.ts'

/** Texts of one call (Cohere, "Embed API (v2)", 2026-11). */
const MOST_TEXTS = 96

/** `POST /v2/embed`. It must be told what the vectors are for; documents are the safe guess for who does not say it. */
export const cohereEmbeddings: OperationCodec = (request, context) => {
  const texts = textsOf(request, MOST_TEXTS)
  if (texts instanceof GatewayError) return texts
  const dimensions = dimensionsOf(request)
  if (dimensions instanceof GatewayError) return dimensions
  dropOthers(request, context, 'input_type', 'truncate')
  const { input_type: inputType, truncate } = request
  return {
    body: {
      model: context.model,
      texts,
      input_type: typeof inputType === 'string' ? inputType : 'search_document',
      embedding_types: ['float'],
      ...(dimensions === null ? {} : { output_dimension: dimensions }),
      ...(typeof truncate === 'string' ? { truncate } : {}),
    },
    decode(answer) {
      const tokens = tokenCount(inside(answer, 'meta', 'billed_units', 'input_tokens'))
      return embeddingsAnswer(inside(answer, 'embeddings', 'float') ?? answer['embeddings'], tokens, context)
    },
  }
}
