import type { Authority } from '../authority.ts'
import type { KeyDocument } from '../key-document.ts'
import { KeyPrincipal } from '../key-principal.ts'
import type { LevelTable } from '../level-table.ts'

/** Where somebody belongs; null where nobody says. */
export interface Membership {
  readonly organization: string | null
  readonly team: string | null
  readonly project: string | null
  readonly user: string | null
}

/** What another system says of somebody. */
export interface OutsideFacts extends Membership {
  readonly id: string
  /** `*` for every one. */
  readonly scopes: readonly string[]
  readonly tags: readonly string[]
  /** Null: all. */
  readonly models: readonly string[] | null
  /** Milliseconds since the epoch; null: it does not say. */
  readonly expiresAt: number | null
}

/** How such principals are put among the levels of the configuration. */
export interface OutsideRules {
  readonly levels: LevelTable
  /** Names of all levels of a membership, parents included, the narrowest first. */
  readonly levelsOf: (membership: Membership) => readonly string[]
  /** What is wrong with a membership among known levels; null: nothing. */
  readonly contradiction: (membership: Membership) => string | null
  readonly unknownLevels: 'refuse' | 'record'
}

/** No endpoint asks for it: who holds this one alone may nothing. */
const NO_SCOPE = ''

/** A principal without limits of its own; those of its levels count. Null when what it says contradicts the configuration. */
export function outsidePrincipal(
  facts: OutsideFacts,
  rules: OutsideRules,
  authority: Authority | null = null,
): KeyPrincipal | null {
  const { id, scopes, tags, models, expiresAt } = facts
  const isKnown = (name: string) => rules.levels.knows(name)
  const names = rules.levelsOf(facts)
  const isSplit = rules.unknownLevels === 'record'
  const known = Object.fromEntries(
    (['organization', 'team', 'project', 'user'] as const).map((kind) => {
      const own = facts[kind]
      return [kind, own !== null && isKnown(`${kind}:${own}`) ? own : null]
    }),
  )
  // Object.fromEntries forgets its keys; all four are there.
  if (rules.contradiction(known as unknown as Membership) !== null) return null
  const document: KeyDocument = {
    id,
    hash: '',
    previous: null,
    enabled: true,
    tags,
    expiresAt,
    scopes: scopes.includes('*') ? [] : scopes.length === 0 ? [NO_SCOPE] : scopes,
    addresses: null,
    modelsAllow: models,
    modelsDeny: [],
    rates: [],
    tokenRate: null,
    concurrency: null,
    budgets: [],
    // One that is not known is switched off: nobody in it is let through.
    levels: isSplit ? names.filter(isKnown) : names,
    namedOnly: isSplit ? names.filter((name) => !isKnown(name)) : [],
    generationSlot: 0,
    generation: 0,
  }
  return new KeyPrincipal(authority === null ? document : { ...document, authority }, rules.levels)
}
