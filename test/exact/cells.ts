import { type KeyEntry, keyPair, type TestKey } from '../harness/config.ts'
import type { JsonObject } from '../harness/json.ts'

/** Where a limit may stand. */
export const LEVELS = ['key', 'user', 'team', 'project', 'organization', 'gateway'] as const
export type Level = (typeof LEVELS)[number]

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
    rate('second', 1_000, Math.ceil(requests / 8)),
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
}

/** Makes a cell; a limit above the key is shared by three keys. */
export function cellOf(kind: Kind, level: Level): Cell {
  const name = `${kind.name}.${level}`
  const count = level === 'key' ? 1 : 3
  return { name, kind, level, keys: Array.from({ length: count }, (_, at) => keyPair(`${name}.${at}`)) }
}

/** How the level of a cell is called in counters and metrics. */
export function levelName({ level, name, keys }: Cell): string {
  if (level === 'gateway') return 'gateway'
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
    const section = SECTIONS[level]
    const held = more[section]
    more[section] = [...(Array.isArray(held) ? held : []), { id: name, ...kind.members }]
    return own.map((key) => ({ key, [level]: name }))
  })
  return { keys, more }
}
