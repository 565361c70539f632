/** What decides whether a level may change as it is asked to: the same with a gateway and without one. */
import {
  type Actor,
  auditEntry,
  ControlError,
  encodeLevel,
  type LevelView,
  storedLevelOf,
  viewLevel,
} from '../control/index.ts'
import type { AuditEntry, StoredBudget, StoredKey, StoredLevel, StoredLevelKind } from '../storage/index.ts'
import { type Levels, levelNameOf } from './levels.ts'

/** How a level is about to change: null where it is not there. */
export interface LevelStep {
  readonly before: LevelView | null
  readonly after: StoredLevel | null
}

/** All that levels may hold. */
export interface Population {
  readonly keys: Iterable<StoredKey>
  /** Levels of the database, by name. */
  readonly stored: ReadonlyMap<string, StoredLevel>
}

/** Sees a level that is of the file or of the database; `useOf` tells a budget's use. */
export type ViewLevel = (level: StoredLevel, owner: LevelView['owner']) => LevelView

const SECTIONS = { organization: 'organizations', team: 'teams', project: 'projects', user: 'users' } as const

/** Every level of a kind that is in force. */
export function levelsOfKind(
  kind: StoredLevelKind,
  {
    levels,
    stored,
    view,
  }: { readonly levels: Levels; readonly stored: Population['stored']; readonly view: ViewLevel },
): readonly LevelView[] {
  const ofFile = levels.document[SECTIONS[kind]].map((level) =>
    view(storedLevelOf(kind, level, { created_at: 0, updated_at: 0 }), 'file'),
  )
  const ofDatabase = [...stored.values()].filter((level) => level.kind === kind && !levels.isOfFile(levelNameOf(level)))
  return [...ofFile, ...ofDatabase.map((level) => view(level, 'database'))]
}

/** A level without anything that tells what of its budgets is used. */
export function plainView(level: StoredLevel, owner: LevelView['owner']): LevelView {
  return viewLevel(level, owner, (_budget: StoredBudget) => null)
}

/** Refuses to change a level of the file, and one that names levels which are not there or contradict each other. */
export function checkStep(levels: Levels, { before, after }: LevelStep): void {
  if (before?.owner === 'file') {
    const { kind, id } = before
    throw new ControlError('read_only', `The ${kind} "${id}" is in the configuration file; change it there.`)
  }
  if (after === null) return
  const problem = levels.problemOfLevel(after)
  if (problem === null) return
  const message = `The ${after.kind} cannot be so: ${problem.message}.`
  throw new ControlError('invalid_request', message, { param: problem.field })
}

/** Refuses what would put a key or a level into two places at once. */
export function checkPlaces(now: Levels, then: Levels, { keys, stored }: Population): void {
  for (const key of keys) {
    if (!isOpen(key) || then.problemOf(key) === null || now.problemOf(key) !== null) continue
    throw inTwoPlaces(`the key "${key.id}"`, then.problemOf(key)?.message)
  }
  for (const level of stored.values()) {
    const problem = then.problemOfLevel(level)
    if (problem === null || now.problemOfLevel(level) !== null) continue
    throw inTwoPlaces(`the ${level.kind} "${level.id}"`, problem.message)
  }
}

/** Refuses to remove a level that something is in. */
export function checkEmpty(
  levels: Levels,
  { kind, id }: Pick<StoredLevel, 'kind' | 'id'>,
  { keys, stored }: Population,
): void {
  const inside = [...keys].filter((key) => isOpen(key) && levels.namesFor(key).includes(`${kind}:${id}`))
  const below = [...stored.values()].filter(
    (level) => (kind === 'team' || kind === 'organization') && level[kind] === id,
  )
  const names = [...below.map(levelNameOf), ...inside.map((key) => `key:${key.id}`)]
  if (names.length === 0) return
  const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
  const message = `The ${kind} "${id}" is not empty: ${names.slice(0, 3).join(', ')}${more}. Revoke or move them first, or disable it.`
  throw new ControlError('conflict', message)
}

/** What is stored of a level's end. */
export function removed(before: LevelView): StoredLevel {
  const { owner: _owner, budgets, ...level } = before
  const nowMs = Date.now()
  const plain = budgets.map(({ use: _use, ...budget }) => budget)
  return { ...level, budgets: plain, updated_at: nowMs, deleted_at: nowMs }
}

/** The line of the audit log of a change of a level. */
export function levelEntry(by: Actor, { before, after }: LevelStep): AuditEntry {
  const kept = after ?? before
  if (kept === null) throw new Error('what was not there cannot be removed')
  return auditEntry(by, {
    action: `${kept.kind}.${after === null ? 'delete' : before === null ? 'create' : 'change'}`,
    target: levelNameOf(kept),
    before: before === null ? null : encodeLevel(before),
    after: after === null ? null : encodeLevel(plainView(after, 'database')),
  })
}

function isOpen({ revoked_at: revokedAt }: StoredKey): boolean {
  return revokedAt === null
}

function inTwoPlaces(what: string, problem = ''): ControlError {
  return new ControlError(
    'conflict',
    `Of ${what} this would leave no one place: ${problem}. Change or revoke it first.`,
  )
}
