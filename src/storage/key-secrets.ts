import { createHmac, hash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { createDurableFile } from './durable-file.ts'
import { StorageError } from './errors.ts'

const SECRET_BYTES = 32
const PREFIX_CHARACTERS = 10

/** A new secret of a virtual key: `fk-` and 43 base64url characters, 256 random bits. */
export function createKeySecret(): string {
  return `fk-${randomBytes(SECRET_BYTES).toString('base64url')}`
}

/** The first characters of a secret, for people to recognise a key: too few to help anybody guess the rest. */
export function keyPrefix(secret: string): string {
  return secret.slice(0, PREFIX_CHARACTERS)
}

/** `sha256:<64 hex>` of a secret, as configuration files hold it. */
export function hashKey(secret: string): string {
  return `sha256:${hash('sha256', secret, 'hex')}`
}

/** `hmac-sha256:<64 hex>` of a secret, keyed with the pepper: of no use to who reads the database alone. */
export function hashKeyWithPepper(secret: string, pepper: string): string {
  return `hmac-sha256:${createHmac('sha256', pepper).update(secret).digest('hex')}`
}

/** The pepper of keyed hashes: FERRO_PEPPER of the environment, or the file `pepper` in the data directory, made at need. */
export function readPepper(dataDir: string, environment: Readonly<Record<string, string | undefined>>): string {
  return givenSecret('FERRO_PEPPER', environment) ?? readOrCreateSecret(path.join(dataDir, 'pepper'))
}

/** What stored content is encrypted with: FERRO_CONTENT_KEY, or the file `content-key` in the data directory, made at need. */
export function readContentSecret(dataDir: string, environment: Readonly<Record<string, string | undefined>>): string {
  return givenSecret('FERRO_CONTENT_KEY', environment) ?? readOrCreateSecret(path.join(dataDir, 'content-key'))
}

/** A name for this gateway that no other one has: made once, kept in the data directory. */
export function readReplicaId(dataDir: string): string {
  return hash('sha256', readOrCreateSecret(path.join(dataDir, 'replica-id')), 'hex').slice(0, 32)
}

function givenSecret(name: string, environment: Readonly<Record<string, string | undefined>>): string | null {
  const given = environment[name]
  if (given === undefined || given === '') return null
  if (given.length < 16) {
    throw new StorageError('bad_secret_file', `${name} has fewer than 16 characters. Give it at least 32 random ones.`)
  }
  return given
}

/** The token of the admin API: the file `admin-token` in the data directory, made at need. */
export function readAdminToken(dataDir: string): string {
  return readOrCreateSecret(path.join(dataDir, 'admin-token'))
}

/** Throws StorageError `bad_secret_file` when the file is there but holds no secret: a new one would void all hashes. */
function readOrCreateSecret(file: string): string {
  if (!fs.existsSync(file)) createDurableFile(file, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`)
  const secret = fs.readFileSync(file, 'utf8').trim()
  if (secret.length < 16) {
    throw new StorageError(
      'bad_secret_file',
      `${file} holds no secret of at least 16 characters. Restore it from a backup, or remove it to get a new one.`,
    )
  }
  if ((fs.statSync(file).mode & 0o077) !== 0) fs.chmodSync(file, 0o600)
  return secret
}
