import type { BudgetPeriod, RequestRecord, RuleKind } from '../storage/index.ts'
import { GATEWAY, keyLevel, LEVEL_KINDS, valueLevel } from './level-document.ts'
import { periodOf } from './period.ts'
import { countedValue } from './request-values.ts'
import { addressIdentity } from './route-limits.ts'

/** An attempt that was charged: of its request's record, what levels and rules go by. */
export interface ChargedAttempt {
  readonly record: RequestRecord
  readonly provider: string
  readonly model: string
  /** Tags of its key. */
  readonly keyTags: readonly string[]
}

/** The levels of a record between its key and the gateway. */
export function levelsBetween(record: RequestRecord): string[] {
  return LEVEL_KINDS.flatMap((kind) => (record[kind] === null ? [] : [`${kind}:${record[kind]}`]))
}

/** Names of all levels that a request may have been charged on, those of values that rules count apart included. */
export function chargedLevels({ record, provider, model, keyTags }: ChargedAttempt): string[] {
  const { key_id: keyId } = record
  const levels = [...(keyId === null ? [] : [keyLevel(keyId)]), ...levelsBetween(record), GATEWAY]
  const said: Readonly<Record<RuleKind, readonly (string | null)[]>> = {
    model: [model],
    provider: [provider],
    principal: [keyId],
    user: [record.user],
    address: [record.client_address === null ? null : addressIdentity(record.client_address)],
    run: [record.run_id],
    session: [record.session],
    end_user: [record.end_user],
    tag: record.tags === null ? [null] : record.tags.split(','),
    key_tag: keyTags.length === 0 ? [null] : keyTags,
  }
  const values = Object.entries(said).flatMap(
    ([by, all]) =>
      // Those who say none may be counted together.
      all.map((value) => ({ by: by as RuleKind, value: countedValue(value ?? '') })), // the record's own names
  )
  return levels.flatMap((level) => [level, ...values.map((value) => valueLevel({ level, ...value }))])
}

const COUNTER = /^(tokens|nanos):(day|week|month|total)(?:@(.+))?$/

/** Whether a counter of a level is that of the period in which a moment lies, and what it counts; null: it is another one's. */
export function unitOf(
  { level, counter, period }: { readonly level: string; readonly counter: string; readonly period: number },
  atMs: number,
): 'tokens' | 'nanos' | null {
  const [, unit, per, zone] = COUNTER.exec(counter.slice(level.length + 1)) ?? []
  if (unit === undefined || per === undefined) return null
  // As the expression says.
  const isOfMoment = periodOf(per as BudgetPeriod, atMs, zone ?? 'UTC') === period
  return isOfMoment ? (unit as 'tokens' | 'nanos') : null
}
