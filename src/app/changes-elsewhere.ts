import type { Log } from '../observability/index.ts'
import type { ChangedElsewhere } from '../storage/index.ts'
import type { ClusterNotice } from './cluster.ts'
import type { Database } from './database.ts'
import { keyEntry } from './key-entry.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { KeyRevocation } from './key-revocation.ts'
import type { LevelChanges } from './level-changes.ts'
import type { NewBudgets } from './new-budgets.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import type { Reloader } from './reloader.ts'

export interface ChangesElsewhereOptions {
  readonly keys: KeyRegistry
  readonly levels: LevelChanges
  readonly turns: OneAtATime
  readonly newBudgets: NewBudgets
  readonly revocation: KeyRevocation
  readonly reloader: Reloader
  readonly database: Pick<Database, 'lookForKeys'>
  readonly log: Log
  readonly isStopping: () => boolean
}

/** Takes over here what others have changed: other replicas, and other programs on the same database. */
export class ChangesElsewhere {
  readonly #options: ChangesElsewhereOptions

  constructor(options: ChangesElsewhereOptions) {
    this.#options = options
  }

  /** Another replica has changed something. */
  async hear(notice: ClusterNotice): Promise<void> {
    const { keys, revocation, reloader, log, isStopping } = this.#options
    if (isStopping()) return
    if (notice.type === 'reload') return await reloader.reload('another replica was reloaded')
    if (notice.type === 'keys') return await this.#lookForKeys()
    const found = keys.find(notice.key)
    if (found === null || found.key.hash !== notice.hash || found.key.revoked_at !== null) return
    if (found.owner === 'file') return // the file says who may do what; a change of it is told as a reload
    log.info('a key was revoked on another replica', { key: notice.key })
    const after = { ...found.key, enabled: false, revoked_at: Date.now() }
    const by = { id: 'replica', address: null, requestId: null }
    await revocation.revoke(found.key, keyEntry(by, 'key.revoke', { before: found.key, after }))
  }

  async #lookForKeys(): Promise<void> {
    try {
      await this.#options.database.lookForKeys()
    } catch {
      // The database is looked at each second, and what is wrong with it is said by the ingest.
    }
  }

  /** Keys and levels that another program on the same database has made or changed. */
  async take(changed: ChangedElsewhere): Promise<void> {
    await this.#options.turns.run(async () => await this.#take(changed))
  }

  async #take(changed: ChangedElsewhere): Promise<void> {
    const { keys, levels, newBudgets, log } = this.#options
    try {
      // Before the keys that may name them.
      if (changed.levels.length > 0) await levels.adopt(changed.levels)
      // A revocation is for good, and stands here before the database has it.
      const valid = changed.keys.filter((key) => {
        const held = keys.find(key.id)
        return held?.owner !== 'database' || held.key.revoked_at === null || key.revoked_at !== null
      })
      const begins = await newBudgets.learn(valid)
      for (const key of valid) keys.putDatabaseKey(key)
      if (begins) newBudgets.begin()
    } catch (error) {
      log.error('keys that were changed elsewhere cannot be taken over', { error })
    }
  }
}
