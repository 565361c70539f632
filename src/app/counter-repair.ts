import { setTimeout as delay } from 'node:timers/promises'
import { type Charge, closeOpen, finishSettle, giveBackLeft, readIntents } from '../governance/index.ts'
import type { Log } from '../observability/index.ts'
import type { DeadWorker, WorkerStart } from '../storage/index.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { DeadWorkerMemory } from './memory.ts'

const FROM_THE_BEGINNING = { step: 0, rest: 0 }

/**
 * Mends the shared counters after a worker's death, so that no budget is lost or left taken: what the worker took but
 * did not journal is given back, what it journalled as settled but did not apply is applied, what it left open is
 * spent in full (ARCHITECTURE.md, "Journal").
 */
export class CounterRepair {
  readonly #database: Database
  readonly #keys: KeyRegistry
  readonly #counters: BigInt64Array
  readonly #log: Log
  readonly #running = new Set<Promise<void>>()
  readonly #unreported = new Set<DeadWorkerMemory>()
  #closing = false

  constructor(database: Database, keys: KeyRegistry, counters: BigInt64Array, log: Log) {
    this.#database = database
    this.#keys = keys
    this.#counters = counters
    this.#log = log
  }

  /** A worker's thread has ended. */
  buried(dead: DeadWorkerMemory): void {
    const running = this.#mend(dead).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /**
   * Resolves when every repair that began is complete. One for which the database refuses is given up: the counters end
   * with the process, and the journal tells the next start.
   */
  async close(): Promise<void> {
    this.#closing = true
    await Promise.all(this.#running)
  }

  /** The dead workers of whose end the writer has not told yet; it must keep their journals until it has. */
  get unreported(): readonly WorkerStart[] {
    return [...this.#unreported].map(({ worker, startMs }) => ({ worker, startMs }))
  }

  async #mend(dead: DeadWorkerMemory): Promise<void> {
    const left = readIntents(new Float64Array(dead.own.intents))
    const report = await this.#report(dead, left.segment)
    if (report === null) return
    const counters = this.#counters
    // Entries of the last segment beyond those that were cleared belong to the oldest intents.
    const journalled = report.sequence === left.segment ? Math.max(0, report.reserveCharges - left.journalled) : 0
    for (const taken of left.taken.slice(journalled)) giveBackLeft(counters, taken)

    const unapplied = report.unapplied.flatMap(({ reserved, final }) =>
      reserved.map(([name, period, amount], at) => ({ name, period, amount, actual: final[at]?.[2] ?? amount })),
    )
    for (const [at, { name, period, amount, actual }] of unapplied.slice(left.settled).entries()) {
      const charge = this.#chargeOf(name, period, amount)
      // The worker may have died within the first one.
      if (charge !== null) finishSettle(counters, charge, actual, at === 0 ? left.progress : FROM_THE_BEGINNING)
    }
    for (const charges of report.open) {
      for (const [name, period, amount] of charges) {
        const charge = this.#chargeOf(name, period, amount)
        if (charge !== null) closeOpen(counters, charge.index, period, amount)
      }
    }
    if (report.open.length > 0) {
      this.#log.warn('requests of a worker that died were settled at their full reservation', {
        worker: dead.worker,
        lost: report.open.length,
      })
    }
  }

  /** The journal's story of the worker's last segment; asked again until the writer answers, or the process ends: null. */
  async #report(dead: DeadWorkerMemory, segment: number): Promise<DeadWorker | null> {
    this.#unreported.add(dead)
    for (;;) {
      try {
        const report = await this.#database.workerDied(dead.worker, dead.startMs, { sequence: segment, ordinal: 0 })
        this.#unreported.delete(dead)
        return report
      } catch (error) {
        if (this.#closing) return null
        this.#log.error('the writer did not answer for a dead worker; asking again', { worker: dead.worker, error })
        await delay(500)
      }
    }
  }

  #chargeOf(counter: string, period: number, amount: number): Charge | null {
    const slot = this.#keys.counterSlot(counter)
    return slot === null ? null : { index: slot, period, amount, limit: this.#keys.budgetLimit(counter) }
  }
}
