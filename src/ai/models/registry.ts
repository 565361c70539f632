import { LruMap } from '../../lib/index.ts'
import type { ChatTarget } from './target.ts'

/** A name that clients may use, and the target that serves it. */
export interface CatalogueEntry {
  readonly name: string
  readonly ownedBy: string
  readonly target: ChatTarget
}

/** Makes a target for any model of a provider that may be addressed directly, as `provider/model`. */
export interface DirectProvider {
  readonly provider: string
  /** Names that begin like this are the provider's too, e.g. `demo-`. */
  readonly barePrefix: string | null
  /** Null for a model that the provider is known not to have. */
  readonly make: (model: string) => ChatTarget | null
}

const DIRECT_TARGETS = 1_000
const DIRECT_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/

/** Which target serves a name: immutable per plan, but for a bounded cache of directly addressed models. */
export class ModelRegistry {
  readonly #entries: ReadonlyMap<string, CatalogueEntry>
  readonly #aliases: ReadonlyMap<string, string>
  readonly #direct: readonly DirectProvider[]
  readonly #made = new LruMap<string, ChatTarget>(DIRECT_TARGETS)

  constructor(
    entries: readonly CatalogueEntry[],
    aliases: Readonly<Record<string, string>>,
    direct: readonly DirectProvider[],
  ) {
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]))
    this.#aliases = new Map(Object.entries(aliases))
    this.#direct = direct
  }

  /** The canonical name behind an alias; the name itself when it is none. */
  canonical(name: string): string {
    return this.#aliases.get(name) ?? name
  }

  resolve(name: string): ChatTarget | null {
    const canonical = this.canonical(name)
    return this.#entries.get(canonical)?.target ?? this.#directTarget(canonical)
  }

  /** Every listed name: models, then the aliases that lead somewhere; sorted as configured. */
  *list(): Iterable<{ readonly name: string; readonly entry: CatalogueEntry }> {
    for (const entry of this.#entries.values()) yield { name: entry.name, entry }
    for (const [alias, name] of this.#aliases) {
      const entry = this.#entries.get(name) ?? this.#directEntry(name)
      if (entry !== null) yield { name: alias, entry }
    }
  }

  #directEntry(name: string): CatalogueEntry | null {
    const target = this.#directTarget(name)
    return target === null ? null : { name, ownedBy: target.provider, target }
  }

  #directTarget(name: string): ChatTarget | null {
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
