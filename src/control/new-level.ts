import type { ConfigDocument } from '../config/index.ts'
import {
  type StoredBudget,
  type StoredLevel,
  type StoredLevelKind,
  type StoredLimits,
  storedLimits,
} from '../storage/index.ts'

/** A level as a configuration file may have it; only projects have a `team`. */
export type LevelFields = ConfigDocument['projects'][number]

const NANOS_PER_USD = 1e9

/** A level in the stored form. */
export function storedLevelOf(
  kind: StoredLevelKind,
  fields: LevelFields,
  times: Pick<StoredLevel, 'created_at' | 'updated_at'>,
): StoredLevel {
  const { id, name, enabled, organization, team, models, tags, metadata } = fields
  return {
    kind,
    id,
    name: name ?? id,
    enabled,
    organization: organization ?? null,
    team: team ?? null,
    models_allow: models.allow ?? null,
    models_deny: models.deny,
    tags,
    metadata,
    ...storedLimits(fields),
    ...times,
    deleted_at: null,
  }
}

/** A stored level as somebody would write it: what its schema takes. */
export function writtenLevel(level: StoredLevel): Record<string, unknown> {
  const { id, name, enabled, organization, team, models_allow: allow, models_deny: deny, tags, metadata } = level
  return {
    id,
    name,
    enabled,
    ...(organization === null ? {} : { organization }),
    ...(team === null ? {} : { team }),
    models: { ...(allow === null ? {} : { allow }), deny },
    tags,
    metadata,
    ...writtenLimits(level),
  }
}

/** Limits, budgets and rules as somebody would write them. */
export function writtenLimits({ rules, ...amounts }: StoredLimits) {
  return { ...writtenAmounts(amounts), ...(rules === undefined ? {} : { rules: rules.map(writtenRule) }) }
}

/** A stored rule as somebody would write it. */
export function writtenRule({
  by,
  only,
  when_absent,
  max_counters,
  ...amounts
}: NonNullable<StoredLimits['rules']>[number]) {
  return { by, ...(only === null ? {} : { only }), when_absent, max_counters, ...writtenAmounts(amounts) }
}

function writtenAmounts({
  requests_per_second,
  requests_per_minute,
  requests_per_day,
  burst,
  tokens_per_minute,
  concurrency,
  budgets,
}: Omit<StoredLimits, 'rules'>) {
  const limits = { requests_per_second, requests_per_minute, requests_per_day, burst, tokens_per_minute, concurrency }
  return {
    limits: Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== null)),
    budgets: budgets.map(writtenBudget),
  }
}

function writtenBudget({ unit, limit, per, time_zone, warn_at, switch_model }: StoredBudget) {
  return {
    ...(unit === 'nanos' ? { usd: limit / NANOS_PER_USD } : { tokens: limit }),
    per,
    ...(time_zone === undefined ? {} : { time_zone }),
    ...(warn_at === undefined ? {} : { warn_at }),
    ...(switch_model === undefined ? {} : { on_exhausted: { switch_model } }),
  }
}
