import type { StoredBudget, StoredKey, StoredLimits } from '../storage/index.ts'
import { writtenRule } from './new-level.ts'
import type { BudgetUse, BudgetView, KeyOwner, KeyView } from './port.ts'

const NANOS_PER_USD = 1e9

/** A stored key as people may see it; `useOf` tells a budget's use, null when it is not known. */
export function viewKey(
  key: StoredKey,
  owner: KeyOwner,
  useOf: (budget: StoredBudget) => BudgetUse | null = () => null,
): KeyView {
  const { hash: _neverShown, previous_hash: _norThis, budgets, ...visible } = key
  return { ...visible, owner, budgets: budgets.map((budget) => ({ ...budget, use: useOf(budget) })) }
}

/** A key in an answer: the fields have the names and units that they have in a configuration file. */
export interface KeyAnswer {
  readonly id: string
  readonly name: string
  /** First characters of the secret, to recognise it by; empty when only the hash was given. */
  readonly prefix: string
  readonly owner: KeyOwner
  readonly state: 'active' | 'disabled' | 'expired' | 'revoked'
  /** Instants: ISO 8601 in UTC, or null. */
  readonly created_at: string | null
  /** The admin who made it; null: the configuration file, or nobody knows. */
  readonly created_by: string | null
  readonly expires_at: string | null
  readonly revoked_at: string | null
  /** Until when the secret before the last rotation is taken as well; null when none is. */
  readonly previous_valid_until: string | null
  /** To a quarter of a second; null when it never was, and absent when no gateway runs that could tell. */
  readonly last_used_at?: string | null
  readonly scopes: readonly string[]
  /** Networks that it may be used from; null: all. */
  readonly addresses: readonly string[] | null
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly models: { readonly allow: readonly string[] | null; readonly deny: readonly string[] }
  readonly organization: string | null
  readonly team: string | null
  readonly project: string | null
  readonly user: string | null
  readonly limits: Omit<StoredLimits, 'budgets' | 'rules'>
  readonly budgets: readonly BudgetAnswer[]
  readonly rules: readonly object[]
}

/** A budget in an answer: either `tokens` or `usd`, and what of it is used in the running period. */
export interface BudgetAnswer {
  readonly tokens?: number
  readonly usd?: number
  readonly per: StoredBudget['per']
  /** Absent: UTC. */
  readonly time_zone?: string
  readonly warn_at?: readonly number[]
  readonly on_exhausted?: { readonly switch_model: string }
  /** In the budget's own unit; absent when no gateway runs that could tell. */
  readonly spent?: number
  readonly reserved?: number
}

/** What an answer says of a key. Fields are named one by one: a new one is shown only when somebody wants it shown. */
export function encodeKey(key: KeyView, nowMs: number, uses?: ReadonlyMap<string, number>): KeyAnswer {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    owner: key.owner,
    state: stateOf(key, nowMs),
    // Keys of the file have no date: nobody knows when they were written.
    created_at: key.created_at === 0 ? null : instant(key.created_at),
    created_by: key.created_by,
    expires_at: instant(key.expires_at),
    revoked_at: instant(key.revoked_at),
    previous_valid_until: isLater(key.previous_until, nowMs) ? instant(key.previous_until) : null,
    ...(uses === undefined ? {} : { last_used_at: instant(uses.get(key.id) ?? null) }),
    scopes: key.scopes,
    addresses: key.addresses,
    tags: key.tags,
    metadata: key.metadata,
    models: { allow: key.models_allow, deny: key.models_deny ?? [] },
    organization: key.organization,
    team: key.team,
    project: key.project,
    user: key.user,
    limits: {
      requests_per_second: key.requests_per_second,
      requests_per_minute: key.requests_per_minute,
      requests_per_day: key.requests_per_day,
      burst: key.burst,
      tokens_per_minute: key.tokens_per_minute,
      concurrency: key.concurrency,
    },
    budgets: key.budgets.map(encodeBudget),
    rules: (key.rules ?? []).map(writtenRule),
  }
}

/** What an answer says of a budget. */
export function encodeBudget(budget: BudgetView): BudgetAnswer {
  const { unit, limit, per: period, time_zone: timeZone, warn_at, switch_model, use } = budget
  const per = {
    per: period,
    ...(timeZone === undefined ? {} : { time_zone: timeZone }),
    ...(warn_at === undefined ? {} : { warn_at }),
    ...(switch_model === undefined ? {} : { on_exhausted: { switch_model } }),
  }
  const scale = unit === 'nanos' ? NANOS_PER_USD : 1
  const amount = unit === 'nanos' ? { usd: limit / scale } : { tokens: limit }
  if (use === undefined || use === null) return { ...amount, ...per }
  return { ...amount, ...per, spent: use.spent / scale, reserved: use.reserved / scale }
}

function isLater(timeMs: number | null, nowMs: number): boolean {
  return timeMs !== null && timeMs > nowMs
}

function stateOf(key: KeyView, nowMs: number): KeyAnswer['state'] {
  if (key.revoked_at !== null) return 'revoked'
  if (!key.enabled) return 'disabled'
  return key.expires_at !== null && key.expires_at <= nowMs ? 'expired' : 'active'
}

/** ISO 8601 in UTC. */
export function instant(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString()
}
