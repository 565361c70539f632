import { PACKED_FIELDS } from '../record-fields.ts'

/** What usage can be told by, beside time, also when records are gone: columns of the table `usage_forgotten`. */
export const KEPT_DIMENSIONS = ['key_id', 'provider', 'model', 'organization', 'team', 'project', 'user'] as const

/** Fields of records by which usage can be told as long as they are there: they have too many values to be kept. */
const SAID_FIELDS = { route: 'route', run: 'run_id', session: 'session', end_user: 'end_user', tag: 'tags' } as const

/** All that usage can be told by: the columns of `settledRows`. */
export const USAGE_DIMENSIONS = [...KEPT_DIMENSIONS, 'route', 'run', 'session', 'end_user', 'tag'] as const
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number]
type KeptDimension = (typeof KEPT_DIMENSIONS)[number]

/** Whether usage can be told by it when records are gone. */
export function isKept(name: UsageDimension): name is KeptDimension {
  return !(name in SAID_FIELDS)
}

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
  const wanted = isKept(name) ? name : SAID_FIELDS[name]
  const at = PACKED_FIELDS.findIndex(([field]) => field === wanted)
  return at < 0 ? 'NULL' : `fields ->> ${at}`
}
