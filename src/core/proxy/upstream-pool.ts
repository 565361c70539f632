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
import type { Transport, UpstreamRequest } from '../phases.ts'

/** Memory that all workers share, as one worker sees it. */
export interface SharedState {
  readonly cells: SharedCells
  readonly seat: Seat
  /** First word of a slot that `slotNeeds` asked for. */
  readonly indexOf: (need: SlotNeed) => number
}

/** A server of a pool, and the connections to it. */
export interface PoolTarget extends Target {
  readonly transport: Transport
  /** Connections of the health checks, which wait for no request; absent: those of the requests. */
  readonly probe?: Transport
  /** What its slots are called by, and its claim to them, where targets have the same slots one after the other. */
  readonly slot?: string
  readonly claim?: bigint
}

/** Connections of a target finish what they carry and close. */
export async function closeTarget({ transport, probe }: PoolTarget): Promise<void> {
  await Promise.all([transport.close(), probe?.close()])
}

/** The servers of a pool at one time; a new object whenever they have changed. */
export interface PoolMembers {
  readonly targets: readonly PoolTarget[]
  /** In the order of the targets. */
  readonly states: readonly TargetState[]
  readonly ejector: Ejector | null
}

export interface UpstreamPoolOptions {
  readonly name: string
  /** Never empty. */
  readonly targets: readonly PoolTarget[]
  readonly shared: SharedState
  /** Milliseconds of the clock that all threads share. */
  readonly now: () => number
  readonly ejection: EjectionRules | null
  readonly health: (HealthCheck & { readonly request: UpstreamRequest }) | null
  readonly policy: PolicyKind
  /** What keeps requests on one target, for a policy that heeds it. */
  readonly keySource: KeySource | null
  readonly panicBelow: number | null
  /** Which Host the servers see: `target`, `client`, or a name. */
  readonly host: string
  /** Largest answer body in bytes; Infinity without a bound. */
  readonly maxResponse: number
  /** Longest wait for a free connection. */
  readonly pendingMs: number
  /** Requests in flight to one target, over all threads; absent: without a bound. */
  readonly maxRequests?: number
  /** A target became healthy or unhealthy. */
  readonly onHealth: (target: Target, verdict: 'healthy' | 'unhealthy', reason: string | null) => void
}

/** The servers behind routes, as one worker sees them: their connections, and what is known of them. */
export class UpstreamPool {
  readonly name: string
  readonly checked: boolean
  readonly policy: PolicyKind
  readonly keySource: KeySource | null
  readonly panicBelow: number | null
  readonly host: string
  readonly maxResponse: number
  readonly pendingMs: number
  readonly maxRequests: number
  readonly #options: UpstreamPoolOptions
  #members: PoolMembers
  #monitor: HealthMonitor | null

  constructor(options: UpstreamPoolOptions) {
    this.#options = options
    this.name = options.name
    this.checked = options.health !== null
    this.policy = options.policy
    this.keySource = options.keySource
    this.panicBelow = options.panicBelow
    this.host = options.host
    this.maxResponse = options.maxResponse
    this.pendingMs = options.pendingMs
    this.maxRequests = options.maxRequests ?? Number.POSITIVE_INFINITY
    this.#members = this.#gather(options.targets)
    this.#monitor = this.#startMonitor()
  }

  /** Whoever uses them asks anew for each request. */
  get members(): PoolMembers {
    return this.#members
  }

  /** From now on these are its servers. Requests that are on their way to others end there. */
  replace(targets: readonly PoolTarget[]): void {
    if (targets.length === 0) return
    this.#members = this.#gather(targets)
    if (this.#monitor === null) return
    this.unwatch()
    this.watch()
  }

  /** Checks its servers from now on, where it has a check. */
  watch(): void {
    this.#monitor ??= this.#startMonitor()
  }

  /** Checks them no more. It serves as before, by what is known of them. */
  unwatch(): void {
    this.#monitor?.close()
    this.#monitor = null
  }

  #gather(targets: readonly PoolTarget[]): PoolMembers {
    const { name, shared, ejection } = this.#options
    const states = targets.map(({ id, slot }) => {
      const index = shared.indexOf(targetSlot(name, slot ?? id, shared.seat.of))
      return new TargetState(shared.cells, index, shared.seat)
    })
    return { targets, states, ejector: ejection === null ? null : new Ejector(states, ejection) }
  }

  #startMonitor(): HealthMonitor | null {
    const { shared, name, health: check, now, onHealth } = this.#options
    if (check === null) return null
    const { targets, states } = this.#members
    const transports = new Map(targets.map(({ id, transport, probe = transport }) => [id, probe]))
    const monitor = new HealthMonitor({
      targets,
      states,
      check,
      probe: httpProbe((target) => transports.get(target.id) as Transport, check.request), // the monitor probes these targets
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
      onChange: onHealth,
    })
    monitor.start()
    return monitor
  }
}

/** Slots that a pool needs, for whoever allocates them. */
export function poolSlots(name: string, targets: readonly string[], seats: number): SlotNeed[] {
  return [monitorSlot(name), ...targets.map((id) => targetSlot(name, id, seats))]
}
