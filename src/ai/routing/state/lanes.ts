/** Takes turns among a provider's credentials by their weights: each gains its weight, the richest goes and pays for all. */
export class Lanes {
  readonly #weights: readonly number[]
  readonly #credits: number[]

  constructor(weights: readonly number[]) {
    this.#weights = weights
    this.#credits = weights.map(() => 0)
  }

  /** The next one among those that may be used; among all when none may. */
  next(mayUse: (lane: number) => boolean): number {
    const count = this.#weights.length
    if (count <= 1) return 0
    let best = -1
    let total = 0
    const some = this.#weights.some((_, lane) => mayUse(lane))
    for (let lane = 0; lane < count; lane++) {
      if (some && !mayUse(lane)) continue
      const weight = this.#weights[lane] ?? 1
      total += weight
      const credit = (this.#credits[lane] ?? 0) + weight
      this.#credits[lane] = credit
      if (best < 0 || credit > (this.#credits[best] ?? 0)) best = lane
    }
    this.#credits[best] = (this.#credits[best] ?? 0) - total
    return best
  }
}
