import { existsSync } from 'node:fs'
import { journalBytes, journalDirectory, type LedgerReader, openLedgerReader } from '../storage/index.ts'
import { AdminClient } from './admin-client.ts'
import { type DataLocation, type LocationOptions, locateData } from './data-location.ts'
import { Failure } from './failure.ts'
import { readInstance } from './instance.ts'

/** What commands that read the books are given. */
export interface BooksOptions extends LocationOptions {
  readonly format: 'text' | 'json'
}

/** The books of one data directory: its database, read only, and the gateway that runs on it, if one does. */
export interface Books {
  readonly location: DataLocation
  readonly reader: LedgerReader
  readonly admin: AdminClient | null
}

/** Opens the books for a piece of work. Throws Failure when there are none, or none that this version reads. */
export async function withBooks<T>(options: LocationOptions, work: (books: Books) => Promise<T>): Promise<T> {
  const location = await locateData(options)
  const { dataDir, databaseUrl } = location
  if (!existsSync(dataDir)) {
    throw new Failure(
      `there is no data directory ${dataDir}; name the right one with --data-dir, or start a gateway first`,
    )
  }
  const instance = readInstance(dataDir)
  const admin = instance === null ? null : await AdminClient.reach(instance, dataDir)
  const reader = await openLedgerReader({ dataDir, databaseUrl }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const advice = 'a start of this version of the gateway makes or migrates it'
    throw new Failure(`the database of ${dataDir} cannot be read: ${reason}; ${advice}`, { cause })
  })
  try {
    return await work({ location, reader, admin })
  } finally {
    reader.close()
  }
}

/** Bytes of the journal that nobody has brought into the database, while no gateway runs that does; else 0. */
export function journalLeft({ location, admin }: Books): number {
  return admin === null ? journalBytes(journalDirectory(location.dataDir)) : 0
}
