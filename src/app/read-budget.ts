import { type BudgetReading, read, returnedBudget } from '../governance/index.ts'

/** How a budget stands in this process, without what it has given back to other gateways that share it. */
export function readBudget(
  counters: BigInt64Array,
  { slot, lease }: { readonly slot: number; readonly lease: number | null },
  period: number,
): BudgetReading {
  const reading = read(counters, slot, period)
  if (lease === null) return reading
  const returned = returnedBudget(counters, lease, period)
  const { used, reserved } = reading
  return { ...reading, used: Math.max(0, used - returned), reserved: Math.max(0, reserved - returned) }
}
