import type { DatabaseSync } from 'node:sqlite'
import { StorageError } from '../errors.ts'

/**
 * Columns of the first view `requests`: the fields of `records.ts`, which is also their order. A field's number in the
 * stored list is its place here without `id` and `key_id`.
 */
const RECORD_COLUMNS =
  'id client_request_id trace_id time worker client_address method path route key_id run_id model_requested ' +
  'model_served provider upstream status outcome error_code error_source attempts stream cancelled queue_us ' +
  'first_byte_us total_us bytes_in bytes_out input_tokens cache_read_tokens cache_write_tokens output_tokens ' +
  'reasoning_tokens usage_source cost_nanos price_rule'

/** Columns that came later: rows from before have no such fields. */
const MORE_COUNTERS =
  'cache_write_1h_tokens audio_input_tokens audio_output_tokens image_input_tokens image_output_tokens web_searches units'

/** The columns of `requests` as expressions over `request_rows`. */
function recordColumns(): string {
  let at = 0
  return RECORD_COLUMNS.split(' ')
    .map((name) => (name === 'id' || name === 'key_id' ? name : `fields ->> ${at++} AS ${name}`))
    .join(', ')
}

function moreColumns(): string {
  const counters = MORE_COUNTERS.split(' ').map((name, at) => `coalesce(fields ->> ${33 + at}, 0) AS ${name}`)
  return [...counters, 'fields ->> 40 AS unit', 'fields ->> 41 AS translation'].join(', ')
}

const SETTLED_RULE = 'coalesce(fields ->> 32, attempt ->> 7)'

/** Rows of `ledger` of one phase from a stored attempt: its list of amounts, of which three belong to the phase. */
function phaseRows(
  phase: 'reserve' | 'settle',
  id: string,
  amounts: string,
  table: string,
  rule = `${amounts} ->> 7`,
): string {
  const [number, tokens, nanos, source] =
    phase === 'reserve' ? [0, 5, 6, "'estimated'"] : [1, 8, 9, `${amounts} ->> 10`]
  return `SELECT ${id} AS request_id, ${amounts} ->> 0 AS attempt, ${number} AS phase, ${amounts} ->> 1 AS reserved_at,
     ${amounts} ->> 2 AS key_id, ${amounts} ->> 3 AS provider, ${amounts} ->> 4 AS model,
     ${amounts} ->> ${tokens} AS tokens, ${amounts} ->> ${nanos} AS nanos,
     ${rule} AS price_rule, ${source} AS usage_source FROM ${table}`
}

/**
 * The schema as steps; a step's number is its place in the list, counted from 2. Append only: a step that was released
 * is never changed. Columns have the names of the fields in `records.ts`.
 *
 * Requests are clustered by id. It is a UUIDv7, so that this is the order of time too, and no index on `time` is
 * needed: rows from an instant on have ids from `firstIdAt(instant)` on.
 *
 * What people read are the views `requests` and `ledger`. What is written is packed: a request with one attempt, as
 * nearly all are, is one row.
 */
