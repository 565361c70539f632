import type { KeyConfig } from '../config/index.ts'
import type { StoredLimits } from './records.ts'

/** Limits, budgets and rules of a key or a level in the stored form. */
export function storedLimits({ rules, ...amounts }: Pick<KeyConfig, 'limits' | 'budgets' | 'rules'>): StoredLimits {
  const stored = storedAmounts(amounts)
  if (rules.length === 0) return stored
  return {
    ...stored,
    rules: rules.map(({ by, only, when_absent, max_counters, ...own }) => ({
      by,
      only: only ?? null,
      when_absent,
      max_counters,
      ...storedAmounts(own),
    })),
  }
}

function storedAmounts({ limits, budgets }: Pick<KeyConfig, 'limits' | 'budgets'>): Omit<StoredLimits, 'rules'> {
  return {
    requests_per_second: limits.requests_per_second ?? null,
    requests_per_minute: limits.requests_per_minute ?? null,
    requests_per_day: limits.requests_per_day ?? null,
    burst: limits.burst ?? null,
    tokens_per_minute: limits.tokens_per_minute ?? null,
    concurrency: limits.concurrency ?? null,
    budgets: budgets.map(({ tokens, usd, per, time_zone, warn_at, on_exhausted }) => ({
      ...(tokens === undefined
        ? ({ unit: 'nanos', limit: usd ?? 0 } as const)
        : ({ unit: 'tokens', limit: tokens } as const)),
      per,
      ...(time_zone === undefined || time_zone === 'UTC' ? {} : { time_zone }),
      ...(warn_at === undefined ? {} : { warn_at: [...new Set(warn_at)].sort((a, b) => a - b) }),
      ...(on_exhausted === undefined || on_exhausted === 'refuse' ? {} : { switch_model: on_exhausted.switch_model }),
    })),
  }
}
