import type { ModelRequest } from '../ir/request.ts'
import { estimateTokensOf } from '../tokens/count-tokens.ts'

/** Tokens of a request where nobody can say them exactly: texts by classes of characters, and a flat rate for media. */
export function estimateRequest(request: ModelRequest): number {
  return estimateTokensOf(request)
}
