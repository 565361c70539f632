import type { ConfigDocument } from '../config/index.ts'
import { keyOfFile } from '../control/index.ts'
import type { Log } from '../observability/index.ts'
import type { BudgetBackfill } from './budget-backfill.ts'
import { loadDocument, type Overrides } from './configuration.ts'
import type { Database } from './database.ts'
import { warnOfDocumentedHashes } from './documented-hash-log.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { LevelChanges } from './level-changes.ts'
import { listenerKey } from './listener-urls.ts'
import { newAddresses } from './listeners.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import { probeBind } from './probe-bind.ts'
import { reloadProblem, restartsWorkers, withoutKeys } from './reload.ts'
import type { AskedBudget, SpentBefore } from './spent-before.ts'
import { StartError } from './start-error.ts'
import type { EntityChanges, WorkerPool } from './worker-pool.ts'

export interface ReloaderOptions {
  /** The configuration's file; null: there is none. */
  readonly source: string | null
  readonly overrides: Overrides
  readonly log: Log
  readonly pool: WorkerPool
  readonly keys: KeyRegistry
  readonly levels: LevelChanges
  /** Keeps reloads apart from changes by the admin API. */
  readonly turns: OneAtATime
  /** These changes of keys and levels are in force. */
  readonly onSwapped: (changes: EntityChanges) => void
  readonly database: Database
  readonly spent: SpentBefore
  readonly backfill: BudgetBackfill
  readonly inForce: () => ConfigDocument
  /** A document takes the place of the one in force. */
  readonly adopt: (document: ConfigDocument) => void
  readonly isStopping: () => boolean
  /** Of the data listeners, for the log. */
  readonly urls: () => Readonly<Record<string, string>>
}

/** Of a level that both the file and the database have. */
export const HIDDEN = 'a level of the database is in the configuration file too, which wins'

/** Takes over a changed configuration in the running process: all of it at one moment, or nothing. */
export class Reloader {
  readonly #options: ReloaderOptions
  #running: Promise<void> = Promise.resolve()
  /** The last reload failed for want of the database. */
  #waits = false

  constructor(options: ReloaderOptions) {
    this.#options = options
  }

  /** Loads the file and takes it over, or says in the log why not. */
  async reload(reason: string): Promise<void> {
    // One at a time, in order: the last word is the newest file.
    this.#running = this.#running.then(async () => await this.#reloadNow(reason))
    return await this.#running
  }

  /** Tries again what failed for want of the database. */
  onDatabaseBack(): void {
    if (this.#waits) void this.reload('the database is back')
  }

  async #reloadNow(reason: string): Promise<void> {
    const { source, overrides, log, pool, inForce, isStopping, turns } = this.#options
    if (isStopping()) return
    pool.reopenLogs()
    if (source === null) return
    try {
      const { document: next } = await loadDocument(source, overrides)
      const old = inForce()
      const problem = reloadProblem(old, next)
      if (problem !== null) throw new StartError(problem)
      await Promise.all(
        newAddresses(old, next).map(
          async ({ name, config, beside }) => await probeBind(listenerKey(name, next), config.listen, { beside }),
        ),
      )
      await turns.run(async () => await this.#takeOver(next))
      log.info('the configuration was reloaded', { reason, version: pool.version })
      if (restartsWorkers(old, next)) await this.#replaceWorkers()
    } catch (error) {
      const details = error instanceof StartError ? error.details : null
      const message = error instanceof Error ? error.message : String(error)
      log.error('the configuration was not reloaded; the old one stays in force', { reason, error: message, details })
    }
  }

  /** Puts a document in force: its plan and its keys at one moment, or nothing of it. */
  async #takeOver(next: ConfigDocument): Promise<void> {
    const { pool, keys, log, backfill, adopt, onSwapped } = this.#options
    const prepared = await pool.prepare(withoutKeys(next))
    if (typeof prepared === 'string') throw new StartError(prepared)
    try {
      const levels = this.#options.levels.beside(next)
      const asked = keys.newBudgets(next.keys.map(keyOfFile), levels)
      const begins = asked.length > 0
      if (begins) await this.#learnSpending(asked)
      // Nothing is awaited from here on: no other change comes between.
      const staged = keys.stageFileKeys(next.keys, levels)
      adopt(withoutKeys(next))
      staged.apply((changes, epoch, levels) => {
        onSwapped({ changes, levels })
        pool.swap(prepared, { changes, levels }, epoch)
      })
      for (const problem of staged.problems) log.warn(problem, {})
      warnOfDocumentedHashes(next, log)
      for (const level of levels.hidden) log.warn(HIDDEN, { level })
      if (begins) backfill.begin(keys.epoch)
    } catch (error) {
      pool.discard(prepared)
      throw error
    }
  }

  /** What was spent of budgets that begin; without the database nobody knows it. */
  async #learnSpending(asked: readonly AskedBudget[]): Promise<void> {
    const { database, spent } = this.#options
    this.#waits = false
    try {
      if (!(await database.catchUp())) throw new Error('it takes no records')
      await spent.learn(asked)
    } catch (error) {
      this.#waits = true
      const reason = error instanceof Error ? error.message : String(error)
      throw new StartError(
        `The file adds budgets, and the database cannot tell what was spent of them (${reason}). ` +
          'The file is loaded again when the database is back; without new budgets it is taken at once.',
      )
    }
  }

  async #replaceWorkers(): Promise<void> {
    const { pool, log, urls } = this.#options
    try {
      await pool.roll()
      log.info('the data workers were replaced', { listeners: urls() })
    } catch (error) {
      const message = 'a data worker could not be replaced and keeps its old listeners, limits, journal and log'
      log.error(message, { error })
    }
  }
}
