import type { Candidate, Exchange } from '../../core/index.ts'
import type { Estimate } from '../../governance/index.ts'
import { ModelTarget } from '../models/target.ts'
import type { TokenCounter } from '../tokens/count-tokens.ts'
import { conversationStateOf } from './conversation-state.ts'

/** Of more than this a tokenizer would make others wait, and bytes say enough. */
const MOST_BYTES = 1_000_000
/** What a vendor puts around a conversation. That around each message is less than the JSON around it, which is counted. */
const CONVERSATION_TOKENS = 16

/**
 * The most that a conversation may use by its model's own tokenizer, where that is public, and not by the bytes of its text: for one that
 * these would refuse. The whole body is counted, with all its JSON, in another thread, whose start the
 * first one waits for (5 s at most: rather late than refused for nothing). Null when nobody can count it: media are no text.
 */
export function closerEstimate(
  counter: TokenCounter,
  { x, candidate, than }: { readonly x: Exchange; readonly candidate: Candidate; readonly than: Estimate },
): Promise<Estimate | null> | null {
  const state = conversationStateOf(x)
  const { body } = x
  if (state === null || body === null || !(candidate instanceof ModelTarget)) return null
  const encoding = candidate.facts?.entry?.encoding ?? null
  if (encoding === null || state.mediaItems > 0 || body.length > MOST_BYTES) return null
  return counter.count(encoding, [body.toString('utf8')]).then((tokens) => {
    if (tokens === null) return null
    const closer = candidate.estimate(state, body, tokens + CONVERSATION_TOKENS)
    return closer.tokens < than.tokens ? closer : null
  })
}
