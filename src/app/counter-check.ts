import type { CounterCheck } from '../control/index.ts'
import { periodOf, read } from '../governance/index.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'
import { counterPeriods } from './spent-before.ts'

/** Requests that end between two readings may make a counter look wrong; it is looked at again. */
const ATTEMPTS = 5

/**
 * Holds the counters of budgets in shared memory against the ledger. While requests end, a counter is read before and after the
 * ledger: what the ledger says must lie between.
 */
export async function checkCounters(
  database: Pick<Database, 'catchUp' | 'counterSums'>,
  keys: Pick<KeyRegistry, 'budgets'>,
  counters: BigInt64Array,
): Promise<readonly CounterCheck[]> {
  for (let attempt = 1; ; attempt++) {
    const nowMs = Date.now()
    const asked = [...keys.budgets()]
    const budgets = asked.map(({ counter, unit, slot, per, timeZone }) => {
      const spent = () => {
        const reading = read(counters, slot, periodOf(per, nowMs, timeZone))
        return reading.spent + reading.overshoot
      }
      return { counter, unit, spent, least: spent() }
    })
    if (!(await database.catchUp())) throw new Error('the database takes nothing at present')
    const sums = await database.counterSums(counterPeriods(asked, nowMs))
    const checks = budgets.map(({ counter, unit, spent, least }, at): CounterCheck => {
      const entries = sums[at] ?? 0
      const most = spent()
      return { counter, unit, entries, least, most, agrees: least <= entries && entries <= most }
    })
    if (attempt === ATTEMPTS || checks.every(({ agrees }) => agrees)) return checks
  }
}
