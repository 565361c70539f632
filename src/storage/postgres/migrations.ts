import { StorageError } from '../errors.ts'
import { RECORD_FIELDS } from '../record-fields.ts'
import { COUNTER_SHARES } from './counter-shares.ts'
import type { PostgresDatabase } from './database.ts'
import { LEDGER_SCHEMA } from './ledger-schema.ts'

/** Number of the advisory lock under which one program after the other looks at the schema. */
const MIGRATION_LOCK = 7_305_411

/** Fields of a record that the first version of the view knows. */
const FIRST_FIELDS = 51
/** With the policies that decided. */
const FIELDS_WITH_POLICIES = 53
/** With what clients say. */
const FIELDS_WITH_SAID = 56

/** The columns of the view `requests` as expressions over `request_rows`. */
function recordColumns(count: number): string {
  let at = 0
  const columns = RECORD_FIELDS.slice(0, count).map(([name, type]) => {
    if (name === 'id' || name === 'key_id') return name
    const text = `fields ->> ${at++}`
    if (type === 'flag') return `(${text})::boolean::int AS "${name}"`
    // Seconds have fractions.
    if (type === 'count') return `coalesce((${text})::numeric, 0) AS "${name}"`
    return `${type === 'count?' ? `(${text})::numeric` : text} AS "${name}"`
  })
  return columns.join(', ')
}

/** The schema as steps, each in a transaction of its own. Append only: a step that was released is never changed. */
export const MIGRATIONS: readonly string[] = [
  `${LEDGER_SCHEMA}
   CREATE VIEW requests AS SELECT ${recordColumns(FIRST_FIELDS)} FROM request_rows;`,

  // New columns stand behind the others, which is all that this may change.
  `CREATE OR REPLACE VIEW requests AS SELECT ${recordColumns(FIELDS_WITH_POLICIES)} FROM request_rows;`,

  `CREATE TABLE later_entries (
     request_id TEXT COLLATE "C" NOT NULL,
     attempt INTEGER NOT NULL,
     phase INTEGER NOT NULL,
     sequence INTEGER NOT NULL,
     entered_at BIGINT NOT NULL,
     reserved_at BIGINT NOT NULL,
     key_id TEXT,
     provider TEXT NOT NULL,
     model TEXT NOT NULL,
     tokens BIGINT NOT NULL,
     nanos BIGINT NOT NULL,
     price_rule TEXT,
     charges TEXT NOT NULL,
     levels TEXT NOT NULL,
     PRIMARY KEY (request_id, attempt, phase, sequence)
   );
   CREATE OR REPLACE VIEW ledger AS
     SELECT request_id, attempt, phase, (amounts ->> 1)::bigint AS reserved_at, amounts ->> 2 AS key_id, amounts ->> 3 AS provider,
       amounts ->> 4 AS model, (amounts ->> tokens_at)::bigint AS tokens, (amounts ->> nanos_at)::bigint AS nanos,
       CASE WHEN phase = 0 THEN amounts ->> 7 ELSE coalesce(amounts ->> 11, amounts ->> 7) END AS price_rule,
       CASE WHEN phase = 0 THEN 'estimated' ELSE amounts ->> 10 END AS usage_source, 1 AS sequence, NULL::bigint AS entered_at
     FROM attempt_rows CROSS JOIN (VALUES (0, 5, 6), (1, 8, 9)) AS phases (phase, tokens_at, nanos_at)
     UNION ALL SELECT request_id, attempt, phase, reserved_at, key_id, provider, model, tokens, nanos, price_rule, 'reserved',
       sequence, entered_at FROM later_entries;
   ALTER TABLE usage_daily ADD COLUMN adjusted_tokens BIGINT NOT NULL DEFAULT 0, ADD COLUMN adjusted_nanos BIGINT NOT NULL DEFAULT 0;
   ALTER TABLE usage_forgotten ADD COLUMN adjusted_tokens BIGINT NOT NULL DEFAULT 0,
     ADD COLUMN adjusted_nanos BIGINT NOT NULL DEFAULT 0;`,

  // A change of a level counts and is told as one of a key is.
  `CREATE TABLE levels (
     kind TEXT COLLATE "C" NOT NULL,
     id TEXT COLLATE "C" NOT NULL,
     fields TEXT NOT NULL,
     created_at BIGINT NOT NULL,
     updated_at BIGINT NOT NULL,
     deleted_at BIGINT,
     version BIGINT NOT NULL,
     PRIMARY KEY (kind, id)
   );
   CREATE INDEX levels_by_version ON levels (version);
   CREATE TRIGGER level_changed BEFORE INSERT OR UPDATE ON levels FOR EACH ROW EXECUTE FUNCTION key_changed();

   CREATE TABLE audit (
     sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     time BIGINT NOT NULL,
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
   CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     RAISE EXCEPTION 'the audit log is append-only';
   END $$;
   CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_kept();

   ALTER TABLE keys ADD COLUMN created_by TEXT;`,

  COUNTER_SHARES,

  `CREATE OR REPLACE VIEW requests AS SELECT ${recordColumns(FIELDS_WITH_SAID)} FROM request_rows;`,

  `ALTER TABLE usage_forgotten ADD COLUMN route TEXT COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN run TEXT COLLATE "C" NOT NULL DEFAULT '',
     ADD COLUMN session TEXT COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN end_user TEXT COLLATE "C" NOT NULL DEFAULT '',
     ADD COLUMN tag TEXT COLLATE "C" NOT NULL DEFAULT '', DROP CONSTRAINT usage_forgotten_pkey,
     ADD PRIMARY KEY (hour, key_id, provider, model, organization, team, project, "user", route, run, session, end_user, tag);`,

  `-- What operators have entered in the ledger as well: why, and who. Its entry is in later_entries, of the phase adjust. Rows are only ever added.
   CREATE TABLE adjustments (
     id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
     request_id TEXT COLLATE "C" NOT NULL,
     attempt INTEGER NOT NULL,
     tokens BIGINT NOT NULL,
     nanos BIGINT NOT NULL,
     reason TEXT NOT NULL,
     actor TEXT NOT NULL,
     key_id TEXT,
     entered_at BIGINT NOT NULL,
     sequence INTEGER NOT NULL
   );
   CREATE INDEX adjustments_by_time ON adjustments (entered_at, id);
   CREATE INDEX adjustments_by_request ON adjustments (request_id);
   CREATE FUNCTION adjustments_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     RAISE EXCEPTION 'adjustments are append-only';
   END $$;
   CREATE TRIGGER adjustments_are_kept BEFORE UPDATE OR DELETE ON adjustments
     FOR EACH ROW EXECUTE FUNCTION adjustments_are_kept();`,
]

