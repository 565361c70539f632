import type { Principal } from '../core/index.ts'
import type { GlobSet } from '../lib/index.ts'
import type { Authority } from './authority.ts'
import type { Combined } from './combined-values.ts'
import type { Takings } from './counter-desk.ts'
import { type AddressCheck, addressCheck } from './key-addresses.ts'
import type { KeyDocument } from './key-document.ts'
import {
  type BudgetDocument,
  type ConcurrencyDocument,
  GATEWAY,
  keyLevel,
  type LimitsDocument,
  type RateDocument,
  type TokenRateDocument,
} from './level-document.ts'
import { type Level, LevelTable } from './level-table.ts'
import { allowedBy, deniedBy } from './model-lists.ts'
import type { Ruling } from './policy/ruling.ts'
import type { RuleGroup } from './value-rules.ts'

/** Every name of what a request asks for, as its surface knows them. */
export interface ResourceNames {
  /** Those that mean the same entry: the one asked for, its aliases, its other spellings. An allowance counts for all. */
  readonly same: readonly string[]
  /** Those that lead to the same thing in the end, by whatever entry; `same` is among them. A denial counts for all. */
  readonly served: readonly string[]
  /** Who serves it; absent: nobody in particular. */
  readonly provider?: string
  /** What the operator calls who serves it, such as a region; absent: nothing. */
  readonly tags?: ReadonlySet<string>
}

/** Names of the levels that a record has a column for. */
export interface NamedLevels {
  readonly organization: string | null
  readonly team: string | null
  readonly project: string | null
  readonly user: string | null
}

const NO_TAGS: ReadonlySet<string> = new Set()
export const NO_LEVELS: NamedLevels = { organization: null, team: null, project: null, user: null }

/** What all levels of a key say together; null for what none of them says. Lists have the tightest first. */
export interface Charged {
  /** The level that is switched off or not known. */
  readonly closed: string | null
  readonly rates: readonly RateDocument[] | null
  readonly tokenRates: readonly TokenRateDocument[] | null
  readonly concurrency: readonly ConcurrencyDocument[] | null
  readonly budgets: readonly BudgetDocument[] | null
  /** What a request takes when it is admitted. */
  readonly admission: Takings | null
  /** What is counted apart by something that requests say. */
  readonly rules: readonly RuleGroup[] | null
  /** What the last request took of levels and values together: the next one often has the same. Null: there was none. */
  combined: Combined | null
  /** Levels above the key that have lists of models. */
  readonly restricting: readonly Level[] | null
}

/** How long a key may be used, for who asks long after it was let in: it changes as the key does. */
export interface KeyLife {
  /** Milliseconds since the epoch. */
  endsAt: number
}

/** What a principal is made of. */
export interface PrincipalDocument extends KeyDocument {
  readonly authority?: Authority
}

/** A key, compiled for the request path. */
export class KeyPrincipal implements Principal {
  readonly id: string
  /** The id as JSON text, for journal entries. */
  readonly idJson: string
  /** Names of its levels as JSON text behind a comma, for journal entries; empty when it has none. */
  readonly levelsJson: string
  readonly named: NamedLevels
  readonly enabled: boolean
  readonly expiresAt: number
  readonly scopes: ReadonlySet<string> | null
  readonly tags: ReadonlySet<string>
  readonly mayComeFrom: AddressCheck | null
  readonly generationSlot: number
  readonly generation: number
  readonly hash: string
  /** The structure of levels that its own were found in, see LevelTable. */
  readonly structure: number
  /** The policies that apply to the request; null: none do, or it is not known yet. */
  readonly ruling: Ruling | null
  /** The same for all forms that policies give it. */
  readonly life: KeyLife
  /** Who must be asked before anything is done; null: nobody. */
  readonly authority: Authority | null
  readonly #document: PrincipalDocument
  readonly #allow: GlobSet | null
  readonly #deny: GlobSet | null
  readonly #own: LimitsDocument
  readonly #levels: readonly Level[]
  readonly #table: LevelTable
  #charged: Charged | null = null
  #version = 0

  constructor(
    document: PrincipalDocument,
    table: LevelTable = new LevelTable(),
    {
      ruling = null,
      life = { endsAt: Number.POSITIVE_INFINITY },
    }: { readonly ruling?: Ruling | null; readonly life?: KeyLife } = {},
  ) {
    this.ruling = ruling
    this.life = life
    this.authority = document.authority ?? null
    this.#document = document
    this.id = document.id
    this.idJson = JSON.stringify(document.id)
    const named = document.namedOnly === undefined ? document.levels : [...document.levels, ...document.namedOnly]
    // Entries have what records name: their sums are held against each other.
    this.levelsJson = named.length === 0 ? '' : `,${JSON.stringify(named)}`
    this.named = named.length === 0 ? NO_LEVELS : namedLevels(named)
    this.enabled = document.enabled
    this.expiresAt = document.expiresAt ?? Number.POSITIVE_INFINITY
    this.scopes = document.scopes.length === 0 ? null : new Set(document.scopes)
    this.tags = document.tags === undefined || document.tags.length === 0 ? NO_TAGS : new Set(document.tags)
    this.mayComeFrom = addressCheck(document.addresses)
    this.#allow = allowedBy(document.modelsAllow)
    this.#deny = deniedBy(document.modelsDeny ?? [])
    this.#own = document
    this.#levels = [...document.levels, GATEWAY].map((name) => table.get(name))
    this.#table = table
    this.generationSlot = document.generationSlot
    this.generation = document.generation
    this.hash = document.hash
    this.structure = table.structure
  }

