import type { SqlDatabase, SqlRow } from '../sql/sql-database.ts'
import { firstIdAt } from '../sqlite/migrations.ts'
import { settledRows } from '../sqlite/settled-rows.ts'

/** Beyond so many the first ones say enough. */
const MAX_DIFFERENCES = 1_000

/** Two accounts of the same that do not agree. */
export interface LedgerDifference {
  /** Which two. */
  readonly check: 'attempts' | 'records' | 'days' | 'levels' | 'adjustments'
  /** Of what: a request, an attempt, a day of a key. */
  readonly of: string
  /** What is wrong, in words with both numbers. */
  readonly says: string
}

/** What was held against each other, and what did not agree. */
export interface LedgerReport {
  readonly requests: number
  readonly attempts: number
  readonly days: number
  readonly tokens: number
  readonly nanos: number
  /** Attempts that are settled and whose request has not ended yet, or has just. */
  readonly unfinished: number
  /** Entries that operators have made. */
  readonly adjustments: number
  /** At most a thousand of each check. */
  readonly differences: readonly LedgerDifference[]
}

/** What was given back since. */
const ADJUSTED = ['adjusted_tokens', 'adjusted_nanos']

const TOKENS = [
  'input_tokens + cache_read_tokens + cache_write_tokens + output_tokens + reasoning_tokens',
  'cache_write_1h_tokens + audio_input_tokens + audio_output_tokens + image_input_tokens + image_output_tokens',
].join(' + ')

/**
 * Every attempt was reserved once and settled once, whichever row tells of it, and no more was given back of it since than it was
 * charged.
 */
const ATTEMPTS = `SELECT request_id, attempt, reserved, settled, least, net FROM (
    SELECT request_id, attempt, sum(reserved) AS reserved, sum(settled) AS settled, max(n) AS n,
      CASE WHEN min(tokens) < min(nanos) THEN min(tokens) ELSE min(nanos) END AS least,
      CASE WHEN sum(net_tokens) < sum(net_nanos) THEN sum(net_tokens) ELSE sum(net_nanos) END AS net
    FROM (SELECT request_id, attempt, CASE WHEN phase = 0 THEN 1 ELSE 0 END AS reserved,
        CASE WHEN phase = 1 THEN 1 ELSE 0 END AS settled, CASE WHEN phase > 1 THEN 1 ELSE count(*) END AS n,
        CASE WHEN phase > 1 THEN 0 ELSE min(tokens) END AS tokens, CASE WHEN phase > 1 THEN 0 ELSE min(nanos) END AS nanos,
        CASE WHEN phase > 0 THEN sum(tokens) ELSE 0 END AS net_tokens, CASE WHEN phase > 0 THEN sum(nanos) ELSE 0 END AS net_nanos
      FROM ledger GROUP BY request_id, attempt, phase) AS phases
    GROUP BY request_id, attempt) AS attempts
  WHERE reserved <> 1 OR settled <> 1 OR n <> 1 OR least < 0 OR net < 0 ORDER BY request_id, attempt LIMIT ${MAX_DIFFERENCES}`

/** Attempts of requests without a record. */
const ORPHANS = `SELECT DISTINCT request_id FROM attempt_rows a
  WHERE NOT EXISTS (SELECT 1 FROM request_rows WHERE id = a.request_id)
    AND request_id NOT IN (SELECT request_id FROM open_attempts)`

/** An entry that an operator has made: no record of a request knows of it. */
const OPERATORS = `phase = 3 AND EXISTS (SELECT 1 FROM adjustments a
    WHERE a.request_id = ledger.request_id AND a.attempt = ledger.attempt AND a.sequence = ledger.sequence)`

