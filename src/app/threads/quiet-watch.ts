/** What of a request is looked at; times on this thread's `performance.now()`. */
interface Begun {
  readonly startedAt: number
}

/**
 * Knows when the last request has ended that began before a change: until then it may use what the change took away.
 */
export class QuietWatch {
  /** Oldest first. */
  readonly #waiting: { readonly epoch: number; readonly beganAt: number }[] = []

  /** A change has been made, now. */
  begin(epoch: number, nowMs: number): void {
    this.#waiting.push({ epoch, beganAt: nowMs })
  }

  /** The newest epoch that all of these requests began in, when it is another one than before. */
  reached(running: Iterable<Begun>): number | null {
    if (this.#waiting.length === 0) return null
    let oldest = Number.POSITIVE_INFINITY
    for (const { startedAt } of running) oldest = Math.min(oldest, startedAt)
    let epoch: number | null = null
    while (this.#waiting[0] !== undefined && this.#waiting[0].beganAt < oldest) {
      epoch = this.#waiting[0].epoch
      this.#waiting.shift()
    }
    return epoch
  }
}
