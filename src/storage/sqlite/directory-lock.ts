import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StorageError } from '../errors.ts'

/**
 * The exclusive lock of a data directory: an open transaction on `lock.db`, held for life. SQLite holds it as a lock of
 * the operating system, which is released with the process however that ends; no stale lock file can remain.
 */
export class DirectoryLock {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Takes the lock; throws StorageError `directory_locked` when another process (or writer) has it. */
  static take(dataDir: string): DirectoryLock {
    const file = path.join(dataDir, 'lock.db')
    makePrivate(file)
    const database = new DatabaseSync(file, { timeout: 0 })
    try {
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
      return new DirectoryLock(database)
    } catch (error) {
      database.close()
      if (!isBusy(error)) throw error
      const pid = holder(dataDir)
      const who = pid === null ? 'Another ferro' : `Another ferro (process ${pid})`
      throw new StorageError(
        'directory_locked',
        `${who} uses the data directory ${path.resolve(dataDir)}. Stop it, or choose another directory with --data-dir.`,
        { cause: error },
      )
    }
  }

  release(): void {
    this.#database.close()
  }
}

/**
 * SQLite would make the file readable by everybody, and who can read it can lock it. A file that exists is not opened
 * here: closing it again would release the locks that this process has on it (POSIX.1-2024, fcntl).
 */
function makePrivate(file: string): void {
  try {
    fs.closeSync(fs.openSync(file, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    if ((fs.statSync(file).mode & 0o077) !== 0) fs.chmodSync(file, 0o600)
  }
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY is 5; extended codes have it in the low byte.
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5
}

/** The process named in the directory's `instance.json`, or null. */
function holder(dataDir: string): number | null {
  try {
    const instance: unknown = JSON.parse(fs.readFileSync(path.join(dataDir, 'instance.json'), 'utf8'))
    if (typeof instance !== 'object' || instance === null || !('pid' in instance)) return null
    return typeof instance.pid === 'number' ? instance.pid : null
  } catch {
    // No file, or one being written: the message does without the number.
    return null
  }
}
