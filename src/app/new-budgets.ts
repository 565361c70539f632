import type { StoredKey } from '../storage/index.ts'
import type { BudgetBackfill } from './budget-backfill.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { Levels } from './levels.ts'
import type { SpentBefore } from './spent-before.ts'

export interface NewBudgetsOptions {
  readonly keys: KeyRegistry
  readonly database: Pick<Database, 'catchUp'>
  readonly spent: Pick<SpentBefore, 'learn'>
  readonly backfill: Pick<BudgetBackfill, 'begin'>
}

/** Budgets that begin while requests of their levels run. */
export class NewBudgets {
  readonly #options: NewBudgetsOptions

  constructor(options: NewBudgetsOptions) {
    this.#options = options
  }

  /**
   * Learns what was used of the budgets that these keys and levels bring, before they have places; whether they bring any. Rejects when
   * the database cannot tell.
   */
  async learn(keys: readonly StoredKey[], levels?: Levels): Promise<boolean> {
    const { keys: registry, database, spent } = this.#options
    const asked = registry.newBudgets(keys, levels)
    if (asked.length === 0) return false
    // All that was used up to now: what is still under way is counted later.
    if (!(await database.catchUp())) throw new Error('the database takes no records')
    await spent.learn(asked)
    return true
  }

  /** What was learned of is in force: requests from before it reserve nothing of it, and are counted when they end. */
  begin(): void {
    this.#options.backfill.begin(this.#options.keys.epoch)
  }
}
