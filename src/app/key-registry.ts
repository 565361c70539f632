import type { KeyConfig } from '../config/index.ts'
import { type KeyOwner, keyOfFile } from '../control/index.ts'
import {
  type BudgetDocument,
  type KeyChange,
  type KeyDocument,
  keyLevel,
  type LevelChange,
  type LevelDocument,
  type LimitsDocument,
  type RateDocument,
  type TokenRateDocument,
  type ValueName,
} from '../governance/index.ts'
import type { StoredKey, StoredLimits, StoredRule } from '../storage/index.ts'
import { askedBudget, KeyCounters, type KeyCountersOptions, namesOf } from './key-counters.ts'
import { KeyGenerations } from './key-generations.ts'
import { type Brought, type KeyEntry, KeyRoom, type LevelEntry, type Made } from './key-room.ts'
import { Levels, NO_LEVELS_DOCUMENT } from './levels.ts'
import type { AskedBudget } from './spent-before.ts'
import type { Publish, StagedKeys, ValueCounters } from './staged-keys.ts'

type Put = Brought['keys'][number]

/** What a change takes away and brings. */
interface Change {
  readonly gone?: readonly string[]
  readonly put: readonly Put[]
  /** Keys of the database that the file says are off; absent: as before. */
  readonly off?: ReadonlySet<string>
  /** Absent: as before. */
  readonly levels?: Levels
}

export interface KeyRegistryOptions extends KeyCountersOptions {
  readonly generations: Int32Array
  /** Posts changes to every data worker; called before the generations are raised. */
  readonly publish: Publish
  /** The counters of values that rules count apart; absent: there are none. */
  readonly values?: ValueCounters
}

/**
 * All virtual keys, from the file and from the database, and the levels that they are in, in the control thread:
 * allocates their shared slots, tells the workers of changes.
 */
export class KeyRegistry {
  readonly #options: KeyRegistryOptions
  readonly #entries = new Map<string, KeyEntry>()
  #levels = new Levels(NO_LEVELS_DOCUMENT)
  readonly #levelEntries = new Map<string, LevelEntry>()
  readonly #counters: KeyCounters
  readonly #generations: KeyGenerations
  readonly #room: KeyRoom
  /** Keys of the database that the file says are off. */
  #offByFile: ReadonlySet<string> = new Set()
  /** Counts the changes that were published. */
  #epoch = 0

