import type { KeyConfig } from '../config/index.ts'
import { type KeyOwner, keyOfFile } from '../control/index.ts'
import {
  BUDGET_CELLS,
  type BudgetDocument,
  budgetCounter,
  hasReserved,
  type KeyChange,
  type KeyDocument,
  periodOf,
  type RateDocument,
  rateLimit,
  restore,
  restoreAtLeast,
} from '../governance/index.ts'
import type { SlotAllocator } from '../lib/index.ts'
import type { BudgetPeriod, StoredBudget, StoredKey } from '../storage/index.ts'

export type { KeyOwner }

/** What was spent before this process, or before a budget was added; see storage's `spending`. */
export type SpentBefore = (keyId: string, unit: 'tokens' | 'nanos', per: BudgetPeriod) => number

interface Entry {
  readonly key: StoredKey
  readonly owner: KeyOwner
  document: KeyDocument
}

type Put = Pick<Entry, 'key' | 'owner'>

export interface KeyRegistryOptions {
  readonly counters: BigInt64Array
  readonly generations: Int32Array
  readonly slots: SlotAllocator
  readonly spent: SpentBefore
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

const MINUTE_US = 60_000_000
/** What names of rate limits begin with; budgets have theirs from the journal. */
const RATE = 'rate:'

/**
 * All virtual keys, from the file and from the database, in the control thread: allocates their shared slots, tells
 * the workers of changes, and raises a key's generation last, so that a worker that sees it has the change in its queue.
 */
export class KeyRegistry {
  readonly #options: KeyRegistryOptions
  readonly #entries = new Map<string, Entry>()
  readonly #generationSlots = new Map<string, number>()
  /** Generation slots of keys that are gone: a generation never comes twice, so that another key may have them at once. */
  readonly #freeGenerations: number[] = []
  #generationsUsed = 0
  /** Keys of the database that the file says are off. */
  #offByFile: ReadonlySet<string> = new Set()
  /** Counts the changes that were published. */
  #epoch = 0
  /** Slots that nobody is to use any more, until no request can. */
  #retired: { readonly epoch: number; readonly names: readonly string[] }[] = []

  constructor(options: KeyRegistryOptions) {
    this.#options = options
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
    if (!this.#retired.some((retired) => retired.epoch <= epoch)) return
    const { slots } = this.#options
    const inUse = new Set(this.documents().flatMap(slotNamesOf))
    this.#retired = this.#retired.flatMap((retired) => {
      if (retired.epoch > epoch) return [retired]
      // What is reserved is still to be settled: by a request that has just ended, or for a worker that died.
      const names = retired.names.filter((name) => !inUse.has(name) && this.#isReserved(name))
      for (const name of retired.names) if (!inUse.has(name) && !names.includes(name)) slots.release(name)
      return names.length === 0 ? [] : [{ epoch: retired.epoch, names }]
    })
  }

