import { type BudgetDocument, periodEnd, periodOf, periodStart } from '../governance/index.ts'
import type { CounterPeriod } from '../storage/index.ts'

/** A budget, whether its counter has a place yet or not. */
export type AskedBudget = Pick<BudgetDocument, 'level' | 'counter' | 'unit' | 'per' | 'timeZone'>

/** What counters had spent according to the database, when it was last asked. */
export class SpentBefore {
  readonly #spent = new Map<string, number>()

  load(asked: readonly CounterPeriod[], sums: readonly number[]): void {
    this.#spent.clear()
    for (const [at, { counter, period }] of asked.entries()) this.#spent.set(`${period}\n${counter}`, sums[at] ?? 0)
  }

  of(counter: string, period: number): number {
    return this.#spent.get(`${period}\n${counter}`) ?? 0
  }
}

/** The periods of budgets in which a moment lies. */
export function counterPeriods(budgets: Iterable<AskedBudget>, nowMs: number): CounterPeriod[] {
  return Array.from(budgets, ({ level, counter, unit, per, timeZone }) => ({
    level,
    counter,
    unit,
    period: periodOf(per, nowMs, timeZone),
    fromMs: periodStart(per, nowMs, timeZone),
    toMs: periodEnd(per, nowMs, timeZone),
  }))
}
