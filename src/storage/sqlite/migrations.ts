import type { DatabaseSync } from 'node:sqlite'
import { StorageError } from '../errors.ts'

/**
 * The schema as steps; a step's number is its place in the list, counted from 1. Append only: a step that was released
 * is never changed. Columns have the names of the fields in `records.ts`.
 *
 * `requests` and `ledger` are clustered by the request's id. It is a UUIDv7, so that this is the order of time too, and
 * no index on `time` is needed: rows from an instant on have ids from `firstIdAt(instant)` on.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE ledger (
     request_id TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     phase INTEGER NOT NULL,
     reserved_at INTEGER NOT NULL,
     key_id TEXT,
     provider TEXT NOT NULL,
     model TEXT NOT NULL,
     tokens INTEGER NOT NULL,
     nanos INTEGER NOT NULL,
     price_rule TEXT,
     usage_source TEXT NOT NULL,
     PRIMARY KEY (request_id, attempt, phase)
   ) WITHOUT ROWID;

   CREATE TABLE requests (
     id TEXT NOT NULL PRIMARY KEY,
     client_request_id TEXT,
     trace_id TEXT NOT NULL,
     time INTEGER NOT NULL,
     worker INTEGER NOT NULL,
     client_address TEXT,
     method TEXT NOT NULL,
     path TEXT NOT NULL,
     route TEXT,
     key_id TEXT,
     run_id TEXT,
     model_requested TEXT,
     model_served TEXT,
     provider TEXT,
     upstream TEXT,
     status INTEGER NOT NULL,
     outcome TEXT NOT NULL,
     error_code TEXT,
     error_source TEXT,
     attempts INTEGER NOT NULL,
     stream INTEGER NOT NULL,
     cancelled INTEGER NOT NULL,
     queue_us INTEGER,
     first_byte_us INTEGER,
     total_us INTEGER NOT NULL,
     bytes_in INTEGER NOT NULL,
     bytes_out INTEGER NOT NULL,
     input_tokens INTEGER NOT NULL,
     cache_read_tokens INTEGER NOT NULL,
     cache_write_tokens INTEGER NOT NULL,
     output_tokens INTEGER NOT NULL,
     reasoning_tokens INTEGER NOT NULL,
     usage_source TEXT NOT NULL,
     cost_nanos INTEGER,
     price_rule TEXT
   ) WITHOUT ROWID;
   CREATE INDEX requests_by_key ON requests (key_id, id);

   -- Sums of settle rows by UTC day of the reservation. key_id '' stands for none. requests counts settled attempts.
   CREATE TABLE usage_daily (
     day INTEGER NOT NULL,
     key_id TEXT NOT NULL,
     provider TEXT NOT NULL,
     model TEXT NOT NULL,
     requests INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     nanos INTEGER NOT NULL,
     PRIMARY KEY (day, key_id, provider, model)
   ) WITHOUT ROWID;

   -- Reservations that outlive their journal segment: it is removed while their request still runs. settled: the
   -- attempt has its settle row, and only the request's record is missing.
   CREATE TABLE open_attempts (
     request_id TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     start_ms INTEGER NOT NULL,
     worker INTEGER NOT NULL,
     settled INTEGER NOT NULL,
     entry TEXT NOT NULL,
     PRIMARY KEY (request_id, attempt)
   ) WITHOUT ROWID;

   CREATE TABLE keys (
     id TEXT NOT NULL PRIMARY KEY,
     name TEXT NOT NULL,
     hash TEXT NOT NULL UNIQUE,
     prefix TEXT NOT NULL,
     enabled INTEGER NOT NULL,
     expires_at INTEGER,
     created_at INTEGER NOT NULL,
     revoked_at INTEGER,
     scopes TEXT NOT NULL,
     models_allow TEXT,
     models_deny TEXT,
     requests_per_minute INTEGER,
     burst INTEGER,
     budgets TEXT NOT NULL
   ) WITHOUT ROWID;`,
]

/**
 * Brings the database to the newest schema, each step in a transaction of its own, so that a crash leaves a whole
 * number of steps. Throws StorageError `newer_schema` when a later version of the program has been here.
 */
export function migrate(database: DatabaseSync, path: string, migrations = MIGRATIONS): void {
  database.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL, applied_at INTEGER NOT NULL)')
  const newest = database.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_version')
  const insert = database.prepare('INSERT INTO schema_version VALUES (?, ?)')
  for (;;) {
    database.exec('BEGIN IMMEDIATE')
    try {
      const version = Number(newest.get()?.version)
      if (version > migrations.length) {
        throw new StorageError(
          'newer_schema',
          `${path} has schema version ${version}, and this program knows versions up to ${migrations.length}. ` +
            'A newer ferro has used it: start that version, or give another database.',
        )
      }
      const step = migrations[version]
      if (step !== undefined) {
        database.exec(step)
        insert.run(version + 1, Date.now())
      }
      database.exec('COMMIT')
      if (step === undefined) return
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
}

/** The smallest request id (UUIDv7) of a request that started at `ms` since the epoch or later. */
export function firstIdAt(ms: number): string {
  const hex = Math.max(0, Math.trunc(ms)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
