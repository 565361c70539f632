import { type Exchange, GatewayError } from '../../core/index.ts'
import { monotonicUs } from '../../lib/index.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { ModelTarget } from '../models/target.ts'
import { type AttemptRules, type AttemptTarget, ModelAttempts } from '../routing/attempts.ts'
import type { RoutingTarget } from '../routing/contract.ts'
import type { ModelGroup } from '../routing/model-group.ts'
import type { Order } from '../routing/order.ts'
import type { TargetMemory } from '../routing/state/target-memory.ts'
import { conversationStateOf } from './conversation-state.ts'

const nowMs = () => monotonicUs() / 1_000

/** Makes the attempts of conversations; what does not depend on the request is made once for each target. */
export class ConversationAttempts {
  readonly #registry: ModelRegistry
  readonly #targets = new WeakMap<RoutingTarget, ConversationTarget>()
  readonly #rules = new WeakMap<ModelGroup, AttemptRules>()

  constructor(registry: ModelRegistry) {
    this.#registry = registry
  }

  /** Of a request whose order this is. */
  make(group: ModelGroup, order: Order): ModelAttempts {
    const targets: AttemptTarget[] = []
    const variants: (string | null)[] = []
    for (let place = 0; place < order.count; place++) {
      const target = order.at(place)
      if (target === null) continue
      targets.push(this.#target(target))
      variants.push(order.variants[place] ?? null)
    }
    return new ModelAttempts(targets, this.#rulesOf(group), variants)
  }

  #target(target: RoutingTarget): ConversationTarget {
    let made = this.#targets.get(target)
    if (made === undefined) {
      made = new ConversationTarget(target, this.#registry.memories?.of(target) ?? null)
      this.#targets.set(target, made)
    }
    return made
  }

  #rulesOf(group: ModelGroup): AttemptRules {
    let rules = this.#rules.get(group)
    if (rules === undefined) {
      const { attempts, withinMs, onRefusal } = group.root.limits
      const retry = group.targets[0]?.retry
      const backoff = { baseMs: retry?.backoffMs ?? 0, maxMs: retry?.maxBackoffMs ?? 0 }
      rules = {
        attempts,
        withinMs,
        longestWaitMs: backoff.maxMs,
        backoff,
        onRefusal,
        budget: this.#registry.memories?.budget ?? null,
        now: nowMs,
        random: Math.random,
      }
      this.#rules.set(group, rules)
    }
    return rules
  }
}

/** A target of conversations, as attempts need it. */
class ConversationTarget implements AttemptTarget {
  readonly name: string
  readonly candidate: ModelTarget
  readonly isShared: boolean
  readonly memory: TargetMemory | null
  readonly attempts: number
  readonly contextTokens: number | null

  constructor({ id, target, retry }: RoutingTarget, memory: TargetMemory | null) {
    // What is learned of names that clients make up is learned of all of them; what is told of an attempt is not.
    this.isShared = /\/\*(?:#|$)/.test(id)
    this.name = this.isShared ? target.name : id
    this.candidate = target
    this.memory = memory
    this.attempts = retry.attemptsPerTarget
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
