import type { SqlDatabase, SqlRow, SqlStatement } from '../sql/sql-database.ts'
import type { StoredLevel, StoredLevelKind } from '../stored-level.ts'

/** Levels in the database. What a method changed is durable when it returns. */
export class StoredLevels {
  readonly #put: SqlStatement
  readonly #all: SqlStatement

  constructor(database: SqlDatabase) {
    this.#put = database.prepare(
      `INSERT INTO levels (kind, id, fields, created_at, updated_at, deleted_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (kind, id) DO UPDATE SET fields = excluded.fields, created_at = excluded.created_at,
         updated_at = excluded.updated_at, deleted_at = excluded.deleted_at`,
    )
    this.#all = database.prepare('SELECT * FROM levels WHERE deleted_at IS NULL ORDER BY kind, id')
  }

  /** Puts a level in the place of what was there under its name; one with `deleted_at` is not there any more. */
  put({ kind, id, created_at: created, updated_at: updated, deleted_at: deleted, ...fields }: StoredLevel): void {
    this.#put.run(kind, id, JSON.stringify(fields), created, updated, deleted)
  }

  /** All that are there. */
  list(): StoredLevel[] {
    return this.#all.all().map(levelOfRow)
  }
}

type Fields = Omit<StoredLevel, 'kind' | 'id' | 'created_at' | 'updated_at' | 'deleted_at'>

/** What a later version of the program may have added is absent from rows of before. */
const DEFAULTS: Omit<Fields, 'name'> = {
  enabled: true,
  organization: null,
  team: null,
  models_allow: null,
  models_deny: [],
  tags: [],
  metadata: {},
  requests_per_second: null,
  requests_per_minute: null,
  requests_per_day: null,
  burst: null,
  tokens_per_minute: null,
  concurrency: null,
  budgets: [],
}

/** The level of a row of the table. */
export function levelOfRow(row: SqlRow): StoredLevel {
  const fields = JSON.parse(String(row.fields)) as Fields // written by put()
  return {
    ...DEFAULTS,
    ...fields,
    kind: String(row.kind) as StoredLevelKind, // written by put()
    id: String(row.id),
    created_at: Number(row.created_at),
    updated_at: Number(row.updated_at),
    deleted_at: typeof row.deleted_at === 'number' ? row.deleted_at : null,
  }
}
