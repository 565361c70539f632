import type { ModelTarget } from '../models/target.ts'
import type { RoutingGroup, RoutingTarget } from './contract.ts'
import type { Kept } from './draft.ts'
import { Orders } from './order.ts'

/** A name of clients with all that may serve it. */
export class ModelGroup {
  readonly root: RoutingGroup
  readonly orders: Orders
  /** Shown for the group where one model is shown, and asked where nothing is chosen. */
  readonly first: ModelTarget
  /** Other models only may use it. */
  readonly isInternal: boolean

  /** Throws when the group has no target. */
  constructor(root: RoutingGroup, kept: Kept, options: { readonly isInternal: boolean }) {
    const first = root.targets.find(({ enabled }) => enabled) ?? root.targets[0]
    if (first === undefined) throw new Error(`${root.name} has no target`)
    this.root = root
    this.orders = new Orders(root, kept)
    this.first = first.target
    this.isInternal = options.isInternal
  }

  get targets(): readonly RoutingTarget[] {
    return this.root.targets
  }
}
