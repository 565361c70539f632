import { GatewayError } from '../../../core/index.ts'
import type { JsonObject } from '../../ir/json.ts'
import type { CodecContext, Encoded, OperationCodec } from '../codec.ts'
import { dimensionsOf, dropOthers, embeddingsAnswer, inside, textsOf, tokenCount } from './embeddings.ts'

/** Texts of one call to Cohere's models (Amazon Bedrock, "Cohere Embed models"). */
const MOST_COHERE_TEXTS = 96
const COHERE = /(?:^|[.:/])cohere\./
const COHERE_V4 = /cohere\.embed-v4/
const TITAN_V1 = /titan-embed-text-v1|titan-embed-g1/

/** `InvokeModel` with the bodies of Amazon's and Cohere's models (Amazon Bedrock user guide, "Inference parameters"). */
export const bedrockEmbeddings: OperationCodec = (request, context) =>
  COHERE.test(context.model) ? cohere(request, context) : titan(request, context)

/** One text at a time. */
function titan(request: JsonObject, context: CodecContext): Encoded | GatewayError {
  const texts = textsOf(request, 1)
  if (texts instanceof GatewayError) return texts
  const dimensions = dimensionsOf(request)
  if (dimensions instanceof GatewayError) return dimensions
  dropOthers(request, context)
  if (dimensions !== null && TITAN_V1.test(context.model)) context.losses.drop('dimensions')
  const sized = dimensions !== null && !TITAN_V1.test(context.model)
  return {
    body: { inputText: texts[0] ?? '', ...(sized ? { dimensions } : {}) },
    decode: (answer) => embeddingsAnswer([answer['embedding']], tokenCount(answer['inputTextTokenCount']), context),
  }
}

function cohere(request: JsonObject, context: CodecContext): Encoded | GatewayError {
  const texts = textsOf(request, MOST_COHERE_TEXTS)
  if (texts instanceof GatewayError) return texts
  const dimensions = dimensionsOf(request)
  if (dimensions instanceof GatewayError) return dimensions
  dropOthers(request, context, 'input_type', 'truncate')
  const { input_type: inputType, truncate } = request
  const sized = COHERE_V4.test(context.model)
  if (dimensions !== null && !sized) context.losses.drop('dimensions')
  return {
    body: {
      texts,
      input_type: typeof inputType === 'string' ? inputType : 'search_document',
      embedding_types: ['float'],
      ...(dimensions !== null && sized ? { output_dimension: dimensions } : {}),
      ...(typeof truncate === 'string' ? { truncate } : {}),
    },
    decode: (answer) => embeddingsAnswer(inside(answer, 'embeddings', 'float') ?? answer['embeddings'], null, context),
  }
}
