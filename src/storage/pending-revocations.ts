import fs from 'node:fs'
import path from 'node:path'
import type { AuditEntry } from './audit-entry.ts'
import { removeDurableFile, replaceDurableFile } from './durable-file.ts'
import { StorageError } from './errors.ts'

const FILE = 'pending-revocations.json'

/** A revocation that waits for the database. */
export interface PendingRevocation {
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /** Its line of the audit log. */
  readonly entry: AuditEntry
}

/**
 * Revocations that the database has not taken yet, in a small file of the data directory, so that no refusing database
 * makes a revoked key valid again at the next start. One thread writes it: control, or a command while no gateway runs.
 */
export class PendingRevocations {
  readonly #file: string

  constructor(dataDir: string) {
    this.#file = path.join(dataDir, FILE)
  }

  /** By key id. Throws StorageError `bad_pending_file` when it cannot be read. */
  list(): Map<string, PendingRevocation> {
    let text: string
    try {
      text = fs.readFileSync(this.#file, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map()
      throw error
    }
    const entries = parse(text)
    if (entries !== null) {
      return new Map(entries.map(([id, atMs, entry]) => [id, { atMs, entry: entry ?? entryOf(id, atMs) }]))
    }
    throw new StorageError(
      'bad_pending_file',
      `${this.#file} should list revoked keys and cannot be read. Revoke again what was revoked last, with this file away.`,
    )
  }

  /** Adds one; durable when this returns. */
  add(id: string, revocation: PendingRevocation): void {
    this.#write(this.list().set(id, revocation))
  }

  /** Takes out those that the database has. */
  remove(ids: Iterable<string>): void {
    const left = this.list()
    for (const id of ids) left.delete(id)
    this.#write(left)
  }

  #write(entries: ReadonlyMap<string, PendingRevocation>): void {
    const list = Array.from(entries, ([id, { atMs, entry }]): Line => [id, atMs, entry])
    if (list.length === 0) removeDurableFile(this.#file)
    else replaceDurableFile(this.#file, `${JSON.stringify(list)}\n`)
  }
}

/** A line of the file; those of before have no entry. */
type Line = readonly [id: string, atMs: number, entry?: AuditEntry]

function entryOf(id: string, atMs: number): AuditEntry {
  const nobody = { actor: 'gateway', address: null, request_id: null }
  return { time: atMs, ...nobody, action: 'key.revoke', target: `key:${id}`, ...DONE }
}

const DONE = { outcome: 'done', reason: null, before: { state: 'active' }, after: { state: 'revoked' } } as const

function parse(text: string): Line[] | null {
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return null
    return value.every(isEntry) ? value : null
  } catch {
    return null // said by the caller, with the file's name
  }
}

/** The third member is ours: nobody else writes the file. */
function isEntry(value: unknown): value is Line {
  return Array.isArray(value) && typeof value[0] === 'string' && Number.isSafeInteger(value[1])
}
