import { StorageError } from '../errors.ts'
import type { StoredBudget, StoredKey } from '../records.ts'
import { dialectOf, isDuplicate } from '../sql/dialect.ts'
import { type SqlDatabase, type SqlRow, type SqlStatement, type SqlValue, textOrNull } from '../sql/sql-database.ts'

/** What of a key somebody may change; its secrets have ways of their own. */
export type ChangeableKey = Omit<
  StoredKey,
  'id' | 'hash' | 'previous_hash' | 'previous_until' | 'prefix' | 'created_at' | 'created_by' | 'revoked_at'
>

/** What a key is, and what it shall be. */
export interface KeyStep {
  readonly before: ChangeableKey
  readonly after: ChangeableKey
}

/** Columns that a key is made with. */
const MADE = 'id hash prefix created_at revoked_at previous_hash previous_until created_by'.split(' ')
/** Columns of what may be changed, in the order of `changeable`. */
const CHANGEABLE =
  `name enabled expires_at scopes models_allow models_deny requests_per_minute burst budgets addresses tags metadata
  organization team project "user" limits`.split(/\s+/)

function changeable(key: ChangeableKey): SqlValue[] {
  return [
    ...[key.name, key.enabled ? 1 : 0, key.expires_at, JSON.stringify(key.scopes)],
    ...[listText(key.models_allow), listText(key.models_deny), key.requests_per_minute, key.burst],
    ...[JSON.stringify(key.budgets), listText(key.addresses), JSON.stringify(key.tags), JSON.stringify(key.metadata)],
    ...[key.organization, key.team, key.project, key.user, limitsText(key)],
  ]
}

/** Virtual keys in the database. What a method changed is durable when it returns. */
export class KeyTable {
  readonly #insert: SqlStatement
  readonly #all: SqlStatement
  readonly #find: SqlStatement
  readonly #revoke: SqlStatement
  readonly #rotate: SqlStatement
  readonly #change: SqlStatement
  readonly #lock: string
  readonly #database: SqlDatabase

  constructor(database: SqlDatabase) {
    this.#database = database
    this.#lock = dialectOf(database).lock('keys')
    const made = [...MADE, ...CHANGEABLE]
    this.#insert = database.prepare(`INSERT INTO keys (${made.join(', ')}) VALUES (${made.map(() => '?').join(', ')})`)
    this.#change = database.prepare(
      `UPDATE keys SET ${CHANGEABLE.map((name) => `${name} = ?`).join(', ')} WHERE id = ? AND revoked_at IS NULL RETURNING *`,
    )
    this.#all = database.prepare('SELECT * FROM keys ORDER BY created_at, id')
    this.#find = database.prepare('SELECT * FROM keys WHERE id = ?')
    this.#revoke = database.prepare(
      'UPDATE keys SET enabled = 0, revoked_at = coalesce(revoked_at, ?) WHERE id = ? RETURNING *',
    )
    this.#rotate = database.prepare(
      `UPDATE keys SET previous_hash = CASE WHEN CAST(?3 AS BIGINT) IS NULL THEN NULL ELSE hash END,
         previous_until = CAST(?3 AS BIGINT), hash = ?1, prefix = ?2
       WHERE id = ?4 AND revoked_at IS NULL RETURNING *`,
    )
  }

  /** Throws StorageError `key_exists` when the id or the hash is taken. */
  create(key: StoredKey): void {
    const { id, hash, prefix, created_at, revoked_at, previous_hash, previous_until, created_by } = key
    try {
      this.#insert.run(
        ...[id, hash, prefix, created_at, revoked_at, previous_hash, previous_until, created_by],
        ...changeable(key),
      )
    } catch (error) {
      if (!isDuplicate(error)) throw error
      throw new StorageError('key_exists', `A key with the id ${key.id} (or the same secret) exists already.`, {
        cause: error,
      })
    }
  }

  /** All keys, oldest first, revoked ones too. */
  list(): StoredKey[] {
    return this.#all.all().map(keyOfRow)
  }

  find(id: string): StoredKey | null {
    const row = this.#find.get(id)
    return row === undefined ? null : keyOfRow(row)
  }

  /**
   * Changes a key from what it is to what it shall be; within a transaction. Returns the key as it is now, null when there is none that is
   * not revoked, and throws StorageError `key_changed` when it is another than `before`.
   */
  change(id: string, { before, after }: KeyStep): StoredKey | null {
    // Others may change it between what is read and what is written.
    if (this.#lock !== '') this.#database.exec(this.#lock)
    const found = this.find(id)
    if (found === null || found.revoked_at !== null) return null
    if (JSON.stringify(changeable(found)) !== JSON.stringify(changeable(before))) {
      throw new StorageError('key_changed', `The key ${id} was changed meanwhile: look at it, and change it again.`)
    }
    const row = this.#change.get(...changeable(after), id)
    return row === undefined ? null : keyOfRow(row)
  }

  /** Revokes a key for good (again: changes nothing); returns it as it is now, or null when there is none. */
  revoke(id: string, atMs: number): StoredKey | null {
    const row = this.#revoke.get(atMs, id)
    return row === undefined ? null : keyOfRow(row)
  }

  /**
   * Gives a key another secret; the one of before is taken until `graceUntilMs`, or no more when that is null. A secret of
   * an earlier rotation ends now. Returns the key as it is now, or null when there is none that is not revoked.
   */
  rotate(id: string, to: NewSecret): StoredKey | null {
    const row = this.#rotate.get(to.hash, to.prefix, to.graceUntilMs, id)
    return row === undefined ? null : keyOfRow(row)
  }
}