  /** The same under these policies. */
  under(ruling: Ruling): KeyPrincipal {
    return new KeyPrincipal(this.#document, this.#table, { ruling, life: this.life })
  }

  /** What a request of this key is charged on. Made once for each change of levels, so that a request looks nothing up. */
  get charged(): Charged {
    if (this.#charged === null || this.#version !== this.#table.version) {
      this.#version = this.#table.version
      this.#charged = chargedOn(this.#own, this.#levels, this.#rules())
    }
    return this.#charged
  }

  #rules(): readonly RuleGroup[] {
    const { rules } = this.#table
    return [...rules.of(keyLevel(this.id)), ...this.#levels.flatMap(({ name }) => rules.of(name))]
  }

  /** The slot of a budget's counter; null when none of its levels has it. */
  budgetSlot(counter: string): number | null {
    const own = this.charged.budgets?.find((budget) => budget.counter === counter)
    return own?.slot ?? this.#table.rules.budgetSlot(counter)
  }

  /** Whether no list of models says anything against any model. */
  get mayUseAll(): boolean {
    return this.#allow === null && this.#deny === null && this.charged.restricting === null && !this.#isRuled
  }

  get #isRuled(): boolean {
    return this.ruling?.listsModels === true
  }

  get hasAllowLists(): boolean {
    return (
      this.#isRuled || this.#allow !== null || this.charged.restricting?.some(({ allow }) => allow !== null) === true
    )
  }

  get hasDenyLists(): boolean {
    return this.#isRuled || this.#deny !== null || this.charged.restricting?.some(({ deny }) => deny !== null) === true
  }

  /** Deny wins, under whatever name and on whatever level; every allow list must allow. */
  mayUse(names: ResourceNames): boolean {
    return this.refusing(names) === null
  }

  /** The level, or `policy:<id>`, whose lists say no; null when all of them agree. */
  refusing(names: ResourceNames): string | null {
    const policy = this.ruling?.refusing(names) ?? null
    if (policy !== null) return policy
    if (!agree(this.#allow, this.#deny, names)) return keyLevel(this.id)
    const { restricting } = this.charged
    if (restricting === null) return null
    return restricting.find(({ allow, deny }) => !agree(allow, deny, names))?.name ?? null
  }
}

function agree(allow: GlobSet | null, deny: GlobSet | null, names: ResourceNames): boolean {
  if (deny !== null && names.served.some((name) => deny.matches(name))) return false
  return allow === null || names.same.some((name) => allow.matches(name))
}

function chargedOn(own: LimitsDocument, levels: readonly Level[], rules: readonly RuleGroup[]): Charged {
  const documents = levels.flatMap(({ document }) => (document === null ? [] : [document]))
  const all: readonly LimitsDocument[] = [own, ...documents]
  // The tightest first: most refusals then take nothing that must be given back.
  const rates = orNull(all.flatMap((level) => level.rates).sort((a, b) => b.intervalUs - a.intervalUs))
  const tokenRates = all.flatMap(({ tokenRate }) => tokenRate ?? []).sort((a, b) => a.limit - b.limit)
  const concurrency = orNull(all.flatMap((level) => level.concurrency ?? []).sort((a, b) => a.limit - b.limit))
  const budgets = all.flatMap((level) => level.budgets).sort((a, b) => a.limit - b.limit)
  return {
    closed: levels.find(({ isOpen }) => !isOpen)?.name ?? null,
    rates,
    tokenRates: orNull(tokenRates),
    concurrency,
    budgets: orNull(budgets),
    admission:
      rates === null && concurrency === null
        ? null
        : { rates, concurrency, tokenRates: null, tokens: 0, nanos: 0, budgets: [], periods: [], owed: false },
    rules: orNull(rules),
    combined: null,
    restricting: orNull(levels.filter(({ allow, deny }) => allow !== null || deny !== null)),
  }
}

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list
}

function namedLevels(levels: readonly string[]): NamedLevels {
  const idOf = (kind: string) => levels.find((name) => name.startsWith(`${kind}:`))?.slice(kind.length + 1) ?? null
  return { organization: idOf('organization'), team: idOf('team'), project: idOf('project'), user: idOf('user') }
}