export const MIGRATIONS: readonly string[] = [
  `-- fields: JSON list of the record's other fields. attempt: JSON list of the request's only attempt, see attempt_rows;
   -- null when its attempts are there, or none was dispatched.
   CREATE TABLE request_rows (
     id TEXT NOT NULL PRIMARY KEY,
     key_id TEXT,
     fields TEXT NOT NULL,
     attempt TEXT
   ) WITHOUT ROWID;

   -- Attempts of requests that had several, or whose record came separately. amounts: JSON list of attempt, reserved_at,
   -- key_id, provider, model, reserved tokens, reserved nanos, price_rule, settled tokens, settled nanos, usage_source.
   CREATE TABLE attempt_rows (
     request_id TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     amounts TEXT NOT NULL,
     PRIMARY KEY (request_id, attempt)
   ) WITHOUT ROWID;

   -- The slices of time (first 11 characters of request ids: 256 ms) in which a key has requests.
   CREATE TABLE key_slices (
     key_id TEXT NOT NULL,
     slice TEXT NOT NULL,
     PRIMARY KEY (key_id, slice)
   ) WITHOUT ROWID;

   CREATE VIEW requests AS SELECT ${recordColumns()} FROM request_rows;

   CREATE VIEW ledger AS
     ${phaseRows('reserve', 'id', 'attempt', 'request_rows WHERE attempt IS NOT NULL')}
     UNION ALL ${phaseRows('settle', 'id', 'attempt', 'request_rows WHERE attempt IS NOT NULL')}
     UNION ALL ${phaseRows('reserve', 'request_id', 'amounts', 'attempt_rows')}
     UNION ALL ${phaseRows('settle', 'request_id', 'amounts', 'attempt_rows')};

   -- Sums of settlements by UTC day of the reservation. key_id '' stands for none. requests counts settled attempts.
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
   -- attempt is settled, and only the request's record is missing.
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

  `DROP VIEW requests;
   CREATE VIEW requests AS SELECT ${recordColumns()}, ${moreColumns()} FROM request_rows;

   -- A settlement names the rule that priced it, which the record of a request with one attempt knows: its reservation
   -- was priced by the dearest that might apply.
   DROP VIEW ledger;
   CREATE VIEW ledger AS
     ${phaseRows('reserve', 'id', 'attempt', 'request_rows WHERE attempt IS NOT NULL')}
     UNION ALL ${phaseRows('settle', 'id', 'attempt', 'request_rows WHERE attempt IS NOT NULL', SETTLED_RULE)}
     UNION ALL ${phaseRows('reserve', 'request_id', 'amounts', 'attempt_rows')}
     UNION ALL ${phaseRows('settle', 'request_id', 'amounts', 'attempt_rows')};`,

  `-- Which request may tell the usage of a thing that tells it with every look. told: it did, and nobody else may.
   CREATE TABLE usage_claims (
     thing TEXT NOT NULL PRIMARY KEY,
     request_id TEXT NOT NULL,
     told INTEGER NOT NULL,
     claimed_ms INTEGER NOT NULL
   ) WITHOUT ROWID;`,

  `DROP VIEW requests;
   CREATE VIEW requests AS SELECT ${recordColumns()}, ${moreColumns()},
     fields ->> 42 AS attempt_history, fields ->> 43 AS variant FROM request_rows;`,

  `-- Which request was charged in advance for a thing that goes on after it, and gets it back when the thing has ended.
   CREATE TABLE held_amounts (
     thing TEXT NOT NULL PRIMARY KEY,
     request_id TEXT NOT NULL,
     made_ms INTEGER NOT NULL
   ) WITHOUT ROWID;`,

  `ALTER TABLE keys ADD COLUMN previous_hash TEXT;
   ALTER TABLE keys ADD COLUMN previous_until INTEGER;
   ALTER TABLE keys ADD COLUMN addresses TEXT;
   ALTER TABLE keys ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
   ALTER TABLE keys ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';`,

  `-- What was settled by attempts whose rows are gone (storage.retention_days), by the hour of their reservation and all that
   -- usage is told by; '' stands for none. With the rows that are left it makes usage_daily. What was gone before this table
   -- was there stands at the beginning of its day.
   CREATE TABLE usage_forgotten (
     hour INTEGER NOT NULL,
     key_id TEXT NOT NULL,
     provider TEXT NOT NULL,
     model TEXT NOT NULL,
     organization TEXT NOT NULL,
     team TEXT NOT NULL,
     project TEXT NOT NULL,
     "user" TEXT NOT NULL,
     requests INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     nanos INTEGER NOT NULL,
     PRIMARY KEY (hour, key_id, provider, model, organization, team, project, "user")
   ) WITHOUT ROWID;
   INSERT INTO usage_forgotten
     SELECT day * 24, key_id, provider, model, '', '', '', '', sum(requests), sum(tokens), sum(nanos) FROM (
       SELECT * FROM usage_daily
       UNION ALL SELECT reserved_at / 86400000, coalesce(key_id, ''), provider, model, -1, -tokens, -nanos
         FROM ledger WHERE phase = 1)
     GROUP BY 1, 2, 3, 4 HAVING sum(requests) <> 0 OR sum(tokens) <> 0 OR sum(nanos) <> 0;`,

  `DROP VIEW requests;
   CREATE VIEW requests AS SELECT ${recordColumns()}, ${moreColumns()},
     fields ->> 42 AS attempt_history, fields ->> 43 AS variant, fields ->> 44 AS organization, fields ->> 45 AS team,
     fields ->> 46 AS project, fields ->> 47 AS "user" FROM request_rows;

   -- What every counter of a budget was charged, by the number of the period: in the transaction of the settlements.
   -- A budget that is new begins with what its level had used before.
   CREATE TABLE counter_sums (
     counter TEXT NOT NULL,
     period INTEGER NOT NULL,
     spent INTEGER NOT NULL,
     PRIMARY KEY (counter, period)
   ) WITHOUT ROWID;

   -- Sums of settlements by level ('key:dev', 'team:search', 'gateway') and UTC day of the reservation.
   CREATE TABLE level_daily (
     level TEXT NOT NULL,
     day INTEGER NOT NULL,
     requests INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     nanos INTEGER NOT NULL,
     PRIMARY KEY (level, day)
   ) WITHOUT ROWID;
   INSERT INTO level_daily
     SELECT 'key:' || key_id, day, sum(requests), sum(tokens), sum(nanos) FROM usage_daily WHERE key_id <> '' GROUP BY 1, 2
     UNION ALL SELECT 'gateway', day, sum(requests), sum(tokens), sum(nanos) FROM usage_daily GROUP BY day;

   -- What attempts were charged whose whole reservation was, by counter: what is taken back of them is taken from there.
   CREATE TABLE reserved_charges (
     request_id TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     charges TEXT NOT NULL,
     levels TEXT NOT NULL,
     PRIMARY KEY (request_id, attempt)
   ) WITHOUT ROWID;

   -- limits: JSON of the limits that have no column of their own.
   ALTER TABLE keys ADD COLUMN organization TEXT;
   ALTER TABLE keys ADD COLUMN team TEXT;
   ALTER TABLE keys ADD COLUMN project TEXT;
   ALTER TABLE keys ADD COLUMN user TEXT;
   ALTER TABLE keys ADD COLUMN limits TEXT;`,

  `-- Things that tell what they used to whoever looks at them at their end: when the gateway looks, if nobody does.
   CREATE TABLE awaited_usage (
     thing TEXT NOT NULL PRIMARY KEY,
     key_id TEXT NOT NULL,
     look TEXT NOT NULL,
     made_ms INTEGER NOT NULL,
     looks INTEGER NOT NULL,
     due_ms INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX awaited_usage_due ON awaited_usage (due_ms);`,

  `DROP VIEW requests;
   CREATE VIEW requests AS SELECT ${recordColumns()}, ${moreColumns()},
     fields ->> 42 AS attempt_history, fields ->> 43 AS variant, fields ->> 44 AS organization, fields ->> 45 AS team,
     fields ->> 46 AS project, fields ->> 47 AS "user", fields ->> 48 AS budget_events FROM request_rows;`,

  `DROP VIEW requests;
   CREATE VIEW requests AS SELECT ${recordColumns()}, ${moreColumns()},
     fields ->> 42 AS attempt_history, fields ->> 43 AS variant, fields ->> 44 AS organization, fields ->> 45 AS team,
     fields ->> 46 AS project, fields ->> 47 AS "user", fields ->> 48 AS budget_events, fields ->> 49 AS policy,
     fields ->> 50 AS policy_version FROM request_rows;`,

  `-- Entries of the ledger that were made after an attempt's settlement: what was charged in advance is given back. phase: 2 release,
   -- 3 adjust (see records.ts). entered_at: when; they count in the period of reserved_at, as all entries of their attempt.
   CREATE TABLE later_entries (
     request_id TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     phase INTEGER NOT NULL,
     sequence INTEGER NOT NULL,
     entered_at INTEGER NOT NULL,
     reserved_at INTEGER NOT NULL,
     key_id TEXT,
     provider TEXT NOT NULL,
     model TEXT NOT NULL,
     tokens INTEGER NOT NULL,
     nanos INTEGER NOT NULL,
     price_rule TEXT,
     charges TEXT NOT NULL,
     levels TEXT NOT NULL,
     PRIMARY KEY (request_id, attempt, phase, sequence)
   ) WITHOUT ROWID;

   DROP VIEW ledger;
   CREATE VIEW ledger AS
     ${[
       phaseRows('reserve', 'id', 'attempt', 'request_rows WHERE attempt IS NOT NULL'),
       phaseRows('settle', 'id', 'attempt', 'request_rows WHERE attempt IS NOT NULL', SETTLED_RULE),
       phaseRows('reserve', 'request_id', 'amounts', 'attempt_rows'),
       phaseRows('settle', 'request_id', 'amounts', 'attempt_rows'),
     ]
       .map((rows) => rows.replace(' FROM ', ', 1 AS sequence, NULL AS entered_at FROM '))
       .join(' UNION ALL ')}
     UNION ALL SELECT request_id, attempt, phase, reserved_at, key_id, provider, model, tokens, nanos, price_rule, 'reserved',
       sequence, entered_at FROM later_entries;

   -- What of the sums such entries have taken away again.
   ALTER TABLE usage_daily ADD COLUMN adjusted_tokens INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE usage_daily ADD COLUMN adjusted_nanos INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE usage_forgotten ADD COLUMN adjusted_tokens INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE usage_forgotten ADD COLUMN adjusted_nanos INTEGER NOT NULL DEFAULT 0;`,

  `-- Organisations, teams, projects and users that the admin API has made. fields: JSON of what they say.
   CREATE TABLE levels (
     kind TEXT NOT NULL,
     id TEXT NOT NULL,
     fields TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     deleted_at INTEGER,
     PRIMARY KEY (kind, id)
   ) WITHOUT ROWID;

   -- Who changed what, or was refused. before, after: JSON of the members that differ. Lines are only ever added.
   CREATE TABLE audit (
     sequence INTEGER PRIMARY KEY,
     time INTEGER NOT NULL,
     actor TEXT NOT NULL,
     address TEXT,
     request_id TEXT,
     action TEXT NOT NULL,
     target TEXT NOT NULL,
     outcome TEXT NOT NULL,
     reason TEXT,
     "before" TEXT,
     "after" TEXT
   );
   CREATE INDEX audit_by_target ON audit (target, sequence);
   CREATE INDEX audit_by_actor ON audit (actor, sequence);
   CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN
     SELECT RAISE(ABORT, 'the audit log is append-only');
   END;
   CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN
     SELECT RAISE(ABORT, 'the audit log is append-only');
   END;

   -- Which admin made a key; null: one of before.
   ALTER TABLE keys ADD COLUMN created_by TEXT;`,

  `DROP VIEW requests;
   CREATE VIEW requests AS SELECT ${recordColumns()}, ${moreColumns()},
     fields ->> 42 AS attempt_history, fields ->> 43 AS variant, fields ->> 44 AS organization, fields ->> 45 AS team,
     fields ->> 46 AS project, fields ->> 47 AS "user", fields ->> 48 AS budget_events, fields ->> 49 AS policy,
     fields ->> 50 AS policy_version, fields ->> 51 AS session, fields ->> 52 AS end_user, fields ->> 53 AS tags FROM request_rows;`,
  `-- What usage is told by beyond keys, levels and models is kept as well when rows go: '(other)' stands for what was too much of it in a day.
   -- Of rows from before nobody knows it, which is ''.
   CREATE TABLE usage_left (
     hour INTEGER NOT NULL,
     key_id TEXT NOT NULL,
     provider TEXT NOT NULL,
     model TEXT NOT NULL,
     organization TEXT NOT NULL,
     team TEXT NOT NULL,
     project TEXT NOT NULL,
     "user" TEXT NOT NULL,
     route TEXT NOT NULL,
     run TEXT NOT NULL,
     session TEXT NOT NULL,
     end_user TEXT NOT NULL,
     tag TEXT NOT NULL,
     requests INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     nanos INTEGER NOT NULL,
     adjusted_tokens INTEGER NOT NULL,
     adjusted_nanos INTEGER NOT NULL,
     PRIMARY KEY (hour, key_id, provider, model, organization, team, project, "user", route, run, session, end_user, tag)
   ) WITHOUT ROWID;
   INSERT INTO usage_left
     SELECT hour, key_id, provider, model, organization, team, project, "user", '', '', '', '', '', requests, tokens, nanos,
       adjusted_tokens, adjusted_nanos FROM usage_forgotten;
   DROP TABLE usage_forgotten;
   ALTER TABLE usage_left RENAME TO usage_forgotten;`,

  `-- What operators have entered in the ledger as well: why, and who. Its entry is in later_entries, of the phase adjust. Rows are only ever added.
   CREATE TABLE adjustments (
     id TEXT NOT NULL PRIMARY KEY,
     request_id TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     nanos INTEGER NOT NULL,
     reason TEXT NOT NULL,
     actor TEXT NOT NULL,
     key_id TEXT,
     entered_at INTEGER NOT NULL,
     sequence INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX adjustments_by_time ON adjustments (entered_at, id);
   CREATE INDEX adjustments_by_request ON adjustments (request_id);
   CREATE TRIGGER adjustments_stay BEFORE UPDATE ON adjustments BEGIN
     SELECT RAISE(ABORT, 'adjustments are append-only');
   END;
   CREATE TRIGGER adjustments_are_kept BEFORE DELETE ON adjustments BEGIN
     SELECT RAISE(ABORT, 'adjustments are append-only');
   END;`,
]

