/** Where somebody belongs: the levels that are named, and those above them. */
import type { Membership } from './auth/outside-principal.ts'
import { LEVEL_KINDS, type LevelKind } from './level-document.ts'

/** What a level belongs to. */
export type Parents = { readonly [kind in 'team' | 'organization']?: string | undefined }

/** What the level of a name belongs to; undefined: there is no such level. */
export type ParentsOf = (name: string) => Parents | undefined

export interface MembershipProblem {
  readonly field: LevelKind
  readonly message: string
}

/** Names of all levels of a membership, from the narrowest to the widest, known or not. */
export function levelsOf({ user, project, team, organization }: Membership, parentsOf: ParentsOf): readonly string[] {
  const names = new Map<LevelKind, string>()
  const add = (kind: LevelKind, id: string | null | undefined) => {
    if (id === null || id === undefined) return
    const name = `${kind}:${id}`
    if (names.get(kind) === name) return
    names.set(kind, name)
    const parents = parentsOf(name)
    if (kind === 'project') add('team', parents?.team)
    if (kind !== 'organization') add('organization', parents?.organization)
  }
  add('user', user)
  add('project', project)
  add('team', team)
  add('organization', organization)
  return LEVEL_KINDS.flatMap((kind) => names.get(kind) ?? [])
}

/** What is wrong with a membership; null: nothing. */
export function membershipProblem(of: Membership, parentsOf: ParentsOf): MembershipProblem | null {
  for (const field of ['project', 'team', 'organization', 'user'] as const) {
    const id = of[field]
    if (id === null || parentsOf(`${field}:${id}`) !== undefined) continue
    return { field, message: `there is no ${field} "${id}"` }
  }
  for (const field of ['team', 'organization'] as const) {
    const ids = idsOf(of, field, parentsOf)
    if (ids.size > 1) {
      return { field, message: `what it names lies in different ${field}s: ${[...ids].join(', ')}` }
    }
  }
  return null
}

/** Every team, or every organisation, that something of a membership leads to. */
function idsOf(of: Membership, field: 'team' | 'organization', parentsOf: ParentsOf): ReadonlySet<string> {
  const ids = new Set<string>()
  const add = (id: string | null | undefined) => {
    if (id !== null && id !== undefined) ids.add(id)
  }
  for (const name of levelsOf({ ...of, team: null, organization: null }, parentsOf)) {
    add(name.startsWith(`${field}:`) ? name.slice(field.length + 1) : parentsOf(name)?.[field])
  }
  if (field === 'organization' && of.team !== null) add(parentsOf(`team:${of.team}`)?.organization)
  add(of[field])
  return ids
}
