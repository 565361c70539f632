import { PACKED_FIELDS } from '../record-fields.ts'

/** What usage can be told by, beside time: the columns of `settledRows` and of the table `usage_forgotten`. */
export const USAGE_DIMENSIONS = ['key_id', 'provider', 'model', 'organization', 'team', 'project', 'user'] as const
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number]

/** Those that a settled attempt has itself; the others are its request's. */
const OWN: Readonly<Partial<Record<UsageDimension, string>>> = {
  key_id: 'amounts ->> 2',
  provider: 'amounts ->> 3',
  model: 'amounts ->> 4',
}

/**
 * Settled attempts one by one as a query: `request_id`, `reserved_at`, `hour` (since the epoch, of the reservation), the
 * dimensions ('' where there is none), `tokens`, `nanos`. `range` is a condition on `id`, a request's id.
 */
export function settledRows(range = 'true'): string {
  const columns = USAGE_DIMENSIONS.map((name) => `coalesce(${OWN[name] ?? recordField(name)}, '') AS "${name}"`)
  const number = (at: number) => `CAST(amounts ->> ${at} AS BIGINT)`
  return `SELECT id AS request_id, ${number(1)} AS reserved_at, ${number(1)} / 3600000 AS hour, ${columns.join(', ')},
      ${number(8)} AS tokens, ${number(9)} AS nanos
    FROM (SELECT id, attempt AS amounts, fields FROM request_rows WHERE attempt IS NOT NULL
      UNION ALL SELECT a.request_id AS id, a.amounts, r.fields FROM attempt_rows a LEFT JOIN request_rows r ON r.id = a.request_id) AS attempts
    WHERE ${range}`
}

/** A record's field; one that records do not have (yet) is nothing. */
function recordField(wanted: string): string {
  const at = PACKED_FIELDS.findIndex(([name]) => name === wanted)
  return at < 0 ? 'NULL' : `fields ->> ${at}`
}
