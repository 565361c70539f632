/**
 * Hashes of passwords in configurations: `scrypt:N:r:p:salt:hash` (RFC 7914), N as its power of two, the rest in
 * base64url. Text is normalised (NFC) before it is hashed, as RFC 7617 wants: the same letters from two keyboards are one
 * password.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

export interface PasswordHash {
  readonly cost: { readonly N: number; readonly r: number; readonly p: number; readonly maxmem: number }
  readonly salt: Buffer
  readonly hash: Buffer
}

/** 16 MiB and some 100 ms: OWASP's password storage cheat sheet (2025) has N=2^14, r=8, p=5 among its equals. */
const COST_LOG2 = 14
const BLOCK_SIZE = 8
const PARALLELISM = 5
const SALT_BYTES = 16
const HASH_BYTES = 32
const MAX_MEMORY_BYTES = 256 * 1_048_576
const MAX_PARALLELISM = 64
const PATTERN = /^scrypt:(\d{1,2}):(\d{1,3}):(\d{1,3}):([A-Za-z0-9_-]+):([A-Za-z0-9_-]+)$/

/** Reads a hash; throws a RangeError for what is none, or for one that would cost too much to check. */
export function parsePasswordHash(text: string): PasswordHash {
  const [, log2 = '', r = '', p = '', salt = '', hash = ''] = PATTERN.exec(text) ?? []
  const parsed = passwordHash({ log2: Number(log2), r: Number(r), p: Number(p) }, salt, hash)
  if (parsed.hash.length < HASH_BYTES / 2 || parsed.salt.length < SALT_BYTES / 2) {
    throw new RangeError('expected a hash as `ferro hash-key --password` prints it')
  }
  return parsed
}

/** The hash of a password, with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const cost = costOf({ log2: COST_LOG2, r: BLOCK_SIZE, p: PARALLELISM })
  const hash = await new Promise<Buffer>((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, cost, (error, key) => (error ? reject(error) : resolve(key)))
  })
  return `scrypt:${COST_LOG2}:${BLOCK_SIZE}:${PARALLELISM}:${salt.toString('base64url')}:${hash.toString('base64url')}`
}

/** Tells, off this thread, whether a normalised password has that hash. */
export function checkPassword(password: string, expected: PasswordHash, onResult: (matches: boolean) => void): void {
  const { salt, hash, cost } = expected
  scrypt(password, salt, hash.length, cost, (error, key) => onResult(error === null && timingSafeEqual(key, hash)))
}

function passwordHash(cost: { log2: number; r: number; p: number }, salt: string, hash: string): PasswordHash {
  return { cost: costOf(cost), salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') }
}

function costOf({ log2, r, p }: { log2: number; r: number; p: number }): PasswordHash['cost'] {
  const memory = 128 * 2 ** log2 * r
  if (log2 < 1 || r < 1 || p < 1 || p > MAX_PARALLELISM || memory > MAX_MEMORY_BYTES) {
    throw new RangeError(`scrypt takes up to ${MAX_MEMORY_BYTES / 1_048_576} MiB and ${MAX_PARALLELISM} rounds here`)
  }
  // What OpenSSL needs beside the table itself.
  return { N: 2 ** log2, r, p, maxmem: memory + 256 * r * p + 1_048_576 }
}
