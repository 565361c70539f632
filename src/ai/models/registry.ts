import { LruMap } from '../../lib/index.ts'
import type { GatewayMetrics } from '../../observability/index.ts'
import type { ProviderUpstream } from '../providers/upstreams.ts'
import type { RoutingTarget, TargetStatistics } from '../routing/contract.ts'
import type { ModelGroup } from '../routing/model-group.ts'
import type { TargetMemories } from '../routing/state/target-memories.ts'
import { NO_STATISTICS } from '../routing/statistics.ts'
import type { TargetNames } from '../routing/visibility.ts'
import type { ModelTarget, ReservationRule } from './target.ts'

/** A name that clients may use, and the targets that serve it. */
export interface CatalogueEntry {
  readonly name: string
  readonly ownedBy: string
  readonly group: ModelGroup
  /** It has an entry in the configuration, with settings of its own; no other spelling stands for it. */
  readonly configured: boolean
}

/** Makes a group for any model of a provider that may be addressed directly, as `provider/model`. */
export interface DirectProvider {
  readonly provider: string
  /** Names that begin like this are the provider's too, e.g. `demo-`. */
  readonly barePrefix: string | null
  /** Null for a model that the provider is known not to have. */
  readonly make: (model: string) => ModelGroup | null
}

/** An entry for all names that begin alike and have none of their own. */
export interface PatternEntry {
  readonly prefix: string
  /** Names that it is known to serve, for lists; what else its upstreams have is asked for all the same. */
  readonly known: readonly string[]
  /** Null where none of its targets has the model. */
  readonly make: (name: string) => ModelGroup | null
}

/** What a registry is made of. */
export interface RegistryParts {
  readonly entries: readonly CatalogueEntry[]
  readonly aliases: Readonly<Record<string, string>>
  readonly direct: readonly DirectProvider[]
  readonly patterns?: readonly PatternEntry[]
  readonly provider?: (name: string) => ProviderUpstream | null
  /** Of the configuration. */
  readonly providerNames?: readonly string[]
  /** Whether some target is kept for some keys; absent: none is. */
  readonly keepsTargets?: boolean
  /** What is known of targets; absent: nothing. */
  readonly memories?: TargetMemories | undefined
  readonly reservation?: ReservationRule | undefined
  /** Absent: nobody counts. */
  readonly metrics?: GatewayMetrics | undefined
  /** The operational log; absent: nobody reads it. */
  readonly warn?: Warn | undefined
}

type Warn = (message: string, fields: Readonly<Record<string, unknown>>) => void

const USUAL_RESERVATION: ReservationRule = { bytesPerToken: 4, outputTokens: 1_024, webSearches: 5 }

const DIRECT_TARGETS = 1_000
const DIRECT_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/

/** Which group serves a name: immutable per plan, but for a bounded cache of directly addressed models. */
export class ModelRegistry {
  readonly statistics: TargetStatistics
  readonly memories: TargetMemories | null
  /** By which requests are estimated. */
  readonly reservation: ReservationRule
  readonly random: () => number = Math.random
  /** Whether some target of the configuration is kept for some keys. */
  readonly keepsTargets: boolean
  readonly metrics: GatewayMetrics | null
  readonly warn: Warn | null
  readonly #entries: ReadonlyMap<string, CatalogueEntry>
  readonly #aliases: ReadonlyMap<string, string>
  /** Aliases by what they stand for. */
  readonly #aliasesOf: ReadonlyMap<string, readonly string[]>
  /** Names of entries by the `provider/model` that serves them. */
  readonly #entriesOf: ReadonlyMap<string, readonly string[]>
  readonly #direct: readonly DirectProvider[]
  /** The longest prefix first. */
  readonly #patterns: readonly PatternEntry[]
  readonly #provider: (name: string) => ProviderUpstream | null
  readonly #providerNames: readonly string[]
  readonly #made = new LruMap<string, ModelGroup>(DIRECT_TARGETS)
  readonly #names = new LruMap<string, readonly TargetNames[]>(DIRECT_TARGETS)

