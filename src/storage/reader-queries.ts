import type { AuditQuery, AuditRow } from './audit-entry.ts'
import { type BillFacts, billFacts } from './bill-facts.ts'
import { type Adjustment, type AdjustmentQuery, adjustmentPage } from './ledger/adjustments.ts'
import { type LedgerReport, verifyLedger } from './ledger/verify.ts'
import { recordOf } from './record-fields.ts'
import { LEDGER_PHASES, type LedgerRow, type RequestRecord } from './records.ts'
import { type Dialect, dialectOf } from './sql/dialect.ts'
import type { SqlDatabase, SqlRow, SqlStatement } from './sql/sql-database.ts'
import { auditPage } from './sqlite/audit-log.ts'
import { sliceStart } from './sqlite/key-slices.ts'
import { StoredLevels } from './sqlite/stored-levels.ts'
import type { StoredLevel } from './stored-level.ts'
import { type UsageByQuery, type UsageRow, usageBy } from './usage-query.ts'

const DAY_MS = 86_400_000
const MAX_PAGE = 1000
/** Above every id, which are hexadecimal digits and dashes. */
const AFTER_ALL_IDS = '~'

/**
 * A page of one key's requests: id below ?1, at most ?2, key ?3. CROSS JOIN keeps SQLite to this order: the key's slices
 * from the newest, and within each its requests from the newest.
 */
export function pageOfKey({ least }: Pick<Dialect, 'least'>): string {
  return `SELECT r.id, r.key_id, r.fields FROM key_slices s CROSS JOIN request_rows r
  WHERE s.key_id = ?3 AND s.slice < ?1 AND r.id > s.slice AND r.id < ${least}(?1, s.slice || '~') AND r.key_id = ?3
  ORDER BY s.slice DESC, r.id DESC LIMIT ?2`
}

export interface RequestQuery {
  /** Only requests of this key. */
  readonly keyId?: string
  /** Only requests older than the one with this id: the last id of the page before. */
  readonly beforeId?: string
  /** At most 1,000. */
  readonly limit: number
}

/** The settled attempts of one UTC day, key, provider and model. */
export interface DailyUsage {
  /** `2026-01-31`. */
  readonly date: string
  readonly key_id: string | null
  readonly provider: string
  readonly model: string
  readonly requests: number
  readonly tokens: number
  readonly nanos: number
  /** What of the two was taken away since; 0, or negative. */
  readonly adjusted_tokens: number
  readonly adjusted_nanos: number
}

/** Queries on a connection of its own that cannot write; lives in the reader thread. */
export class LedgerReader {
  readonly #database: SqlDatabase
  readonly #request: SqlStatement
  readonly #page: SqlStatement
  readonly #pageOfKey: SqlStatement
  readonly #ledger: SqlStatement
  readonly #usage: SqlStatement
  readonly #lastSlice: SqlStatement

  /** Takes over a connection that cannot write, and closes it. */
  constructor(database: SqlDatabase) {
    this.#database = database
    this.#request = this.#database.prepare('SELECT id, key_id, fields FROM request_rows WHERE id = ?')
    this.#page = this.#database.prepare(
      'SELECT id, key_id, fields FROM request_rows WHERE id < ?1 ORDER BY id DESC LIMIT ?2',
    )
    this.#pageOfKey = this.#database.prepare(pageOfKey(dialectOf(database)))
    this.#ledger = this.#database.prepare('SELECT * FROM ledger WHERE request_id = ? ORDER BY attempt, phase, sequence')
    this.#usage = this.#database.prepare(
      `SELECT * FROM usage_daily WHERE day >= ?1 AND day <= ?2 AND (CAST(?3 AS TEXT) IS NULL OR key_id = ?3)
       ORDER BY day, key_id, provider, model`,
    )
    this.#lastSlice = this.#database.prepare('SELECT max(slice) AS slice FROM key_slices WHERE key_id = ?')
  }

  /**
   * When each of these keys was used last (ms since the epoch, to a quarter of a second), as far as it ever was: the newest
   * slice of time in which it has a request, which is one search in an index that is written anyway.
   */
  lastUses(keyIds: readonly string[]): Map<string, number> {
    const uses = new Map<string, number>()
    for (const id of keyIds) {
      const slice = this.#lastSlice.get(id)?.slice
      if (typeof slice === 'string') uses.set(id, sliceStart(slice))
    }
    return uses
  }

  /** A page of requests, newest first. */
  requests(query: RequestQuery): RequestRecord[] {
    const limit = Math.max(1, Math.min(MAX_PAGE, Math.trunc(query.limit)))
    const before = query.beforeId ?? AFTER_ALL_IDS
    const rows =
      query.keyId === undefined ? this.#page.all(before, limit) : this.#pageOfKey.all(before, limit, query.keyId)
    return rows.map(toRecord)
  }

  /** One request with its ledger rows, in the order of attempt and phase; null when there is none. */
  request(id: string): { record: RequestRecord; ledger: LedgerRow[] } | null {
    const row = this.#request.get(id)
    return row === undefined ? null : { record: toRecord(row), ledger: this.#ledger.all(id).map(toLedgerRow) }
  }

  /** Usage by UTC day, key, provider and model, from the day of `fromMs` to that of `toMs`; of one key, or of all. */
  usage(fromMs: number, toMs: number, keyId: string | null): DailyUsage[] {
    const rows = this.#usage.all(Math.floor(fromMs / DAY_MS), Math.floor(toMs / DAY_MS), keyId)
    return rows.map((row) => ({
      date: new Date(Number(row.day) * DAY_MS).toISOString().slice(0, 10),
      key_id: row.key_id === '' ? null : String(row.key_id),
      provider: String(row.provider),
      model: String(row.model),
      requests: Number(row.requests),
      tokens: Number(row.tokens),
      nanos: Number(row.nanos),
      adjusted_tokens: Number(row.adjusted_tokens),
      adjusted_nanos: Number(row.adjusted_nanos),
    }))
  }

  /** A page of what operators have entered, newest first. */
  adjustments(query: AdjustmentQuery): Adjustment[] {
    return adjustmentPage(this.#database, query)
  }

  /** A page of usage by what is asked for. */
  usageBy(query: UsageByQuery): UsageRow[] {
    return usageBy(this.#database, query)
  }

  /** Levels that the admin API has made. */
  levels(): StoredLevel[] {
    return new StoredLevels(this.#database).list()
  }

  /** A page of the audit log, newest first. */
  audit(query: AuditQuery): AuditRow[] {
    return auditPage(this.#database, query)
  }

  /** What may explain the difference between the ledger and a bill. */
  billFacts(query: Parameters<typeof billFacts>[1]): BillFacts[] {
    return billFacts(this.#database, query)
  }

  /** Whether the accounts of the database agree with each other. */
  verify(nowMs: number): LedgerReport {
    return verifyLedger(this.#database, nowMs)
  }

  close(): void {
    this.#database.close()
  }
}

function toRecord(row: SqlRow): RequestRecord {
  const keyId = row.key_id === null ? null : String(row.key_id)
  return recordOf({ id: String(row.id), keyId, fields: String(row.fields) })
}

function toLedgerRow(row: SqlRow): LedgerRow {
  // Columns are the row's fields by the schema; the phase is stored by its index.
  return { ...row, phase: LEDGER_PHASES[Number(row.phase)] } as unknown as LedgerRow
}
