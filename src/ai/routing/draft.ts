import type { RoutingMember, RoutingTarget } from './contract.ts'

/** Why a target is not asked at all. */
export type Drop =
  | 'disabled'
  | 'denied'
  | 'not_served'
  | 'untagged'
  | 'unpriced'
  | 'no_streaming'
  | 'no_tools'
  | 'no_images'
  | 'no_structured_output'
  | 'context_too_short'
  | 'output_too_short'

/** What holds for one request of the targets beneath an outermost group; shared by the drafts of all groups in it. */
export interface Kept {
  /** By position of the target: why it is not asked; null for those that may be. */
  readonly drops: (Drop | null)[]
  /** Every one may be. */
  isWhole: boolean
  /** How many members of a group are put in order: nobody asks more. */
  limit: number
}

/** Up to so many members are put in order by insertion, the whole list of them. */
const FEW = 16

/** The order of a group's members while it is made: memory that is made once and used again. */
export class Draft {
  readonly members: readonly RoutingMember[]
  readonly kept: Kept
  /** Positions in `members`; the first `count` are valid. */
  readonly positions: Int32Array
  /** By position in `members`: the scores of those that have a place, and before that room for what they are made of. */
  readonly scores: Float64Array
  /** By position in `members`: more such room. */
  readonly figures: Float64Array
  /** By position in `members`, as they have them. */
  readonly weights: Float64Array
  readonly priorities: Float64Array
  readonly hashes: Float64Array
  count = 0
  /** What a member's score must be below to get a place: those of the best so far are there, as many as are wanted. */
  bar = Number.POSITIVE_INFINITY
  /** The scores of those that have a place, in their order. */
  readonly #best: Float64Array
  #placed = 0
  #limit = 0
  readonly #ranks: Float64Array
  readonly #all: Int32Array

  constructor(members: readonly RoutingMember[], kept: Kept) {
    this.members = members
    this.kept = kept
    this.positions = new Int32Array(members.length)
    this.scores = new Float64Array(members.length)
    this.#best = new Float64Array(members.length)
    this.figures = new Float64Array(members.length)
    this.weights = Float64Array.from(members, ({ weight }) => weight)
    this.priorities = Float64Array.from(members, ({ priority }) => priority)
    this.hashes = Float64Array.from(members, ({ hash }) => hash)
    this.#ranks = Float64Array.from(members, ({ rank }) => rank)
    this.#all = Int32Array.from(members, (_, at) => at)
  }

  /** All members that lead to a target which may be asked, in the order of the configuration. */
  fill(): void {
    if (this.kept.isWhole) {
      this.positions.set(this.#all)
      this.count = this.members.length
      return
    }
    let count = 0
    for (let at = 0; at < this.members.length; at++) {
      const member = this.members[at]
      if (member !== undefined && leadsSomewhere(member, this.kept)) this.positions[count++] = at
    }
    this.count = count
  }

  /** Only these positions, in this order, and of them those that may be asked. */
  keepOnly(wanted: readonly number[]): void {
    let count = 0
    for (let place = 0; place < wanted.length; place++) {
      const at = wanted[place] ?? -1
      const member = this.members[at]
      if (member !== undefined && leadsSomewhere(member, this.kept)) this.positions[count++] = at
    }
    this.count = count
  }

  /** The member at a place of the order so far; `place` is below `count`. */
  member(place: number): RoutingMember {
    const member = this.members[this.positions[place] ?? -1]
    if (member === undefined) throw new RangeError(`no member at place ${place}`)
    return member
  }

  /**
   * Puts the members in order anew: whoever calls it offers them one by one, in the order in which they stand at `positions`, and
   * ends with `close`.
   */
  open(): void {
    this.#placed = 0
    this.#limit = this.count <= FEW ? this.count : Math.min(this.count, this.kept.limit)
    this.bar = Number.POSITIVE_INFINITY
  }

  /** Gives a member the place of its score, the least first; of equal ones the lesser tie, or rank, is first. NaN: it has none. */
  offer(at: number, score: number, ties: Float64Array = this.#ranks): void {
    const best = this.#best
    const limit = this.#limit
    let free = this.#placed
    if (free < limit) {
      if (Number.isNaN(score)) return
      this.#placed = free + 1
    } else {
      // The best so far stand in order at the front; most of those that follow are no better than the last of them.
      free = limit - 1
      const worst = best[free] ?? 0
      if (!(score < worst) && !(score === worst && isFirst(ties, at, this.positions[free] ?? 0))) return
    }
    const { positions } = this
    while (free > 0) {
      const before = best[free - 1] ?? 0
      if (score > before || (score === before && !isFirst(ties, at, positions[free - 1] ?? 0))) break
      best[free] = before
      positions[free] = positions[free - 1] ?? 0
      free--
    }
    best[free] = score
    positions[free] = at
    this.scores[at] = score
    if (this.#placed === limit) this.bar = best[limit - 1] ?? 0
  }

  /** Keeps those that have a place. */
  close(): void {
    this.count = this.#placed
  }
}

function isFirst(ties: Float64Array, at: number, other: number): boolean {
  return (ties[at] ?? 0) < (ties[other] ?? 0)
}

function leadsSomewhere(member: RoutingMember, kept: Kept): boolean {
  if (kept.isWhole) return true
  if (member.group === null) return kept.drops[member.position] === null
  for (const inner of member.group.members) if (leadsSomewhere(inner, kept)) return true
  return false
}

/** A figure of a member that leads somewhere: of a group, the least among its targets that may be asked; NaN for unknown. */
export function figureOf(member: RoutingMember, kept: Kept, figure: (target: RoutingTarget) => number): number {
  if (member.target !== null) return figure(member.target)
  let least = Number.NaN
  for (const inner of member.group?.members ?? []) {
    if (!leadsSomewhere(inner, kept)) continue
    const value = figureOf(inner, kept, figure)
    if (!(value >= least) && !Number.isNaN(value)) least = value
  }
  return least
}
