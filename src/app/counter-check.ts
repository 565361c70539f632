import type { CounterCheck } from '../control/index.ts'
import { periodOf, read } from '../governance/index.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'

/** Requests that end between two readings may make a counter look wrong; it is looked at again. */
const ATTEMPTS = 5

/**
 * Holds the counters of budgets in shared memory against the ledger. While requests end, a counter is read before and after the
 * ledger: what the ledger says must lie between.
 */
export async function checkCounters(
  database: Pick<Database, 'catchUp' | 'spending'>,
  keys: Pick<KeyRegistry, 'budgets'>,
  counters: BigInt64Array,
): Promise<readonly CounterCheck[]> {
  for (let attempt = 1; ; attempt++) {
    const nowMs = Date.now()
    const budgets = [...keys.budgets()].map(({ keyId, budget }) => {
      const spent = () => {
        const reading = read(counters, budget.slot, periodOf(budget.per, nowMs))
        return reading.spent + reading.overshoot
      }
      return { keyId, budget, spent, least: spent() }
    })
    if (!(await database.catchUp())) throw new Error('the database takes nothing at present')
    const spending = new Map((await database.spending(nowMs)).map((entry) => [entry.keyId, entry]))
    const checks = budgets.map(({ keyId, budget: { counter, unit, per }, spent, least }): CounterCheck => {
      const entries = spending.get(keyId)?.[per][unit] ?? 0
      const most = spent()
      // What has no price is charged to budgets in full, and is no money in the entries.
      const agrees = entries <= most && (entries >= least || unit === 'nanos')
      return { counter, unit, entries, least, most, agrees }
    })
    if (attempt === ATTEMPTS || checks.every(({ agrees }) => agrees)) return checks
  }
}
