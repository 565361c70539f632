import type { Losses } from '../../ir/losses.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { EncodeContext, UpstreamHabits } from '../dialect.ts'
import type { SealFamily } from '../name.ts'
import type { CacheStyle } from './cache.ts'

/** What decides how a request is spelt for one upstream, worked out once. */
export interface Spelling {
  readonly losses: Losses
  readonly model: string
  /** The client spoke this dialect, too: its own members go on as they came. */
  readonly own: boolean
  readonly family: SealFamily
  readonly vendor: boolean
  readonly outputLimit: 'max_tokens' | 'max_completion_tokens'
  readonly developerRole: boolean
  /** Arrays of parts in other messages than the user's. */
  readonly partsEverywhere: boolean
  readonly reasoningRequest: NonNullable<UpstreamHabits['reasoningRequest']>
  readonly reasoningReplay: NonNullable<UpstreamHabits['reasoningReplay']>
  readonly cache: CacheStyle
  readonly streamUsage: boolean
  /** The most output that the model gives; null: not known. */
  readonly mostOutput: number | null
}

/** The vendor's own models are spelt as its API reference says, others as most compatible servers take it. */
export function spellingOf(request: ModelRequest, { model, capabilities, losses, habits }: EncodeContext): Spelling {
  const { family } = capabilities
  const vendor = family === 'openai'
  const own = request.dialect === 'openai-chat'
  return {
    losses,
    model,
    own,
    family,
    vendor,
    outputLimit: habits?.outputLimit ?? (vendor ? 'max_completion_tokens' : 'max_tokens'),
    developerRole: habits?.developerRole ?? vendor,
    partsEverywhere: habits?.contentParts === undefined ? vendor || family !== 'other' : habits.contentParts === 'all',
    reasoningRequest: capabilities.reasoning === 'none' ? 'none' : (habits?.reasoningRequest ?? 'reasoning_effort'),
    reasoningReplay: habits?.reasoningReplay ?? 'none',
    cache: family === 'anthropic' ? 'cache_control' : vendor && own ? 'prompt_cache_breakpoint' : 'none',
    streamUsage: habits?.streamUsage ?? true,
    mostOutput: capabilities.maxOutputTokens,
  }
}
