import { PACKED_FIELDS } from '../record-fields.ts'

/** What a settled attempt's key, levels and target are: all values of these are kept when records go. */
const KEPT_DIMENSIONS = ['key_id', 'provider', 'model', 'organization', 'team', 'project', 'user'] as const

/** Fields of records by other names than those that usage is told by. */
const SAID_FIELDS = { route: 'route', run: 'run_id', session: 'session', end_user: 'end_user', tag: 'tags' } as const

/** All that usage can be told by, beside time: the columns of `settledRows` and of the table `usage_forgotten`. */
export const USAGE_DIMENSIONS = [...KEPT_DIMENSIONS, 'route', 'run', 'session', 'end_user', 'tag'] as const
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number]

/** Those that a settled attempt has itself; the others are its request's. */
const OWN: Readonly<Partial<Record<UsageDimension, string>>> = {
  key_id: 'amounts ->> 2',
  provider: 'amounts ->> 3',
  model: 'amounts ->> 4',
}

/**
 * Settled attempts and what was given back of them since, one by one as a query: `request_id`, `reserved_at`, `hour` (since the epoch,
 * of the reservation), the dimensions that are asked for ('' where there is none; all tags in one), `requests` (1 for a settlement), `tokens`, `nanos`, and the same
 * two as `adjusted_…` of what was given back. `range` is a condition on `id`, a request's id.
 */
export function settledRows(range = 'true', dimensions: readonly UsageDimension[] = KEPT_DIMENSIONS): string {
  const columns = (own: (name: UsageDimension) => string | undefined) =>
    dimensions.map((name) => `, coalesce(${own(name) ?? fieldOf(name)}, '') AS "${name}"`).join('')
  const number = (at: number) => `CAST(amounts ->> ${at} AS BIGINT)`
  return `SELECT id AS request_id, ${number(1)} AS reserved_at, ${number(1)} / 3600000 AS hour${columns((name) => OWN[name])},
      1 AS requests, ${number(8)} AS tokens, ${number(9)} AS nanos, 0 AS adjusted_tokens, 0 AS adjusted_nanos
    FROM (SELECT id, attempt AS amounts, fields FROM request_rows WHERE attempt IS NOT NULL
      UNION ALL SELECT a.request_id AS id, a.amounts, r.fields FROM attempt_rows a LEFT JOIN request_rows r ON r.id = a.request_id) AS attempts
    WHERE ${range}
    UNION ALL SELECT id, reserved_at, reserved_at / 3600000${columns((name) => (OWN[name] === undefined ? undefined : `own_${name}`))},
      0, tokens, nanos, tokens, nanos
    FROM (SELECT l.request_id AS id, reserved_at, l.key_id AS own_key_id, l.provider AS own_provider, l.model AS own_model, tokens, nanos,
        r.fields FROM later_entries l LEFT JOIN request_rows r ON r.id = l.request_id) AS later
    WHERE ${range}`
}

/** A record's field; one that records do not have (yet) is nothing. */
function fieldOf(name: UsageDimension): string {
  const renamed: Readonly<Partial<Record<UsageDimension, string>>> = SAID_FIELDS
  const wanted = renamed[name] ?? name
  const at = PACKED_FIELDS.findIndex(([field]) => field === wanted)
  return at < 0 ? 'NULL' : `fields ->> ${at}`
}
