import {
  auditEntry,
  COMMAND_LINE,
  ControlError,
  encodeKey,
  type KeyAnswer,
  keyAfter,
  keyOfFile,
  makeKey,
  makeSecret,
  parseNewKey,
  parseRotation,
  viewKey,
} from '../control/index.ts'
import { type AuditEntry, type LedgerWriter, readPepper, StorageError, type StoredKey } from '../storage/index.ts'
import type { DataLocation } from './data-location.ts'
import { Failure } from './failure.ts'
import type { KeyStore } from './key-store.ts'

/** Keys in the database itself, while no gateway runs on it. Holds the data directory's lock until it is closed. */
export class DatabaseKeyStore implements KeyStore {
  readonly live = false
  readonly #writer: LedgerWriter
  readonly #location: DataLocation

  /** Takes over the writer, and closes it. */
  constructor(writer: LedgerWriter, location: DataLocation) {
    this.#writer = writer
    this.#location = location
  }

  async list(): Promise<readonly KeyAnswer[]> {
    const nowMs = Date.now()
    const ofFile = this.#location.document.keys.map((key) => encodeKey(viewKey(keyOfFile(key), 'file'), nowMs))
    return [...ofFile, ...this.#writer.keys.list().map(answerOf)]
  }

  async create(request: object): Promise<{ key: KeyAnswer; secret: string }> {
    const pepper = readPepper(this.#location.dataDir, process.env)
    const madeBy = COMMAND_LINE.id
    const { key, secret } = makeKey(await parseNewKey(request), { pepper, nowMs: Date.now(), madeBy })
    if (this.#isOfFile(key.id))
      throw new Failure(`the configuration file has a key with the id ${key.id}; choose another`)
    await this.#checkPlace(key)
    try {
      this.#writer.administration.createKey(key, entryOf('key.create', null, key))
    } catch (error) {
      if (error instanceof StorageError && error.code === 'key_exists')
        throw new Failure(error.message, { cause: error })
      throw error
    }
    return { key: answerOf(key), secret }
  }

  async change(id: string, patch: object): Promise<KeyAnswer | null> {
    if (this.#isOfFile(id)) throw new Failure(`the configuration file has a key with the id ${id}; change it there`)
    const before = this.#writer.keys.find(id)
    if (before === null) return null
    const after = { ...before, ...(await fieldsAfter(before, patch)) }
    await this.#checkPlace(after)
    try {
      const entry = entryOf('key.change', before, after)
      const key = this.#writer.administration.changeKey(id, { before, after }, entry)
      if (key !== null) return answerOf(key)
    } catch (error) {
      // Another gateway on the same database was quicker.
      if (error instanceof StorageError) throw new Failure(error.message, { cause: error })
      throw error
    }
    throw new Failure(`the key ${id} is revoked; make a new one`)
  }

  async revoke(id: string): Promise<{ key: KeyAnswer; warning: null } | null> {
    if (this.#isOfFile(id)) {
      throw new Failure(`the configuration file owns the key ${id}; set its \`enabled\` to false there, or remove it`)
    }
    const before = this.#writer.keys.find(id)
    if (before === null) return null
    const nowMs = Date.now()
    const entry = entryOf('key.revoke', before, { ...before, enabled: false, revoked_at: nowMs })
    const key = this.#writer.administration.revokeKey(id, nowMs, entry)
    return key === null ? null : { key: answerOf(key), warning: null }
  }

  async rotate(id: string, request: object): Promise<{ key: KeyAnswer; secret: string } | null> {
    if (this.#isOfFile(id)) {
      throw new Failure(
        `the configuration file owns the key ${id}; put its present hash under \`previous\` and a new one under \`hash\` there`,
      )
    }
    const graceMs = await parseRotation(request)
    const { secret, ...made } = makeSecret(readPepper(this.#location.dataDir, process.env))
    const graceUntilMs = graceMs === 0 ? null : Date.now() + graceMs
    const before = this.#writer.keys.find(id)
    if (before === null) return null
    const entry = entryOf('key.rotate', before, { ...before, prefix: made.prefix, previous_until: graceUntilMs })
    const key = this.#writer.administration.rotateKey(id, { ...made, graceUntilMs }, entry)
    if (key !== null) return { key: answerOf(key), secret }
    throw new Failure(`the key ${id} is revoked; make a new one`)
  }

  close(): void {
    this.#writer.close()
  }

  async #checkPlace(key: StoredKey): Promise<void> {
    const { organization, team, project, user } = key
    if ([organization, team, project, user].every((level) => level === null)) return
    const { DatabaseLevels } = await import('../app/index.ts')
    const problem = new DatabaseLevels(this.#location.document, this.#writer).problemOf(key)
    if (problem !== null) throw new Failure(`the key ${key.id} cannot be so: ${problem}`)
  }

  #isOfFile(id: string): boolean {
    return this.#location.document.keys.some((key) => key.id === id)
  }
}

async function fieldsAfter(before: StoredKey, patch: object) {
  try {
    return await keyAfter(before, patch)
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    throw new Failure(error.message, { cause: error })
  }
}

function entryOf(action: string, before: StoredKey | null, after: StoredKey): AuditEntry {
  const change = { before: before === null ? null : answerOf(before), after: answerOf(after) }
  return auditEntry(COMMAND_LINE, { action, target: `key:${after.id}`, ...change })
}

function answerOf(key: StoredKey): KeyAnswer {
  return encodeKey(viewKey(key, 'database'), Date.now())
}
