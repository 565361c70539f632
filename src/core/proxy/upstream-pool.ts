import type { Seat, Target } from '../balance/contract.ts'
import { type EjectionRules, Ejector } from '../balance/ejection.ts'
import type { KeySource } from '../balance/hash-key.ts'
import { type HealthCheck, HealthMonitor, leaseLengthMs } from '../balance/health.ts'
import { httpProbe } from '../balance/http-probe.ts'
import type { PolicyKind } from '../balance/policy.ts'
import type { SharedCells } from '../balance/shared-cells.ts'
import { SharedLease } from '../balance/shared-lease.ts'
import { monitorSlot, type SlotNeed, targetSlot } from '../balance/slots.ts'
import { TargetState } from '../balance/target-state.ts'
import type { Transport } from '../phases.ts'

/** Memory that all workers share, as one worker sees it. */
export interface SharedState {
  readonly cells: SharedCells
  readonly seat: Seat
  /** First word of a slot that `slotNeeds` asked for. */
  readonly indexOf: (need: SlotNeed) => number
}

export interface UpstreamPoolOptions {
  readonly name: string
  readonly targets: readonly (Target & { readonly transport: Transport })[]
  readonly shared: SharedState
  /** Milliseconds of the clock that all threads share. */
  readonly now: () => number
  readonly ejection: EjectionRules | null
  readonly health: (HealthCheck & { readonly path: string }) | null
  readonly policy: PolicyKind
  /** What keeps requests on one target, for a policy that heeds it. */
  readonly keySource: KeySource | null
  readonly panicBelow: number | null
  /** Which Host the servers see. */
  readonly host: 'target' | 'client'
  /** Largest answer body in bytes; Infinity without a bound. */
  readonly maxResponse: number
  /** A target became healthy or unhealthy. */
  readonly onHealth: (target: Target, verdict: 'healthy' | 'unhealthy', reason: string | null) => void
}

/** The servers behind routes, as one worker sees them: their connections, and what is known of them. */
export class UpstreamPool {
  readonly name: string
  readonly targets: UpstreamPoolOptions['targets']
  readonly states: readonly TargetState[]
  readonly ejector: Ejector | null
  readonly checked: boolean
  readonly policy: PolicyKind
  readonly keySource: KeySource | null
  readonly panicBelow: number | null
  readonly host: 'target' | 'client'
  readonly maxResponse: number
  readonly #monitor: HealthMonitor | null

  constructor(options: UpstreamPoolOptions) {
    const { name, targets, shared, health, now } = options
    this.name = name
    this.targets = targets
    this.states = targets.map(({ id }) => {
      const index = shared.indexOf(targetSlot(name, id, shared.seat.of))
      return new TargetState(shared.cells, index, shared.seat)
    })
    this.ejector = options.ejection === null ? null : new Ejector(this.states, options.ejection)
    this.checked = health !== null
    this.policy = options.policy
    this.keySource = options.keySource
    this.panicBelow = options.panicBelow
    this.host = options.host
    this.maxResponse = options.maxResponse
    this.#monitor = health === null ? null : this.#watch(options, health, now)
  }

  close(): void {
    this.#monitor?.close()
  }

  #watch(
    options: UpstreamPoolOptions,
    check: HealthCheck & { readonly path: string },
    now: () => number,
  ): HealthMonitor {
    const { shared, name, targets } = options
    const transports = new Map(targets.map((target) => [target.id, target.transport]))
    const request = { method: 'GET', path: check.path, headers: ['user-agent', 'ferro-health'], body: null }
    const monitor = new HealthMonitor({
      targets,
      states: this.states,
      check,
      probe: httpProbe((target) => transports.get(target.id) as Transport, request), // the monitor probes these targets
      lease: new SharedLease(shared.cells, shared.indexOf(monitorSlot(name)), {
        seat: shared.seat,
        lengthMs: leaseLengthMs(check),
      }),
      clock: {
        now,
        after: (ms, callback) => {
          const timer = setTimeout(callback, ms).unref()
          return () => clearTimeout(timer)
        },
      },
      random: Math.random,
      onChange: options.onHealth,
    })
    monitor.start()
    return monitor
  }
}

/** Slots that a pool needs, for whoever allocates them. */
export function poolSlots(name: string, targets: readonly string[], seats: number): SlotNeed[] {
  return [monitorSlot(name), ...targets.map((id) => targetSlot(name, id, seats))]
}
