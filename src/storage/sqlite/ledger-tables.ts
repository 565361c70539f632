import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Reserved, reservedOf } from '../journal/decode.ts'
import { SettlementSums } from '../ledger/settlement-sums.ts'
import type { LedgerTablesPort, Settled } from '../ledger/sink.ts'
import type { RecordRow } from '../record-fields.ts'
import { KeySlices } from './key-slices.ts'

/** SQLITE_CONSTRAINT_NOTNULL and SQLITE_CONSTRAINT_PRIMARYKEY: the statement changed nothing. */
const REFUSED: ReadonlySet<unknown> = new Set([1299, 1555])

/**
 * Writes rows of requests and attempts, and the sums of `usage_daily`, `level_daily` and `counter_sums` for settlements
 * that are really new. To be used
 * within a transaction that ends with `writeSums` and a commit, or with `forget` and a rollback.
 *
 * Binding and storing a value cost about the same as finding its place: so a request that had one attempt, as nearly
 * all do, is one row of four values. Each attempt is stored once: in its request's row, or in `attempt_rows`.
 */
export class LedgerTables implements LedgerTablesPort {
  readonly #insertWhole: StatementSync
  readonly #insertAttempt: StatementSync
  readonly #insertRequest: StatementSync
  readonly #findAttempt: StatementSync
  readonly #findRequest: StatementSync
  readonly #addSum: StatementSync
  readonly #addLevel: StatementSync
  readonly #addCounter: StatementSync
  readonly #keepCharges: StatementSync
  readonly #slices: KeySlices
  readonly #sums = new SettlementSums()

  constructor(database: DatabaseSync) {
    // Refused when the request is here (primary key), or an attempt of it is (`fields` must not be null).
    this.#insertWhole = database.prepare(
      `INSERT INTO request_rows VALUES
         (?1, ?2, iif(EXISTS (SELECT 1 FROM attempt_rows WHERE request_id = ?1), NULL, ?3), ?4)`,
    )
    this.#insertAttempt = database.prepare(
      `INSERT OR IGNORE INTO attempt_rows SELECT ?1, ?2, ?3
       WHERE NOT EXISTS (SELECT 1 FROM request_rows WHERE id = ?1 AND attempt ->> 0 = ?2)`,
    )
    this.#insertRequest = database.prepare('INSERT OR IGNORE INTO request_rows VALUES (?, ?, ?, NULL)')
    this.#findAttempt = database.prepare(
      `SELECT attempt FROM request_rows WHERE id = ?1 AND attempt ->> 0 = ?2
       UNION ALL SELECT amounts FROM attempt_rows WHERE request_id = ?1 AND attempt = ?2`,
    )
    this.#findRequest = database.prepare('SELECT 1 FROM request_rows WHERE id = ?')
    this.#keepCharges = database.prepare('INSERT OR IGNORE INTO reserved_charges VALUES (?, ?, ?, ?)')
    this.#slices = new KeySlices(database)
    this.#addSum = database.prepare(
      `INSERT INTO usage_daily (day, key_id, provider, model, requests, tokens, nanos) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens,
         nanos = nanos + excluded.nanos`,
    )
    this.#addLevel = database.prepare(
      `INSERT INTO level_daily VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens,
         nanos = nanos + excluded.nanos`,
    )
    this.#addCounter = database.prepare(
      'INSERT INTO counter_sums VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET spent = spent + excluded.spent',
    )
  }

  conclude(r: Reserved, s: Settled, record: RecordRow | null): boolean {
    const amounts = `[${r.head},${s.tokens},${s.nanos},"${s.usageSource}"]`
    if (record !== null && this.#whole(record, amounts)) return this.#count(r, s)
    // One of several attempts, a settlement without its record, or a fact that is here already.
    const { changes } = this.#insertAttempt.run(r.requestId, r.attempt, amounts)
    if (record !== null) this.record(record)
    return changes !== 0 && this.#count(r, s)
  }

  record(record: RecordRow): void {
    this.#insertRequest.get(record.id, record.keyId, record.fields)
    this.#slices.add(record)
  }

  hasRecord(requestId: string): boolean {
    return this.#findRequest.get(requestId) !== undefined
  }

  findReserve(requestId: string, attempt: number): Reserved | null {
    const row = this.#findAttempt.get(requestId, attempt)
    if (row === undefined) return null
    return reservedOf(requestId, String(row.attempt))
  }

  /** Adds the sums of the transaction's new settlements; the last statement before the commit. */
  writeSums(): void {
    for (const s of this.#sums.days()) {
      this.#addSum.run(s.day, s.keyId, s.provider, s.model, s.requests, s.tokens, s.nanos)
    }
    for (const { level, day, requests, tokens, nanos } of this.#sums.levels()) {
      this.#addLevel.run(level, day, requests, tokens, nanos)
    }
    for (const { counter, period, spent } of this.#sums.counters()) this.#addCounter.run(counter, period, spent)
    this.forget()
  }

  /** Drops what was not written: the transaction is at its end, or rolled back. */
  forget(): void {
    this.#sums.clear()
    this.#slices.forget()
  }

  /** Stores a request with its only attempt; false when one of the two is here already. */
  #whole(record: RecordRow, amounts: string): boolean {
    try {
      // `get` instead of `run`, whose answer costs time: what is refused throws, and is as rare as a crash.
      this.#insertWhole.get(record.id, record.keyId, record.fields, amounts)
    } catch (error) {
      if (error instanceof Error && 'errcode' in error && REFUSED.has(error.errcode)) return false
      throw error
    }
    this.#slices.add(record)
    return true
  }

  #count(r: Reserved, s: Settled): true {
    this.#sums.add(r, s)
    // What is charged in full may be given back later.
    if (s.usageSource === 'reserved') this.#keepCharges.run(r.requestId, r.attempt, s.charges, r.levels)
    return true
  }
}
