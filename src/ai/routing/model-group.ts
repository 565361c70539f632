import type { ModelTarget } from '../models/target.ts'
import type { RoutingCanary } from './canary/canary.ts'
import type { RoutingGroup, RoutingTarget } from './contract.ts'
import type { Kept } from './draft.ts'
import type { HedgeDelay } from './hedge/hedge-rule.ts'
import { Orders } from './order.ts'
import type { RoutingShadow } from './shadow/shadow.ts'

export interface ModelGroupOptions {
  readonly isInternal: boolean
  /** The entry of the configuration, for metrics. */
  readonly entry: string
  /** When a second request follows one that is slow; null: never. */
  readonly hedgeAfter: HedgeDelay | null
  /** A target that is tried with some of the requests; null: none. */
  readonly canary: RoutingCanary | null
  /** A target that gets copies of some of the requests; null: none. */
  readonly shadow: RoutingShadow | null
}

/** A name of clients with all that may serve it. */
export class ModelGroup {
  readonly root: RoutingGroup
  readonly orders: Orders
  /** Shown for the group where one model is shown, and asked where nothing is chosen. */
  readonly first: ModelTarget
  /** Other models only may use it. */
  readonly isInternal: boolean
  readonly entry: string
  readonly hedgeAfter: HedgeDelay | null
  readonly canary: RoutingCanary | null
  readonly shadow: RoutingShadow | null

  /** Throws when the group has no target. */
  constructor(root: RoutingGroup, kept: Kept, { isInternal, entry, hedgeAfter, canary, shadow }: ModelGroupOptions) {
    const first = root.targets.find(({ enabled }) => enabled) ?? root.targets[0]
    if (first === undefined) throw new Error(`${root.name} has no target`)
    this.root = root
    this.orders = new Orders(root, kept)
    this.first = first.target
    this.isInternal = isInternal
    this.entry = entry
    this.hedgeAfter = hedgeAfter
    this.canary = canary
    this.shadow = shadow
  }

  get targets(): readonly RoutingTarget[] {
    return this.root.targets
  }
}
