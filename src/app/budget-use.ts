import type { BudgetUse } from '../control/index.ts'
import { periodOf } from '../governance/index.ts'
import type { StoredBudget } from '../storage/index.ts'
import { askedBudget } from './key-counters.ts'
import type { KeyRegistry } from './key-registry.ts'
import { readBudget } from './read-budget.ts'

/** What of a budget of a key or a level is used in the running period; null when it has no counter. */
export function budgetUse(
  { keys, counters }: { readonly keys: KeyRegistry; readonly counters: BigInt64Array },
  level: string,
  budget: StoredBudget,
): BudgetUse | null {
  const { counter, per, timeZone } = askedBudget(level, budget)
  const slot = keys.counterSlot(counter)
  if (slot === null) return null
  const period = periodOf(per, Date.now(), timeZone)
  const { spent, reserved, overshoot } = readBudget(counters, { slot, lease: keys.leaseOf(counter) }, period)
  return { spent: spent + overshoot, reserved }
}
