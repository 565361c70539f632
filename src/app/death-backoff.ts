const YOUNG_MS = 10_000
const LONGEST_MS = 10_000

/** Workers that die young are replaced ever more slowly. */
export class DeathBackoff {
  #ms = 0

  /** How long to wait before another takes the place of one that began then, in milliseconds since the epoch. */
  afterDeath(startMs: number): number {
    const young = Date.now() - startMs < YOUNG_MS
    this.#ms = young ? Math.min(LONGEST_MS, Math.max(100, this.#ms * 2)) : 0
    return this.#ms
  }
}
