import type { RoutingContext, RoutingGroup, RoutingTarget } from './contract.ts'
import type { Kept } from './draft.ts'
import { Filter, type Refuse } from './filter.ts'

/** Which targets a request asks, one after the other. */
export class Order {
  readonly group: RoutingGroup
  /** Positions in `group.targets`; the first `count` are valid. No target stands here twice. */
  readonly positions: Int32Array
  /** By place in the order: the variant of an `ab-test` that the target belongs to, or null. */
  readonly variants: (string | null)[]
  count = 0
  /** The first so many neither rest nor have an open breaker. */
  ready = 0
  /** How long until the first of those that are not ready may be asked; 0 when one is ready. */
  waitMs = 0

  constructor(group: RoutingGroup) {
    this.group = group
    this.positions = new Int32Array(group.targets.length)
    this.variants = group.targets.map(() => null)
  }

  /** Takes the target at this place out: the request cannot be put into its words. */
  remove(place: number): void {
    this.positions.copyWithin(place, place + 1, this.count)
    for (let at = place; at < this.count - 1; at++) this.variants[at] = this.variants[at + 1] ?? null
    this.count--
    if (place < this.ready) this.ready--
  }

  /** The target at this place; null behind the last. */
  at(place: number): RoutingTarget | null {
    if (place >= this.count) return null
    return this.group.targets[this.positions[place] ?? -1] ?? null
  }
}

const MOST_SPARE = 256
/** No configuration allows more attempts than the second; the rest is for those that rest. */
const LIMIT = 24
const MOST_ATTEMPTS = 20

/** Makes the orders of one outermost group; their memory is used again once they are given back. */
export class Orders {
  readonly group: RoutingGroup
  readonly #kept: Kept
  readonly #filter: Filter
  readonly #spare: Order[] = []
  /** By position: the first target with the same id, which may stand in several groups with settings of its own in each. */
  readonly #same: Int32Array
  readonly #placed: Uint8Array
  readonly #late: Int32Array
  readonly #lateVariants: (string | null)[]

  /** `kept` is the one that the drafts of the group share. */
  constructor(group: RoutingGroup, kept: Kept) {
    const { targets } = group
    this.group = group
    this.#kept = kept
    this.#filter = new Filter(targets, kept)
    const firsts = new Map<string, number>()
    this.#same = Int32Array.from(targets, ({ id, target }, at) => {
      const key = `${id} ${target.model}`
      const first = firsts.get(key) ?? at
      firsts.set(key, first)
      return first
    })
    this.#placed = new Uint8Array(targets.length)
    this.#late = new Int32Array(targets.length)
    this.#lateVariants = targets.map(() => null)
  }

  /** By position of the target, why it was not asked; valid until the next order is made. */
  get drops(): Kept['drops'] {
    return this.#kept.drops
  }

  /**
   * The targets for one request, best first; those that rest, or whose breaker is open, behind all others. Of very many it
   * holds those that can be reached; `whole`: all of them, for people.
   */
  make(context: RoutingContext, refuse: Refuse, extent: 'reachable' | 'whole' = 'reachable'): Order {
    const order = this.#spare.pop() ?? new Order(this.group)
    this.#filter.apply(context.facts, refuse)
    const limit = extent === 'whole' ? Number.POSITIVE_INFINITY : LIMIT
    this.#arrange(context, order, limit)
    // Among the best too many rest: now all are put in order, so that those that do not are found.
    if (order.count >= limit && order.ready < MOST_ATTEMPTS) this.#arrange(context, order, Number.POSITIVE_INFINITY)
    return order
  }

  /** Ends the use of an order: nobody may look at it any more. */
  giveBack(order: Order): void {
    if (this.#spare.length < MOST_SPARE) this.#spare.push(order)
  }

  #arrange(context: RoutingContext, order: Order, limit: number): void {
    this.#kept.limit = limit
    order.count = 0
    this.#placed.fill(0)
    this.#flatten(this.group, context, order, null)
    this.#lastThoseThatRest(context, order)
  }

  #flatten(group: RoutingGroup, context: RoutingContext, order: Order, variant: string | null): void {
    const { draft } = group
    draft.fill()
    group.strategy(draft, context)
    const isTest = group.strategyName === 'ab-test'
    for (let place = 0; place < draft.count && order.count < this.#kept.limit; place++) {
      const member = draft.member(place)
      const label = isTest ? member.label : variant
      if (member.group !== null) this.#flatten(member.group, context, order, label)
      else this.#place(member.position, order, label)
    }
  }

  #place(position: number, order: Order, variant: string | null): void {
    const same = this.#same[position] ?? position
    if (this.#placed[same] !== 0) return
    this.#placed[same] = 1
    order.variants[order.count] = variant
    order.positions[order.count++] = position
  }

  #lastThoseThatRest({ statistics, nowMs }: RoutingContext, order: Order): void {
    const { positions, variants } = order
    let ready = 0
    let late = 0
    let waitMs = Number.POSITIVE_INFINITY
    for (let place = 0; place < order.count; place++) {
      const position = positions[place] ?? 0
      const target = this.group.targets[position]
      if (target === undefined) continue
      const outMs = Math.max(statistics.restsMs(target, nowMs), statistics.opensInMs(target, nowMs))
      const variant = variants[place] ?? null
      if (outMs > 0) {
        waitMs = Math.min(waitMs, statistics.refusesMs(target, nowMs))
        this.#lateVariants[late] = variant
        this.#late[late++] = position
      } else {
        variants[ready] = variant
        positions[ready++] = position
      }
    }
    for (let at = 0; at < late; at++) {
      variants[ready + at] = this.#lateVariants[at] ?? null
      positions[ready + at] = this.#late[at] ?? 0
    }
    order.ready = ready
    order.waitMs = ready > 0 || late === 0 ? 0 : waitMs
  }
}
