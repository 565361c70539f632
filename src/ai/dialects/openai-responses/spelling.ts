import type { Losses } from '../../ir/losses.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import type { CacheStyle } from '../openai-chat/cache.ts'

/** What decides how a request is spelt for one upstream, worked out once. */
export interface Spelling {
  readonly losses: Losses
  /** The client spoke this dialect, too: its own members go on as they came. */
  readonly own: boolean
  /** The vendor's own models are held to its API reference; others of this dialect take more, and less. */
  readonly vendor: boolean
  readonly cache: CacheStyle
  readonly reasons: boolean | null
  /** The most output that the model gives; null: not known. */
  readonly mostOutput: number | null
}

export function spellingOf(request: ModelRequest, { capabilities, losses }: EncodeContext): Spelling {
  const own = request.dialect === 'openai-responses'
  const vendor = capabilities.family === 'openai'
  return {
    losses,
    own,
    vendor,
    cache: own && vendor ? 'prompt_cache_breakpoint' : 'none',
    reasons: capabilities.reasoning === null ? null : capabilities.reasoning !== 'none',
    mostOutput: capabilities.maxOutputTokens,
  }
}
