import { FieldProblem } from '../../ir/fields.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { EncodeContext, RequestContext } from '../dialect.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'
import { camelFields } from './spelling.ts'

/**
 * Reads the body of `countTokens`: `contents` alone, with the rest beside them (Vertex), or a whole request in
 * `generateContentRequest`.
 */
export function decodeCountRequest(body: JsonObject, context: RequestContext): ModelRequest {
  const fields = camelFields(body, '')
  const whole = fields.object('generateContentRequest')
  if (whole !== undefined && fields.has('contents')) {
    throw new FieldProblem('contents', 'expected only one of contents and generateContentRequest')
  }
  return decodeRequest(whole ?? body, context)
}

/** The body with which an upstream counts a request's tokens. */
export function encodeCountRequest(request: ModelRequest, context: EncodeContext): JsonObject {
  return { generateContentRequest: { model: `models/${context.model}`, ...encodeRequest(request, context) } }
}

export function encodeCountAnswer(totalTokens: number): JsonObject {
  return { totalTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: totalTokens }] }
}

/** How many tokens an upstream counted; null when the answer does not say it. */
export function decodeCountAnswer(body: JsonObject): number | null {
  const total = body['totalTokens'] ?? (isObject(body['error']) ? null : 0)
  return typeof total === 'number' && Number.isSafeInteger(total) && total >= 0 ? total : null
}
