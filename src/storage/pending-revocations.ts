import fs from 'node:fs'
import path from 'node:path'
import { removeDurableFile, replaceDurableFile } from './durable-file.ts'
import { StorageError } from './errors.ts'

const FILE = 'pending-revocations.json'

/**
 * Revocations that the database has not taken yet, in a small file of the data directory, so that no refusing database
 * makes a revoked key valid again at the next start. One thread writes it: control, or a command while no gateway runs.
 */
export class PendingRevocations {
  readonly #file: string

  constructor(dataDir: string) {
    this.#file = path.join(dataDir, FILE)
  }

  /** Time of revocation (ms since the epoch) by key id. Throws StorageError `bad_pending_file` when it cannot be read. */
  list(): Map<string, number> {
    let text: string
    try {
      text = fs.readFileSync(this.#file, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map()
      throw error
    }
    const entries = parse(text)
    if (entries !== null) return new Map(entries)
    throw new StorageError(
      'bad_pending_file',
      `${this.#file} should list revoked keys and cannot be read. Revoke again what was revoked last, with this file away.`,
    )
  }

  /** Adds one; durable when this returns. */
  add(id: string, atMs: number): void {
    this.#write(this.list().set(id, atMs))
  }

  /** Takes out those that the database has. */
  remove(ids: Iterable<string>): void {
    const left = this.list()
    for (const id of ids) left.delete(id)
    this.#write(left)
  }

  #write(entries: ReadonlyMap<string, number>): void {
    if (entries.size === 0) removeDurableFile(this.#file)
    else replaceDurableFile(this.#file, `${JSON.stringify([...entries])}\n`)
  }
}

function parse(text: string): [string, number][] | null {
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return null
    return value.every(isEntry) ? value : null
  } catch {
    return null // said by the caller, with the file's name
  }
}

function isEntry(value: unknown): value is [string, number] {
  return Array.isArray(value) && typeof value[0] === 'string' && Number.isSafeInteger(value[1])
}
