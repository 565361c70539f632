import type { Available } from './available.ts'
import type { Policy, Random, Target } from './contract.ts'
import type { TargetState } from './target-state.ts'

/**
 * Of two targets drawn at random the one with fewer requests in flight for its weight: nearly as even as comparing all,
 * and threads that see the same counts do not all run to the same target.
 */
export class RandomOfTwo implements Policy {
  readonly #weights: Float64Array
  readonly #states: readonly TargetState[]
  readonly #random: Random

  constructor(targets: readonly Target[], states: readonly TargetState[], random: Random) {
    this.#weights = Float64Array.from(targets, (target) => target.weight)
    this.#states = states
    this.#random = random
  }

  pick(available: Available): number {
    const { count } = available
    const first = Math.floor(this.#random() * count)
    if (count === 1) return available.at(0)
    let second = Math.floor(this.#random() * (count - 1))
    if (second >= first) second++
    const one = available.at(first)
    const other = available.at(second)
    return this.#load(other) < this.#load(one) ? other : one
  }

  #load(position: number): number {
    return ((this.#states[position]?.inFlight ?? 0) + 1) / (this.#weights[position] ?? 1)
  }
}
