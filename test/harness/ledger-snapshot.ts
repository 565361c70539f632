import { DatabaseSync } from 'node:sqlite'
import { openPostgresReader } from '../../src/storage/postgres/open.ts'

/** What the checker reads of a row of `requests`. */
export interface RequestRow {
  readonly id: string
  readonly clientRequestId: string | null
  readonly traceId: string | null
  readonly keyId: string | null
  readonly route: string | null
  readonly modelServed: string | null
  readonly provider: string | null
  readonly status: number
  readonly outcome: string
  readonly errorCode: string | null
  readonly attempts: number
  readonly attemptHistory: string | null
  readonly cancelled: boolean
  readonly usageSource: string
  /** Sum of the disjoint counters that are billed. */
  readonly tokens: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** A row of `ledger`; `day` is the day of its reservation, UTC, counted from 1970-01-01. */
export interface LedgerRow {
  readonly requestId: string
  readonly attempt: number
  readonly phase: string
  readonly day: number
  readonly keyId: string | null
  readonly provider: string
  readonly model: string
  readonly tokens: number
  readonly nanos: number
}

/** A row of `usage_daily`. */
export interface DailyRow {
  readonly keyId: string
  readonly provider: string
  readonly model: string
  readonly requests: number
  readonly tokens: number
  readonly nanos: number
}

/** The tables as of one moment. */
export interface LedgerSnapshot {
  readonly requests: readonly RequestRow[]
  readonly ledger: readonly LedgerRow[]
  readonly daily: readonly DailyRow[]
}

/** Names of the ledger's phases; the stored number is the index. */
export const PHASES = ['reserve', 'settle', 'release', 'adjust'] as const

type Row = Readonly<Record<string, unknown>>

const text = (row: Row, column: string): string => textOrNull(row, column) ?? ''
const number = (row: Row, column: string): number => Number(row[column] ?? 0)

function textOrNull(row: Row, column: string): string | null {
  const value = row[column]
  // Ids of fixed length may be stored as bytes.
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : null
}

/** Ids are stored as text or as the 16 bytes of the UUID; both are read as text. */
function idOf(row: Row, column: string): string {
  const value = row[column]
  if (!(value instanceof Uint8Array)) return text(row, column)
  return Buffer.from(value)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Reads the three tables in one transaction of a read-only connection. The path of a file, or the URL of a PostgreSQL database. */
export function readLedger(databasePath: string): LedgerSnapshot {
  const database = databasePath.startsWith('postgres:')
    ? openPostgresReader(databasePath)
    : new DatabaseSync(databasePath, { readOnly: true, timeout: 5_000 })
  try {
    database.exec('BEGIN')
    const requests = database.prepare('SELECT * FROM requests').all().map(requestRow)
    const ledger = database.prepare('SELECT * FROM ledger').all().map(ledgerRow)
    const daily = database.prepare('SELECT * FROM usage_daily').all().map(dailyRow)
    database.exec('COMMIT')
    return { requests, ledger, daily }
  } finally {
    database.close()
  }
}

function requestRow(row: Row): RequestRow {
  const inputTokens = number(row, 'input_tokens')
  const outputTokens = number(row, 'output_tokens')
  const cached = number(row, 'cache_read_tokens') + number(row, 'cache_write_tokens')
  return {
    id: idOf(row, 'id'),
    clientRequestId: textOrNull(row, 'client_request_id'),
    traceId: textOrNull(row, 'trace_id'),
    keyId: textOrNull(row, 'key_id'),
    route: textOrNull(row, 'route'),
    modelServed: textOrNull(row, 'model_served'),
    provider: textOrNull(row, 'provider'),
    status: number(row, 'status'),
    outcome: text(row, 'outcome'),
    errorCode: textOrNull(row, 'error_code'),
    attempts: number(row, 'attempts'),
    attemptHistory: textOrNull(row, 'attempt_history'),
    cancelled: number(row, 'cancelled') === 1,
    usageSource: text(row, 'usage_source'),
    tokens: inputTokens + outputTokens + cached + number(row, 'reasoning_tokens'),
    inputTokens,
    outputTokens,
  }
}

function ledgerRow(row: Row): LedgerRow {
  const phase = row.phase
  return {
    requestId: idOf(row, 'request_id'),
    attempt: number(row, 'attempt'),
    phase: typeof phase === 'string' ? phase : (PHASES[Number(phase)] ?? `unknown phase ${String(phase)}`),
    day: Math.floor(number(row, 'reserved_at') / 86_400_000),
    keyId: textOrNull(row, 'key_id'),
    provider: text(row, 'provider'),
    model: text(row, 'model'),
    tokens: number(row, 'tokens'),
    nanos: number(row, 'nanos'),
  }
}

function dailyRow(row: Row): DailyRow {
  return {
    keyId: text(row, 'key_id'),
    provider: text(row, 'provider'),
    model: text(row, 'model'),
    requests: number(row, 'requests'),
    tokens: number(row, 'tokens'),
    nanos: number(row, 'nanos'),
  }
}
