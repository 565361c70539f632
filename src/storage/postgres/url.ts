import fs from 'node:fs'
import { StorageError } from '../errors.ts'

/** How a connection is protected: not at all, encrypted only, or encrypted to the server that the certificate names. */
export const SSL_MODES = ['disable', 'require', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

/** Where a database is and how to get in. Holds a password: never shown, see `placeOf`. */
export interface PostgresTarget {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string | undefined
  readonly sslMode: SslMode
  /** Certificates of authorities, PEM; undefined: those that the system trusts. */
  readonly ca: string | undefined
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/
const PARAMETERS: ReadonlySet<string> = new Set(['sslmode', 'sslrootcert'])
const FORM = 'postgres://user:password@host:5432/database, with the password as a reference'

/** Whether a storage URL is one of PostgreSQL. */
export function isPostgresUrl(url: string | null): url is string {
  return url !== null && /^postgres(?:ql)?:\/\//.test(url)
}

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…`. Other machines than this one are spoken to by
 * TLS with a checked certificate unless the URL says otherwise. Throws StorageError `bad_url`, which never shows a password.
 */
export function parsePostgresUrl(text: string): PostgresTarget {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    // Its message would repeat the text, and with it the password.
    throw bad('it cannot be read; a password with signs other than letters and digits must be percent-encoded')
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const database = decodeURIComponent(url.pathname.slice(1))
  if (host === '') throw bad('it names no host')
  if (database === '' || database.includes('/')) throw bad('it names no database')
  if (url.username === '') throw bad('it names no user')
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.has(name)) throw bad(`it has the parameter "${name}", and only sslmode and sslrootcert are known`)
  }
  return {
    host,
    port: url.port === '' ? 5432 : Number(url.port),
    database,
    user: decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    sslMode: sslModeOf(url.searchParams.get('sslmode'), host),
    ca: certificatesOf(url.searchParams.get('sslrootcert')),
  }
}

/** A database as people may see it. */
export function placeOf({ host, port, database }: PostgresTarget): string {
  return `PostgreSQL at ${host.includes(':') ? `[${host}]` : host}:${port}, database ${database}`
}

function sslModeOf(given: string | null, host: string): SslMode {
  if (given === null) return LOOPBACK.test(host) ? 'disable' : 'verify-full'
  const mode = SSL_MODES.find((each) => each === given)
  if (mode === undefined) throw bad(`sslmode is one of ${SSL_MODES.join(', ')}`)
  return mode
}

function certificatesOf(file: string | null): string | undefined {
  if (file === null) return undefined
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw bad(`sslrootcert ${file} cannot be read: ${code}`)
  }
}

function bad(what: string): StorageError {
  return new StorageError('bad_url', `storage.url is not one of a PostgreSQL database: ${what}. Write ${FORM}.`)
}
