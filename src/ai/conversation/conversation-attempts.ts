import { type Exchange, GatewayError, type WAIT } from '../../core/index.ts'
import type { MediaFetcher } from '../media/media-fetcher.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { ModelTarget } from '../models/target.ts'
import type { PreparedRequest } from '../models/target-endpoint.ts'
import type { AttemptTarget } from '../routing/attempt-target.ts'
import { type AttemptTargetFacts, GroupAttempts } from '../routing/group-attempts.ts'
import type { TargetMemory } from '../routing/state/target-memory.ts'
import { conversationDoubles } from './conversation-double.ts'
import { type ConversationState, conversationStateOf } from './conversation-state.ts'

/** Makes the attempts of conversations; `media` is null where nothing is fetched for them. */
export function conversationAttempts(registry: ModelRegistry, media: MediaFetcher | null): GroupAttempts {
  return new GroupAttempts(registry, (facts) => new ConversationTarget(facts, media), conversationDoubles)
}

/** A target of conversations, as attempts need it. */
class ConversationTarget implements AttemptTarget {
  readonly name: string
  readonly candidate: ModelTarget
  readonly isShared: boolean
  readonly memory: TargetMemory | null
  readonly attempts: number
  readonly contextTokens: number | null

  readonly #media: MediaFetcher | null

  constructor(
    { routing: { target }, memory, name, isShared, attempts }: AttemptTargetFacts,
    media: MediaFetcher | null,
  ) {
    this.#media = media
    this.isShared = isShared
    this.name = name
    this.candidate = target
    this.memory = memory
    this.attempts = attempts
    this.contextTokens = target.facts?.capabilities.contextTokens ?? null
  }

  prepare(x: Exchange): GatewayError | typeof WAIT | null {
    const state = conversationStateOf(x)
    if (state === null) throw new Error(`request ${x.id} is no conversation`)
    const prepared = this.#prepared(x, state)
    if (prepared instanceof GatewayError) return prepared
    const missing = this.#media?.missing(x, prepared) ?? null
    state.prepared = missing === null ? prepared : null
    return missing
  }

  #prepared(x: Exchange, state: ConversationState): PreparedRequest | GatewayError {
    // What was prepared while the order was made.
    if (state.target === this.candidate && state.prepared !== null) return state.prepared
    const { body } = x
    if (body === null) throw new Error(`request ${x.id} lost its body`)
    state.target = this.candidate
    const request = state.surface.reader.read(body, state.pathFacts)
    return request instanceof GatewayError ? request : this.candidate.prepare(x, state, body, request)
  }
}
