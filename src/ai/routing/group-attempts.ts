import { monotonicUs } from '../../lib/index.ts'
import type { ModelRegistry } from '../models/registry.ts'
import { type AttemptRules, type AttemptTarget, ModelAttempts } from './attempts.ts'
import type { RoutingTarget } from './contract.ts'
import type { ModelGroup } from './model-group.ts'
import type { Order } from './order.ts'
import type { TargetMemory } from './state/target-memory.ts'

const nowMs = () => monotonicUs() / 1_000

/** What attempts need of a target, made once for each; whoever asks adds the candidate and how requests are made ready. */
export interface AttemptTargetFacts {
  readonly routing: RoutingTarget
  readonly memory: TargetMemory | null
  /** `provider/model` as an attempt is told. */
  readonly name: string
  readonly isShared: boolean
  readonly attempts: number
}

/** Makes the attempts of requests of one kind; what does not depend on the request is made once for each target. */
export class GroupAttempts {
  readonly #registry: ModelRegistry
  readonly #make: (facts: AttemptTargetFacts) => AttemptTarget
  readonly #targets = new WeakMap<RoutingTarget, AttemptTarget>()
  readonly #rules = new WeakMap<ModelGroup, AttemptRules>()

  constructor(registry: ModelRegistry, make: (facts: AttemptTargetFacts) => AttemptTarget) {
    this.#registry = registry
    this.#make = make
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

  #target(routing: RoutingTarget): AttemptTarget {
    let made = this.#targets.get(routing)
    if (made === undefined) {
      const { id, target, retry } = routing
      // What is learned of names that clients make up is learned of all of them; what is told of an attempt is not.
      const isShared = /\/\*(?:#|$)/.test(id)
      made = this.#make({
        routing,
        memory: this.#registry.memories?.of(routing) ?? null,
        name: isShared ? target.name : id,
        isShared,
        attempts: retry.attemptsPerTarget,
      })
      this.#targets.set(routing, made)
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
