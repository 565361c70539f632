import type { Released } from '../storage/index.ts'
import { takeBack } from './budget.ts'

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
