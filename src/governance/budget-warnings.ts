import { read } from './budget.ts'
import { amountIn, cellWith, subSlot, tagOf, WARNED } from './budget-cells.ts'
import type { BudgetDocument } from './level-document.ts'

/** A budget has reached a threshold. */
export interface BudgetWarning {
  readonly budget: BudgetDocument
  /** Percent. */
  readonly threshold: number
  /** In the budget's own unit. */
  readonly spent: number
}

/**
 * The highest threshold that is reached with `more` than what was spent so far, when nobody has told it in this period: of all threads
 * only one is answered.
 */
export function warningOf(
  cells: BigInt64Array,
  budget: BudgetDocument,
  period: number,
  more: number,
): BudgetWarning | null {
  const { warnAt, slot, limit } = budget
  if (warnAt === undefined) return null
  const reading = read(cells, slot, period)
  const spent = reading.spent + reading.overshoot + more
  let threshold = 0
  for (const percent of warnAt) if (spent >= (limit / 100) * percent) threshold = percent
  return threshold > 0 && claim(cells, slot, period, threshold) ? { budget, threshold, spent } : null
}

function claim(cells: BigInt64Array, index: number, period: number, threshold: number): boolean {
  const cell = subSlot(index, period) + WARNED
  const tag = tagOf(period)
  for (let held = Atomics.load(cells, cell); ; ) {
    if (amountIn(held, tag) >= threshold) return false
    const found = Atomics.compareExchange(cells, cell, held, cellWith(tag, threshold))
    if (found === held) return true
    held = found
  }
}
