import type { TokenCountDialect } from '../token-counts.ts'
import { decodeCountAnswer, decodeCountRequest, encodeCountAnswer, encodeCountRequest } from './count-tokens.ts'

/** `POST …/models/{model}:countTokens`. */
export const geminiCounts: TokenCountDialect = {
  decodeRequest: decodeCountRequest,
  encodeAnswer: encodeCountAnswer,
  path: (path) => path.replace(/:[A-Za-z]+(?:\?.*)?$/, ':countTokens'),
  encodeRequest: encodeCountRequest,
  decodeAnswer: decodeCountAnswer,
}
