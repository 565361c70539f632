import type { LocalJWKSet } from 'jose'
import { LruMap } from '../../lib/index.ts'
import type { KeySet } from './key-set.ts'
import type { PasswordChecks } from './password-checks.ts'

/** More routes than that begin anew with each reload, which costs them a question or a check. */
const MAX_KEPT = 512

/**
 * What the gates of one worker have learned, kept when the configuration is reloaded, by what it was learned from: else
 * each reload would ask for all key sets, which may not be there just then, and check all passwords again.
 */
export class AuthMemory {
  /** By file or address. */
  readonly keySets = new LruMap<string, KeySet<LocalJWKSet>>(MAX_KEPT)
  /** By users and hashes. */
  readonly passwords = new LruMap<string, PasswordChecks>(MAX_KEPT)
}

/** What is kept under a name, or made and kept from now on. */
export function recall<T>(kept: LruMap<string, T>, name: string, make: () => T): T {
  const known = kept.get(name)
  if (known !== undefined) return known
  const made = make()
  kept.set(name, made)
  return made
}
