import { type Exchange, GatewayError } from '../../core/index.ts'
import type { ModelRegistry } from '../models/registry.ts'
import { Canaries } from './canary/canary.ts'
import { type ChoiceOptions, chooseOrder } from './choose.ts'
import type { RoutingTarget } from './contract.ts'
import type { GroupAttempts } from './group-attempts.ts'
import type { Doubles } from './hedge/hedge-rule.ts'
import { Shadows } from './shadow/shadow.ts'

/** Where requests of one kind go: the order of their targets, and who is tried or gets copies beside them. */
export class RequestRouting {
  readonly #attempts: GroupAttempts
  readonly #canaries: Canaries
  /** Null: requests of this kind cannot be copied. */
  readonly #shadows: Shadows | null

  /** `doubles`: those that `attempts` have; null: requests of this kind are never sent twice at once. */
  constructor(registry: ModelRegistry, attempts: GroupAttempts, doubles: Doubles | null) {
    this.#attempts = attempts
    this.#canaries = new Canaries(registry)
    this.#shadows = doubles === null ? null : new Shadows(registry, attempts, doubles)
  }

  /** Gives a request its attempts. The target that is asked first, or why none is. */
  route(x: Exchange, options: ChoiceOptions): RoutingTarget | GatewayError {
    const { group } = options
    const order = chooseOrder(x, options)
    if (order instanceof GatewayError) return order
    const { canary, shadow } = group
    const shadows = shadow === null ? null : this.#shadows
    let first = order.at(0)
    if (canary === null && shadows === null) x.attempting = this.#attempts.make(group, order)
    else {
      const draw = canary === null ? null : this.#canaries.draw(x, canary, options)
      const mirror = shadow === null || shadows === null ? null : shadows.draw(x, shadow, options)
      x.attempting = this.#attempts.make(group, order, { canary: draw, mirror })
      first = draw?.target ?? first
    }
    group.orders.giveBack(order)
    if (first === null) throw new Error(`request ${x.id} has an order without a target`)
    return first
  }
}
