/**
 * The first schema. Names and columns are those of the SQLite schema, so that queries are the same for both; see there for what
 * they mean. Different is:
 *
 * - Rows of requests and attempts lie in partitions by UTC day of the request's id (UUIDv7), which retention drops whole. A partition
 *   is made when the first row of its day comes. Ids are compared byte by byte (COLLATE "C"), as SQLite does.
 * - All attempts are in `attempt_rows`; `request_rows.attempt` is always null. The list of amounts has one place more, the rule that
 *   priced the settlement, where it is another than that of the reservation.
 * - Several instances use the database at once: `instances` says which, and open attempts and claims say whose they are.
 * - A change of a key gets the next `version`, in the order in which changes become visible, and tells every instance.
 */
export const LEDGER_SCHEMA = `
CREATE TABLE request_rows (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  key_id TEXT COLLATE "C",
  fields JSONB NOT NULL,
  attempt JSONB
) PARTITION BY RANGE (id);
-- Ids that are no UUID; only damage makes any.
CREATE TABLE request_rows_other PARTITION OF request_rows FOR VALUES FROM ('g') TO (MAXVALUE);

CREATE TABLE attempt_rows (
  request_id TEXT COLLATE "C" NOT NULL,
  attempt INTEGER NOT NULL,
  amounts JSONB NOT NULL,
  PRIMARY KEY (request_id, attempt)
) PARTITION BY RANGE (request_id);
CREATE TABLE attempt_rows_other PARTITION OF attempt_rows FOR VALUES FROM ('g') TO (MAXVALUE);

CREATE TABLE key_slices (
  key_id TEXT COLLATE "C" NOT NULL,
  slice TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (key_id, slice)
);

CREATE VIEW ledger AS
  SELECT request_id, attempt, phase, (amounts ->> 1)::bigint AS reserved_at, amounts ->> 2 AS key_id, amounts ->> 3 AS provider,
    amounts ->> 4 AS model, (amounts ->> tokens_at)::bigint AS tokens, (amounts ->> nanos_at)::bigint AS nanos,
    CASE WHEN phase = 0 THEN amounts ->> 7 ELSE coalesce(amounts ->> 11, amounts ->> 7) END AS price_rule,
    CASE WHEN phase = 0 THEN 'estimated' ELSE amounts ->> 10 END AS usage_source
  FROM attempt_rows CROSS JOIN (VALUES (0, 5, 6), (1, 8, 9)) AS phases (phase, tokens_at, nanos_at);

CREATE TABLE usage_daily (
  day BIGINT NOT NULL,
  key_id TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  model TEXT COLLATE "C" NOT NULL,
  requests BIGINT NOT NULL,
  tokens BIGINT NOT NULL,
  nanos BIGINT NOT NULL,
  PRIMARY KEY (day, key_id, provider, model)
);

CREATE TABLE usage_forgotten (
  hour BIGINT NOT NULL,
  key_id TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  model TEXT COLLATE "C" NOT NULL,
  organization TEXT COLLATE "C" NOT NULL,
  team TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C" NOT NULL,
  "user" TEXT COLLATE "C" NOT NULL,
  requests BIGINT NOT NULL,
  tokens BIGINT NOT NULL,
  nanos BIGINT NOT NULL,
  PRIMARY KEY (hour, key_id, provider, model, organization, team, project, "user")
);

CREATE TABLE level_daily (
  level TEXT COLLATE "C" NOT NULL,
  day BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  tokens BIGINT NOT NULL,
  nanos BIGINT NOT NULL,
  PRIMARY KEY (level, day)
);

CREATE TABLE counter_sums (
  counter TEXT COLLATE "C" NOT NULL,
  period BIGINT NOT NULL,
  spent BIGINT NOT NULL,
  PRIMARY KEY (counter, period)
);

CREATE TABLE reserved_charges (
  request_id TEXT COLLATE "C" NOT NULL,
  attempt INTEGER NOT NULL,
  charges TEXT NOT NULL,
  levels TEXT NOT NULL,
  PRIMARY KEY (request_id, attempt)
);

CREATE TABLE open_attempts (
  request_id TEXT COLLATE "C" NOT NULL,
  attempt INTEGER NOT NULL,
  instance TEXT NOT NULL,
  start_ms BIGINT NOT NULL,
  worker BIGINT NOT NULL,
  settled INTEGER NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (request_id, attempt)
);

CREATE TABLE usage_claims (
  thing TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  request_id TEXT COLLATE "C" NOT NULL,
  told INTEGER NOT NULL,
  claimed_ms BIGINT NOT NULL,
  instance TEXT NOT NULL
);

CREATE TABLE held_amounts (
  thing TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  request_id TEXT COLLATE "C" NOT NULL,
  made_ms BIGINT NOT NULL
);

CREATE TABLE awaited_usage (
  thing TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  key_id TEXT COLLATE "C" NOT NULL,
  look TEXT NOT NULL,
  made_ms BIGINT NOT NULL,
  looks BIGINT NOT NULL,
  due_ms BIGINT NOT NULL
);
CREATE INDEX awaited_usage_due ON awaited_usage (due_ms);

-- Programs that write here: each has its own journal, whose oldest entry began at journal_since_ms or later.
CREATE TABLE instances (
  id TEXT NOT NULL PRIMARY KEY,
  started_ms BIGINT NOT NULL,
  seen_ms BIGINT NOT NULL,
  journal_since_ms BIGINT NOT NULL
);

-- What all instances must agree on: fingerprints of their secrets.
CREATE TABLE settings (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE keys (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT COLLATE "C" NOT NULL UNIQUE,
  prefix TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  expires_at BIGINT,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT,
  scopes TEXT NOT NULL,
  models_allow TEXT,
  models_deny TEXT,
  requests_per_minute BIGINT,
  burst BIGINT,
  budgets TEXT NOT NULL,
  previous_hash TEXT,
  previous_until BIGINT,
  addresses TEXT,
  tags TEXT NOT NULL DEFAULT '[]',
  metadata TEXT NOT NULL DEFAULT '{}',
  organization TEXT,
  team TEXT,
  project TEXT,
  "user" TEXT,
  limits TEXT,
  version BIGINT NOT NULL
);
CREATE INDEX keys_by_version ON keys (version);
CREATE SEQUENCE key_versions;
CREATE FUNCTION key_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- One change after the other, until its end: whoever has seen a version has seen all before it.
  PERFORM pg_advisory_xact_lock(7305412);
  NEW.version := nextval('key_versions');
  PERFORM pg_notify('ferro_keys', NEW.version::text);
  RETURN NEW;
END $$;
CREATE TRIGGER key_changed BEFORE INSERT OR UPDATE ON keys FOR EACH ROW EXECUTE FUNCTION key_changed();

CREATE TABLE content (
  sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  parent TEXT COLLATE "C",
  expires_ms BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  UNIQUE (tenant, id)
);
CREATE TABLE item (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  sequence BIGINT NOT NULL REFERENCES content (sequence) ON DELETE CASCADE,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX item_of_content ON item (sequence);
CREATE INDEX content_under ON content (tenant, parent) WHERE parent IS NOT NULL;
CREATE INDEX content_expiry ON content (expires_ms);
`
