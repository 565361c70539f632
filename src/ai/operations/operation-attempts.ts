import type { Exchange, GatewayError } from '../../core/index.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { ModelTarget } from '../models/target.ts'
import type { ProviderUpstream } from '../providers/upstreams.ts'
import type { AttemptTarget } from '../routing/attempt-target.ts'
import { type AttemptTargetFacts, GroupAttempts } from '../routing/group-attempts.ts'
import type { Doubles } from '../routing/hedge/hedge-rule.ts'
import { RequestRouting } from '../routing/request-routing.ts'
import type { TargetMemory } from '../routing/state/target-memory.ts'
import type { Operation } from './operation.ts'
import { OperationCandidate } from './operation-candidate.ts'
import { type OperationState, operationStateOf } from './operation-state.ts'
import { type Serving, servingOf } from './providers.ts'

/** How one target serves an operation. */
export interface OperationTarget {
  readonly provider: ProviderUpstream
  /** As the provider calls it. */
  readonly model: string
  readonly serving: Serving
}

/** Puts a request into a target's words; an error when it cannot be said in them. */
export type PrepareOperation = (x: Exchange, state: OperationState, target: OperationTarget) => GatewayError | null

/** How this target's provider serves an operation; null when it does not. */
export function servingAt({ from, model }: ModelTarget, operation: Operation): Serving | null {
  return from === null ? null : servingOf(from.kind, operation, model)
}

/** Requests that are JSON may be sent twice at once: their body is still there. */
const operationDoubles: Doubles = {
  surfaceOf(x, purpose) {
    const state = operationStateOf(x)
    if (state === null) throw new Error(`request ${x.id} is no operation`)
    return state.again(purpose)
  },

  share: () => undefined,
}

/** Routes the requests of an operation; each attempt has a body of its own. */
export function operationRouting(
  registry: ModelRegistry,
  operation: Operation,
  prepare: PrepareOperation,
): RequestRouting {
  const make = (facts: AttemptTargetFacts) => {
    const { target } = facts.routing
    const serving = servingAt(target, operation)
    if (target.from === null || serving === null) throw new Error(`${target.name} was chosen for ${operation.name}`)
    return new Attempted(facts, { provider: target.from, serving, prepare })
  }
  // A form streams through: nobody has its bytes twice.
  const doubles = operation.body === 'json' ? operationDoubles : null
  return new RequestRouting(registry, new GroupAttempts(registry, make, doubles), doubles)
}

interface Served {
  readonly provider: ProviderUpstream
  readonly serving: Serving
  readonly prepare: PrepareOperation
}

/** A target of an operation, as attempts need it. */
class Attempted implements AttemptTarget, OperationTarget {
  readonly name: string
  readonly candidate: OperationCandidate
  readonly isShared: boolean
  readonly memory: TargetMemory | null
  readonly attempts: number
  readonly contextTokens: number | null
  readonly model: string
  readonly serving: Serving
  readonly provider: ProviderUpstream
  readonly #target: ModelTarget
  readonly #prepare: PrepareOperation

  constructor(
    { routing: { target }, memory, name, isShared, attempts }: AttemptTargetFacts,
    { provider, serving, prepare }: Served,
  ) {
    this.name = name
    this.isShared = isShared
    this.memory = memory
    this.attempts = attempts
    this.contextTokens = target.facts?.capabilities.contextTokens ?? null
    this.model = provider.nameOf(target.model)
    this.serving = serving
    this.provider = provider
    this.candidate = new OperationCandidate(target, provider, serving.path(provider, this.model))
    this.#target = target
    this.#prepare = prepare
  }

  prepare(x: Exchange): GatewayError | null {
    const state = operationStateOf(x)
    if (state === null) throw new Error(`request ${x.id} is no operation`)
    state.begin(this.#target)
    return this.#prepare(x, state, this)
  }
}