/** Adjustments of requests that are there, and what the ledger has of them. */
const ADJUSTMENTS = `SELECT a.id AS id, a.tokens AS a_tokens, a.nanos AS a_nanos, l.tokens AS b_tokens, l.nanos AS b_nanos
  FROM adjustments a LEFT JOIN later_entries l
    ON l.request_id = a.request_id AND l.attempt = a.attempt AND l.sequence = a.sequence AND l.phase = 3
  WHERE EXISTS (SELECT 1 FROM request_rows WHERE id = a.request_id)
    AND (l.request_id IS NULL OR l.tokens <> a.tokens OR l.nanos <> a.nanos) ORDER BY a.id LIMIT ${MAX_DIFFERENCES}`

/**
 * What a record says of a request is what its attempts came to. Left out are costs that are not known, and what a lost request or a
 * batch was charged in advance and has not been given back, of which the record knows nothing.
 */
const RECORDS = `SELECT r.id AS id, ${TOKENS} AS recorded, cost_nanos, l.tokens AS tokens, l.nanos AS nanos
  FROM requests r JOIN (
    SELECT request_id, sum(tokens) AS tokens, sum(nanos) AS nanos,
      count(*) FILTER (WHERE phase = 1 AND usage_source = 'reserved') - count(*) FILTER (WHERE phase > 1) AS reserved
    FROM ledger WHERE phase >= 1 AND NOT (${OPERATORS}) GROUP BY request_id) AS l ON l.request_id = r.id
  WHERE l.reserved = 0 AND r.outcome <> 'lost'
    AND (${TOKENS} <> l.tokens OR (cost_nanos IS NOT NULL AND cost_nanos <> l.nanos)) ORDER BY r.id LIMIT ${MAX_DIFFERENCES}`

/** Records that tell of tokens or money without an attempt that settled them. */
const UNPAID = `SELECT id, recorded, cost_nanos FROM (
    SELECT id, ${TOKENS} AS recorded, cost_nanos FROM requests
    WHERE id IN (SELECT id FROM request_rows WHERE attempt IS NULL) AND NOT EXISTS
      (SELECT 1 FROM attempt_rows WHERE request_id = requests.id)) AS unsettled
  WHERE recorded <> 0 OR coalesce(cost_nanos, 0) <> 0 LIMIT ${MAX_DIFFERENCES}`

/** The sums of days, and the entries that are there or whose rows are gone. */
const DAYS = `SELECT day, key_id, provider, model, sum(a_requests) AS a_requests, sum(a_tokens) AS a_tokens,
    sum(a_nanos) AS a_nanos, sum(b_requests) AS b_requests, sum(b_tokens) AS b_tokens, sum(b_nanos) AS b_nanos,
    sum(a_adjusted_tokens) AS a_adjusted_tokens, sum(a_adjusted_nanos) AS a_adjusted_nanos,
    sum(b_adjusted_tokens) AS b_adjusted_tokens, sum(b_adjusted_nanos) AS b_adjusted_nanos
  FROM (
    SELECT day, key_id, provider, model, requests AS a_requests, tokens AS a_tokens, nanos AS a_nanos,
      0 AS b_requests, 0 AS b_tokens, 0 AS b_nanos, adjusted_tokens AS a_adjusted_tokens, adjusted_nanos AS a_adjusted_nanos,
      0 AS b_adjusted_tokens, 0 AS b_adjusted_nanos FROM usage_daily
    UNION ALL SELECT hour / 24, key_id, provider, model, 0, 0, 0, requests, tokens, nanos, 0, 0, adjusted_tokens, adjusted_nanos
      FROM usage_forgotten
    UNION ALL SELECT reserved_at / 86400000, coalesce(key_id, ''), provider, coalesce(model, ''), 0, 0, 0,
      CASE WHEN phase = 1 THEN 1 ELSE 0 END, tokens, nanos, 0, 0,
      CASE WHEN phase > 1 THEN tokens ELSE 0 END, CASE WHEN phase > 1 THEN nanos ELSE 0 END FROM ledger WHERE phase >= 1) AS sums
  GROUP BY day, key_id, provider, model ORDER BY day, key_id, provider, model`

