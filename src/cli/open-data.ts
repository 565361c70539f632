import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type LedgerWriter, openLedgerWriter, StorageError } from '../storage/index.ts'
import { AdminClient } from './admin-client.ts'
import type { DataLocation } from './data-location.ts'
import { Failure } from './failure.ts'
import { readInstance } from './instance.ts'

/** How long a directory may be locked by somebody who cannot be asked: a gateway that starts, another command. */
const PATIENCE_MS = 3_000
const RETRY_MS = 50

/** Who works on a data directory: its gateway, or we on its database, whose lock we have then. */
export type OpenData = { readonly admin: AdminClient } | { readonly writer: LedgerWriter }

/**
 * Opens a data directory for changes. Its lock decides: who gets it works on the database itself, and while a gateway
 * has it, that gateway is asked. `missing` says what happens when there is no directory yet.
 */
export async function openData(location: DataLocation, missing: 'create' | 'refuse'): Promise<OpenData> {
  const { dataDir } = location
  if (missing === 'refuse' && !existsSync(dataDir)) {
    throw new Failure(
      `there is no data directory ${dataDir}; name the right one with --data-dir, or start a gateway first`,
    )
  }
  const untilMs = performance.now() + PATIENCE_MS
  for (;;) {
    const taken = await takeDatabase(location)
    if (!(taken instanceof StorageError)) return { writer: taken }
    const instance = readInstance(dataDir)
    const admin = instance === null ? null : await AdminClient.reach(instance, dataDir)
    if (admin !== null) return { admin }
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
