import type { RoutingMember, RoutingTarget } from './contract.ts'

/** Why a target is not asked at all. */
export type Drop =
  | 'disabled'
  | 'denied'
  | 'not_served'
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
}

/** The order of a group's members while it is made: memory that is made once and used again. */
export class Draft {
  readonly members: readonly RoutingMember[]
  readonly kept: Kept
  /** Positions in `members`; the first `count` are valid. */
  readonly positions: Int32Array
  /** By position in `members`; less is better. */
  readonly scores: Float64Array
  /** By position in `members`: room for what scores are made of. */
  readonly figures: Float64Array
  count = 0
  readonly #ranks: Float64Array
  #ties: Float64Array

  constructor(members: readonly RoutingMember[], kept: Kept) {
    this.members = members
    this.kept = kept
    this.positions = new Int32Array(members.length)
    this.scores = new Float64Array(members.length)
    this.figures = new Float64Array(members.length)
    this.#ranks = Float64Array.from(members, ({ rank }) => rank)
    this.#ties = this.#ranks
  }

  /** All members that lead to a target which may be asked, in the order of the configuration. */
  fill(): void {
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
    for (const at of wanted) {
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

  /** Keeps those whose score is no NaN, the least first; equal ones by `ties`, else by their rank. */
  sort(ties: Float64Array = this.#ranks): void {
    this.#ties = ties
    const { positions, scores } = this
    let kept = 0
    for (let place = 0; place < this.count; place++) {
      const at = positions[place] ?? 0
      if (!Number.isNaN(scores[at])) positions[kept++] = at
    }
    this.count = kept
    // Shell's sort: in place, and what is unstable about it does not matter since no two compare as equal.
    for (let gap = firstGap(kept); gap >= 1; gap = Math.floor(gap / 3)) this.#insert(gap)
  }

  #insert(gap: number): void {
    const { positions } = this
    for (let place = gap; place < this.count; place++) {
      const at = positions[place] ?? 0
      let free = place
      for (; free >= gap; free -= gap) {
        const other = positions[free - gap] ?? 0
        if (!this.#isBetter(at, other)) break
        positions[free] = other
      }
      positions[free] = at
    }
  }

  #isBetter(one: number, other: number): boolean {
    const score = this.scores[one] ?? 0
    const otherScore = this.scores[other] ?? 0
    if (score !== otherScore) return score < otherScore
    return (this.#ties[one] ?? 0) < (this.#ties[other] ?? 0)
  }
}

/** Knuth's gaps: 1, 4, 13, 40, 121… */
function firstGap(count: number): number {
  let gap = 1
  while (gap * 3 + 1 < count) gap = gap * 3 + 1
  return gap
}

function leadsSomewhere(member: RoutingMember, kept: Kept): boolean {
  if (member.group === null) return kept.drops[member.position] === null
  for (const inner of member.group.members) if (leadsSomewhere(inner, kept)) return true
  return false
}

/** The least that a figure has among the targets beneath a member that may be asked; NaN when it is known of none. */
export function leastOf(member: RoutingMember, kept: Kept, figure: (target: RoutingTarget) => number): number {
  if (member.target !== null) return kept.drops[member.position] === null ? figure(member.target) : Number.NaN
  let least = Number.NaN
  for (const inner of member.group?.members ?? []) {
    const value = leastOf(inner, kept, figure)
    if (!(value >= least)) least = Number.isNaN(value) ? least : value
  }
  return least
}
