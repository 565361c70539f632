import { type Actor, type LevelView, viewLevel } from '../control/index.ts'
import type { StoredLevel, StoredLevelKind } from '../storage/index.ts'
import { budgetUse } from './budget-use.ts'
import type { Database } from './database.ts'
import type { KeyRegistry } from './key-registry.ts'
import { checkEmpty, checkPlaces, checkStep, type LevelStep, levelEntry, levelsOfKind, removed } from './level-rules.ts'
import { Levels, type LevelsDocument, levelNameOf } from './levels.ts'
import type { NewBudgets } from './new-budgets.ts'
import { notStored } from './not-stored.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import type { StagedKeys } from './staged-keys.ts'

export interface LevelChangesOptions {
  readonly keys: KeyRegistry
  readonly counters: BigInt64Array
  readonly database: Pick<Database, 'putLevel'>
  readonly newBudgets: NewBudgets
  /** Keeps changes apart from each other and from reloads. */
  readonly turns: OneAtATime
}

/** The levels of the database beside those of the file, and how they change while the gateway runs. */
export class LevelChanges {
  readonly #options: LevelChangesOptions
  #stored: ReadonlyMap<string, StoredLevel> = new Map()

  constructor(options: LevelChangesOptions) {
    this.#options = options
  }

  /** What the database has at the start. */
  load(stored: readonly StoredLevel[]): void {
    this.#stored = new Map(stored.map((level) => [levelNameOf(level), level]))
  }

  /** The levels of a document, and of the database beside them. */
  beside(document: LevelsDocument): Levels {
    return new Levels(document, this.#stored.values())
  }

  list(kind: StoredLevelKind): readonly LevelView[] {
    const { levels } = this.#options.keys
    return levelsOfKind(kind, { levels, stored: this.#stored, view: (level, owner) => this.#view(level, owner) })
  }

  /** See ControlPort. */
  async put(
    kind: StoredLevelKind,
    id: string,
    by: Actor,
    make: (before: LevelView | null) => StoredLevel | Promise<StoredLevel>,
  ): Promise<LevelView> {
    return await this.#options.turns.run(async () => {
      const before = this.#find(kind, id)
      const after = await make(before)
      checkStep(this.#options.keys.levels, { before, after })
      await this.#takeOver(new Map(this.#stored).set(levelNameOf(after), after), { before, after }, by)
      return this.#view(after, 'database')
    })
  }

  /** See ControlPort. */
  async remove(kind: StoredLevelKind, id: string, by: Actor): Promise<LevelView | null> {
    return await this.#options.turns.run(async () => {
      const before = this.#find(kind, id)
      if (before === null) return null
      checkStep(this.#options.keys.levels, { before, after: null })
      checkEmpty(this.#options.keys.levels, before, this.#population())
      const stored = new Map(this.#stored)
      stored.delete(`${kind}:${id}`)
      await this.#takeOver(stored, { before, after: null }, by)
      return before
    })
  }

  /** Takes over what another program on the same database has changed; to be run in a turn. */
  async adopt(changed: readonly StoredLevel[]): Promise<void> {
    const { keys, newBudgets } = this.#options
    const stored = new Map(this.#stored)
    for (const level of changed) {
      if (level.deleted_at === null) stored.set(levelNameOf(level), level)
      else stored.delete(levelNameOf(level))
    }
    const levels = new Levels(keys.levels.document, stored.values())
    const begins = await newBudgets.learn([], levels)
    this.#enter(keys.stageLevels(levels), stored, begins)
  }

  /** Stored, then in force in every worker; or nothing of it. */
  async #takeOver(stored: ReadonlyMap<string, StoredLevel>, step: LevelStep, by: Actor): Promise<void> {
    const { keys, database, newBudgets } = this.#options
    const levels = new Levels(keys.levels.document, stored.values())
    checkPlaces(keys.levels, levels, this.#population(stored))
    const entry = levelEntry(by, step)
    const kept = step.after ?? (step.before === null ? null : removed(step.before))
    if (kept === null) return
    const begins = await notStored(async () => await newBudgets.learn([], levels))
    // Its room first: a level that is stored and has none would keep the gateway from starting.
    const staged = keys.stageLevels(levels)
    try {
      await notStored(async () => await database.putLevel(kept, entry))
    } catch (error) {
      staged.discard()
      throw error
    }
    this.#enter(staged, stored, begins)
  }

  #enter(staged: StagedKeys, stored: ReadonlyMap<string, StoredLevel>, begins: boolean): void {
    staged.apply()
    this.#stored = stored
    if (begins) this.#options.newBudgets.begin()
  }

  #find(kind: StoredLevelKind, id: string): LevelView | null {
    return this.list(kind).find((level) => level.id === id) ?? null
  }

  #population(stored = this.#stored) {
    return { keys: this.#options.keys.list().map(({ key }) => key), stored }
  }

  #view(level: StoredLevel, owner: LevelView['owner']): LevelView {
    return viewLevel(level, owner, (budget) => budgetUse(this.#options, levelNameOf(level), budget))
  }
}
