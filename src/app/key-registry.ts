import type { KeyConfig } from '../config/index.ts'
import { type KeyOwner, keyOfFile } from '../control/index.ts'
import {
  type BudgetDocument,
  budgetCounter,
  type KeyChange,
  type KeyDocument,
  type RateDocument,
} from '../governance/index.ts'
import type { StoredKey } from '../storage/index.ts'
import { KeyCounters, type KeyCountersOptions, namesOf } from './key-counters.ts'
import { KeyGenerations } from './key-generations.ts'

export type { KeyOwner }

interface Entry {
  readonly key: StoredKey
  readonly owner: KeyOwner
  document: KeyDocument
}

type Put = Pick<Entry, 'key' | 'owner'>

export interface KeyRegistryOptions extends KeyCountersOptions {
  readonly generations: Int32Array
  /** Posts changes to every data worker; called before the generations are raised. */
  readonly publish: Publish
}

/** Tells the workers of changes; `epoch` counts the changes, from 1. */
export type Publish = (changes: readonly KeyChange[], epoch: number) => void

/** A change of keys that has its room in shared memory, and of which nobody knows yet. */
export interface StagedKeys {
  /** What of it is ignored, and why: for the log. */
  readonly problems: readonly string[]
  /**
   * Puts it in force, by the registry's own `publish` or by this one, which is called even when nothing changes. When
   * that throws, nothing is in force and the room is given back.
   */
  apply(publish?: Publish): void
  /** Gives its room back. */
  discard(): void
}

/**
 * All virtual keys, from the file and from the database, in the control thread: allocates their shared slots, tells
 * the workers of changes.
 */
export class KeyRegistry {
  readonly #options: KeyRegistryOptions
  readonly #entries = new Map<string, Entry>()
  readonly #counters: KeyCounters
  readonly #generations: KeyGenerations
  /** Changes that are made ready, and not yet in force nor given up. */
  readonly #staged = new Set<readonly Entry[]>()
  /** Keys of the database that the file says are off. */
  #offByFile: ReadonlySet<string> = new Set()
  /** Counts the changes that were published. */
  #epoch = 0

  constructor(options: KeyRegistryOptions) {
    this.#options = options
    this.#counters = new KeyCounters(options)
    this.#generations = new KeyGenerations(options.generations)
  }

  /** Number of the last change that was published. */
  get epoch(): number {
    return this.#epoch
  }