/** The sums of levels, and those of days for keys and the gateway, and attempts with their records for the levels between. */
const LEVELS = `SELECT level, day, sum(a_requests) AS a_requests, sum(a_tokens) AS a_tokens, sum(a_nanos) AS a_nanos,
    sum(b_requests) AS b_requests, sum(b_tokens) AS b_tokens, sum(b_nanos) AS b_nanos
  FROM (
    SELECT level, day, requests AS a_requests, tokens AS a_tokens, nanos AS a_nanos,
      0 AS b_requests, 0 AS b_tokens, 0 AS b_nanos FROM level_daily
    UNION ALL SELECT 'gateway', day, 0, 0, 0, requests, tokens, nanos FROM usage_daily
    UNION ALL SELECT 'key:' || key_id, day, 0, 0, 0, requests, tokens, nanos FROM usage_daily WHERE key_id <> ''
    ${['organization', 'team', 'project', 'user'].map(levelRows).join(' ')}) AS sums
  GROUP BY level, day HAVING sum(a_requests) <> sum(b_requests) OR sum(a_tokens) <> sum(b_tokens) OR sum(a_nanos) <> sum(b_nanos)`

function levelRows(kind: string): string {
  const name = `'${kind}:' || "${kind}"`
  return `UNION ALL SELECT ${name}, hour / 24, 0, 0, 0, requests, tokens, nanos FROM (${settledRows()}) AS settled_${kind} WHERE "${kind}" <> ''
    UNION ALL SELECT ${name}, hour / 24, 0, 0, 0, requests, tokens, nanos FROM usage_forgotten WHERE "${kind}" <> ''`
}

/**
 * Holds the accounts of a database against each other, in one moment of it: attempts, records, sums of days. `nowMs` tells what
 * may still be under way. Reads all rows that there are.
 */
export function verifyLedger(database: SqlDatabase, nowMs: number): LedgerReport {
  database.exec('BEGIN')
  try {
    const differences = [...attemptDifferences(database, nowMs), ...recordDifferences(database)]
    const { days, found } = dayDifferences(database)
    const total = one(
      database,
      `SELECT (SELECT count(*) FROM request_rows) AS requests, count(*) FILTER (WHERE phase = 1) AS attempts,
         coalesce(sum(tokens), 0) AS tokens, coalesce(sum(nanos), 0) AS nanos FROM ledger WHERE phase >= 1`,
    )
    const unfinished = one(
      database,
      `SELECT count(*) AS n FROM (${ORPHANS} AND request_id >= '${dayAgo(nowMs)}') AS orphans`,
    )
    return {
      requests: Number(total['requests']),
      attempts: Number(total['attempts']),
      tokens: Number(total['tokens']),
      nanos: Number(total['nanos']),
      days,
      unfinished: Number(unfinished['n']),
      adjustments: Number(one(database, 'SELECT count(*) AS n FROM adjustments')['n']),
      differences: [
        ...differences,
        ...found,
        ...levelDifferences(database, nowMs, Number(unfinished['n'])),
        ...adjustmentDifferences(database),
      ],
    }
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK')
  }
}

function attemptDifferences(database: SqlDatabase, nowMs: number): LedgerDifference[] {
  const unpaired = database.prepare(ATTEMPTS).all()
  // One that is younger may belong to a request that has not ended.
  const orphans = database.prepare(`${ORPHANS} AND request_id < '${dayAgo(nowMs)}' LIMIT ${MAX_DIFFERENCES}`).all()
  return [
    ...unpaired.map((row): LedgerDifference => {
      const [reserved, settled] = [Number(row['reserved']), Number(row['settled'])]
      const says =
        reserved === 1 && settled === 1 ? amountsWrong(row) : `has ${reserved} reservations and ${settled} settlements`
      return { check: 'attempts', of: `attempt ${Number(row['attempt'])} of ${String(row['request_id'])}`, says }
    }),
    ...orphans.map(
      (row): LedgerDifference => ({
        check: 'attempts',
        of: `request ${String(row['request_id'])}`,
        says: 'has no record',
      }),
    ),
  ]
}

