import { isObject, type JsonObject } from '../../ir/json.ts'
import type { TokenCountDialect } from '../token-counts.ts'
import { decodeCountAnswer, decodeCountRequest, encodeCountAnswer, encodeCountRequest } from './count-tokens.ts'

/** At Vertex AI the members of the request stand at the top (its reference, countTokens, 2026-11). */
const VERTEX_MODELS = '/publishers/google/models/'
const VERTEX_MEMBERS = ['contents', 'systemInstruction', 'tools', 'generationConfig'] as const

/** `POST …/models/{model}:countTokens`. */
export const geminiCounts: TokenCountDialect = {
  decodeRequest: decodeCountRequest,
  encodeAnswer: encodeCountAnswer,
  path: (path) => path.replace(/:[A-Za-z]+(?:\?.*)?$/, ':countTokens'),
  encodeRequest: encodeCountRequest,
  atPath: (body, path) => (path.includes(VERTEX_MODELS) ? vertexBody(body) : body),
  ownBody: (body, model, path) => {
    if (body['generate_content_request'] !== undefined) return null
    const request = body['generateContentRequest']
    if (path.includes(VERTEX_MODELS)) {
      const whole = isObject(request) ? request : body
      return isVertexSpelling(whole) ? { generateContentRequest: whole } : null
    }
    return isObject(request) ? { ...body, generateContentRequest: { ...request, model: `models/${model}` } } : body
  },
  decodeAnswer: decodeCountAnswer,
}

/** Vertex AI wants to know whose each turn is, and its members by the names of JSON: else the body is written anew. */
function isVertexSpelling(request: JsonObject): boolean {
  const { contents } = request
  const turns: readonly unknown[] = Array.isArray(contents) ? contents : []
  const isSaid = turns.length > 0 && turns.every((turn) => isObject(turn) && typeof turn['role'] === 'string')
  return isSaid && Object.keys(request).every((name) => !name.includes('_'))
}

function vertexBody({ generateContentRequest: request }: JsonObject): JsonObject {
  if (!isObject(request)) return {}
  return Object.fromEntries(
    VERTEX_MEMBERS.flatMap((name) => (request[name] === undefined ? [] : [[name, request[name]]])),
  )
}
