import { createHmac } from 'node:crypto'
import { StorageError } from '../errors.ts'
import { readContentSecret, readPepper } from '../key-secrets.ts'
import type { PostgresDatabase } from './database.ts'

type Environment = Readonly<Record<string, string | undefined>>

const SECRETS = [
  { name: 'pepper', variable: 'FERRO_PEPPER', file: 'pepper', of: readPepper, use: 'hashes of keys' },
  {
    name: 'content-key',
    variable: 'FERRO_CONTENT_KEY',
    file: 'content-key',
    of: readContentSecret,
    use: 'stored content',
  },
] as const

/**
 * All instances of a database need the same secrets: with another pepper a key that one has made would be unknown to the other. The
 * first one leaves a fingerprint, of no use to anybody who reads it. Throws StorageError `other_secret`.
 */
export function checkSecrets(database: PostgresDatabase, dataDir: string, environment: Environment): void {
  for (const { name, variable, file, of, use } of SECRETS) {
    const print = createHmac('sha256', of(dataDir, environment)).update(`ferro fingerprint of ${name}`).digest('hex')
    const insert =
      'INSERT INTO settings VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = settings.value RETURNING value'
    const known = database.query(insert, [name, print]).rows[0]?.['value']
    if (known === print) continue
    throw new StorageError(
      'other_secret',
      `The database was first used with another secret for ${use} than the one of ${dataDir}. Give every instance the same: set ` +
        `${variable} to what stands in the file ${file} of the first instance's data directory. If that is lost, so are its ` +
        `${use}: begin with an empty database.`,
    )
  }
}
