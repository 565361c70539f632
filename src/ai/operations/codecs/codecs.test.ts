import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../../../core/index.ts'
import type { JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { OperationCodec } from '../codec.ts'
import { bedrockEmbeddings } from './bedrock-embeddings.ts'
import { bedrockImages } from './bedrock-images.ts'
import { cohereEmbeddings } from './cohere-embeddings.ts'
import { deepinfraRerank } from './deepinfra-rerank.ts'
import { geminiEmbeddings } from './gemini-embeddings.ts'
import { geminiImages, imagenImages } from './google-images.ts'
import { nimRanking } from './nim-ranking.ts'
import { vertexEmbeddings } from './vertex-embeddings.ts'

interface Row {
  readonly name: string
  readonly codec: OperationCodec
  readonly model: string
  readonly request: JsonObject
  readonly sent: JsonObject
  readonly answer: JsonObject
  /** Members of the client's answer. */
  readonly told: JsonObject
  readonly losses: string
}

const vectors = (...embeddings: readonly (readonly number[])[]) =>
  embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding }))
const TEXTS = { input: ['a', 'b'], dimensions: 2, encoding_format: 'base64', user: 'u' }
const RANKED = { query: 'q', documents: ['x', { text: 'y' }], top_n: 1, return_documents: true }
const best = { results: [{ index: 1, relevance_score: 0.5, document: { text: 'y' } }] }

const ROWS: readonly Row[] = [
  {
    name: 'vectors of Gemini',
    codec: geminiEmbeddings,
    model: 'gemini-embedding-001',
    request: { ...TEXTS, input_type: 'search_query' },
    sent: {
      requests: ['a', 'b'].map((text) => ({
        model: 'models/gemini-embedding-001',
        content: { parts: [{ text }] },
        taskType: 'RETRIEVAL_QUERY',
        outputDimensionality: 2,
      })),
    },
    answer: { embeddings: [{ values: [1, 2] }, { values: [3, 4] }] },
    told: { data: vectors([1, 2], [3, 4]) },
    losses: 'lossy; dropped=user',
  },
  {
    name: 'vectors of Vertex AI',
    codec: vertexEmbeddings,
    model: 'text-embedding-005',
    request: { input: 'a', input_type: 'search_document' },
    sent: { instances: [{ content: 'a', task_type: 'RETRIEVAL_DOCUMENT' }] },
    answer: { predictions: [{ embeddings: { values: [1], statistics: { token_count: 3 } } }] },
    told: { data: vectors([1]), usage: { prompt_tokens: 3, total_tokens: 3 } },
    losses: 'exact',
  },
  {
    name: 'vectors of Cohere',
    codec: cohereEmbeddings,
    model: 'embed-v4.0',
    request: TEXTS,
    sent: {
      model: 'embed-v4.0',
      texts: ['a', 'b'],
      input_type: 'search_document',
      embedding_types: ['float'],
      output_dimension: 2,
    },
    answer: {
      embeddings: {
        float: [
          [1, 2],
          [3, 4],
        ],
      },
      meta: { billed_units: { input_tokens: 4 } },
    },
    told: { data: vectors([1, 2], [3, 4]), usage: { prompt_tokens: 4, total_tokens: 4 } },
    losses: 'lossy; dropped=user',
  },
  {
    name: 'vectors of Titan',
    codec: bedrockEmbeddings,
    model: 'amazon.titan-embed-text-v2:0',
    request: { input: 'a', dimensions: 256 },
    sent: { inputText: 'a', dimensions: 256 },
    answer: { embedding: [1], inputTextTokenCount: 2 },
    told: { data: vectors([1]), usage: { prompt_tokens: 2, total_tokens: 2 } },
    losses: 'exact',
  },
  {
    name: 'vectors of Cohere at Amazon',
    codec: bedrockEmbeddings,
    model: 'cohere.embed-english-v3',
    request: TEXTS,
    sent: { texts: ['a', 'b'], input_type: 'search_document', embedding_types: ['float'] },
    answer: { embeddings: [[1], [2]] },
    told: { data: vectors([1], [2]) },
    losses: 'lossy; dropped=user,dimensions',
  },
  {
    name: 'pictures of Imagen',
    codec: imagenImages,
    model: 'imagen-4.0-generate-001',
    request: { prompt: 'a cat', n: 2, size: '1792x1024', response_format: 'url' },
    sent: { instances: [{ prompt: 'a cat' }], parameters: { sampleCount: 2, aspectRatio: '16:9' } },
    answer: { predictions: [{ bytesBase64Encoded: 'AA==' }, { bytesBase64Encoded: 'AQ==' }] },
    told: { data: [{ b64_json: 'AA==' }, { b64_json: 'AQ==' }] },
    losses: 'adapted; adapted=response_format,size',
  },
  {
    name: 'pictures of Gemini',
    codec: geminiImages,
    model: 'gemini-2.5-flash-image',
    request: { prompt: 'a cat' },
    sent: {
      contents: [{ role: 'user', parts: [{ text: 'a cat' }] }],
      generationConfig: { responseModalities: ['TEXT', 'IMAGE'] },
    },
    answer: {
      candidates: [
        { content: { parts: [{ text: 'Here:' }, { inlineData: { mimeType: 'image/png', data: 'AA==' } }] } },
      ],
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1_290 },
    },
    told: { data: [{ b64_json: 'AA==' }] },
    losses: 'exact',
  },
  {
    name: 'pictures of Nova Canvas',
    codec: bedrockImages,
    model: 'amazon.nova-canvas-v1:0',
    request: { prompt: 'a cat', size: '1024x1024', quality: 'hd' },
    sent: {
      taskType: 'TEXT_IMAGE',
      textToImageParams: { text: 'a cat' },
      imageGenerationConfig: { numberOfImages: 1, width: 1024, height: 1024, quality: 'premium' },
    },
    answer: { images: ['AA=='] },
    told: { data: [{ b64_json: 'AA==' }] },
    losses: 'exact',
  },
  {
    name: 'ranking at DeepInfra',
    codec: deepinfraRerank,
    model: 'Qwen/Qwen3-Reranker-8B',
    request: RANKED,
    sent: { queries: ['q'], documents: ['x', 'y'] },
    answer: { scores: [0.25, 0.5], input_tokens: 9 },
    told: { ...best, meta: { tokens: { input_tokens: 9 } } },
    losses: 'exact',
  },
  {
    name: 'ranking of a NIM',
    codec: nimRanking,
    model: 'nvidia/rerank',
    request: RANKED,
    sent: { model: 'nvidia/rerank', query: { text: 'q' }, passages: [{ text: 'x' }, { text: 'y' }], truncate: 'END' },
    answer: {
      rankings: [
        { index: 1, logit: 0 },
        { index: 0, logit: -4 },
      ],
    },
    told: best,
    losses: 'exact',
  },
]

