/** What the schema's defaults come to, for tests and benchmarks of the parts; `docs/upstreams.md` explains the numbers. */
import type { BreakerRules } from './breaker.ts'
import type { EjectionRules } from './ejection.ts'
import type { RetryBudgetRules } from './retry-budget.ts'
import type { RetryLimits } from './retry-rule.ts'

/** Panic when no target is healthy. */
export const DEFAULT_PANIC_BELOW = 0

export const DEFAULT_EJECTION: EjectionRules = {
  failures: 5,
  baseMs: 30_000,
  maxMs: 300_000,
  maxShare: 0.5,
  statuses: new Set([502, 503, 504]),
}

export const DEFAULT_BREAKER: BreakerRules = {
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

export const DEFAULT_RETRIES: RetryLimits = {
  attemptsPerTarget: 2,
  attempts: 4,
  statuses: new Set([502, 503, 504]),
  unsafe: 'never',
}

/** On a quiet route a server may die: its breaker opens, after five failures, before the minimum is used up. */
export const DEFAULT_RETRY_BUDGET: RetryBudgetRules = { share: 0.2, minimumPerSecond: 10, capacity: 1_000 }
