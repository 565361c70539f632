import type { TokenCountDialect } from '../token-counts.ts'
import { decodeTokenCount } from './decode-answer.ts'
import { decodeCountTokens } from './decode-request.ts'
import { encodeTokenCount } from './encode-answer.ts'
import { encodeCountTokens } from './encode-request.ts'

/** Claude at Vertex AI: one path counts for all its models, which the body names (Anthropic's SDK for Vertex, 2026-11). */
const RAW_PREDICT = /\/models\/[^/]+:rawPredict$/
const COUNT_PREDICT = '/models/count-tokens:rawPredict'
const VERTEX_VERSION = 'vertex-2023-10-16'

/** `POST /v1/messages/count_tokens`. */
export const messagesCounts: TokenCountDialect = {
  decodeRequest: decodeCountTokens,
  encodeAnswer: encodeTokenCount,
  path: (path) => (RAW_PREDICT.test(path) ? path.replace(RAW_PREDICT, COUNT_PREDICT) : `${path}/count_tokens`),
  atPath: (body, path) => (path.endsWith(COUNT_PREDICT) ? { ...body, anthropic_version: VERTEX_VERSION } : body),
  encodeRequest: encodeCountTokens,
  decodeAnswer: decodeTokenCount,
}