/** What a rotation gives a key. */
export interface NewSecret {
  readonly hash: string
  readonly prefix: string
  /** Milliseconds since the epoch, or null. */
  readonly graceUntilMs: number | null
}

/** The key of a row of the table. */
export function keyOfRow(row: SqlRow): StoredKey {
  return {
    id: String(row.id),
    name: String(row.name),
    hash: String(row.hash),
    prefix: String(row.prefix),
    enabled: row.enabled === 1,
    expires_at: numberOrNull(row.expires_at),
    created_at: Number(row.created_at),
    revoked_at: numberOrNull(row.revoked_at),
    scopes: list(row.scopes) ?? [],
    models_allow: list(row.models_allow),
    models_deny: list(row.models_deny),
    requests_per_minute: numberOrNull(row.requests_per_minute),
    burst: numberOrNull(row.burst),
    budgets: JSON.parse(String(row.budgets)) as StoredBudget[], // written by create() from this type
    previous_hash: row.previous_hash === null ? null : String(row.previous_hash),
    previous_until: numberOrNull(row.previous_until),
    addresses: list(row.addresses),
    tags: list(row.tags) ?? [],
    metadata: JSON.parse(String(row.metadata)) as Record<string, string>, // as budgets
    organization: textOrNull(row.organization),
    team: textOrNull(row.team),
    project: textOrNull(row.project),
    user: textOrNull(row.user),
    created_by: textOrNull(row.created_by),
    ...limitsOf(row.limits),
  }
}

/** Limits that have no column of their own. */
type MoreLimits = Pick<
  StoredKey,
  'requests_per_second' | 'requests_per_day' | 'tokens_per_minute' | 'concurrency' | 'rules'
>

function limitsText(key: MoreLimits): string | null {
  const { requests_per_second, requests_per_day, tokens_per_minute, concurrency, rules } = key
  const limits = { requests_per_second, requests_per_day, tokens_per_minute, concurrency }
  if (rules !== undefined) return JSON.stringify({ ...limits, rules })
  return Object.values(limits).every((limit) => limit === null) ? null : JSON.stringify(limits)
}

function limitsOf(value: SqlRow[string] | undefined): MoreLimits {
  const none = { requests_per_second: null, requests_per_day: null, tokens_per_minute: null, concurrency: null }
  return typeof value === 'string' ? { ...none, ...(JSON.parse(value) as MoreLimits) } : none // written by limitsText()
}

function listText(values: readonly string[] | null): string | null {
  return values === null ? null : JSON.stringify(values)
}

function list(value: SqlRow[string] | undefined): string[] | null {
  return typeof value === 'string' ? (JSON.parse(value) as string[]) : null // written by listText()
}

function numberOrNull(value: SqlRow[string] | undefined): number | null {
  return typeof value === 'number' ? value : null
}
