import type { TokenCountDialect } from '../token-counts.ts'
import { decodeTokenCount } from './decode-answer.ts'
import { decodeCountTokens } from './decode-request.ts'
import { encodeTokenCount } from './encode-answer.ts'
import { encodeCountTokens } from './encode-request.ts'

/** `POST /v1/messages/count_tokens`. */
export const messagesCounts: TokenCountDialect = {
  decodeRequest: decodeCountTokens,
  encodeAnswer: encodeTokenCount,
  path: (path) => `${path}/count_tokens`,
  encodeRequest: encodeCountTokens,
  decodeAnswer: decodeTokenCount,
}
