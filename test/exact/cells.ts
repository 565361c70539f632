import { type KeyEntry, keyPair, type TestKey } from '../harness/config.ts'
import type { JsonObject } from '../harness/json.ts'

/** The wall's models that clients ask for: right answers of several lengths, and faults on the way. */
export const MODELS = [
  'ok',
  'slow-5',
  'slow-40',
  'fin-mid-stream',
  'reset-mid-body',
  'status-503',
  'reset-before',
] as const
/** Those of them that are asked once, whatever comes of it. */
const ASKED_ONCE = ['ok', 'slow-5', 'slow-40', 'fin-mid-stream', 'reset-mid-body'] as const

/** Levels that may have a limit themselves. */
const OWN_LEVELS = ['key', 'user', 'team', 'project', 'organization', 'gateway'] as const
/** What rules count apart, with the header in which a client says it, or the value that it has anyway. */
const VALUES = {
  'by-model': { by: 'model', value: 'ok' },
  'by-provider': { by: 'provider', value: 'wall' },
  'by-address': { by: 'address', value: '127.0.0.1' },
  'by-principal': { by: 'principal', value: null },
  'by-user': { by: 'user', value: null },
  'by-key-tag': { by: 'key_tag', value: 'a-tag' },
  'by-tag': { by: 'tag', value: 'a-tag', header: 'x-ferro-tags' },
  'by-session': { by: 'session', value: 'a-session', header: 'x-ferro-session' },
  'by-run': { by: 'run', value: 'a-run', header: 'x-ferro-run-id' },
  'by-end-user': { by: 'end_user', value: 'an-end-user', header: 'x-ferro-end-user' },
} as const
export type ValuePlace = keyof typeof VALUES

/** Where a limit may stand: a level, or a rule of a team that counts values of something apart. */
export const LEVELS: readonly Level[] = [...OWN_LEVELS, ...(Object.keys(VALUES) as ValuePlace[])] // its own keys
export type Level = (typeof OWN_LEVELS)[number] | ValuePlace

/** Tokens of one answer of the wall to the clients' prompt with `max_tokens: 8`. */
export const TOKENS_EACH = 11
/** Odd on purpose, so that no sum is round: nano-dollars per token of input and of output. */
export const PRICES = { input: 3.701, output: 11.103 } as const
const NANOS_EACH = 3 * 3_701 + 8 * 11_103

/** A kind of limit, how much of it a cell has, and what the configuration says. */
export type Kind = {
  readonly name: string
  /** Members of the level that has the limit. */
  readonly members: JsonObject
  readonly limit: number
} & (
  | { readonly type: 'rate' | 'token-rate'; readonly windowMs: number }
  | { readonly type: 'concurrency' }
  | { readonly type: 'budget'; readonly unit: 'tokens' | 'nanos'; readonly per: string }
)

const MINUTE_MS = 60_000
const PERIODS = ['day', 'week', 'month', 'total'] as const

/** All kinds for `requests` that clients send to a cell: about half of them must be refused somewhere on the way. */
export function kindsFor(requests: number): Kind[] {
  const half = Math.ceil(requests / 2)
  const rate = (per: 'second' | 'minute' | 'day', windowMs: number, limit: number): Kind => {
    const name = `requests_per_${per}`
    return { name, type: 'rate', windowMs, limit, members: { limits: { [name]: limit } } }
  }
  const tokens = half * TOKENS_EACH
  const nanos = half * NANOS_EACH
  return [
    // On a busy machine clients need a while.
    rate('second', 1_000, Math.ceil(requests / 16)),
    rate('minute', MINUTE_MS, half),
    rate('day', 24 * 60 * MINUTE_MS, half),
    {
      name: 'tokens_per_minute',
      type: 'token-rate',
      windowMs: MINUTE_MS,
      limit: tokens,
      members: { limits: { tokens_per_minute: tokens } },
    },
    { name: 'concurrency', type: 'concurrency', limit: 20, members: { limits: { concurrency: 20 } } },
    ...PERIODS.flatMap((per): Kind[] => [
      budget(`tokens_${per}`, { unit: 'tokens', per, limit: tokens, written: { tokens, per } }),
      budget(`usd_${per}`, { unit: 'nanos', per, limit: nanos, written: { usd: nanos / 1e9, per } }),
    ]),
  ]
}

