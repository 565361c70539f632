import type { ModelRequest } from '../ir/request.ts'
import { estimateTexts } from './estimate-text.ts'
import { requestTexts } from './request-texts.ts'

/** What frames a message, and what every conversation has beside its messages (OpenAI's cookbook, "How to count tokens", 2026-11). */
const MESSAGE_TOKENS = 3
const CONVERSATION_TOKENS = 3

/** Counts by a model's own encoding, elsewhere than on this thread. */
export interface TokenCounter {
  /** Tokens of all texts together; null when it does not know the encoding. */
  count(encoding: string, texts: readonly string[]): Promise<number | null>
}

export interface TokenCount {
  readonly tokens: number
  /** The vendor counts the same: its encoding is public, and the request has messages of text alone. */
  readonly exact: boolean
}

/** Tokens of a request where the model's vendor is not asked: exactly where its encoding is known, else an estimate. */
export async function countTokens(
  encoding: string | null,
  request: ModelRequest,
  counter: TokenCounter,
): Promise<TokenCount> {
  const { texts, mediaTokens, plain } = requestTexts(request)
  const counted = encoding === null ? null : await counter.count(encoding, texts)
  const tokens = counted ?? sumOf(texts)
  return { tokens: tokens + mediaTokens + frames(request), exact: counted !== null && plain }
}

/** The same at once, as an estimate. */
export function estimateTokensOf(request: ModelRequest): number {
  const { texts, mediaTokens } = requestTexts(request)
  return sumOf(texts) + mediaTokens + frames(request)
}

function sumOf(texts: readonly string[]): number {
  return estimateTexts(texts)
}

function frames(request: ModelRequest): number {
  return CONVERSATION_TOKENS + request.messages.length * MESSAGE_TOKENS
}
