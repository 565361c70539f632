/** What of a request is looked at. */
interface Running {
  readonly plan: { readonly version: number }
}

/** What no request began uses a while longer: keys that are fetched, what was asked for in the background. */
const RETIRE_AFTER_MS = 30_000
/** Requests have a total deadline; what has none, such as a tunnel, has its connection already. */
const RETIRE_AT_MOST_MS = 3_600_000

/** Knows when what only plans before a swap use may be closed: when their last request has ended, not before. */
export class Retirement {
  /** Oldest first. */
  readonly #swaps: { readonly version: number; readonly atMs: number }[] = []

  /** The plan of this version is in force from now on. */
  begin(version: number, nowMs: number): void {
    this.#swaps.push({ version, atMs: nowMs })
  }

  /** The newest version of which no running request has an older plan, when it is another one than before. */
  reached(running: Iterable<Running>, nowMs: number): number | null {
    const [first] = this.#swaps
    if (first === undefined || nowMs - first.atMs < RETIRE_AFTER_MS) return null
    let oldest = Number.POSITIVE_INFINITY
    for (const { plan } of running) oldest = Math.min(oldest, plan.version)
    let reached: number | null = null
    for (let swap = this.#swaps[0]; swap !== undefined; swap = this.#swaps[0]) {
      const age = nowMs - swap.atMs
      if (age < RETIRE_AFTER_MS || (swap.version > oldest && age < RETIRE_AT_MOST_MS)) break
      reached = swap.version
      this.#swaps.shift()
    }
    return reached
  }
}
