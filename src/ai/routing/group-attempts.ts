import { monotonicUs } from '../../lib/index.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { AttemptRules, AttemptTarget } from './attempt-target.ts'
import { type AttemptParts, ModelAttempts } from './attempts.ts'
import { CANARY } from './canary/canary.ts'
import type { RoutingTarget } from './contract.ts'
import { type Doubles, delayFor, type HedgeRule } from './hedge/hedge-rule.ts'
import type { ModelGroup } from './model-group.ts'
import type { Order } from './order.ts'
import type { TargetMemory } from './state/target-memory.ts'

const nowMs = () => monotonicUs() / 1_000

/** What a group has beside its targets, for one request. */
type Beside = Omit<AttemptParts, 'variants'>
const NOTHING: Beside = { canary: null, mirror: null }
const ONCE: AttemptRules = {
  attempts: 1,
  withinMs: 0,
  longestWaitMs: 0,
  backoff: { baseMs: 0, maxMs: 0 },
  onRefusal: 'stop',
  budget: null,
  now: nowMs,
  random: Math.random,
}

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
  readonly #doubles: Doubles | null
  readonly #targets = new WeakMap<RoutingTarget, AttemptTarget>()
  readonly #rules = new WeakMap<ModelGroup, AttemptRules>()

  /** `doubles`: absent: requests of this kind are never sent twice at once. */
  constructor(
    registry: ModelRegistry,
    make: (facts: AttemptTargetFacts) => AttemptTarget,
    doubles: Doubles | null = null,
  ) {
    this.#registry = registry
    this.#make = make
    this.#doubles = doubles
  }

  /** Of a request whose order this is. */
  make(group: ModelGroup, order: Order, { canary, mirror }: Beside = NOTHING): ModelAttempts {
    const targets: AttemptTarget[] = []
    // Nearly all models have no variants: no list of nothing is made for each request.
    let variants: (string | null)[] | undefined
    const first = canary?.target ?? null
    if (first !== null) {
      targets.push(this.#target(first))
      variants = [CANARY]
    }
    for (let place = 0; place < order.count; place++) {
      const target = order.at(place)
      if (target === null || (first !== null && isSame(target, first))) continue
      const variant = order.variants[place] ?? canary?.othersVariant ?? null
      if (variant !== null) variants ??= targets.map(() => null)
      targets.push(this.#target(target))
      variants?.push(variant)
    }
    const rules = this.#rulesOf(group)
    if (variants === undefined && mirror === null) return new ModelAttempts(targets, rules)
    return new ModelAttempts(targets, rules, { variants: variants ?? [], canary, mirror })
  }

  /** One attempt at a target, of which nobody learns anything. */
  alone(routing: RoutingTarget, variant: string): ModelAttempts {
    let target = this.#targets.get(routing)
    if (target === undefined) {
      const { id } = routing
      target = this.#make({ routing, memory: null, name: id, isShared: false, attempts: 1 })
      this.#targets.set(routing, target)
    }
    return new ModelAttempts([target], ONCE, { variants: [variant], canary: null, mirror: null })
  }

  #target(routing: RoutingTarget): AttemptTarget {
    let made = this.#targets.get(routing)
    if (made === undefined) {
      const { id, target, retry } = routing
      const isShared = routing.shared !== null
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
      const { attempts, withinMs, backoff, onRefusal } = group.root.limits
      rules = {
        attempts,
        withinMs,
        longestWaitMs: backoff.maxMs,
        backoff,
        onRefusal,
        budget: this.#registry.memories?.budget ?? null,
        hedge: this.#hedgeOf(group),
        now: nowMs,
        random: Math.random,
      }
      this.#rules.set(group, rules)
    }
    return rules
  }

  #hedgeOf({ hedgeAfter, entry }: ModelGroup): HedgeRule | null {
    const doubles = this.#doubles
    if (hedgeAfter === null || doubles === null) return null
    const { metrics } = this.#registry
    return {
      doubles,
      afterMs: (target, kind) => delayFor(hedgeAfter, target, kind),
      count: (result) => metrics?.hedged(entry, result),
    }
  }
}

function isSame(one: RoutingTarget, other: RoutingTarget): boolean {
  return one.id === other.id && one.target.model === other.target.model
}
