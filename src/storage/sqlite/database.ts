import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StorageError } from '../errors.ts'
import { migrate, refuseNewer } from './migrations.ts'

/** How long a statement waits for a lock that another program holds on the database. */
const BUSY_TIMEOUT_MS = 1000
const CACHE_KIB = 16_384
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26])

/** The database's file: `sqlite:<path>`, relative to the data directory; null means `ferro.db` there. */
export function databasePath(dataDir: string, url: string | null): string {
  if (url === null) return path.join(dataDir, 'ferro.db')
  const match = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)
  const file = match?.[1]
  if (file === undefined || file.startsWith(':') || file.startsWith('//')) {
    // The URL may carry a password: only its scheme is shown.
    const scheme = /^[a-z][a-z0-9+.-]*(?=:)/i.exec(url)?.[0] ?? 'no'
    throw new StorageError(
      'bad_url',
      `The storage URL (scheme: ${scheme}) is not one of a file: write sqlite:./ferro.db, or leave it out.`,
    )
  }
  return path.resolve(dataDir, file)
}

/** Opens the database for its one writer, creates and migrates it. Every commit is durable when it returns. */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | null = null
  try {
    // SQLite would make it readable by everybody; its other files take over the mode of this one.
    fs.closeSync(fs.openSync(file, 'a', 0o600))
    database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    // Larger pages than the default: requests are wide rows, and each page costs two system calls.
    database.exec(`PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864`)
    migrate(database, file)
    return database
  } catch (error) {
    database?.close()
    throw unusable(file, error)
  }
}

/** What a person can do about a database that cannot be opened. */
function unusable(file: string, error: unknown): unknown {
  if (error instanceof StorageError || !(error instanceof Error)) return error
  const code = 'errcode' in error ? Number(error.errcode) & 0xff : 0
  if (!DAMAGED.has(code)) {
    const advice = 'See that this user may write there, that the disk has room, and that no other program locks it.'
    return new StorageError('unusable_database', `The database ${file} cannot be used: ${error.message}. ${advice}`, {
      cause: error,
    })
  }
  return new StorageError(
    'damaged_database',
    `The database ${file} is damaged: ${error.message}. Restore it from a backup, together with no -wal and -shm file. ` +
      'Or move all three away to begin with an empty one, which has no keys, no records and nothing spent.',
    { cause: error },
  )
}

/** Opens the database for queries only; any write through it fails. Throws StorageError `newer_schema`, or what SQLite says. */
export function openDatabaseReadOnly(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  try {
    refuseNewer(database, file)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
