import type { KeyOwner } from '../control/index.ts'
import { type KeyDocument, keyLevel, type LevelDocument, type LimitsDocument } from '../governance/index.ts'
import type { StoredKey } from '../storage/index.ts'
import type { KeyCounters } from './key-counters.ts'
import type { KeyGenerations } from './key-generations.ts'
import type { LevelConfig, Levels } from './levels.ts'

/** A key, and what workers are told of it. */
export interface KeyEntry {
  readonly key: StoredKey
  readonly owner: KeyOwner
  document: KeyDocument
}

export interface LevelEntry {
  readonly config: LevelConfig
  readonly document: LevelDocument
}

/** What a change brings. */
export interface Brought {
  readonly keys: readonly Pick<KeyEntry, 'key' | 'owner'>[]
  /** Ids of keys that are off whatever they say themselves. */
  readonly off: ReadonlySet<string>
  readonly levels: Levels
}

/** The same with its room in shared memory. */
export interface Made {
  readonly keys: readonly KeyEntry[]
  readonly levels: readonly LevelEntry[]
  /** Counters, and keys with generations, that were not there before it. */
  readonly fresh: { readonly counters: readonly string[]; readonly keys: readonly string[] }
}

/** The keys and levels that workers know. */
export interface InForce {
  readonly keys: ReadonlyMap<string, KeyEntry>
  readonly levels: ReadonlyMap<string, LevelEntry>
  /** Limits of all of them, and of the values below them. */
  limits(): Iterable<LimitsDocument>
}

export interface KeyRoomOptions {
  readonly inForce: InForce
  readonly counters: KeyCounters
  readonly generations: KeyGenerations
}

/** Room in shared memory for changes of keys that are made ready, and not yet in force nor given up. */
export class KeyRoom {
  readonly #options: KeyRoomOptions
  readonly #coming = new Set<Made>()

  constructor(options: KeyRoomOptions) {
    this.#options = options
  }

  /** Limits of what is about to come in force. */
  *comingLimits(): Iterable<LimitsDocument> {
    for (const { keys, levels } of this.#coming) for (const { document } of [...keys, ...levels]) yield document
  }

  /** Makes the documents of a change. Throws when one cannot be made, and has taken no room then. */
  make({ keys, off, levels }: Brought): Made {
    const keyEntries: KeyEntry[] = []
    const levelEntries: LevelEntry[] = []
    const fresh: { counters: string[]; keys: string[] } = { counters: [], keys: [] }
    const made: Made = { keys: keyEntries, levels: levelEntries, fresh }
    this.#coming.add(made)
    const { inForce, counters, generations } = this.#options
    try {
      for (const config of levels.all) {
        const held = inForce.levels.get(config.name)
        if (held !== undefined && JSON.stringify(held.config) === JSON.stringify(config)) continue
        const { name, enabled, modelsAllow, modelsDeny, parents } = config
        const limits = counters.limitsOf(name, config.limits, held?.document ?? null, fresh.counters)
        const place = parents === undefined ? {} : { parents }
        levelEntries.push({ config, document: { ...limits, name, enabled, modelsAllow, modelsDeny, ...place } })
      }
      for (const { key, owner } of keys) {
        if (generations.take(key.id)) fresh.keys.push(key.id)
        const held = inForce.keys.get(key.id)?.document ?? null
        const limits = counters.limitsOf(keyLevel(key.id), key, held, fresh.counters)
        const document = { ...limits, ...this.#documentOf(key), levels: levels.namesFor(key) }
        keyEntries.push({ key, owner, document: off.has(key.id) ? { ...document, enabled: false } : document })
      }
      return made
    } catch (error) {
      this.giveUp(made)
      throw error
    }
  }

  /** Gives back what only this change has; nothing when it is in force or was given up before. */
  giveUp(made: Made): void {
    if (!this.#coming.delete(made)) return
    const { inForce, counters, generations } = this.#options
    counters.giveBack(made.fresh.counters, [...inForce.limits(), ...this.comingLimits()])
    const held = new Set(inForce.keys.keys())
    for (const coming of this.#coming) for (const { key } of coming.keys) held.add(key.id)
    for (const id of made.fresh.keys) if (!held.has(id)) generations.giveBack(id)
  }

  /** The change is in force: its room is that of the keys and levels from now on. */
  entered(made: Made): void {
    this.#coming.delete(made)
  }

  #documentOf(key: StoredKey): Omit<KeyDocument, keyof LimitsDocument | 'levels'> {
    return {
      id: key.id,
      hash: key.hash,
      previous:
        key.previous_hash === null || key.previous_until === null
          ? null
          : { hash: key.previous_hash, untilMs: key.previous_until },
      addresses: key.addresses,
      enabled: key.enabled && key.revoked_at === null,
      expiresAt: key.expires_at,
      scopes: key.scopes,
      tags: key.tags,
      modelsAllow: key.models_allow,
      modelsDeny: key.models_deny,
      ...this.#options.generations.next(key.id),
    }
  }
}
