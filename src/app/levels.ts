import type { ConfigDocument } from '../config/index.ts'
import { GATEWAY } from '../governance/index.ts'
import { type StoredKey, type StoredLimits, storedLimits } from '../storage/index.ts'

/** What of a document is about levels. */
export type LevelsDocument = Pick<ConfigDocument, 'organizations' | 'teams' | 'projects' | 'users' | 'gateway'>

/** The levels that a key names. */
export type Membership = Pick<StoredKey, 'organization' | 'team' | 'project' | 'user'>

/** One level of the file. */
export interface LevelConfig {
  readonly name: string
  readonly enabled: boolean
  readonly modelsAllow: readonly string[] | null
  readonly modelsDeny: readonly string[]
  readonly limits: StoredLimits
}

type Kind = 'organization' | 'team' | 'project' | 'user'
type Parents = { readonly [kind in Kind]?: string | undefined }

export const NO_LEVELS_DOCUMENT: LevelsDocument = {
  organizations: [],
  teams: [],
  projects: [],
  users: [],
  gateway: { models: { deny: [] }, limits: {}, budgets: [], rules: [] },
}

/** The levels of one document, and which of them a key is in. */
export class Levels {
  readonly all: readonly LevelConfig[]
  readonly #parents = new Map<string, Parents>()

  constructor({ organizations, teams, projects, users, gateway }: LevelsDocument) {
    const all: LevelConfig[] = []
    const whole = levelOf(GATEWAY, { ...gateway, enabled: true })
    // What says nothing need not be told.
    if (JSON.stringify(whole) !== JSON.stringify(SAYS_NOTHING)) all.push(whole)
    const take = (kind: Kind, list: readonly (LevelFields & { readonly id: string } & Parents)[]) => {
      for (const level of list) {
        const name = `${kind}:${level.id}`
        all.push(levelOf(name, level))
        this.#parents.set(name, { team: level.team, organization: level.organization })
      }
    }
    take('organization', organizations)
    take('team', teams)
    take('project', projects)
    take('user', users)
    this.all = all
  }

  /** Names of the levels that a key is in, from the narrowest to the widest, known or not. */
  namesFor({ user, project, team, organization }: Membership): readonly string[] {
    const names = new Map<Kind, string>()
    const add = (kind: Kind, id: string | null | undefined) => {
      if (id === null || id === undefined) return
      const name = `${kind}:${id}`
      if (names.get(kind) === name) return
      names.set(kind, name)
      const parents = this.#parents.get(name)
      if (kind === 'project') add('team', parents?.team)
      if (kind !== 'organization') add('organization', parents?.organization)
    }
    add('user', user)
    add('project', project)
    add('team', team)
    add('organization', organization)
    return (['user', 'project', 'team', 'organization'] as const).flatMap((kind) => names.get(kind) ?? [])
  }

  /** What is wrong with where a key wants to be; null: nothing. */
  problemOf(key: Membership): { readonly field: Kind; readonly message: string } | null {
    for (const field of ['project', 'team', 'organization', 'user'] as const) {
      const id = key[field]
      if (id === null || this.#parents.has(`${field}:${id}`)) continue
      return { field, message: `there is no ${field} "${id}" in the configuration` }
    }
    for (const field of ['team', 'organization'] as const) {
      const ids = new Set<string>()
      for (const name of this.namesFor({ ...key, team: null, organization: null })) {
        const id = name.startsWith(`${field}:`) ? name.slice(field.length + 1) : this.#parents.get(name)?.[field]
        if (id !== undefined) ids.add(id)
      }
      const { team } = key
      const ofTeam =
        field === 'organization' && team !== null ? this.#parents.get(`team:${team}`)?.organization : undefined
      if (ofTeam !== undefined) ids.add(ofTeam)
      const own = key[field]
      if (own !== null) ids.add(own)
      if (ids.size > 1) {
        return { field, message: `what the key names lies in different ${field}s: ${[...ids].join(', ')}` }
      }
    }
    return null
  }
}

type LevelFields = Pick<ConfigDocument['teams'][number], 'enabled' | 'models' | 'limits' | 'budgets' | 'rules'>

function levelOf(name: string, { enabled, models, limits, budgets, rules }: LevelFields): LevelConfig {
  return {
    name,
    enabled,
    modelsAllow: models.allow ?? null,
    modelsDeny: models.deny,
    limits: storedLimits({ limits, budgets, rules }),
  }
}

const SAYS_NOTHING = levelOf(GATEWAY, { ...NO_LEVELS_DOCUMENT.gateway, enabled: true })
