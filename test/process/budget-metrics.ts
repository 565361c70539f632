import type { Gateway } from '../harness/gateway.ts'
import { findSamples } from '../harness/metrics.ts'

/** State of a key's token budget in the current period, in tokens; `used` is what is spent and what is reserved. */
export interface BudgetState {
  readonly used: number
  readonly reserved: number
  readonly limit: number
}

/** The token budget of a key as `/metrics` shows it; NaN for what is not there. */
export async function budgetOf(gateway: Gateway, key = 'dev'): Promise<BudgetState> {
  const samples = await gateway.metrics()
  const value = (name: string) =>
    findSamples(samples, `ferro_budget_${name}`, { key, unit: 'tokens' })[0]?.value ?? Number.NaN
  return { used: value('used'), reserved: value('reserved'), limit: value('limit') }
}

/** A token budget that no test reaches. */
export const BIG_BUDGET = { budgets: [{ tokens: 1_000_000_000, per: 'month' }] } as const