/**
 * Brings the database to the newest schema: programs that start at once on an empty database do it one after the other. Throws
 * StorageError `newer_schema` when a later version of the program has been here.
 */
export function migrate(database: PostgresDatabase, place: string, migrations = MIGRATIONS): void {
  for (let done = 0; done < migrations.length; done++) {
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`)
      database.exec(
        'CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)',
      )
      const version = Number(
        database.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_version').get()?.['version'],
      )
      checkVersion(version, place, migrations)
      const step = migrations[version]
      if (step !== undefined) {
        database.exec(step)
        database.prepare('INSERT INTO schema_version VALUES (?, ?)').run(version + 1, Date.now())
      }
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

/** The same for who only reads: nothing is migrated, and what a later version keeps elsewhere would be missing in every sum. */
export function refuseNewer(database: PostgresDatabase, place: string, migrations = MIGRATIONS): void {
  const found = database.prepare("SELECT to_regclass('schema_version')::text AS name").get()
  if (found?.['name'] === null || found === undefined) return
  const version = database.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_version').get()?.['version']
  checkVersion(Number(version), place, migrations)
}

function checkVersion(version: number, place: string, migrations: readonly string[]): void {
  if (version <= migrations.length) return
  throw new StorageError(
    'newer_schema',
    `${place} has schema version ${version}, and this program knows versions up to ${migrations.length}. ` +
      'A newer ferro has used it: start that version, or give another database.',
  )
}
