import type { JsonObject } from '../ir/json.ts'
import type { ModelRequest } from '../ir/request.ts'
import { decodeCountTokens, decodeTokenCount, encodeCountTokens, encodeTokenCount } from './anthropic-messages/index.ts'
import type { EncodeContext, RequestContext } from './dialect.ts'
import { decodeCountAnswer, decodeCountRequest, encodeCountAnswer, encodeCountRequest } from './gemini/index.ts'
import type { DialectName } from './name.ts'

/** How a dialect asks how many tokens a request has, and answers it. */
export interface TokenCountDialect {
  decodeRequest(body: JsonObject, context: RequestContext): ModelRequest
  encodeAnswer(tokens: number): JsonObject
  /** The path for it, from the path of the model's answers. */
  path(path: string): string
  encodeRequest(request: ModelRequest, context: EncodeContext): JsonObject
  /** Null when the answer does not say it. */
  decodeAnswer(body: JsonObject): number | null
}

/** The dialects that count. */
export const TOKEN_COUNTS: Readonly<Partial<Record<DialectName, TokenCountDialect>>> = {
  'anthropic-messages': {
    decodeRequest: decodeCountTokens,
    encodeAnswer: encodeTokenCount,
    path: (path) => `${path}/count_tokens`,
    encodeRequest: encodeCountTokens,
    decodeAnswer: decodeTokenCount,
  },
  gemini: {
    decodeRequest: decodeCountRequest,
    encodeAnswer: encodeCountAnswer,
    path: (path) => path.replace(/:[A-Za-z]+(?:\?.*)?$/, ':countTokens'),
    encodeRequest: encodeCountRequest,
    decodeAnswer: decodeCountAnswer,
  },
}
