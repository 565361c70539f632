import type { ResourceNames } from '../../governance/index.ts'
import { LruMap } from '../../lib/index.ts'
import type { ProviderUpstream } from '../providers/upstreams.ts'
import type { ModelTarget } from './target.ts'

/** A name that clients may use, and the target that serves it. */
export interface CatalogueEntry {
  readonly name: string
  readonly ownedBy: string
  readonly target: ModelTarget
  /** It has an entry in the configuration, with settings of its own; no other spelling stands for it. */
  readonly configured: boolean
}

/** Makes a target for any model of a provider that may be addressed directly, as `provider/model`. */
export interface DirectProvider {
  readonly provider: string
  /** Names that begin like this are the provider's too, e.g. `demo-`. */
  readonly barePrefix: string | null
  /** Null for a model that the provider is known not to have. */
  readonly make: (model: string) => ModelTarget | null
}

const DIRECT_TARGETS = 1_000
const DIRECT_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/

/** Which target serves a name: immutable per plan, but for a bounded cache of directly addressed models. */
export class ModelRegistry {
  readonly #entries: ReadonlyMap<string, CatalogueEntry>
  readonly #aliases: ReadonlyMap<string, string>
  /** Aliases by what they stand for. */
  readonly #aliasesOf: ReadonlyMap<string, readonly string[]>
  /** Names of entries by the `provider/model` that serves them. */
  readonly #entriesOf: ReadonlyMap<string, readonly string[]>
  readonly #direct: readonly DirectProvider[]
  readonly #provider: (name: string) => ProviderUpstream | null
  readonly #made = new LruMap<string, ModelTarget>(DIRECT_TARGETS)
  readonly #names = new LruMap<string, ResourceNames>(DIRECT_TARGETS)

  constructor(
    entries: readonly CatalogueEntry[],
    aliases: Readonly<Record<string, string>>,
    direct: readonly DirectProvider[],
    provider: (name: string) => ProviderUpstream | null = () => null,
  ) {
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]))
    this.#aliases = new Map(Object.entries(aliases))
    this.#direct = direct
    this.#provider = provider
    const group = (pairs: readonly (readonly [key: string, name: string])[]) =>
      new Map([...Map.groupBy(pairs, ([key]) => key)].map(([key, same]) => [key, same.map(([, name]) => name)]))
    this.#aliasesOf = group(Object.entries(aliases).map(([alias, name]) => [name, alias]))
    this.#entriesOf = group(entries.map(({ name, target }) => [target.name, name]))
  }

  /** The target that serves a name or an alias; null when there is none. */
  resolve(name: string): ModelTarget | null {
    return this.#serving(this.#aliases.get(name) ?? name)
  }

  /** The provider of this name, for requests that are no conversations; null when there is none. */
  provider(name: string): ProviderUpstream | null {
    return this.#provider(name)
  }

  /** Every name of the model that this name leads to; null when it leads nowhere. */
  namesOf(name: string): ResourceNames | null {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const canonical = this.#aliases.get(name) ?? name
    const target = this.#serving(canonical)
    if (target === null) return null
    const spellings = this.#spellings(target)
    const alike = spellings.filter((spelling) => this.#entries.get(spelling)?.configured !== true)
    const served = [target.name, canonical, ...spellings, ...(this.#entriesOf.get(target.name) ?? [])]
    const names = {
      same: this.#withAliases(alike.includes(canonical) ? alike : [canonical]),
      served: this.#withAliases(served),
    }
    this.#names.set(name, names)
    return names
  }

  /** Every listed name: models, then the aliases that lead somewhere; sorted as configured. */
  *list(): Iterable<{ readonly name: string; readonly entry: CatalogueEntry }> {
    for (const entry of this.#entries.values()) {
      // An alias of the same name leads elsewhere.
      if (!this.#aliases.has(entry.name)) yield { name: entry.name, entry }
    }
    for (const [alias, name] of this.#aliases) {
      const entry = this.#entries.get(name) ?? this.#directEntry(name)
      if (entry !== null) yield { name: alias, entry }
    }
  }

  #serving(canonical: string): ModelTarget | null {
    return this.#entries.get(canonical)?.target ?? this.#directTarget(canonical)
  }

  /** The ways to address a target directly; not those that the configuration gave another meaning. */
  #spellings({ provider, model, name }: ModelTarget): string[] {
    const direct = this.#direct.find((candidate) => candidate.provider === provider)
    if (direct === undefined) return []
    const bare = direct.barePrefix !== null && model.startsWith(direct.barePrefix)
    return (bare ? [name, model] : [name]).filter((spelling) => this.resolve(spelling)?.name === name)
  }

  #withAliases(names: readonly string[]): string[] {
    return [...new Set(names.flatMap((name) => [name, ...(this.#aliasesOf.get(name) ?? [])]))]
  }

  #directEntry(name: string): CatalogueEntry | null {
    const target = this.#directTarget(name)
    return target === null ? null : { name, ownedBy: target.provider, target, configured: false }
  }

  #directTarget(name: string): ModelTarget | null {
    const made = this.#made.get(name)
    if (made !== undefined) return made
    if (!DIRECT_NAME.test(name)) return null
    for (const direct of this.#direct) {
      const prefix = `${direct.provider}/`
      const bare = direct.barePrefix !== null && name.startsWith(direct.barePrefix)
      if (!bare && (!name.startsWith(prefix) || name.length === prefix.length)) continue
      const target = direct.make(bare ? name : name.slice(prefix.length))
      if (target === null) return null
      this.#made.set(name, target)
      return target
    }
    return null
  }
}
