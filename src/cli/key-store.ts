import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { KeyAnswer } from '../control/index.ts'
import { type LedgerWriter, openLedgerWriter, StorageError } from '../storage/index.ts'
import { AdminKeyStore } from './admin-key-store.ts'
import type { DataLocation } from './data-location.ts'
import { DatabaseKeyStore } from './database-key-store.ts'
import { Failure } from './failure.ts'
import { readInstance } from './instance.ts'

/** The keys of one data directory, through its gateway or without one. Methods throw Failure for what a person can mend. */
export interface KeyStore {
  /** True when a running gateway does the work: what is changed is in force at once. */
  readonly live: boolean
  list(): Promise<readonly KeyAnswer[]>
  /** Makes a key; takes what `POST /admin/v1/api-keys` takes. */
  create(request: object): Promise<{ readonly key: KeyAnswer; readonly secret: string }>
  /** Revokes a key; null when there is none. */
  revoke(id: string): Promise<{ readonly key: KeyAnswer; readonly warning: string | null } | null>
  /** Gives a key a new secret; takes what `POST /admin/v1/api-keys/{id}/rotate` takes. Null when there is no such key. */
  rotate(id: string, request: object): Promise<{ readonly key: KeyAnswer; readonly secret: string } | null>
  close(): void
}

/** How long a directory may be locked by somebody who cannot be asked: a gateway that starts, another command. */
const PATIENCE_MS = 3_000
const RETRY_MS = 50

/**
 * Opens the keys of a data directory. Its lock decides: who gets it works on the database itself, and while a gateway
 * has it, that gateway is asked. `missing` says what happens when there is no directory yet.
 */
export async function openKeyStore(location: DataLocation, missing: 'create' | 'refuse'): Promise<KeyStore> {
  const { dataDir } = location
  if (missing === 'refuse' && !existsSync(dataDir)) {
    throw new Failure(
      `there is no data directory ${dataDir}; name the right one with --data-dir, or start a gateway first`,
    )
  }
  const untilMs = performance.now() + PATIENCE_MS
  for (;;) {
    const taken = await takeDatabase(location)
    if (!(taken instanceof StorageError)) return new DatabaseKeyStore(taken, location)
    const instance = readInstance(dataDir)
    const admin = instance === null ? null : await AdminKeyStore.reach(instance, dataDir)
    if (admin !== null) return admin
    if (performance.now() > untilMs) {
      throw new Failure(`${taken.message} Its control listener does not answer.`, { cause: taken })
    }
    await delay(RETRY_MS)
  }
}

/** The writer, or the error that says that somebody else has the directory. */
async function takeDatabase({ dataDir, databaseUrl }: DataLocation): Promise<LedgerWriter | StorageError> {
  try {
    const writer = await openLedgerWriter({ dataDir, databaseUrl })
    try {
      writer.takeRevocations()
    } catch (error) {
      writer.close()
      throw error
    }
    return writer
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if (error.code === 'directory_locked') return error
    throw new Failure(error.message, { cause: error })
  }
}
