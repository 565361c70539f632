/**
 * Behind a route stands a pool: servers that can each answer the request, called **targets**. This folder decides which
 * target gets a request, and learns from what comes back. Nothing here opens a connection or reads a byte.
 *
 *   request ─► Balancer.choose ─► Policy.pick (among the available) ─► attempt ─► Balancer.report, release
 *                    ▲                                                                 │
 *                    └── TargetState: active health, ejection, in flight ◄─────────────┤
 *                    └── Breaker per (route, target) ◄─────────────────────────────────┘
 *
 * A target is **available** when active checks do not call it unhealthy (`health.ts`), it is not ejected
 * (`ejection.ts`) and its breaker admits a request (`breaker.ts`). A policy sees the available ones only. What workers
 * must agree on lives in shared memory, in slots with stable names (`slots.ts`), so that it survives a reload. What
 * happens after a failure is for `retry-rule.ts`, `retry-budget.ts` and `backoff.ts`; whether a request is let in at all
 * when the process is overloaded, for `shedding.ts`.
 *
 * Times are milliseconds of one monotonic clock that all threads share (`monotonicUs() / 1000`), given by the caller.
 * Every thread that picks has a **seat**: a number below a fixed count, its row in the cells that only it writes.
 *
 * Read on at `balancer.ts`, which joins the parts.
 */
import type { Available } from './available.ts'

/** One server of a pool. */
export interface Target {
  /** Names it in slots, logs and metrics: its origin. What is known of a target is kept under this name. */
  readonly id: string
  /** Share of the requests relative to the other targets; a whole number from 1 to 1000. */
  readonly weight: number
}

/** Chooses one of the targets that are available now. Keeps its own state per thread, allocates nothing per pick. */
export interface Policy {
  /**
   * The position, in the pool, of one of `available`, which is never empty. `key` is the hash of what should stay on one
   * target (`hash-key.ts`), or NO_KEY; most policies ignore it.
   */
  pick(available: Available, key: number): number
}

/**
 * What an attempt says about its target. `down`: there was no connection, which no request can bring about. `failure`:
 * it failed otherwise, which may be this one request's fault. `neutral`: nothing (the client left, our own limit
 * refused, the target said that it is busy). `outcome.ts` has the table.
 */
export type Outcome = 'success' | 'failure' | 'down' | 'neutral'

/** Who writes into cells that each thread has its own of. */
export interface Seat {
  /** From 0; no two living threads have the same. */
  readonly number: number
  /** How many seats there are, spare ones for threads that overlap during a replacement included; never changes. */
  readonly of: number
}

/** A random number from 0 up to, but not including, 1. */
export type Random = () => number