function amountsWrong(row: SqlRow): string {
  if (Number(row['least']) < 0) return 'has a negative amount'
  return Number(row['net']) < 0 ? 'was given back more than it was charged' : 'is there twice'
}

function recordDifferences(database: SqlDatabase): LedgerDifference[] {
  const unequal = database.prepare(RECORDS).all()
  const unpaid = database.prepare(UNPAID).all()
  return [...unequal, ...unpaid.map((row): SqlRow => ({ ...row, tokens: 0, nanos: 0 }))].map((row) => {
    const [recorded, tokens, nanos] = [Number(row['recorded']), Number(row['tokens']), Number(row['nanos'])]
    const cost = row['cost_nanos'] === null ? nanos : Number(row['cost_nanos'])
    const says = [
      ...(recorded === tokens ? [] : [`${recorded} tokens recorded, ${tokens} in the entries`]),
      ...(cost === nanos ? [] : [`${cost} nano-dollars recorded, ${nanos} in the entries`]),
    ]
    return { check: 'records', of: `request ${String(row['id'])}`, says: says.join('; ') }
  })
}

function dayDifferences(database: SqlDatabase): { days: number; found: LedgerDifference[] } {
  let days = 0
  const found: LedgerDifference[] = []
  for (const row of database.prepare(DAYS).iterate()) {
    days++
    const says = [unequal(row, 'usage_daily'), unequal(row, 'usage_daily', ADJUSTED)]
      .filter((text) => text !== '')
      .join('; ')
    if (says === '' || found.length >= MAX_DIFFERENCES) continue
    const date = new Date(Number(row['day']) * 86_400_000).toISOString().slice(0, 10)
    const key = row['key_id'] === '' ? 'no key' : `key ${String(row['key_id'])}`
    const model = `${String(row['provider'])}/${String(row['model'])}`
    found.push({ check: 'days', of: `${date}, ${key}, ${model}`, says })
  }
  return { days, found }
}

function levelDifferences(database: SqlDatabase, nowMs: number, unfinished: number): LedgerDifference[] {
  // An attempt without a record does not say its levels yet.
  const proved = unfinished === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(nowMs / 86_400_000) - 1
  const rows = database
    .prepare(`SELECT * FROM (${LEVELS}) AS levels WHERE day < ? ORDER BY day, level LIMIT ${MAX_DIFFERENCES}`)
    .all(proved)
  return rows.map((row) => ({
    check: 'levels',
    of: `${new Date(Number(row['day']) * 86_400_000).toISOString().slice(0, 10)}, ${String(row['level'])}`,
    says: unequal(row, 'level_daily'),
  }))
}

function adjustmentDifferences(database: SqlDatabase): LedgerDifference[] {
  return database
    .prepare(ADJUSTMENTS)
    .all()
    .map((row) => ({
      check: 'adjustments',
      of: `the adjustment "${String(row['id'])}"`,
      says: row['b_tokens'] === null ? 'has no entry in the ledger' : unequal(row, 'adjustments', ['tokens', 'nanos']),
    }))
}

/** What is not the same in both accounts of a row. */
function unequal(row: SqlRow, table: string, units: readonly string[] = ['requests', 'tokens', 'nanos']): string {
  const wrong = units.flatMap((unit) => {
    const [sum, entries] = [Number(row[`a_${unit}`]), Number(row[`b_${unit}`])]
    return sum === entries ? [] : [`${sum} ${unit} in ${table}, ${entries} in the entries`]
  })
  return wrong.join('; ')
}

function one(database: SqlDatabase, sql: string): SqlRow {
  return database.prepare(sql).get() ?? {}
}

function dayAgo(nowMs: number): string {
  return firstIdAt(nowMs - 86_400_000)
}