for (const { name, codec, model, request, sent, answer, told, losses: lost } of ROWS) {
  test(`${name}: a request is put into the vendor's words, and its answer into OpenAI's`, () => {
    const losses = new Losses()
    const encoded = codec({ model: 'x', ...request }, { model, losses, createdAt: 1, id: 'id' })
    assert.ok(!(encoded instanceof GatewayError))
    assert.deepEqual(encoded.body, sent)
    const decoded = encoded.decode(answer)
    assert.ok(!(decoded instanceof GatewayError))
    for (const [member, value] of Object.entries(told)) assert.deepEqual(decoded[member], value, member)
    assert.equal(losses.header(), lost)
  })

  test(`${name}: an answer without what was asked for is a fault of the upstream`, () => {
    const encoded = codec({ model: 'x', ...request }, { model, losses: new Losses(), createdAt: 1, id: 'id' })
    assert.ok(!(encoded instanceof GatewayError))
    const decoded = encoded.decode({ unexpected: true })
    assert.ok(decoded instanceof GatewayError && decoded.source === 'upstream')
  })
}

test('numbers of tokens, and lists longer than a vendor takes, are refused with the reason', () => {
  const context = { model: 'm', losses: new Losses(), createdAt: 1, id: 'id' }
  for (const codec of [geminiEmbeddings, vertexEmbeddings, cohereEmbeddings, bedrockEmbeddings]) {
    const numbers = codec({ input: [1, 2] }, context)
    assert.ok(numbers instanceof GatewayError && numbers.param === 'input')
    const many = codec({ input: Array.from({ length: 300 }, () => 'a') }, context)
    assert.ok(many instanceof GatewayError && many.message.includes('at most'))
  }
})
