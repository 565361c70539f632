import type { Released } from '../storage/index.ts'
import { takeBack } from './budget.ts'
import type { BudgetDocument } from './key-document.ts'
import { periodOf } from './period.ts'

/** Gives the budgets of a key back what was charged in advance, each in the period in which it was taken. */
export function giveBackHeld(
  counters: BigInt64Array,
  budgets: readonly BudgetDocument[],
  { reservedAt, tokens, nanos }: Released,
): void {
  for (const { slot, per, unit } of budgets) {
    takeBack(counters, slot, periodOf(per, reservedAt), unit === 'tokens' ? tokens : nanos)
  }
}
