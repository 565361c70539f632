import type { KeyConfig } from '../config/index.ts'
import { type KeyOwner, keyOfFile } from '../control/index.ts'
import {
  BUDGET_CELLS,
  type BudgetDocument,
  budgetCounter,
  type KeyChange,
  type KeyDocument,
  periodOf,
  rateLimit,
  restore,
  restoreAtLeast,
} from '../governance/index.ts'
import type { SlotAllocator } from '../lib/index.ts'
import type { BudgetPeriod, StoredKey } from '../storage/index.ts'

export type { KeyOwner }

/** What was spent before this process, or before a budget was added; see storage's `spending`. */
export type SpentBefore = (keyId: string, unit: 'tokens' | 'nanos', per: BudgetPeriod) => number

interface Entry {
  readonly key: StoredKey
  readonly owner: KeyOwner
  readonly document: KeyDocument
}

export interface KeyRegistryOptions {
  readonly counters: BigInt64Array
  readonly generations: Int32Array
  readonly slots: SlotAllocator
  readonly spent: SpentBefore
  /** Posts changes to every data worker; called before the generations are raised. */
  readonly publish: (changes: readonly KeyChange[]) => void
}

const MINUTE_US = 60_000_000

/**
 * All virtual keys, from the file and from the database, in the control thread: allocates their shared slots, tells
 * the workers of changes, and raises a key's generation last, so that a worker that sees it has the change in its queue.
 */
export class KeyRegistry {
  readonly #options: KeyRegistryOptions
  readonly #entries = new Map<string, Entry>()
  readonly #generationSlots = new Map<string, number>()
  /** Names of the slots that the running change has taken. */
  readonly #fresh: string[] = []

  constructor(options: KeyRegistryOptions) {
    this.#options = options
  }

