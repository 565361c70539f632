import type { StoredBudget, StoredLevel, StoredLevelKind } from '../storage/index.ts'
import { type BudgetAnswer, encodeBudget, instant, type KeyAnswer } from './key-view.ts'
import { writtenRule } from './new-level.ts'
import type { BudgetUse, BudgetView, KeyOwner } from './port.ts'

/** A level as people may see it. */
export interface LevelView extends Omit<StoredLevel, 'budgets' | 'deleted_at'> {
  readonly owner: KeyOwner
  readonly budgets: readonly BudgetView[]
}

/** A level as people may see it; `useOf` tells a budget's use, null when it is not known. */
export function viewLevel(
  { deleted_at: _notThere, budgets, ...level }: StoredLevel,
  owner: KeyOwner,
  useOf: (budget: StoredBudget) => BudgetUse | null = () => null,
): LevelView {
  return { ...level, owner, budgets: budgets.map((budget) => ({ ...budget, use: useOf(budget) })) }
}

/** A level in an answer: the fields have the names and units that they have in a configuration file. */
export interface LevelAnswer {
  readonly kind: StoredLevelKind
  readonly id: string
  readonly name: string
  readonly owner: KeyOwner
  readonly enabled: boolean
  /** ISO 8601 in UTC; null for one of the file. */
  readonly created_at: string | null
  readonly updated_at: string | null
  readonly organization: string | null
  readonly team: string | null
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly models: KeyAnswer['models']
  readonly limits: KeyAnswer['limits']
  readonly budgets: readonly BudgetAnswer[]
  readonly rules: readonly object[]
}

/** What an answer says of a level. */
export function encodeLevel(level: LevelView): LevelAnswer {
  const {
    kind,
    id,
    name,
    owner,
    enabled,
    organization,
    team,
    tags,
    metadata,
    created_at: made,
    updated_at: changed,
  } = level
  const { requests_per_second, requests_per_minute, requests_per_day, burst, tokens_per_minute, concurrency } = level
  return {
    kind,
    id,
    name,
    owner,
    enabled,
    // Nobody knows when the file's were written.
    created_at: owner === 'file' ? null : instant(made),
    updated_at: owner === 'file' ? null : instant(changed),
    organization,
    team,
    tags,
    metadata,
    models: { allow: level.models_allow, deny: level.models_deny },
    limits: { requests_per_second, requests_per_minute, requests_per_day, burst, tokens_per_minute, concurrency },
    budgets: level.budgets.map(encodeBudget),
    rules: (level.rules ?? []).map(writtenRule),
  }
}
