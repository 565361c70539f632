/**
 * Rules with `by`: limits and budgets that are counted apart for each value of something that a request says. A value is a level of
 * its own below the level of its rule, with counters from its first use until it is out of use. This thread knows those that control
 * has told it of; for another it has to ask.
 */
import { compileGlobs, type GlobSet } from '../lib/index.ts'
import type { RuleKind } from '../storage/index.ts'
import { type RuleDocument, type ValueDocument, type ValueName, valueLevel } from './level-document.ts'

interface CompiledRule {
  readonly only: GlobSet | null
  readonly whenAbsent: RuleDocument['when_absent']
}

/** A value of a request, and what was said it by. */
export interface RequestValue {
  readonly by: RuleKind
  readonly value: string
  readonly document: ValueDocument
}

/** All rules of one level by the same thing. The first that fits a value has it. */
export class RuleGroup {
  readonly level: string
  readonly by: RuleKind
  readonly rules: readonly CompiledRule[]
  /** What the first rule that is for every value does with requests that say none. */
  readonly whenAbsent: RuleDocument['when_absent']
  /** Values whose counters are known here. */
  readonly values = new Map<string, RequestValue>()

  constructor(level: string, by: RuleKind, rules: readonly RuleDocument[]) {
    this.level = level
    this.by = by
    this.rules = rules.map(({ only, when_absent: whenAbsent }) => ({
      only: only === null ? null : compileGlobs(only),
      whenAbsent,
    }))
    this.whenAbsent = strictest(this.rules)
  }

  /** Whether any rule is for this value. */
  fits(value: string): boolean {
    for (const { only } of this.rules) if (only === null || only.matches(value)) return true
    return false
  }
}

/** The rules of all levels and keys. */
export class RuleTable {
  readonly #byLevel = new Map<string, readonly RuleGroup[]>()

  /** Puts other rules in the place of those before. What was known of their values is asked for again. */
  set(level: string, rules: readonly RuleDocument[] | undefined): void {
    if (rules === undefined || rules.length === 0) this.#byLevel.delete(level)
    else this.#byLevel.set(level, groupsOf(level, rules))
  }

  of(level: string): readonly RuleGroup[] {
    return this.#byLevel.get(level) ?? []
  }

  /** Whether a rule is for this value. */
  fits(name: ValueName): boolean {
    return this.#find(name)?.fits(name.value) === true
  }

  /** A value's counters are these. */
  put(name: ValueName, document: ValueDocument): void {
    this.#find(name)?.values.set(name.value, { by: name.by, value: name.value, document })
  }

  /** Values that are out of use: their counters are about to be given back. */
  drop(names: readonly ValueName[]): void {
    for (const name of names) this.#find(name)?.values.delete(name.value)
  }

  /** Slot of a budget of some value, by the name of its counter; null when this thread does not know it. */
  budgetSlot(counter: string): number | null {
    for (const groups of this.#byLevel.values()) {
      for (const { level, by, values } of groups) {
        if (!counter.startsWith(valueLevel({ level, by, value: '' }))) continue
        for (const { document } of values.values()) {
          const found = document.budgets.find((budget) => budget.counter === counter)
          if (found !== undefined) return found.slot
        }
      }
    }
    return null
  }

  #find({ level, by }: ValueName): RuleGroup | undefined {
    return this.#byLevel.get(level)?.find((group) => group.by === by)
  }
}

function groupsOf(level: string, rules: readonly RuleDocument[]): RuleGroup[] {
  const groups = Map.groupBy(rules, ({ by }) => by)
  return [...groups].map(([by, same]) => new RuleGroup(level, by, same))
}

function strictest(rules: readonly CompiledRule[]): RuleDocument['when_absent'] {
  const said = new Set(rules.map(({ whenAbsent }) => whenAbsent))
  if (said.has('refuse')) return 'refuse'
  return said.has('together') ? 'together' : 'ignore'
}
