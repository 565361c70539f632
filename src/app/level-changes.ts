import {
  type Actor,
  auditEntry,
  ControlError,
  encodeLevel,
  type LevelView,
  storedLevelOf,
  viewLevel,
} from '../control/index.ts'
import type { StoredKey, StoredLevel, StoredLevelKind } from '../storage/index.ts'
import type { BudgetBackfill } from './budget-backfill.ts'
import { budgetUse } from './budget-use.ts'
import type { Database } from './database.ts'
import type { KeyRegistry, StagedKeys } from './key-registry.ts'
import { Levels, type LevelsDocument, levelNameOf } from './levels.ts'
import { notStored } from './not-stored.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import type { SpentBefore } from './spent-before.ts'

export interface LevelChangesOptions {
  readonly keys: KeyRegistry
  readonly counters: BigInt64Array
  readonly database: Pick<Database, 'putLevel' | 'catchUp'>
  readonly spent: Pick<SpentBefore, 'learn'>
  readonly backfill: Pick<BudgetBackfill, 'begin'>
  /** Keeps changes apart from each other and from reloads. */
  readonly turns: OneAtATime
}

/** How a level is about to change: null where it is not there. */
interface Step {
  readonly before: LevelView | null
  readonly after: StoredLevel | null
}

const SECTIONS = { organization: 'organizations', team: 'teams', project: 'projects', user: 'users' } as const

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
    const ofFile = levels.document[SECTIONS[kind]].map((level) => this.#ofFile(kind, level))
    const ofDatabase = [...this.#stored.values()].filter(
      (level) => level.kind === kind && !levels.isOfFile(levelNameOf(level)),
    )
    return [...ofFile, ...ofDatabase.map((level) => this.#view(level, 'database'))]
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
      if (before?.owner === 'file') throw readOnly(kind, id)
      const problem = this.#options.keys.levels.problemOfLevel(after)
      if (problem !== null) {
        const message = `The ${kind} cannot be so: ${problem.message}.`
        throw new ControlError('invalid_request', message, { param: problem.field })
      }
      const stored = new Map(this.#stored).set(levelNameOf(after), after)
      await this.#takeOver(stored, { before, after }, by)
      return this.#view(after, 'database')
    })
  }

  /** See ControlPort. */
  async remove(kind: StoredLevelKind, id: string, by: Actor): Promise<LevelView | null> {
    return await this.#options.turns.run(async () => {
      const before = this.#find(kind, id)
      if (before === null) return null
      if (before.owner === 'file') throw readOnly(kind, id)
      this.#checkEmpty(kind, id)
      const stored = new Map(this.#stored)
      stored.delete(`${kind}:${id}`)
      await this.#takeOver(stored, { before, after: null }, by)
      return before
    })
  }

  /** Takes over what another program on the same database has changed; to be run in a turn. */
  async adopt(changed: readonly StoredLevel[]): Promise<void> {
    const stored = new Map(this.#stored)
    for (const level of changed) {
      if (level.deleted_at === null) stored.set(levelNameOf(level), level)
      else stored.delete(levelNameOf(level))
    }
    const levels = new Levels(this.#options.keys.levels.document, stored.values())
    const begins = await this.#learn(levels)
    this.#enter(this.#options.keys.stageLevels(levels), stored, begins)
  }

  /** Stored, then in force in every worker; or nothing of it. */
  async #takeOver(stored: ReadonlyMap<string, StoredLevel>, step: Step, by: Actor): Promise<void> {
    const { keys, database } = this.#options
    const levels = new Levels(keys.levels.document, stored.values())
    this.#checkPlaces(levels, stored)
    const { before, after } = step
    const kept = after ?? removed(before)
    const change = {
      action: `${kept.kind}.${after === null ? 'delete' : before === null ? 'create' : 'change'}`,
      target: levelNameOf(kept),
      before: before === null ? null : encodeLevel(before),
      after: after === null ? null : encodeLevel(viewLevel(after, 'database')),
    }
    const begins = await notStored(async () => await this.#learn(levels))
    // Its room first: a level that is stored and has none would keep the gateway from starting.
    const staged = keys.stageLevels(levels)
    try {
      await notStored(async () => await database.putLevel(kept, auditEntry(by, change)))
    } catch (error) {
      staged.discard()
      throw error
    }
    this.#enter(staged, stored, begins)
  }

  async #learn(levels: Levels): Promise<boolean> {
    const { keys, database, spent } = this.#options
    const asked = keys.newBudgets([], levels)
    if (asked.length === 0) return false
    // All that was used up to now: what is still under way is counted later.
    if (!(await database.catchUp())) throw new Error('the database takes no records')
    await spent.learn(asked)
    return true
  }

  #enter(staged: StagedKeys, stored: ReadonlyMap<string, StoredLevel>, begins: boolean): void {
    staged.apply()
    this.#stored = stored
    // Requests from before it reserve nothing of a budget that is new.
    if (begins) this.#options.backfill.begin(this.#options.keys.epoch)
  }

  #find(kind: StoredLevelKind, id: string): LevelView | null {
    const { levels } = this.#options.keys
    const inFile = levels.document[SECTIONS[kind]].find((level) => level.id === id)
    if (inFile !== undefined) return this.#ofFile(kind, inFile)
    const level = this.#stored.get(`${kind}:${id}`)
    return level === undefined ? null : this.#view(level, 'database')
  }

  #ofFile(kind: StoredLevelKind, level: Parameters<typeof storedLevelOf>[1]): LevelView {
    return this.#view(storedLevelOf(kind, level, { created_at: 0, updated_at: 0 }), 'file')
  }

  #view(level: StoredLevel, owner: LevelView['owner']): LevelView {
    return viewLevel(level, owner, (budget) => budgetUse(this.#options, levelNameOf(level), budget))
  }

  /** Refuses what would put a key or a level into two places at once. */
  #checkPlaces(levels: Levels, stored: ReadonlyMap<string, StoredLevel>): void {
    const { keys } = this.#options
    for (const { key } of keys.list()) {
      if (!isOpen(key) || levels.problemOf(key) === null || keys.levels.problemOf(key) !== null) continue
      throw inTwoPlaces(`the key "${key.id}"`, levels.problemOf(key)?.message)
    }
    for (const level of stored.values()) {
      const problem = levels.problemOfLevel(level)
      if (problem === null || keys.levels.problemOfLevel(level) !== null) continue
      throw inTwoPlaces(`the ${level.kind} "${level.id}"`, problem.message)
    }
  }

  /** Refuses to remove a level that something is in. */
  #checkEmpty(kind: StoredLevelKind, id: string): void {
    const { keys } = this.#options
    const inside = keys.list().filter(({ key }) => isOpen(key) && keys.levels.namesFor(key).includes(`${kind}:${id}`))
    const below = [...this.#stored.values()].filter(
      (level) => (kind === 'team' || kind === 'organization') && level[kind] === id,
    )
    const names = [...below.map(levelNameOf), ...inside.map(({ key }) => `key:${key.id}`)]
    if (names.length === 0) return
    const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
    const message = `The ${kind} "${id}" is not empty: ${names.slice(0, 3).join(', ')}${more}. Revoke or move them first, or disable it.`
    throw new ControlError('conflict', message)
  }
}

function isOpen({ revoked_at: revokedAt }: StoredKey): boolean {
  return revokedAt === null
}

/** What is stored of a level that is not there any more. */
function removed(before: LevelView | null): StoredLevel {
  if (before === null) throw new Error('what was not there cannot be removed')
  const { owner: _owner, budgets, ...level } = before
  const nowMs = Date.now()
  const plain = budgets.map(({ use: _use, ...budget }) => budget)
  return { ...level, budgets: plain, updated_at: nowMs, deleted_at: nowMs }
}

function readOnly(kind: string, id: string): ControlError {
  return new ControlError('read_only', `The ${kind} "${id}" is in the configuration file; change it there.`)
}

function inTwoPlaces(what: string, problem = ''): ControlError {
  return new ControlError(
    'conflict',
    `Of ${what} this would leave no one place: ${problem}. Change or revoke it first.`,
  )
}
