import { createHash } from 'node:crypto'
import { isObject } from '../../lib/index.ts'
import { type ApiError, invalidRequest, notFound } from './api-error.ts'
import { errorScript, jsonScript, type Script } from './script.ts'
import { countTokens } from './tokens.ts'

export const EMBEDDING_MODEL = 'demo-embedding'
const DIMENSIONS = 256
const MOST_DIMENSIONS = 1_024
const MOST_INPUTS = 2_048

/** `POST /embeddings`: each word has a direction, so texts with the same words have vectors that are near. */
export function embeddingsScript(body: Buffer | null): Script {
  const read = readBody(body)
  if ('status' in read) return errorScript(read)
  const { texts, dimensions, packed } = read
  const data = texts.map((text, index) => {
    const vector = vectorOf(text, dimensions)
    return { object: 'embedding', index, embedding: packed ? packedVector(vector) : vector }
  })
  const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0)
  return jsonScript(200, {
    object: 'list',
    data,
    model: EMBEDDING_MODEL,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  })
}

interface EmbeddingRequest {
  readonly texts: readonly string[]
  readonly dimensions: number
  readonly packed: boolean
}

function readBody(body: Buffer | null): EmbeddingRequest | ApiError {
  let value: unknown
  try {
    value = JSON.parse(body === null ? '' : body.toString())
  } catch {
    return invalidRequest('The body is not valid JSON.')
  }
  if (!isObject(value)) return invalidRequest('The body must be a JSON object.')
  if (value['model'] !== EMBEDDING_MODEL) {
    return notFound('The model does not exist, or makes no embeddings.', 'model_not_found')
  }
  const { dimensions = DIMENSIONS, encoding_format: format = 'float' } = value
  const input = typeof value['input'] === 'string' ? [value['input']] : value['input']
  if (!isTexts(input))
    return invalidRequest(`'input' must be a text, or 1 to ${MOST_INPUTS} texts, none empty.`, 'input')
  if (format !== 'float' && format !== 'base64') {
    return invalidRequest("'encoding_format' must be 'float' or 'base64'.", 'encoding_format')
  }
  if (
    typeof dimensions !== 'number' ||
    !Number.isInteger(dimensions) ||
    dimensions < 1 ||
    dimensions > MOST_DIMENSIONS
  ) {
    return invalidRequest(`'dimensions' must be from 1 to ${MOST_DIMENSIONS}.`, 'dimensions')
  }
  return { texts: input, dimensions, packed: format === 'base64' }
}

function isTexts(value: unknown): value is string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_INPUTS) return false
  return value.every((item) => typeof item === 'string' && item !== '')
}

/** The sum of its words' directions, of length 1. */
function vectorOf(text: string, dimensions: number): number[] {
  const sum = new Float64Array(dimensions)
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text]
  for (const word of words) {
    const digest = createHash('shake256', { outputLength: dimensions }).update(word).digest()
    for (let at = 0; at < dimensions; at++) sum[at] = (sum[at] ?? 0) + (digest[at] ?? 0) - 127.5
  }
  const length = Math.hypot(...sum)
  return Array.from(sum, (value) => Math.fround(value / length))
}

/** 32-bit floats, little-endian, as base64. */
function packedVector(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4)
  return bytes.toString('base64')
}
