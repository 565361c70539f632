import {
  type BreakerRules,
  RetryBudget,
  retryBudgetSlot,
  type SharedState,
  shadowsSlot,
  TargetState,
  Trial,
  trialSlot,
} from '../../../core/index.ts'
import type { RoutingCanary } from '../canary/canary.ts'
import type { AnswerKind, BreakerSettings, RoutingTarget, TargetStatistics } from '../contract.ts'
import { type AttemptCounts, MODELS, TargetMemory } from './target-memory.ts'

/** Breakers that opened in one moment must not all try again in one. */
const JITTER_SHARE = 0.2
/** A probe that has not reported after this long is given up: answers of models take their time. */
const PROBE_LEASE_MS = 120_000
const MOST_SAVED_RETRIES = 1_000

export interface RetryShare {
  readonly share: number
  readonly perSecond: number
}

/** What all threads know of the targets of one plan. */
export class TargetMemories implements TargetStatistics {
  readonly budget: RetryBudget
  readonly #shared: SharedState
  readonly #count: AttemptCounts | null
  readonly #memories = new WeakMap<RoutingTarget, TargetMemory>()

  constructor(shared: SharedState, { share, perSecond }: RetryShare, count: AttemptCounts | null = null) {
    this.#count = count
    const { cells, indexOf } = shared
    this.#shared = shared
    this.budget = new RetryBudget(cells, indexOf(retryBudgetSlot(MODELS)), {
      share,
      minimumPerSecond: perSecond,
      minimum: 'least',
      capacity: MOST_SAVED_RETRIES,
    })
  }

  of(target: RoutingTarget): TargetMemory {
    const { recall } = target
    if (recall.of === this && recall.memory !== null) return recall.memory
    let memory = this.#memories.get(target)
    if (memory === undefined) {
      const { id, shared: sharedBy, credentialId, breaker, concurrency } = target
      memory = new TargetMemory({
        id,
        sharedBy,
        credentialId,
        shared: this.#shared,
        breaker: rulesOf(breaker),
        concurrency,
        count: this.#count,
      })
      this.#memories.set(target, memory)
    }
    recall.of = this
    recall.memory = memory
    return memory
  }

  /** How a canary has done so far. */
  trialOf({ entry, settings, stop, restart_after }: RoutingCanary): Trial {
    return new Trial(this.#shared.cells, this.#shared.indexOf(trialSlot(entry, settings)), {
      // A part of a hundred that is one and a half failures is passed by two.
      failures: Math.floor(stop.errors * stop.over + 1e-9),
      over: stop.over,
      restartMs: restart_after ?? null,
    })
  }

  /** Copies of the requests of an entry that are on their way. */
  shadowsInFlight(entry: string): TargetState {
    const { cells, indexOf, seat } = this.#shared
    return new TargetState(cells, indexOf(shadowsSlot(MODELS, entry, seat.of)), seat)
  }

  firstByteMs(target: RoutingTarget, kind: AnswerKind): number {
    const { medianMs } = this.of(target).answers(kind)
    return medianMs === 0 ? Number.NaN : medianMs
  }

  failureShare(target: RoutingTarget, nowMs: number): number {
    return this.of(target).recent.failureShare(nowMs)
  }

  inFlight(target: RoutingTarget): number {
    return this.of(target).inFlight
  }

  restsMs(target: RoutingTarget, nowMs: number): number {
    return this.of(target).restsMs(nowMs)
  }

  refusesMs(target: RoutingTarget, nowMs: number): number {
    return this.of(target).waitMs(nowMs)
  }

  opensInMs(target: RoutingTarget, nowMs: number): number {
    return this.of(target).opensInMs(nowMs)
  }

  isThrottled(target: RoutingTarget, nowMs: number): boolean {
    return this.of(target).isThrottled(nowMs)
  }
}

function rulesOf(settings: BreakerSettings | null): BreakerRules | null {
  if (settings === null) return null
  return {
    ...settings,
    failures: null,
    jitterShare: JITTER_SHARE,
    probeSuccesses: 1,
    probeLeaseMs: PROBE_LEASE_MS,
  }
}
