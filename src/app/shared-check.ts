import { setTimeout as delay } from 'node:timers/promises'
import type { SharedAccount } from '../control/index.ts'
import type { Cluster, SharedBudget } from './cluster.ts'
import type { KeyRegistry } from './key-registry.ts'
import { readBudget } from './read-budget.ts'

/** What has changed in memory is told to the store within half a second. */
const ATTEMPTS = 8
const PAUSE_MS = 150

export interface SharedToCheck {
  readonly cluster: Pick<Cluster, 'accounts'>
  readonly keys: Pick<KeyRegistry, 'limits'>
  readonly counters: BigInt64Array
}

/**
 * Holds what the counter store has of budgets against what this gateway has used and reserved of them, by the names of their counters;
 * null when the store cannot be asked. What changes while it is read is not judged.
 */
export async function checkShared({ cluster, keys, counters }: SharedToCheck) {
  const found = new Map<string, SharedAccount>()
  try {
    for (let attempt = 1; ; attempt++) {
      const before = memoryOf(await cluster.accounts(keys.limits()), counters)
      const budgets = await cluster.accounts(keys.limits())
      const after = memoryOf(budgets, counters)
      for (const [at, { counter, account }] of budgets.entries()) {
        const memory = after[at] ?? 0
        const isMoving = before.length !== after.length || before[at] !== memory
        const agrees = account.sum === account.parts && (isMoving || account.own === memory)
        found.set(counter.name, { ...account, memory, agrees })
      }
      if (attempt === ATTEMPTS || [...found.values()].every(({ agrees }) => agrees)) return found
      await delay(PAUSE_MS)
    }
  } catch {
    return null // the store cannot be reached, which readiness and the log say
  }
}

/** What is used and reserved, as memory has it. */
function memoryOf(budgets: readonly SharedBudget[], counters: BigInt64Array): number[] {
  return budgets.map(({ counter: { slot, lease, period } }) => {
    const { used, overshoot } = readBudget(counters, { slot, lease }, period)
    return used + overshoot
  })
}
