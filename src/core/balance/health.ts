import type { Random, Target } from './contract.ts'
import { checkOutcome, type Expectation, type ProbeOutcome } from './expectation.ts'
import type { HealthRules } from './health-state.ts'
import type { SharedLease } from './shared-lease.ts'
import type { TargetState } from './target-state.ts'

/** How the targets of a pool are checked. */
export interface HealthCheck extends HealthRules {
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly expected: Expectation
}

/** Asks a target once, e.g. by `http-probe.ts`. The signal aborts when the time is up; a rejection is a failed check. */
export type Probe = (target: Target, signal: AbortSignal) => Promise<ProbeOutcome>

/** Time, for a monitor: the real one, or a test's. */
export interface MonitorClock {
  now(): number
  /** Calls back once; the function given back prevents it. Must not keep the process alive. */
  after(ms: number, callback: () => void): () => void
}

export interface HealthMonitorOptions {
  readonly targets: readonly Target[]
  /** In the order of the targets. */
  readonly states: readonly TargetState[]
  readonly check: HealthCheck
  readonly probe: Probe
  /** Shared by the monitors of this pool in all threads; see `leaseLengthMs`. */
  readonly lease: SharedLease
  readonly clock: MonitorClock
  readonly random: Random
  /** A target's verdict changed; `reason` says why a check failed. */
  readonly onChange: (target: Target, verdict: 'healthy' | 'unhealthy', reason: string | null) => void
}

/** First checks come within this time of the start, spread at random; later ones keep their distance within a tenth. */
const START_SPREAD_MS = 1_000
const JITTER = 0.1

/** A lease that outlives one check of each target, so that only a thread's death or a stalled one hands it on. */
export function leaseLengthMs(check: HealthCheck): number {
  return 2 * check.intervalMs + check.timeoutMs
}

/**
 * Active health checks of one pool. Every data worker runs one, and the one that holds the lease probes: the state that
 * it finds is in shared memory, and when its thread dies another takes over. The control thread cannot do it, since it
 * loads no HTTP client, and a fixed worker would leave the pool unwatched while that one is replaced.
 */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions
  readonly #cancels: (() => void)[] = []
  readonly #running = new Set<AbortController>()
  #closed = false

  constructor(options: HealthMonitorOptions) {
    this.#options = options
  }

  start(): void {
    const { targets, check, random } = this.#options
    const spreadMs = Math.min(START_SPREAD_MS, check.intervalMs)
    for (const position of targets.keys()) this.#schedule(position, random() * spreadMs)
  }

  /** Stops checking and hands the lease on; checks that run have no effect any more. */
  close(): void {
    this.#closed = true
    for (const cancel of this.#cancels) cancel()
    for (const running of this.#running) running.abort()
    this.#options.lease.release()
  }

  #schedule(position: number, ms: number): void {
    this.#cancels[position] = this.#options.clock.after(ms, () => {
      void this.#checkAndGoOn(position)
    })
  }

  async #checkAndGoOn(position: number): Promise<void> {
    const { check, clock, lease, random } = this.#options
    const startedAt = clock.now()
    if (lease.hold(startedAt)) await this.#check(position)
    if (this.#closed) return
    // Counted from the start of the check, but a slow target is not asked without a pause.
    const distanceMs = check.intervalMs * (1 + JITTER * (2 * random() - 1))
    this.#schedule(position, Math.max(check.intervalMs / 2, distanceMs - (clock.now() - startedAt)))
  }

  async #check(position: number): Promise<void> {
    const { targets, states, check, clock, lease, onChange } = this.#options
    const target = targets[position]
    const state = states[position]
    if (target === undefined || state === undefined) return
    const reason = checkOutcome(await this.#probe(target), check.expected)
    if (this.#closed || !lease.isHeld(clock.now())) return
    if (state.enterCheck(reason === null, check, clock.now()))
      onChange(target, reason === null ? 'healthy' : 'unhealthy', reason)
  }

  /** Never rejects, and ends in time even when the probe does not. */
  async #probe(target: Target): Promise<ProbeOutcome> {
    const { check, clock, probe } = this.#options
    const abort = new AbortController()
    this.#running.add(abort)
    const late = Promise.withResolvers<ProbeOutcome>()
    const cancel = clock.after(check.timeoutMs, () => {
      late.resolve({ kind: 'failure', reason: `no answer within ${check.timeoutMs} ms` })
      abort.abort()
    })
    abort.signal.addEventListener('abort', () => late.resolve({ kind: 'failure', reason: 'the check was given up' }))
    try {
      return await Promise.race([probe(target, abort.signal), late.promise])
    } catch (error) {
      return { kind: 'failure', reason: error instanceof Error ? error.message : String(error) }
    } finally {
      cancel()
      this.#running.delete(abort)
    }
  }
}
