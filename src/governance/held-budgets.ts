import type { Released } from '../storage/index.ts'
import { settle, takeBack } from './budget.ts'
import { leasedBudget } from './cluster/lease.ts'

/** Gives counters of budgets back what was charged in advance, each in the period in which it was taken. */
export function giveBackHeld(
  counters: BigInt64Array,
  slotOf: (counter: string) => number | null,
  { charges }: Pick<Released, 'charges'>,
): void {
  for (const [counter, period, amount] of charges) {
    const slot = slotOf(counter)
    if (slot !== null) takeBack(counters, slot, period, amount)
  }
}

/** Where counters of budgets are, and what they may hold. */
export interface BudgetPlaces {
  /** Null for one that nobody has any more. */
  readonly slotOf: (counter: string) => number | null
  /** Null for one that no other gateway shares. */
  readonly leaseOf: (counter: string) => number | null
  readonly limitOf: (counter: string) => number
}

/** Counts in budgets what was entered after a settlement: more is spent, negative amounts are given back. */
export function countLater(
  counters: BigInt64Array,
  { slotOf, leaseOf, limitOf }: BudgetPlaces,
  charges: Released['charges'],
): void {
  for (const [counter, period, amount] of charges) {
    const slot = slotOf(counter)
    if (slot === null) continue
    const lease = leaseOf(counter)
    const limit = lease === null ? limitOf(counter) : leasedBudget(counters, lease, period)
    if (amount < 0) takeBack(counters, slot, period, -amount)
    else settle(counters, slot, period, 0, amount, limit)
  }
}
