import type { KeyPrincipal, ResourceNames } from '../../governance/index.ts'
import type { GlobSet } from '../../lib/index.ts'
import type { ModelRegistry } from '../models/registry.ts'

/** Names of what a request asks for, with whom it is kept for. */
export interface TargetNames extends ResourceNames {
  /** Names of keys and levels (`team:search`) that alone may be served by it; null: all may. */
  readonly keptFor: GlobSet | null
}

/** Whether a target of these names may serve a key: no list of models speaks against it, and it is not kept for others. */
export function mayBeServed(principal: KeyPrincipal, names: TargetNames): boolean {
  return isAmong(names.keptFor, principal) && principal.mayUse(names)
}

/** Whether a key needs no look at the names of what it asks for. */
export function mayUseEverything(principal: KeyPrincipal, registry: ModelRegistry): boolean {
  return principal.mayUseAll && !registry.keepsTargets
}

/** Whether a key is one of those that a target is kept for, by its id or by a level that it is in. */
export function isAmong(keptFor: GlobSet | null, { id, named }: KeyPrincipal): boolean {
  if (keptFor === null || keptFor.matches(`key:${id}`)) return true
  return LEVELS.some((kind) => named[kind] !== null && keptFor.matches(`${kind}:${named[kind]}`))
}

/** Levels that rules and targets can name. */
export const LEVELS = ['organization', 'team', 'project', 'user'] as const
