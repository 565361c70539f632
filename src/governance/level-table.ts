import type { GlobSet } from '../lib/index.ts'
import { GATEWAY, type LevelChange, type LevelDocument, type LimitsDocument } from './level-document.ts'
import { allowedBy, deniedBy } from './model-lists.ts'
import { RuleTable } from './value-rules.ts'

/** A level as principals point at it; what it says may be another with every change. */
export class Level {
  readonly name: string
  /** Null: nothing is known of it, so that nobody who names it is let through. */
  document: LevelDocument | null = null
  allow: GlobSet | null = null
  deny: GlobSet | null = null

  constructor(name: string) {
    this.name = name
  }

  /** Whether it can be charged. Everybody is in the gateway's, which may say nothing. */
  get isOpen(): boolean {
    return this.document === null ? this.name === GATEWAY : this.document.enabled
  }
}

/** All levels that a thread knows. Those that keys name are there from then on, known or not. */
export class LevelTable {
  readonly #levels = new Map<string, Level>()
  /** Counts the changes: what was derived from levels is good for one number. */
  version = 1
  /** Counts the changes of what there is, and of what belongs where. */
  structure = 1
  /** Rules of levels, and of keys under the names of their own levels. */
  readonly rules = new RuleTable()

  apply({ name, document }: LevelChange): void {
    const level = this.get(name)
    if (!isSamePlace(level.document, document)) this.structure++
    level.document = document
    level.allow = allowedBy(document?.modelsAllow ?? null)
    level.deny = deniedBy(document?.modelsDeny ?? [])
    this.rules.set(name, document?.rules)
    this.version++
  }

  /** The rules of a key's own level. */
  setRules(name: string, rules: LimitsDocument['rules']): void {
    if (rules === undefined && this.rules.of(name).length === 0) return
    this.rules.set(name, rules)
    this.version++
  }

  /** Whether something is known of a level. */
  knows(name: string): boolean {
    return this.#levels.get(name)?.document instanceof Object
  }

  /** What a level belongs to; undefined: nothing is known of it. */
  parentsOf(name: string): NonNullable<LevelDocument['parents']> | undefined {
    const document = this.#levels.get(name)?.document ?? null
    return document === null ? undefined : (document.parents ?? NO_PARENTS)
  }

  get(name: string): Level {
    let level = this.#levels.get(name)
    if (level === undefined) {
      level = new Level(name)
      this.#levels.set(name, level)
    }
    return level
  }
}

const NO_PARENTS: NonNullable<LevelDocument['parents']> = {}

function isSamePlace(a: LevelDocument | null, b: LevelDocument | null): boolean {
  if (a === null || b === null) return a === b
  return a.parents?.team === b.parents?.team && a.parents?.organization === b.parents?.organization
}
