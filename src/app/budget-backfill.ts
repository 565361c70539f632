import { periodOf, read, restoreAtLeast } from '../governance/index.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'
import { counterPeriods } from './spent-before.ts'

const EVERY_MS = 2_000
const ATTEMPTS = 5

/**
 * Counts what a new budget cannot see: requests of its level that began before it reserve nothing from it, and are in the
 * database alone when they end. So the database is asked again until the last of them has ended.
 */
export class BudgetBackfill {
  readonly #database: Pick<Database, 'catchUp' | 'counterSums'>
  readonly #keys: Pick<KeyRegistry, 'budgets'>
  readonly #counters: BigInt64Array
  /** Epoch of keys with the newest budgets; 0 when all are complete. */
  #wanted = 0
  #quiet = 0
  #running = false
  #timer: NodeJS.Timeout | null = null

  constructor(
    database: Pick<Database, 'catchUp' | 'counterSums'>,
    keys: Pick<KeyRegistry, 'budgets'>,
    counters: BigInt64Array,
  ) {
    this.#database = database
    this.#keys = keys
    this.#counters = counters
  }

  /** Budgets have begun with this epoch of keys. */
  begin(epoch: number): void {
    this.#wanted = epoch
    this.#timer ??= setInterval(() => void this.#pass(), EVERY_MS).unref()
  }

  /** No running request began before this epoch. */
  quiet(epoch: number): void {
    this.#quiet = epoch
    if (this.#wanted !== 0 && epoch >= this.#wanted) void this.#pass()
  }

  /** Whether every budget has all that its level used before it. */
  get isComplete(): boolean {
    return this.#wanted === 0
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  async #pass(): Promise<void> {
    if (this.#running || this.#wanted === 0) return
    this.#running = true
    const isLast = this.#quiet >= this.#wanted
    const complete = await this.#count().catch(() => false) // the database refuses: asked again by the timer
    this.#running = false
    if (!complete || !isLast || this.#quiet < this.#wanted) return
    this.#wanted = 0
    this.close()
  }

  /** True when every budget has all that the database knows. */
  async #count(): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const nowMs = Date.now()
      const before = this.#sums(nowMs)
      if (!(await this.#database.catchUp())) return false
      const budgets = [...this.#keys.budgets()]
      const sums = await this.#database.counterSums(counterPeriods(budgets, nowMs))
      // Between the two moments a request may have ended, of which nobody can say whether the database has counted it.
      const isExact = this.#sums(nowMs).every((sum, at) => sum === before[at])
      if (!isExact && attempt < ATTEMPTS) continue
      const inForce = new Set(Array.from(this.#keys.budgets(), ({ counter, slot }) => `${slot} ${counter}`))
      for (const [at, { counter, slot, per, timeZone, limit }] of budgets.entries()) {
        if (!inForce.has(`${slot} ${counter}`)) continue
        restoreAtLeast(this.#counters, slot, periodOf(per, nowMs, timeZone), sums[at] ?? 0, limit)
      }
      return true
    }
  }

  #sums(nowMs: number): number[] {
    return [...this.#keys.budgets()].map(({ slot, per, timeZone }) => {
      const { spent, overshoot } = read(this.#counters, slot, periodOf(per, nowMs, timeZone))
      return spent + overshoot
    })
  }
}