  /** Every key as the workers know it. */
  documents(): KeyDocument[] {
    return [...this.#entries.values()].map((entry) => entry.document)
  }

  /** Keys with their owners, for people. */
  list(): { key: StoredKey; owner: KeyOwner }[] {
    return [...this.#entries.values()].map(({ key, owner }) => ({ key, owner }))
  }

  find(id: string): { key: StoredKey; owner: KeyOwner } | null {
    return this.#entries.get(id) ?? null
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

  /**
   * Replaces all keys that the file owns, or throws and replaces none. A database key of the same id keeps its place: the
   * file's is refused.
   */
  replaceFileKeys(keys: readonly KeyConfig[]): string[] {
    const problems: string[] = []
    const wanted = new Set(keys.map((key) => key.id))
    const gone = [...this.#entries].filter(([id, { owner }]) => owner === 'file' && !wanted.has(id)).map(([id]) => id)
    const own = keys.filter(({ id }) => {
      if (this.#entries.get(id)?.owner !== 'database') return true
      problems.push(`the key "${id}" exists in the database; the file's key of the same id is ignored`)
      return false
    })
    this.#change(gone, own.map(keyOfFile), 'file')
    return problems
  }

  /** Adds or changes a key that the database owns. */
  putDatabaseKey(key: StoredKey): void {
    this.#change([], [key], 'database')
  }

  /** Replays the admissions of the last minute, so that a restart gives no second burst. Times in monotonic µs. */
  restoreRates(admissions: ReadonlyMap<string, readonly number[]>): void {
    for (const [id, times] of admissions) {
      const rate = this.#entries.get(id)?.document.rate ?? null
      if (rate !== null) rateLimit.restore(this.#options.counters, rate.slot, times, rate.intervalUs)
    }
  }

  /** Removes and puts keys, all or none: what can fail comes before anything is changed that others see. */
  #change(gone: readonly string[], keys: readonly StoredKey[], owner: KeyOwner): void {
    const entries = this.#compile(keys.filter((key) => !this.#holds(key, owner))).map(
      ({ key, document }): Entry => ({ key, owner, document }),
    )
    const removed = gone.map((id): KeyChange => ({ id, document: null }))
    const changes = [...removed, ...entries.map(({ key, document }): KeyChange => ({ id: key.id, document }))]
    if (changes.length === 0) return
    this.#options.publish(changes)
    for (const id of gone) this.#entries.delete(id)
    for (const entry of entries) this.#entries.set(entry.key.id, entry)
    for (const { id, document } of changes) this.#raiseGeneration(id, document)
  }

  #holds(key: StoredKey, owner: KeyOwner): boolean {
    const held = this.#entries.get(key.id)
    return held !== undefined && held.owner === owner && JSON.stringify(held.key) === JSON.stringify(key)
  }

  #raiseGeneration(id: string, document: KeyDocument | null): void {
    const slot = this.#generationSlots.get(id)
    if (slot === undefined) return
    if (document === null) Atomics.add(this.#options.generations, slot, 1)
    else Atomics.store(this.#options.generations, slot, document.generation)
  }

  /** The documents of keys. When one of them cannot be made, the room that was taken for the others is given back. */
  #compile(keys: readonly StoredKey[]): { readonly key: StoredKey; readonly document: KeyDocument }[] {
    this.#fresh.length = 0
    const knownKeys = this.#generationSlots.size
    try {
      return keys.map((key) => ({ key, document: this.#documentOf(key) }))
    } catch (error) {
      for (const name of this.#fresh) this.#options.slots.release(name)
      for (const id of [...this.#generationSlots.keys()].slice(knownKeys)) this.#generationSlots.delete(id)
      throw error
    }
  }

  #documentOf(key: StoredKey): KeyDocument {
    const generationSlot = this.#generationSlot(key.id)
    return {
      id: key.id,
      hash: key.hash,
      enabled: key.enabled && key.revoked_at === null,
      expiresAt: key.expires_at,
      scopes: key.scopes,
      modelsAllow: key.models_allow,
      modelsDeny: key.models_deny,
      rate: this.#rateOf(key),
      budgets: this.#budgetsOf(key),
      generationSlot,
      generation: Atomics.load(this.#options.generations, generationSlot) + 1,
    }
  }

  #generationSlot(id: string): number {
    let slot = this.#generationSlots.get(id)
    if (slot === undefined) {
      slot = this.#generationSlots.size
      if (slot >= this.#options.generations.length)
        throw new Error(`more than ${slot} keys have existed; restart the gateway`)
      this.#generationSlots.set(id, slot)
    }
    return slot
  }

  #rateOf(key: StoredKey): KeyDocument['rate'] {
    if (key.requests_per_minute === null) return null
    const { intervalUs } = rateLimit.rateOf(Math.max(1, key.requests_per_minute), MINUTE_US)
    return {
      slot: this.#slot(`rate:${key.id}`, 1),
      requestsPerMinute: key.requests_per_minute,
      intervalUs,
      burst: key.burst ?? key.requests_per_minute,
    }
  }

  /** One counter per unit and period: of two budgets for the same, the smaller one decides. */
  #budgetsOf(key: StoredKey): BudgetDocument[] {
    const byCounter = new Map<string, BudgetDocument>()
    for (const { unit, per, limit } of key.budgets) {
      const counter = budgetCounter(key.id, unit, per)
      const other = byCounter.get(counter)
      if (other !== undefined && other.limit <= limit) continue
      byCounter.set(counter, { counter, slot: this.#budgetSlot(key.id, unit, per, limit), unit, per, limit })
    }
    // The tightest first: most refusals then take nothing that must be given back.
    return [...byCounter.values()].sort((a, b) => a.limit - b.limit)
  }

  #budgetSlot(keyId: string, unit: 'tokens' | 'nanos', per: BudgetPeriod, limit: number): number {
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
    const slot = this.#slot(counter, BUDGET_CELLS)
    restore(counters, slot, periodOf(per, Date.now()), before, limit)
    return slot
  }

  #slot(name: string, cells: number): number {
    const { slots } = this.#options
    if (slots.find(name) === null) this.#fresh.push(name)
    return slots.allocate(name, cells)
  }
}
