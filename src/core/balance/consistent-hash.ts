import type { Available } from './available.ts'
import type { Policy, Target } from './contract.ts'
import { hashText, mix, NO_KEY } from './hash-key.ts'

/**
 * The same key, the same target, while it is available: rendezvous hashing. Each target draws a number from the key and
 * its own name, and the best draw wins. When a target leaves, only its keys move, evenly to all others; when it comes
 * back they return. All threads, replicas and reloads agree, whatever the order of the pool, since nothing is stored.
 *
 * A ring or a Maglev table would find a target in less than the n steps that this takes, but the ring spreads unevenly
 * unless it has hundreds of points per target, and the table moves some keys of targets that stayed and must be rebuilt
 * when one leaves. For ten targets the n steps take less time than the hash of the key.
 */
export class ConsistentHash implements Policy {
  readonly #seeds: Uint32Array
  readonly #weights: Float64Array
  readonly #equal: boolean
  readonly #withoutKey: Policy

  /** `withoutKey` picks for requests that have no key. */
  constructor(targets: readonly Target[], withoutKey: Policy) {
    this.#seeds = Uint32Array.from(targets, (target) => hashText(target.id))
    this.#weights = Float64Array.from(targets, (target) => target.weight)
    this.#equal = targets.every((target) => target.weight === targets[0]?.weight)
    this.#withoutKey = withoutKey
  }

  pick(available: Available, key: number): number {
    if (key === NO_KEY) return this.#withoutKey.pick(available, key)
    let best = -1
    let highest = Number.NEGATIVE_INFINITY
    for (let n = 0; n < available.count; n++) {
      const position = available.at(n)
      const score = this.#score(position, key)
      if (score <= highest) continue
      highest = score
      best = position
    }
    return best
  }

  /**
   * With weights: -w / ln(u), whose maximum falls to each target in proportion to its weight (Schindelhauer and
   * Schomaker, "Weighted distributed hash tables", 2005). It grows with u, so that without weights u itself will do.
   */
  #score(position: number, key: number): number {
    const draw = mix(key ^ (this.#seeds[position] ?? 0))
    if (this.#equal) return draw
    return -(this.#weights[position] ?? 1) / Math.log((draw + 0.5) / 4_294_967_296)
  }
}