  constructor(options: KeyRegistryOptions) {
    this.#options = options
    this.#counters = new KeyCounters(options)
    this.#generations = new KeyGenerations(options.generations)
    const inForce = { keys: this.#entries, levels: this.#levelEntries, limits: () => this.limits() }
    this.#room = new KeyRoom({ inForce, counters: this.#counters, generations: this.#generations })
  }

  /** Number of the last change that was published. */
  get epoch(): number {
    return this.#epoch
  }

  /** Every key as the workers know it. */
  documents(): KeyDocument[] {
    return [...this.#entries.values()].map((entry) => entry.document)
  }

  /** Every level as the workers know it. */
  levelDocuments(): LevelDocument[] {
    return [...this.#levelEntries.values()].map(({ document }) => document)
  }

  /** The levels of the file, which say where keys may belong. */
  get levels(): Levels {
    return this.#levels
  }

  /** Keys with their owners, for people. */
  list(): { key: StoredKey; owner: KeyOwner }[] {
    return [...this.#entries.values()].map((entry) => this.#shown(entry))
  }

  find(id: string): { key: StoredKey; owner: KeyOwner } | null {
    const entry = this.#entries.get(id)
    return entry === undefined ? null : this.#shown(entry)
  }

  /** Whether the file says that a key of the database is off. */
  isOffByFile(id: string): boolean {
    return this.#offByFile.has(id)
  }

  #shown({ key, owner }: KeyEntry): { key: StoredKey; owner: KeyOwner } {
    return { key: this.#offByFile.has(key.id) ? { ...key, enabled: false } : key, owner }
  }

  /** Budgets of all keys and levels. */
  *budgets(): Iterable<BudgetDocument> {
    for (const { budgets } of this.limits()) yield* budgets
  }

  /** The slot of a budget counter by its name in the journal, or null when no key has it any more. */
  counterSlot(counter: string): number | null {
    return this.#options.slots.find(counter)
  }

  /** Where the lease of a counter is that several gateways share; null: there is none. */
  leaseOf(counter: string): number | null {
    return this.#counters.leaseOf(counter)
  }

  /** The limit behind a budget counter; 0 when no key has it any more. */
  budgetLimit(counter: string): number {
    for (const budget of this.budgets()) if (budget.counter === counter) return budget.limit
    return 0
  }

  /** Replaces all keys that the file owns, or throws and replaces none; answers what is ignored. */
  replaceFileKeys(keys: readonly KeyConfig[], levels?: Levels): readonly string[] {
    const staged = this.stageFileKeys(keys, levels)
    staged.apply()
    return staged.problems
  }

  /**
   * Makes ready to replace all keys that the file owns; throws, and has changed nothing, when they cannot be. A database
   * key of the same id keeps its place: the file's is refused. But a file that says that an id is off is obeyed. Keys of the
   * database that are in other levels now, since those have other parents, change too.
   */
  stageFileKeys(keys: readonly KeyConfig[], levels: Levels = this.#levels): StagedKeys {
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
    const turned = [...this.#entries.values()].filter(({ key, owner, document }) => {
      if (off.has(key.id) !== this.#offByFile.has(key.id)) return true
      return owner === 'database' && !isSame(levels.namesFor(key), document.levels)
    })
    const put = own.map((key): Put => ({ key: keyOfFile(key), owner: 'file' }))
    const changed = put.filter((entry) => !this.#holds(entry, levels))
    return { problems, ...this.#stage({ gone, put: [...changed, ...turned], off, levels }) }
  }

  /** Makes ready to have other levels beside the same keys; throws, and has changed nothing, when there is no room. */
  stageLevels(levels: Levels): StagedKeys {
    const turned = [...this.#entries.values()].filter(
      ({ key, document }) => !isSame(levels.namesFor(key), document.levels),
    )
    return { problems: [], ...this.#stage({ put: turned, levels }) }
  }

  /** Budgets of these keys and levels that are not in force: what was spent of them must be known before. */
  newBudgets(keys: readonly StoredKey[], levels: Levels = this.#levels): AskedBudget[] {
    const inForce = new Set(Array.from(this.budgets(), ({ counter }) => counter))
    const asked = (level: string, { budgets }: StoredLimits) => budgets.map((budget) => askedBudget(level, budget))
    return [
      ...keys.flatMap((key) => asked(keyLevel(key.id), key)),
      ...levels.all.flatMap(({ name, limits }) => asked(name, limits)),
    ].filter(({ counter }) => !inForce.has(counter))
  }

  /** Adds or changes a key that the database owns. */
  putDatabaseKey(key: StoredKey): void {
    this.stageDatabaseKey(key).apply()
  }

  /** Makes ready to add or change a key that the database owns; throws, and has changed nothing, when there is no room. */
  stageDatabaseKey(key: StoredKey): StagedKeys {
    const put: Put = { key, owner: 'database' }
    return { problems: [], ...this.#stage({ put: this.#holds(put, this.#levels) ? [] : [put] }) }
  }

  /** Gives back the counters of keys and limits that are gone, as far as no running request began before `epoch`. */
  releaseQuiet(epoch: number): void {
    this.#counters.releaseQuiet(epoch, this.#room.comingLimits())
    this.#options.values?.releaseQuiet(epoch)
  }

  /** Rate limits of all keys and levels. */
  *rates(): Iterable<RateDocument> {
    for (const { rates } of this.limits()) yield* rates
  }

  /** Rates of tokens of all keys and levels. */
  *tokenRates(): Iterable<TokenRateDocument> {
    for (const { tokenRate } of this.limits()) if (tokenRate !== null) yield tokenRate
  }

  /** A worker has died: what it had in flight is over. */
  clearSeat(seat: number): void {
    this.#counters.clearSeat(seat, [...this.limits(), ...this.#room.comingLimits()])
  }

  /** Limits of all keys and levels, and of the values below them, as workers know them. */
  *limits(): Iterable<LimitsDocument> {
    for (const { document } of this.#entries.values()) yield document
    for (const { document } of this.#levelEntries.values()) yield document
    if (this.#options.values !== undefined) yield* this.#options.values.documents()
  }

  /** The rules of a key or a level that are in force. */
  rulesOf(level: string): readonly StoredRule[] {
    const limits = level.startsWith('key:')
      ? this.#entries.get(level.slice('key:'.length))?.key
      : this.#levelEntries.get(level)?.config.limits
    return limits?.rules ?? []
  }

  /** The budgets of a level that is in force; null when there is none of that name. */
  budgetsOf(level: string): StoredLimits['budgets'] | null {
    return this.#levelEntries.get(level)?.config.limits.budgets ?? null
  }

  /** Has every worker forget values that are out of use; answers the number of the change. */
  dropValues(names: readonly ValueName[]): number {
    this.#options.publish([], this.#epoch + 1, [], names)
    return ++this.#epoch
  }

  /** Removes and puts keys and levels, all or none: what can fail comes before anything is changed that others see. */
  #stage(change: Change): Omit<StagedKeys, 'problems'> {
    const { gone = [], put, off = this.#offByFile, levels = this.#levels } = change
    const made = this.#room.make({ keys: put, off, levels })
    const giveUp = () => this.#room.giveUp(made)
    const known = change.levels === undefined ? null : new Set(levels.all.map(({ name }) => name))
    const apply = (publish: Publish | null = null) => {
      // A generation is told when it begins, since another change may have come between.
      for (const entry of made.keys) entry.document = { ...entry.document, ...this.#generations.next(entry.key.id) }
      const removed = gone.map((id): KeyChange => ({ id, document: null }))
      const changes = [...removed, ...made.keys.map(({ key, document }): KeyChange => ({ id: key.id, document }))]
      const lost = known === null ? [] : [...this.#levelEntries.keys()].filter((name) => !known.has(name))
      const levelChanges: readonly LevelChange[] = [
        ...lost.map((name) => ({ name, document: null })),
        ...made.levels.map(({ document }) => ({ name: document.name, document })),
      ]
      if (changes.length > 0 || levelChanges.length > 0 || publish !== null) {
        try {
          const tell = publish ?? this.#options.publish
          tell(changes, this.#epoch + 1, levelChanges)
        } catch (error) {
          giveUp()
          throw error
        }
        this.#enter(made, changes, levelChanges)
      }
      // What it does not bring may be another by now than when it was made ready.
      if (change.off !== undefined) this.#offByFile = change.off
      if (change.levels !== undefined) this.#levels = change.levels
      this.#room.entered(made)
    }
    return { apply, discard: giveUp }
  }

  /** A change was published: it is in force here too, and counters that it leaves are retired. */
  #enter(made: Made, changes: readonly KeyChange[], levelChanges: readonly LevelChange[]): void {
    this.#epoch++
    const names = [...changes.map(({ id }) => keyLevel(id)), ...levelChanges.map(({ name }) => name)]
    const before = namesOf([
      ...changes.flatMap(({ id }) => this.#entries.get(id)?.document ?? []),
      ...levelChanges.flatMap(({ name }) => this.#levelEntries.get(name)?.document ?? []),
    ])
    for (const { id, document } of changes) if (document === null) this.#entries.delete(id)
    for (const { name, document } of levelChanges) if (document === null) this.#levelEntries.delete(name)
    for (const entry of made.keys) this.#entries.set(entry.key.id, entry)
    for (const entry of made.levels) this.#levelEntries.set(entry.config.name, entry)
    for (const { id, document } of changes) this.#generations.raise(id, document)
    const held = namesOf([...made.keys, ...made.levels].map(({ document }) => document))
    this.#counters.keep(held)
    this.#counters.retire(
      [...before].filter((name) => !held.has(name)),
      this.#epoch,
    )
    this.#options.values?.changed(new Set(names), this.#epoch)
  }

  #holds({ key, owner }: Put, levels: Levels): boolean {
    const held = this.#entries.get(key.id)
    if (held === undefined || held.owner !== owner || JSON.stringify(held.key) !== JSON.stringify(key)) return false
    return isSame(levels.namesFor(key), held.document.levels)
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, at) => name === b[at])
}