  /** Every key as the workers know it. */
  documents(): KeyDocument[] {
    return [...this.#entries.values()].map((entry) => entry.document)
  }

  /** Keys with their owners, for people. */
  list(): { key: StoredKey; owner: KeyOwner }[] {
    return [...this.#entries.values()].map((entry) => this.#shown(entry))
  }

  find(id: string): { key: StoredKey; owner: KeyOwner } | null {
    const entry = this.#entries.get(id)
    return entry === undefined ? null : this.#shown(entry)
  }

  #shown({ key, owner }: Entry): { key: StoredKey; owner: KeyOwner } {
    return { key: this.#offByFile.has(key.id) ? { ...key, enabled: false } : key, owner }
  }

  /** Budgets of all keys, for metrics. */
  *budgets(): Iterable<{ readonly keyId: string; readonly budget: BudgetDocument }> {
    for (const [keyId, { document }] of this.#entries) {
      for (const budget of document.budgets) yield { keyId, budget }
    }
  }

  /** The slot of a budget counter by its name in the journal, or null when no key has it any more. */
  counterSlot(counter: string): number | null {
    return this.#options.slots.find(counter)
  }

  /** The limit behind a budget counter; 0 when no key has it any more. */
  budgetLimit(counter: string): number {
    for (const { budget } of this.budgets()) if (budget.counter === counter) return budget.limit
    return 0
  }

  /** Replaces all keys that the file owns, or throws and replaces none; answers what is ignored. */
  replaceFileKeys(keys: readonly KeyConfig[]): readonly string[] {
    const staged = this.stageFileKeys(keys)
    staged.apply()
    return staged.problems
  }

  /**
   * Makes ready to replace all keys that the file owns; throws, and has changed nothing, when they cannot be. A database
   * key of the same id keeps its place: the file's is refused. But a file that says that an id is off is obeyed.
   */
  stageFileKeys(keys: readonly KeyConfig[]): StagedKeys {
    const problems: string[] = []
    const wanted = new Set(keys.map((key) => key.id))
    const gone = [...this.#entries].filter(([id, { owner }]) => owner === 'file' && !wanted.has(id)).map(([id]) => id)
    const off = new Set<string>()
    const own = keys.filter(({ id, enabled }) => {
      if (this.#entries.get(id)?.owner !== 'database') return true
      const what = enabled ? "the file's key of the same id is ignored" : 'it is disabled, as the file says'
      problems.push(`the key "${id}" exists in the database; ${what}`)
      if (!enabled) off.add(id)
      return false
    })
    const turned = [...this.#entries.values()].filter(({ key: { id } }) => off.has(id) !== this.#offByFile.has(id))
    const put = own.map((key): Put => ({ key: keyOfFile(key), owner: 'file' }))
    return { problems, ...this.#stage(gone, [...put.filter((entry) => !this.#holds(entry)), ...turned], off) }
  }

  /** Whether these keys of the file have budgets for which `spent` will be asked. */
  beginsBudgets(keys: readonly KeyConfig[]): boolean {
    return keys.map(keyOfFile).some(({ id, budgets }) => {
      const inForce = new Set(this.#entries.get(id)?.document.budgets.map(({ counter }) => counter))
      return budgets.some(({ unit, per }) => !inForce.has(budgetCounter(id, unit, per)))
    })
  }

  /** Adds or changes a key that the database owns. */
  putDatabaseKey(key: StoredKey): void {
    this.stageDatabaseKey(key).apply()
  }

  /** Makes ready to add or change a key that the database owns; throws, and has changed nothing, when there is no room. */
  stageDatabaseKey(key: StoredKey): StagedKeys {
    const put: Put = { key, owner: 'database' }
    return { problems: [], ...this.#stage([], this.#holds(put) ? [] : [put], null) }
  }

  /** Gives back the counters of keys and limits that are gone, as far as no running request began before `epoch`. */
  releaseQuiet(epoch: number): void {
    this.#counters.releaseQuiet(epoch, this.#comingDocuments())
  }

  /** Rate limits of all keys that have one. */
  *rates(): Iterable<RateDocument & { readonly id: string }> {
    for (const [id, { document }] of this.#entries) if (document.rate !== null) yield { id, ...document.rate }
  }

  /** Removes and puts keys, all or none: what can fail comes before anything is changed that others see. */
  #stage(gone: readonly string[], put: readonly Put[], off: ReadonlySet<string> | null): Omit<StagedKeys, 'problems'> {
    const { made, giveUp } = this.#compile(put, off ?? this.#offByFile)
    const apply = (publish: Publish | null = null) => {
      // A generation is told when it begins, since another change may have come between.
      for (const entry of made) entry.document = { ...entry.document, ...this.#generations.next(entry.key.id) }
      const removed = gone.map((id): KeyChange => ({ id, document: null }))
      const changes = [...removed, ...made.map(({ key, document }): KeyChange => ({ id: key.id, document }))]
      if (changes.length > 0 || publish !== null) {
        try {
          const tell = publish ?? this.#options.publish
          tell(changes, this.#epoch + 1)
        } catch (error) {
          giveUp()
          throw error
        }
        this.#enter(gone, made, changes)
        this.#offByFile = off ?? this.#offByFile
      }
      this.#staged.delete(made)
    }
    return { apply, discard: giveUp }
  }

  /** A change was published: it is in force here too, and counters that it leaves are retired. */
  #enter(gone: readonly string[], put: readonly Entry[], changes: readonly KeyChange[]): void {
    this.#epoch++
    const before = namesOf(changes.flatMap(({ id }) => this.#entries.get(id)?.document ?? []))
    for (const id of gone) this.#entries.delete(id)
    for (const entry of put) this.#entries.set(entry.key.id, entry)
    for (const { id, document } of changes) this.#generations.raise(id, document)
    const held = namesOf(put.map(({ document }) => document))
    this.#counters.keep(held)
    this.#counters.retire(
      [...before].filter((name) => !held.has(name)),
      this.#epoch,
    )
  }

  *#comingDocuments(): Iterable<KeyDocument> {
    for (const entries of this.#staged) for (const { document } of entries) yield document
  }

  #holds({ key, owner }: Put): boolean {
    const held = this.#entries.get(key.id)
    return held !== undefined && held.owner === owner && JSON.stringify(held.key) === JSON.stringify(key)
  }

  /** The documents of keys. When one of them cannot be made, the room that was taken for the others is given back. */
  #compile(put: readonly Put[], off: ReadonlySet<string>): { made: readonly Entry[]; giveUp: () => void } {
    const made: Entry[] = []
    const fresh: string[] = []
    const freshKeys: string[] = []
    const giveUp = () => {
      if (!this.#staged.delete(made)) return
      const others = [...this.documents(), ...this.#comingDocuments()]
      this.#counters.giveBack(fresh, others)
      const held = new Set(others.map(({ id }) => id))
      for (const id of freshKeys) if (!held.has(id)) this.#generations.giveBack(id)
    }
    this.#staged.add(made)
    try {
      for (const { key, owner } of put) {
        if (this.#generations.take(key.id)) freshKeys.push(key.id)
        const inForce = this.#entries.get(key.id)?.document ?? null
        const document = { ...this.#counters.limitsOf(key, inForce, fresh), ...this.#documentOf(key) }
        made.push({ key, owner, document: off.has(key.id) ? { ...document, enabled: false } : document })
      }
      return { made, giveUp }
    } catch (error) {
      giveUp()
      throw error
    }
  }

  #documentOf(key: StoredKey): Omit<KeyDocument, 'rate' | 'budgets'> {
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
      modelsAllow: key.models_allow,
      modelsDeny: key.models_deny,
      ...this.#generations.next(key.id),
    }
  }
}
