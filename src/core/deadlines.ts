import type { ExchangeList } from './exchange-list.ts'

/** How late a deadline may be noticed, and how old `now` may be. */
export const SWEEP_MS = 50
/** After so many sweeps without a request the sweeping stops: an idle process does not wake up. */
const IDLE_SWEEPS = 20

/** What waits for something until a point in time; one per request at a time. */
export interface Watched {
  /** Milliseconds of `performance.now()`; may be earlier than the real deadline, never later. */
  dueAt: number
  /** `dueAt` is reached: ends the wait, or sets a later `dueAt`. */
  onDue(now: number): void
}

/**
 * The deadlines of all requests of a thread: one sweep over those in flight, instead of a timer or a wheel entry for
 * each, since nearly all requests end long before any deadline (bench/micro/request-path.ts: 1 µs less per request).
 */
export class Deadlines {
  readonly #exchanges: ExchangeList
  #timer: NodeJS.Timeout | null = null
  #idle = 0
  /** Coarse monotonic milliseconds, for what needs no better: at most SWEEP_MS old while requests are in flight. */
  now = performance.now()

  constructor(exchanges: ExchangeList) {
    this.#exchanges = exchanges
  }

  /** A request has begun. */
  wake(): void {
    if (this.#timer !== null) return
    this.now = performance.now()
    this.#idle = 0
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS)
  }

  /** One pass; exceptions of a request are its own affair. */
  sweep(): void {
    const now = performance.now()
    this.now = now
    if (this.#exchanges.size === 0) {
      if (++this.#idle >= IDLE_SWEEPS) this.stop()
      return
    }
    this.#idle = 0
    this.#exchanges.each((x) => {
      const watched = x.watched
      if (watched !== null && watched.dueAt <= now) watched.onDue(now)
    })
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}