/** The schema before the first release, which no program that was released can read or has made. */
const UNRELEASED = 1

/** Schema version of a database that has `steps` of the steps. */
export function versionAfter(steps: number): number {
  return UNRELEASED + steps
}

/**
 * Brings the database to the newest schema, each step in a transaction of its own, so that a crash leaves a whole
 * number of steps. Throws StorageError `newer_schema` when a later version of the program has been here, and
 * `unknown_format` when one from before the first release has.
 */
export function migrate(database: DatabaseSync, path: string, migrations = MIGRATIONS): void {
  database.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL, applied_at INTEGER NOT NULL)')
  const newest = database.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_version')
  const insert = database.prepare('INSERT INTO schema_version VALUES (?, ?)')
  for (;;) {
    database.exec('BEGIN IMMEDIATE')
    try {
      const version = Number(newest.get()?.version)
      checkVersion(version, path, migrations)
      if (version === UNRELEASED) {
        throw new StorageError(
          'unknown_format',
          `${path} has schema version ${version}, of a ferro before its first release, which this program cannot read. ` +
            'Move the file away to begin with an empty database, or give another one.',
        )
      }
      const done = version === 0 ? 0 : version - UNRELEASED
      const step = migrations[done]
      if (step !== undefined) {
        database.exec(step)
        insert.run(versionAfter(done + 1), Date.now())
      }
      database.exec('COMMIT')
      if (step === undefined) return
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
}

/** The same for who only reads: nothing is migrated, and what a later version keeps elsewhere would be missing in every sum. */
export function refuseNewer(database: DatabaseSync, path: string, migrations = MIGRATIONS): void {
  const found = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'").get()
  if (found === undefined) return
  checkVersion(
    Number(database.prepare('SELECT max(version) AS version FROM schema_version').get()?.version),
    path,
    migrations,
  )
}

function checkVersion(version: number, path: string, migrations: readonly string[]): void {
  const newestKnown = versionAfter(migrations.length)
  if (version <= newestKnown) return
  throw new StorageError(
    'newer_schema',
    `${path} has schema version ${version}, and this program knows versions up to ${newestKnown}. ` +
      'A newer ferro has used it: start that version, or give another database.',
  )
}

/** The smallest request id (UUIDv7) of a request that started at `ms` since the epoch or later. */
export function firstIdAt(ms: number): string {
  const hex = Math.max(0, Math.trunc(ms)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
