/** Plausible rules for tests and benchmarks of the parts. What a pool has that says nothing is the configuration's schema's to say. */
import type { BreakerRules } from '../breaker.ts'
import type { EjectionRules } from '../ejection.ts'
import type { RetryBudgetRules } from '../retry-budget.ts'
import type { RetryLimits } from '../retry-rule.ts'
import { type SheddingRules, sheddingRules } from '../shedding.ts'

export const EJECTION: EjectionRules = {
  failures: 5,
  baseMs: 30_000,
  maxMs: 300_000,
  maxShare: 0.5,
  statuses: new Set([502, 503, 504]),
}

export const BREAKER: BreakerRules = {
  consecutiveFailures: 5,
  failures: null,
  failureShare: { share: 0.5, minimumVolume: 20 },
  windowMs: 10_000,
  openMs: 15_000,
  jitterShare: 0.2,
  probes: 1,
  probeSuccesses: 1,
  probeLeaseMs: 30_000,
}

export const RETRIES: RetryLimits = {
  attemptsPerTarget: 2,
  attempts: 4,
  statuses: new Set([502, 503, 504]),
  unsafe: 'never',
}

export const RETRY_BUDGET: RetryBudgetRules = { share: 0.2, minimumPerSecond: 10, capacity: 1_000 }

export const SHEDDING: SheddingRules = sheddingRules({
  strained: { lagMs: 250, heapShare: 0.85 },
  overloaded: { lagMs: 500, heapShare: 0.92 },
})
