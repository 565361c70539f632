import { type BudgetDocument, periodEnd, periodOf, periodStart } from '../governance/index.ts'
import type { CounterPeriod } from '../storage/index.ts'
import type { Database } from './database.ts'

/** A budget, whether its counter has a place yet or not. */
export type AskedBudget = Pick<BudgetDocument, 'level' | 'counter' | 'unit' | 'per' | 'timeZone'>

/** What a counter had spent in a period, when the database was last asked. */
export type SpentIn = (counter: string, period: number) => number

/** What counters had spent according to the database, when it was last asked. */
export class SpentBefore {
  readonly #database: Pick<Database, 'counterSums'>
  #spent: SpentIn = () => 0

  constructor(database: Pick<Database, 'counterSums'>) {
    this.#database = database
  }

  /** Asks what was spent of budgets that begin. Rejects when the database cannot tell. */
  async learn(asked: readonly AskedBudget[]): Promise<void> {
    if (asked.length > 0) this.#spent = await askSpent(this.#database, asked)
  }

  /** 0 for what was not among the budgets of the last `learn`. */
  of(counter: string, period: number): number {
    return this.#spent(counter, period)
  }
}

/** What these budgets have spent in their present periods, as far as it is in the database. */
export async function askSpent(
  database: Pick<Database, 'counterSums'>,
  budgets: readonly AskedBudget[],
): Promise<SpentIn> {
  const periods = counterPeriods(budgets, Date.now())
  const sums = await database.counterSums(periods)
  const spent = new Map(periods.map(({ counter, period }, at) => [`${period}\n${counter}`, sums[at] ?? 0]))
  return (counter, period) => spent.get(`${period}\n${counter}`) ?? 0
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