  /** Rate limits of all keys that have one. */
  *rates(): Iterable<RateDocument & { readonly id: string }> {
    for (const [id, { document }] of this.#entries) if (document.rate !== null) yield { id, ...document.rate }
  }

  /** Removes and puts keys, all or none: what can fail comes before anything is changed that others see. */
  #stage(gone: readonly string[], put: readonly Put[], off: ReadonlySet<string> | null): Omit<StagedKeys, 'problems'> {
    const compiled = this.#compile(put, off ?? this.#offByFile)
    const entries = compiled.made
    const apply = (publish: Publish | null = null) => {
      // A generation is told when it begins, since another change may have come between.
      for (const entry of entries) entry.document = { ...entry.document, ...this.#nextGeneration(entry.key.id) }
      const removed = gone.map((id): KeyChange => ({ id, document: null }))
      const changes = [...removed, ...entries.map(({ key, document }): KeyChange => ({ id: key.id, document }))]
      if (changes.length === 0 && publish === null) return
      try {
        const tell = publish ?? this.#options.publish
        tell(changes, this.#epoch + 1)
      } catch (error) {
        compiled.release()
        throw error
      }
      this.#epoch++
      this.#offByFile = off ?? this.#offByFile
      const before = changes.flatMap(({ id }) => slotNamesOf(this.#entries.get(id)?.document))
      for (const id of gone) this.#entries.delete(id)
      for (const entry of entries) this.#entries.set(entry.key.id, entry)
      for (const { id, document } of changes) this.#raiseGeneration(id, document)
      const held = new Set(changes.flatMap(({ document }) => slotNamesOf(document)))
      const names = before.filter((name) => !held.has(name))
      if (names.length > 0) this.#retired.push({ epoch: this.#epoch, names })
    }
    return { apply, discard: compiled.release }
  }

  #isReserved(name: string): boolean {
    const slot = this.#options.slots.find(name)
    return slot !== null && !name.startsWith(RATE) && hasReserved(this.#options.counters, slot)
  }

  #holds({ key, owner }: Put): boolean {
    const held = this.#entries.get(key.id)
    return held !== undefined && held.owner === owner && JSON.stringify(held.key) === JSON.stringify(key)
  }

  #raiseGeneration(id: string, document: KeyDocument | null): void {
    const slot = this.#generationSlots.get(id)
    if (slot === undefined) return
    if (document !== null) {
      Atomics.store(this.#options.generations, slot, document.generation)
      return
    }
    Atomics.add(this.#options.generations, slot, 1)
    this.#giveGenerationBack(id)
  }

  /** The documents of keys. When one of them cannot be made, the room that was taken for the others is given back. */
  #compile(put: readonly Put[], off: ReadonlySet<string>) {
    const fresh: string[] = []
    const freshKeys: string[] = []
    const release = () => {
      for (const name of fresh) this.#options.slots.release(name)
      for (const id of freshKeys) this.#giveGenerationBack(id)
    }
    const take = (name: string, cells: number): number => {
      const { slots } = this.#options
      const isFresh = slots.find(name) === null
      const index = slots.allocate(name, cells)
      if (isFresh) fresh.push(name)
      return index
    }
    try {
      const made = put.map(({ key, owner }): Entry => {
        if (this.#takeGeneration(key.id)) freshKeys.push(key.id)
        const document = this.#documentOf(key, take)
        return { key, owner, document: off.has(key.id) ? { ...document, enabled: false } : document }
      })
      return { made, release }
    } catch (error) {
      release()
      throw error
    }
  }

  #documentOf(key: StoredKey, take: TakeSlot): KeyDocument {
    return {
      id: key.id,
      hash: key.hash,
      enabled: key.enabled && key.revoked_at === null,
      expiresAt: key.expires_at,
      scopes: key.scopes,
      modelsAllow: key.models_allow,
      modelsDeny: key.models_deny,
      rate: this.#rateOf(key, take),
      budgets: this.#budgetsOf(key, take),
      ...this.#nextGeneration(key.id),
    }
  }

  /** Gives a key its generation slot; false when it has one. */
  #takeGeneration(id: string): boolean {
    if (this.#generationSlots.has(id)) return false
    const { generations } = this.#options
    if (this.#freeGenerations.length === 0 && this.#generationsUsed === generations.length)
      throw new Error(`there is room for ${generations.length} keys; remove some, or restart the gateway with fewer`)
    this.#generationSlots.set(id, this.#freeGenerations.pop() ?? this.#generationsUsed++)
    return true
  }

  #giveGenerationBack(id: string): void {
    const slot = this.#generationSlots.get(id)
    if (slot === undefined) return
    this.#generationSlots.delete(id)
    this.#freeGenerations.push(slot)
  }

  #nextGeneration(id: string): { readonly generationSlot: number; readonly generation: number } {
    const generationSlot = this.#generationSlots.get(id)
    if (generationSlot === undefined) throw new Error(`the key ${id} has no generation`)
    return { generationSlot, generation: Atomics.load(this.#options.generations, generationSlot) + 1 }
  }

  #rateOf(key: StoredKey, take: TakeSlot): KeyDocument['rate'] {
    if (key.requests_per_minute === null) return null
    const { intervalUs } = rateLimit.rateOf(Math.max(1, key.requests_per_minute), MINUTE_US)
    return {
      slot: take(RATE + key.id, 1),
      requestsPerMinute: key.requests_per_minute,
      intervalUs,
      burst: key.burst ?? key.requests_per_minute,
    }
  }

  /** One counter per unit and period: of two budgets for the same, the smaller one decides. */
  #budgetsOf(key: StoredKey, take: TakeSlot): BudgetDocument[] {
    const byCounter = new Map<string, BudgetDocument>()
    for (const { unit, per, limit } of key.budgets) {
      const counter = budgetCounter(key.id, unit, per)
      const other = byCounter.get(counter)
      if (other !== undefined && other.limit <= limit) continue
      byCounter.set(counter, { counter, slot: this.#budgetSlot(key.id, { unit, per, limit }, take), unit, per, limit })
    }
    // The tightest first: most refusals then take nothing that must be given back.
    return [...byCounter.values()].sort((a, b) => a.limit - b.limit)
  }

  #budgetSlot(keyId: string, { unit, per, limit }: StoredBudget, take: TakeSlot): number {
    const { slots, counters, spent } = this.#options
    const counter = budgetCounter(keyId, unit, per)
    const known = slots.find(counter)
    const inForce = this.#entries.get(keyId)?.document.budgets.some((budget) => budget.counter === counter)
    if (known !== null && inForce === true) return known
    // Asked for first: a slot that is there counts as one that knows what was spent.
    const before = spent(keyId, unit, per)
    if (known !== null) {
      restoreAtLeast(counters, known, periodOf(per, Date.now()), before, limit)
      return known
    }
    const slot = take(counter, BUDGET_CELLS)
    restore(counters, slot, periodOf(per, Date.now()), before, limit)
    return slot
  }
}

type TakeSlot = (name: string, cells: number) => number

/** Names of the counters that a key has. */
function slotNamesOf(document: KeyDocument | null | undefined): string[] {
  if (document === null || document === undefined) return []
  const rate = document.rate === null ? [] : [RATE + document.id]
  return [...rate, ...document.budgets.map(({ counter }) => counter)]
}
