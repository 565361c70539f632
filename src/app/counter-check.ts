import type { CounterCheck } from '../control/index.ts'
import { type BudgetDocument, periodOf, read } from '../governance/index.ts'
import type { CounterBooks } from '../storage/index.ts'
import type { BudgetBackfill } from './budget-backfill.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'
import { checkShared, type SharedToCheck } from './shared-check.ts'
import { counterPeriods } from './spent-before.ts'

/** Requests that end between two readings may make a counter look wrong; it is looked at again. */
const ATTEMPTS = 5

export interface CountersToCheck {
  readonly database: Pick<Database, 'catchUp' | 'counterBooks' | 'instances'>
  readonly keys: Pick<KeyRegistry, 'budgets' | 'limits'>
  readonly counters: BigInt64Array
  readonly backfill: Pick<BudgetBackfill, 'isComplete'>
  /** Several gateways count together: then memory has what this one has spent, and nobody else's. Null: this one counts alone. */
  readonly cluster: SharedToCheck['cluster'] | null
}

/**
 * Holds the counters of budgets in shared memory against what the database says they were charged, and that against the
 * entries of their levels. Nothing is filled up or mended. While requests end, a counter is read before and after the
 * database: what that says must lie between. Where several instances write one database and each counts for
 * itself, it knows of more than this memory.
 */
export async function checkCounters(of: CountersToCheck): Promise<readonly CounterCheck[]> {
  const { cluster } = of
  if (cluster === null) return await checkMemory(of)
  const checks = await checkMemory(of)
  const shared = await checkShared({ ...of, cluster })
  return checks.map((check) => {
    const account = shared?.get(check.counter) ?? null
    return { ...check, shared: account, agrees: check.agrees && account?.agrees !== false }
  })
}

async function checkMemory(of: CountersToCheck): Promise<readonly CounterCheck[]> {
  const { database, keys, counters, backfill } = of
  const isCluster = of.cluster !== null
  for (let attempt = 1; ; attempt++) {
    const nowMs = Date.now()
    const asked = [...keys.budgets()]
    const budgets = asked.map((budget) => {
      const { slot, per, timeZone } = budget
      const spent = () => {
        const reading = read(counters, slot, periodOf(per, nowMs, timeZone))
        return reading.spent + reading.overshoot
      }
      return { budget, spent, least: spent() }
    })
    // Requests that began before a budget are charged to their levels alone until it is filled up.
    const wasComplete = backfill.isComplete
    if (!(await database.catchUp())) throw new Error('the database takes nothing at present')
    const isShared = !isCluster && (await database.instances()) > 1
    const books = await database.counterBooks(counterPeriods(asked, nowMs))
    const checks = budgets.map(({ budget, spent, least }, at): CounterCheck => {
      const { counter, unit } = budget
      const found = books[at] ?? { spent: 0, used: 0, share: 0 }
      const sum = isCluster ? found.share : found.spent
      const most = spent()
      const inMemory = least <= sum && (isShared || sum <= most)
      const agrees = inMemory && (!wasComplete || !backfill.isComplete || isWhole(budget, found))
      const entries = isOfValue(budget) ? null : found.used
      return { counter, unit, entries: sum === found.spent ? entries : null, sum, least, most, agrees }
    })
    if (attempt === ATTEMPTS || checks.every(({ agrees }) => agrees)) return checks
  }
}

/**
 * Whether a counter was charged all that its level used, and not more. What may be more: USD are charged for a request whose
 * cost nobody knows, of which the entries know nothing; and what a time zone cuts off a UTC day is summed from rows, that
 * may be gone.
 */
function isWhole(budget: BudgetDocument, { spent, used }: CounterBooks): boolean {
  if (isOfValue(budget)) return true
  const { unit, timeZone } = budget
  return spent >= used && (unit !== 'tokens' || timeZone !== 'UTC' || spent <= used)
}

/** What rules count apart is of no level whose entries could be summed: `team:search/end_user=ann`. */
function isOfValue({ level }: BudgetDocument): boolean {
  return level.includes('/')
}
