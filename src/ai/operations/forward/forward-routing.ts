import { type Exchange, GatewayError } from '../../../core/index.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ModelTarget } from '../../models/target.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import type { AttemptTarget } from '../../routing/attempt-target.ts'
import { type AttemptTargetFacts, GroupAttempts } from '../../routing/group-attempts.ts'
import { RequestRouting } from '../../routing/request-routing.ts'
import type { TargetMemory } from '../../routing/state/target-memory.ts'
import { ForwardCandidate, type OpenForwardTap } from './forward-candidate.ts'
import { type ForwardState, type ForwardTurn, forwardStateOf } from './forward-state.ts'

/** A target that requests for its model are passed on to. */
export interface ForwardTarget {
  readonly target: ModelTarget
  readonly provider: ProviderUpstream
}

export interface ForwardRoutingOptions {
  /** What this target is asked, or why it cannot be. */
  readonly turn: (x: Exchange, state: ForwardState, place: ForwardTarget) => ForwardTurn | GatewayError
  readonly openTap?: OpenForwardTap
}

/** Routes requests for a model that go on as they are, to one target after the other; each attempt has a path and body of its own. */
export function forwardRouting(registry: ModelRegistry, options: ForwardRoutingOptions): RequestRouting {
  const make = (facts: AttemptTargetFacts) => {
    const { target } = facts.routing
    const provider = target.from
    if (provider === null) throw new Error(`${target.name} was chosen and serves conversations only`)
    return new Forwarded(facts, { target, provider }, options)
  }
  // What is spent on one of them twice nobody has asked for.
  return new RequestRouting(registry, new GroupAttempts(registry, make), null)
}

/** A target of such requests, as attempts need it. */
class Forwarded implements AttemptTarget {
  readonly name: string
  readonly candidate: ForwardCandidate
  readonly isShared: boolean
  readonly memory: TargetMemory | null
  readonly attempts: number
  readonly contextTokens: number | null
  readonly #place: ForwardTarget
  readonly #turn: ForwardRoutingOptions['turn']

  constructor(
    { memory, name, isShared, attempts }: AttemptTargetFacts,
    place: ForwardTarget,
    { turn, openTap }: ForwardRoutingOptions,
  ) {
    this.name = name
    this.isShared = isShared
    this.memory = memory
    this.attempts = attempts
    this.contextTokens = place.target.facts?.capabilities.contextTokens ?? null
    this.candidate = new ForwardCandidate({ ...place, upstream: place.target.upstream }, openTap)
    this.#place = place
    this.#turn = turn
  }

  prepare(x: Exchange): GatewayError | null {
    const state = forwardStateOf(x)
    if (state === null) throw new Error(`request ${x.id} is not forwarded`)
    const turn = this.#turn(x, state, this.#place)
    if (turn instanceof GatewayError) return turn
    state.begin(this.#place.target, turn)
    return null
  }
}
