import type { Available } from './available.ts'
import type { Policy, Target } from './contract.ts'
import type { TargetState } from './target-state.ts'

/** The target with the fewest requests in flight for its weight, counted over all threads. */
export class LeastConnections implements Policy {
  readonly #weights: Float64Array
  readonly #states: readonly TargetState[]
  #start: number

  /** `start` is where this thread begins to compare, from 0 to 1 of the pool. */
  constructor(targets: readonly Target[], states: readonly TargetState[], start: number) {
    this.#weights = Float64Array.from(targets, (target) => target.weight)
    this.#states = states
    this.#start = Math.floor(start * targets.length)
  }

  /** Of equals the first wins, and who is first moves on with each pick: an idle pool is used evenly. */
  pick(available: Available): number {
    const { count } = available
    this.#start = (this.#start + 1) >>> 0
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (let n = 0; n < count; n++) {
      const position = available.at((this.#start + n) % count)
      const load = ((this.#states[position]?.inFlight ?? 0) + 1) / (this.#weights[position] ?? 1)
      if (load >= least) continue
      least = load
      best = position
    }
    return best
  }
}
