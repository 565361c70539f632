import type { BudgetPeriod, KeySpending } from '../storage/index.ts'

/** What each key had spent according to the database, when it was last asked. */
export class SpentBefore {
  #byKey = new Map<string, KeySpending>()

  load(spending: readonly KeySpending[]): void {
    this.#byKey = new Map(spending.map((entry) => [entry.keyId, entry]))
  }

  of(keyId: string, unit: 'tokens' | 'nanos', per: BudgetPeriod): number {
    return this.#byKey.get(keyId)?.[per][unit] ?? 0
  }
}
