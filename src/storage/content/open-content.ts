import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readContentSecret } from '../key-secrets.ts'
import { ContentSeal } from './content-seal.ts'
import { ContentStore } from './content-store.ts'

const FILE = 'content.db'
const BUSY_TIMEOUT_MS = 1_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS content (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL, id TEXT NOT NULL, parent TEXT,
    expires_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, sealed BLOB NOT NULL,
    UNIQUE (tenant, id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS item (
    tenant TEXT NOT NULL, id TEXT NOT NULL,
    sequence INTEGER NOT NULL REFERENCES content (sequence) ON DELETE CASCADE,
    PRIMARY KEY (tenant, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS item_of_content ON item (sequence);
  CREATE INDEX IF NOT EXISTS content_under ON content (tenant, parent) WHERE parent IS NOT NULL;
  CREATE INDEX IF NOT EXISTS content_expiry ON content (expires_ms);`

/** Opens the store in a file of the data directory, and makes it and its key at need. */
export function openContentFile(
  dataDir: string,
  environment: Readonly<Record<string, string | undefined>>,
  now: () => number = Date.now,
): ContentStore {
  const seal = new ContentSeal(readContentSecret(dataDir, environment))
  const file = path.join(dataDir, FILE)
  // SQLite would make it readable by everybody; its other files take over the mode of this one.
  fs.closeSync(fs.openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; ${SCHEMA}`)
  return new ContentStore(database, seal, now)
}
