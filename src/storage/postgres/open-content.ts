import { ContentSeal } from '../content/content-seal.ts'
import { ContentStore } from '../content/content-store.ts'
import { readContentSecret } from '../key-secrets.ts'
import { PostgresConnection } from './connection.ts'
import { PostgresDatabase } from './database.ts'
import { WRITER } from './open.ts'
import { parsePostgresUrl } from './url.ts'

/** Opens the store of content in a database that a writer has prepared. */
export function openPostgresContent(
  databaseUrl: string,
  dataDir: string,
  environment: Readonly<Record<string, string | undefined>>,
  now: () => number = Date.now,
): ContentStore {
  const seal = new ContentSeal(readContentSecret(dataDir, environment))
  const database = new PostgresDatabase(new PostgresConnection(parsePostgresUrl(databaseUrl), WRITER))
  try {
    return new ContentStore(database, seal, now)
  } catch (error) {
    database.close()
    throw error
  }
}
