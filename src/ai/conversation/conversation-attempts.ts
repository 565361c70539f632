import { type Exchange, GatewayError } from '../../core/index.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { ModelTarget } from '../models/target.ts'
import type { AttemptTarget } from '../routing/attempt-target.ts'
import { type AttemptTargetFacts, GroupAttempts } from '../routing/group-attempts.ts'
import type { FirstAnswers } from '../routing/state/first-answers.ts'
import type { TargetMemory } from '../routing/state/target-memory.ts'
import { conversationDoubles } from './conversation-double.ts'
import { conversationStateOf } from './conversation-state.ts'

/** Makes the attempts of conversations. */
export function conversationAttempts(registry: ModelRegistry): GroupAttempts {
  return new GroupAttempts(registry, (facts) => new ConversationTarget(facts), conversationDoubles)
}

/** A target of conversations, as attempts need it. */
class ConversationTarget implements AttemptTarget {
  readonly name: string
  readonly candidate: ModelTarget
  readonly isShared: boolean
  readonly memory: TargetMemory | null
  readonly attempts: number
  readonly contextTokens: number | null
  readonly firstAnswers: FirstAnswers | null

  constructor({ routing: { target }, memory, firstAnswers, name, isShared, attempts }: AttemptTargetFacts) {
    this.isShared = isShared
    this.name = name
    this.candidate = target
    this.memory = memory
    this.firstAnswers = firstAnswers
    this.attempts = attempts
    this.contextTokens = target.facts?.capabilities.contextTokens ?? null
  }

  prepare(x: Exchange): GatewayError | null {
    const state = conversationStateOf(x)
    const { body } = x
    if (state === null || body === null) throw new Error(`request ${x.id} lost its body`)
    // What was prepared while the order was made.
    if (state.target === this.candidate && state.prepared !== null) return null
    state.target = this.candidate
    const request = state.surface.reader.read(body, state.pathFacts)
    if (request instanceof GatewayError) return request
    const prepared = this.candidate.prepare(x, state, body, request)
    if (prepared instanceof GatewayError) return prepared
    state.prepared = prepared
    return null
  }
}
