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

/** What a key may be served by, as long as its levels say what they said. */
interface Looked {
  charged: KeyPrincipal['charged']
  readonly denied: Map<readonly TargetNames[], Uint8Array>
}

/** Keys with lists of models ask for few of them. */
const MOST_LISTS = 4
const looked = new WeakMap<KeyPrincipal, Looked>()

/** By position of the names: 1 for what may not serve the key. Looked up once for each list of names, as long as nothing changes. */
export function deniedAmong(principal: KeyPrincipal, names: readonly TargetNames[]): Uint8Array {
  const { charged } = principal
  let known = looked.get(principal)
  if (known === undefined || known.charged !== charged) {
    known = { charged, denied: new Map() }
    looked.set(principal, known)
  }
  let denied = known.denied.get(names)
  if (denied === undefined) {
    denied = Uint8Array.from(names, (own) => (mayBeServed(principal, own) ? 0 : 1))
    if (known.denied.size >= MOST_LISTS) known.denied.clear()
    known.denied.set(names, denied)
  }
  return denied
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
