import type { ConfigDocument } from '../config/index.ts'
import {
  GATEWAY,
  levelsOf,
  type Membership,
  type MembershipProblem,
  membershipProblem,
  type Parents,
} from '../governance/index.ts'
import { type StoredLevel, type StoredLevelKind, type StoredLimits, storedLimits } from '../storage/index.ts'

/** What of a document is about levels. */
export type LevelsDocument = Pick<ConfigDocument, 'organizations' | 'teams' | 'projects' | 'users' | 'gateway'>

/** One level, of the file or of the database. */
export interface LevelConfig {
  readonly name: string
  readonly enabled: boolean
  readonly modelsAllow: readonly string[] | null
  readonly modelsDeny: readonly string[]
  readonly limits: StoredLimits
  /** What it belongs to; absent: nothing. */
  readonly parents?: Parents
}

export const NO_LEVELS_DOCUMENT: LevelsDocument = {
  organizations: [],
  teams: [],
  projects: [],
  users: [],
  gateway: { models: { deny: [] }, limits: {}, budgets: [], rules: [] },
}

/**
 * The levels of one document and of the database, and which of them a key is in. What both have is the file's: a stored level of
 * the same name says nothing as long as the file has it.
 */
export class Levels {
  readonly all: readonly LevelConfig[]
  /** What the file says of levels. */
  readonly document: LevelsDocument
  /** Stored levels that the file has as well. */
  readonly hidden: readonly string[]
  readonly #parents = new Map<string, Parents>()
  readonly #ofFile: ReadonlySet<string>

  constructor(document: LevelsDocument, stored: Iterable<StoredLevel> = []) {
    const { organizations, teams, projects, users, gateway } = document
    this.document = { organizations, teams, projects, users, gateway }
    const all: LevelConfig[] = []
    const whole = levelOf(GATEWAY, { ...gateway, enabled: true })
    // What says nothing need not be told.
    if (JSON.stringify(whole) !== JSON.stringify(SAYS_NOTHING)) all.push(whole)
    const take = (config: LevelConfig) => {
      all.push(config)
      this.#parents.set(config.name, config.parents ?? NO_PARENTS)
    }
    const takeAll = (kind: StoredLevelKind, list: readonly (LevelFields & { readonly id: string })[]) => {
      for (const level of list) take(levelOf(`${kind}:${level.id}`, level))
    }
    takeAll('organization', organizations)
    takeAll('team', teams)
    takeAll('project', projects)
    takeAll('user', users)
    this.#ofFile = new Set(this.#parents.keys())
    const hidden: string[] = []
    for (const level of stored) {
      const name = levelNameOf(level)
      if (this.#ofFile.has(name)) hidden.push(name)
      else take(levelOfStored(level))
    }
    this.all = all
    this.hidden = hidden
  }

  /** Whether the file has a level of this name. */
  isOfFile(name: string): boolean {
    return this.#ofFile.has(name)
  }

  /** Names of the levels that a key is in, from the narrowest to the widest, known or not. */
  namesFor(key: Membership): readonly string[] {
    return levelsOf(key, (name) => this.#parents.get(name))
  }

  /** What is wrong with where a key wants to be; null: nothing. */
  problemOf(key: Membership): MembershipProblem | null {
    return membershipProblem(key, (name) => this.#parents.get(name))
  }

  /** The same of a level: it names what it belongs to. */
  problemOfLevel({ team, organization }: Pick<StoredLevel, 'team' | 'organization'>): MembershipProblem | null {
    return this.problemOf({ user: null, project: null, team, organization })
  }
}

/** `team:search` */
export function levelNameOf({ kind, id }: Pick<StoredLevel, 'kind' | 'id'>): string {
  return `${kind}:${id}`
}

type LevelFields = Pick<ConfigDocument['teams'][number], 'enabled' | 'models' | 'limits' | 'budgets' | 'rules'> &
  Parents

const NO_PARENTS: Parents = {}

function levelOf(name: string, level: LevelFields): LevelConfig {
  const { enabled, models, limits, budgets, rules } = level
  return {
    name,
    enabled,
    modelsAllow: models.allow ?? null,
    modelsDeny: models.deny,
    limits: storedLimits({ limits, budgets, rules }),
    ...parentsOf(level),
  }
}

function levelOfStored(level: StoredLevel): LevelConfig {
  const { requests_per_second, requests_per_minute, requests_per_day, burst, tokens_per_minute, concurrency } = level
  const { budgets, rules, enabled, models_allow: modelsAllow, models_deny: modelsDeny, team, organization } = level
  const rates = { requests_per_second, requests_per_minute, requests_per_day, burst, tokens_per_minute, concurrency }
  return {
    name: levelNameOf(level),
    enabled,
    modelsAllow,
    modelsDeny,
    limits: { ...rates, budgets, ...(rules === undefined ? {} : { rules }) },
    ...parentsOf({ team: team ?? undefined, organization: organization ?? undefined }),
  }
}

function parentsOf({ team, organization }: Parents): Pick<LevelConfig, 'parents'> {
  if (team === undefined && organization === undefined) return {}
  return {
    parents: { ...(team === undefined ? {} : { team }), ...(organization === undefined ? {} : { organization }) },
  }
}

const SAYS_NOTHING = levelOf(GATEWAY, { ...NO_LEVELS_DOCUMENT.gateway, enabled: true })