  constructor(parts: RegistryParts) {
    const { entries, aliases, direct, patterns = [], provider = () => null } = parts
    this.metrics = parts.metrics ?? null
    this.keepsTargets = parts.keepsTargets ?? false
    this.warn = parts.warn ?? null
    this.memories = parts.memories ?? null
    this.statistics = parts.memories ?? NO_STATISTICS
    this.reservation = parts.reservation ?? USUAL_RESERVATION
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]))
    this.#aliases = new Map(Object.entries(aliases))
    this.#direct = direct
    this.#patterns = patterns.toSorted((one, other) => other.prefix.length - one.prefix.length)
    this.#provider = provider
    this.#providerNames = parts.providerNames ?? []
    const group = (pairs: readonly (readonly [key: string, name: string])[]) =>
      new Map([...Map.groupBy(pairs, ([key]) => key)].map(([key, same]) => [key, same.map(([, name]) => name)]))
    this.#aliasesOf = group(Object.entries(aliases).map(([alias, name]) => [name, alias]))
    this.#entriesOf = group(
      entries.flatMap((entry) => {
        const only = onlyTarget(entry.group)
        return only === null ? [] : [[only.name, entry.name] as const]
      }),
    )
  }

  /** The group that serves a name or an alias; null when there is none that clients may ask for. */
  resolve(name: string): ModelGroup | null {
    const group = this.#serving(this.#aliases.get(name) ?? name)
    return group === null || group.isInternal ? null : group
  }

  /** The provider of this name, for requests that are no conversations; null when there is none. */
  provider(name: string): ProviderUpstream | null {
    return this.#provider(name)
  }

  /** Names of the providers of the configuration. */
  get providerNames(): readonly string[] {
    return this.#providerNames
  }

  /** Every name of the model that this name leads to, for each target of its group; null when it leads nowhere. */
  namesOf(name: string): readonly TargetNames[] | null {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const canonical = this.#aliases.get(name) ?? name
    const group = this.#serving(canonical)
    if (group === null || group.isInternal) return null
    const only = onlyTarget(group)
    const alike =
      only === null
        ? [canonical]
        : this.#spellings(only).filter((spelling) => this.#entries.get(spelling)?.configured !== true)
    const same = this.#withAliases(alike.includes(canonical) ? alike : [canonical])
    const names = group.targets.map(({ target, keptFor, tags }) => ({
      same,
      served: this.#served(target, canonical),
      keptFor,
      provider: target.provider,
      tags,
    }))
    this.#names.set(name, names)
    return names
  }

  /** Every name of a target of this name that stands in no list of targets; what is denied counts, whatever allows it. */
  sideNamesOf(name: string, { target, tags }: Pick<RoutingTarget, 'target' | 'tags'>): TargetNames {
    const canonical = this.#aliases.get(name) ?? name
    return {
      same: this.#withAliases([canonical]),
      served: this.#served(target, canonical),
      provider: target.provider,
      tags,
      keptFor: null,
    }
  }

  #served(target: ModelTarget, canonical: string): readonly string[] {
    const own = [target.name, canonical, ...this.#spellings(target), ...(this.#entriesOf.get(target.name) ?? [])]
    return this.#withAliases(own)
  }

  /** Every listed name: models, those known of patterns, then the aliases that lead somewhere; sorted as configured. */
  *list(): Iterable<{ readonly name: string; readonly entry: CatalogueEntry }> {
    for (const entry of this.#entries.values()) {
      // An alias of the same name leads elsewhere.
      if (!this.#aliases.has(entry.name) && !entry.group.isInternal) yield { name: entry.name, entry }
    }
    for (const name of new Set(this.#patterns.flatMap(({ known }) => known))) {
      const entry = this.#entries.has(name) || this.#aliases.has(name) ? null : this.#madeEntry(name)
      if (entry !== null && !entry.group.isInternal) yield { name, entry }
    }
    for (const [alias, name] of this.#aliases) {
      const entry = this.#entries.get(name) ?? this.#madeEntry(name)
      if (entry !== null && !entry.group.isInternal) yield { name: alias, entry }
    }
  }

  #serving(canonical: string): ModelGroup | null {
    return this.#entries.get(canonical)?.group ?? this.#makeGroup(canonical)
  }

  /** The ways to address a target directly; not those that the configuration gave another meaning. */
  #spellings({ provider, model, name }: ModelTarget): string[] {
    const direct = this.#direct.find((candidate) => candidate.provider === provider)
    if (direct === undefined) return []
    const bare = direct.barePrefix !== null && model.startsWith(direct.barePrefix)
    return (bare ? [name, model] : [name]).filter((spelling) => {
      const group = this.resolve(spelling)
      return group !== null && onlyTarget(group)?.name === name
    })
  }

  #withAliases(names: readonly string[]): string[] {
    return [...new Set(names.flatMap((name) => [name, ...(this.#aliasesOf.get(name) ?? [])]))]
  }

  #madeEntry(name: string): CatalogueEntry | null {
    const group = this.#makeGroup(name)
    return group === null ? null : { name, ownedBy: group.first.provider, group, configured: false }
  }

  #makeGroup(name: string): ModelGroup | null {
    const made = this.#made.get(name)
    if (made !== undefined) return made
    if (!DIRECT_NAME.test(name)) return null
    const group = this.#directGroup(name) ?? this.#patternGroup(name)
    if (group !== null) this.#made.set(name, group)
    return group
  }

  #directGroup(name: string): ModelGroup | null {
    for (const direct of this.#direct) {
      const prefix = `${direct.provider}/`
      const bare = direct.barePrefix !== null && name.startsWith(direct.barePrefix)
      if (!bare && (!name.startsWith(prefix) || name.length === prefix.length)) continue
      return direct.make(bare ? name : name.slice(prefix.length))
    }
    return null
  }

  #patternGroup(name: string): ModelGroup | null {
    return this.#patterns.find(({ prefix }) => name.startsWith(prefix))?.make(name) ?? null
  }
}

/** The model that all targets of a group are, whatever the credential; null when they differ. */
function onlyTarget({ first, targets }: ModelGroup): ModelTarget | null {
  return targets.every(({ target }) => target.name === first.name) ? first : null
}
