/**
 * Levels: whatever a request is charged on beside its key. Each has a name, `team:search`, and a document of its own, so that a
 * change of a team is one message, whatever the number of its keys.
 */
import type { BudgetPeriod, RuleKind, StoredRule } from '../storage/index.ts'
import type { Lease } from './cluster/lease.ts'

/** Kinds of levels that keys name, from the narrowest to the widest. */
export const LEVEL_KINDS = ['user', 'project', 'team', 'organization'] as const
export type LevelKind = (typeof LEVEL_KINDS)[number]

/** The level that all keys are in, without an id. */
export const GATEWAY = 'gateway'

/** How much may be used on a level, a key's own included; counters are bound to shared slots. */
export interface LimitsDocument {
  readonly rates: readonly RateDocument[]
  readonly tokenRate: TokenRateDocument | null
  readonly concurrency: ConcurrencyDocument | null
  readonly budgets: readonly BudgetDocument[]
  /** What is counted apart by something that requests say; absent: nothing. */
  readonly rules?: readonly RuleDocument[]
}

/** Which requests a rule counts; its limits are those of the values, which are levels of their own below it. */
export type RuleDocument = Pick<StoredRule, 'by' | 'only' | 'when_absent'>

/** One value that rules count apart on a level. */
export interface ValueName {
  readonly level: string
  readonly by: RuleKind
  readonly value: string
}

/** A value's level as the data workers get it. */
export interface ValueDocument extends LimitsDocument {
  /** Cell that is not 0 when somebody has used the counters since control looked last. */
  readonly used: number
}

/** A level as the data workers get it. Plain data, sent between threads. */
export interface LevelDocument extends LimitsDocument {
  readonly name: string
  readonly enabled: boolean
  readonly modelsAllow: readonly string[] | null
  readonly modelsDeny: readonly string[] | null
  /** What it belongs to; absent: nothing. */
  readonly parents?: { readonly team?: string | undefined; readonly organization?: string | undefined }
}

/** A change of one level; `document` null removes it. */
export interface LevelChange {
  readonly name: string
  readonly document: LevelDocument | null
}

export type RateWindow = 'second' | 'minute' | 'day'

/** Requests in a window, see rate-limit.ts. */
export interface RateDocument {
  readonly level: string
  /** Where several gateways share it; absent: it is this one's alone. */
  readonly lease?: Lease
  readonly slot: number
  readonly limit: number
  readonly per: RateWindow
  readonly intervalUs: number
  readonly burst: number
}

/** Tokens per minute. */
export interface TokenRateDocument {
  readonly level: string
  /** Where several gateways share it; absent: it is this one's alone. */
  readonly lease?: Lease
  readonly slot: number
  readonly limit: number
}

/** Requests in flight at once. */
export interface ConcurrencyDocument {
  readonly level: string
  /** Where several gateways share it; absent: it is this one's alone. */
  readonly lease?: Lease
  /** Cell of the sum, and behind it one of each seat of a worker. */
  readonly slot: number
  readonly limit: number
}

export interface BudgetDocument {
  readonly level: string
  /** Where several gateways share it; absent: it is this one's alone. */
  readonly lease?: Lease
  /** Name of the shared counter, see `budgetCounter`; also its name in the journal. */
  readonly counter: string
  readonly slot: number
  readonly unit: 'tokens' | 'nanos'
  readonly per: BudgetPeriod
  /** IANA name of the zone whose midnight begins a period. */
  readonly timeZone: string
  readonly limit: number
  /** Percent at which it warns, ascending; absent: it does not. */
  readonly warnAt?: readonly number[]
  /** The model that serves what it does not cover; absent: none. */
  readonly switchModel?: string
}

/** Name of a level's budget counter; stable, so that it survives reloads and restarts. */
export function budgetCounter(
  level: string,
  { unit, per, timeZone = 'UTC' }: { unit: 'tokens' | 'nanos'; per: BudgetPeriod; timeZone?: string | undefined },
): string {
  return `${level}:${unit}:${per}${timeZone === 'UTC' ? '' : `@${timeZone}`}`
}

/** The name of a key's own level. */
export function keyLevel(keyId: string): string {
  return `key:${keyId}`
}

/** The name of a value's level: `team:search/end_user=ada`. It stands in JSON as it is: what would not is escaped with `%`. */
export function valueLevel({ level, by, value }: ValueName): string {
  return `${level}/${by}=${value.replace(UNSAFE, escaped)}`
}

const UNSAFE = /["\\%\u0000-\u001f]/g

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** A level as an error calls it: `this API key`, `the team "search"`. */
export function levelInWords(level: string): string {
  if (level === GATEWAY) return 'this gateway'
  const [, above, by = '', value = ''] = /^([^/]*)\/([a-z_]+)=(.*)$/s.exec(level) ?? []
  if (above !== undefined) return `the ${by.replace('_', ' ')} "${value}" within ${levelInWords(above)}`
  const at = level.indexOf(':')
  const kind = level.slice(0, at)
  if (kind === 'policy') return `the policy "${level.slice(at + 1)}"`
  return kind === 'key' ? 'this API key' : `the ${kind} "${level.slice(at + 1)}" of this API key`
}
