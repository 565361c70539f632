import { ControlError } from '../control/index.ts'
import type { Log } from '../observability/index.ts'
import { type AuditEntry, type PendingRevocation, PendingRevocations, type StoredKey } from '../storage/index.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'

const RETRY_MS = 5_000
const WARNING =
  'The key is refused from now on. The database refuses at present; a file of the data directory keeps this.'

export interface KeyRevocationOptions {
  readonly dataDir: string
  readonly database: Pick<Database, 'revokeKey'>
  readonly keys: Pick<KeyRegistry, 'putDatabaseKey'>
  readonly log: Log
}

/**
 * Revokes keys whatever the database does: first no worker takes the key any more, then the revocation is written to a
 * file, then to the database, which is asked again until it takes it. A start takes what is left in the file.
 */
export class KeyRevocation {
  readonly #options: KeyRevocationOptions
  readonly #pending: PendingRevocations
  #timer: NodeJS.Timeout | null = null

  constructor(options: KeyRevocationOptions) {
    this.#options = options
    this.#pending = new PendingRevocations(options.dataDir)
  }

  /** Rejects with ControlError `not_stored` when neither file nor database takes it: the key is refused all the same. */
  async revoke(
    key: StoredKey,
    entry: AuditEntry,
  ): Promise<{ readonly key: StoredKey; readonly warning: string | null }> {
    const atMs = key.revoked_at ?? Date.now()
    const revoked: StoredKey = { ...key, enabled: false, revoked_at: atMs }
    this.#options.keys.putDatabaseKey(revoked)
    const unwritten = this.#note(key.id, { atMs, entry })
    try {
      await this.#store(key.id, { atMs, entry })
      return { key: revoked, warning: null }
    } catch (error) {
      this.#options.log.error('the database does not take a revocation; it is asked again', { key: key.id, error })
      this.#retryLater()
      if (unwritten === null) return { key: revoked, warning: WARNING }
      this.#options.log.error('a revocation cannot be written to the data directory', { key: key.id, error: unwritten })
      const message =
        'The key is refused from now on, but neither the database nor the data directory can be written: after a ' +
        'restart it would be valid again. Mend the disk, and revoke the key again.'
      throw new ControlError('not_stored', message, { cause: error })
    }
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #note(id: string, revocation: PendingRevocation): unknown {
    try {
      this.#pending.add(id, revocation)
      return null
    } catch (error) {
      return error
    }
  }

  async #store(id: string, { atMs, entry }: PendingRevocation): Promise<void> {
    await this.#options.database.revokeKey(id, atMs, entry)
    this.#pending.remove([id])
  }

  #retryLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      void this.#retry()
    }, RETRY_MS).unref()
  }

  async #retry(): Promise<void> {
    try {
      for (const [id, revocation] of this.#pending.list()) await this.#store(id, revocation)
      this.#options.log.info('the database has taken the revocations', {})
    } catch {
      this.#retryLater() // said when it was revoked
    }
  }
}