function budget(
  name: string,
  { unit, per, limit, written }: { unit: 'tokens' | 'nanos'; per: string; limit: number; written: JsonObject },
): Kind {
  return { name, type: 'budget', unit, per, limit, members: { budgets: [written] } }
}

/** One limit at one level, with the keys that share it. */
export interface Cell {
  readonly name: string
  readonly kind: Kind
  readonly level: Level
  readonly keys: readonly TestKey[]
  /** What clients ask for, and what they say of themselves. */
  readonly models: readonly string[]
  readonly headers: Readonly<Record<string, string>>
}

/** Makes a cell; a limit above the key is shared by three keys. */
export function cellOf(kind: Kind, level: Level): Cell {
  const name = `${kind.name}.${level}`
  const count = level === 'key' || level === 'by-principal' ? 1 : 3
  const keys = Array.from({ length: count }, (_, at) => keyPair(`${name}.${at}`))
  const rule = ruleOf(level)
  const headers = rule !== null && 'header' in rule ? { [rule.header]: rule.value } : {}
  return { name, kind, level, keys, models: modelsFor(kind, level), headers }
}

/** A rule by what serves counts attempts: those that are made again would be several. */
function modelsFor({ type }: Kind, level: Level): readonly string[] {
  if (level === 'by-model') return [type === 'concurrency' ? 'slow-200' : 'ok']
  return level === 'by-provider' ? ASKED_ONCE : MODELS
}

function ruleOf(level: Level) {
  return Object.hasOwn(VALUES, level) ? VALUES[level as ValuePlace] : null // its own keys
}

/** How the level of a cell is called in counters and metrics. */
export function levelName({ level, name, keys }: Cell): string {
  if (level === 'gateway') return 'gateway'
  const rule = ruleOf(level)
  if (rule !== null) return `team:${name}/${rule.by}=${rule.value ?? (level === 'by-user' ? name : keys[0]?.id)}`
  return level === 'key' ? `key:${keys[0]?.id}` : `${level}:${name}`
}

const SECTIONS = { user: 'users', team: 'teams', project: 'projects', organization: 'organizations' } as const

/** What a configuration says of cells: keys, and the levels that they stand on. At most one cell is the gateway's. */
export function documentOf(cells: readonly Cell[]): { readonly keys: KeyEntry[]; readonly more: JsonObject } {
  const more: Record<string, JsonObject | JsonObject[]> = {}
  const keys = cells.flatMap(({ name, kind, level, keys: own }) => {
    if (level === 'gateway') more['gateway'] = kind.members
    if (level === 'key') return own.map((key) => ({ key, ...kind.members }))
    if (level === 'gateway') return own.map((key) => ({ key }))
    const add = (section: string, entry: JsonObject) => {
      const held = more[section]
      more[section] = [...(Array.isArray(held) ? held : []), entry]
    }
    const rule = ruleOf(level)
    if (rule === null) {
      add(SECTIONS[level as keyof typeof SECTIONS], { id: name, ...kind.members }) // all others were seen above
      return own.map((key) => ({ key, [level]: name }))
    }
    add('teams', { id: name, rules: [{ by: rule.by, ...kind.members }] })
    if (level === 'by-user') add('users', { id: name })
    const marks = {
      ...(level === 'by-user' ? { user: name } : {}),
      ...(level === 'by-key-tag' ? { tags: ['a-tag'] } : {}),
    }
    return own.map((key) => ({ key, team: name, ...marks }))
  })
  return { keys, more }
}

/** Whether a cell's limit counts attempts, of which a request may make several. */
export function countsAttempts(level: Level): boolean {
  return level === 'by-model' || level === 'by-provider'
}

/** Whether a cell's limit is a rule's: its counters are there from their first use, and stand in no metric. */
export function isOfValue({ level }: Cell): boolean {
  return ruleOf(level) !== null
}
