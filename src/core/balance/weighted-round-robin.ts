import type { Available } from './available.ts'
import type { Policy, Target } from './contract.ts'

/** More steps ahead make no difference that anybody could see. */
const MAX_STEPS_AHEAD = 1_000

/**
 * Smooth weighted round robin: each pick adds every target's weight to its credit and takes the sum of the weights from
 * the richest, which is picked. Weights 5, 1, 1 give a a b a c a a, not a a a a a b c.
 */
export class WeightedRoundRobin implements Policy {
  readonly #weights: Float64Array
  readonly #credits: Float64Array

  /** `start` is how far into its round this thread begins, from 0 to 1. */
  constructor(targets: readonly Target[], start: number) {
    this.#weights = Float64Array.from(targets, (target) => target.weight)
    this.#credits = new Float64Array(targets.length)
    const round = this.#weights.reduce((sum, weight) => sum + weight, 0)
    const ahead = Math.min(MAX_STEPS_AHEAD, Math.floor(start * round))
    for (let step = 0; step < ahead; step++) this.#step(null)
  }

  pick(available: Available): number {
    return this.#step(available)
  }

  /** A target that is not available neither gains nor pays; null means that all are. */
  #step(available: Available | null): number {
    const credits = this.#credits
    let richest = -1
    let most = Number.NEGATIVE_INFINITY
    let round = 0
    const count = available?.count ?? credits.length
    for (let n = 0; n < count; n++) {
      const position = available?.at(n) ?? n
      const weight = this.#weights[position] ?? 1
      const credit = (credits[position] ?? 0) + weight
      credits[position] = credit
      round += weight
      if (credit <= most) continue
      most = credit
      richest = position
    }
    credits[richest] = most - round
    return richest
  }
}
