import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ReserveEntry } from '../journal/format.ts'
import type { LedgerSink, Settled } from '../ledger/sink.ts'
import { RECORD_FIELDS, type RecordRow } from '../record-fields.ts'

const DAY_MS = 86_400_000
/** Phases as stored, see LEDGER_PHASES. */
const RESERVE = 0
const SETTLE = 1

interface DaySum {
  readonly day: number
  readonly keyId: string
  readonly provider: string
  readonly model: string
  requests: number
  tokens: number
  nanos: number
}

/**
 * Writes rows of ledger and requests, and the sums of `usage_daily` for settle rows that are really new. To be used
 * within a transaction that ends with `writeSums` and a commit, or with `forget` and a rollback.
 *
 * A settle row never stands without its reserve row, so that of the pair's two rows the settlement is the new one
 * when only one is.
 */
export class LedgerTables implements LedgerSink {
  readonly #insertReserve: StatementSync
  readonly #insertSettle: StatementSync
  readonly #insertPair: StatementSync
  readonly #insertRequest: StatementSync
  readonly #findReserve: StatementSync
  readonly #findRequest: StatementSync
  readonly #addSum: StatementSync
  readonly #sums = new Map<string, DaySum>()
  #lastSum: DaySum | null = null

  constructor(database: DatabaseSync) {
    // Numbered parameters: the pair shares seven values, and binding a value costs about as much as storing it.
    const reserve = `(?1, ?2, ${RESERVE}, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'estimated')`
    const settle = (tokens: number) =>
      `(?1, ?2, ${SETTLE}, ?3, ?4, ?5, ?6, ?${tokens}, ?${tokens + 1}, ?9, ?${tokens + 2})`
    this.#insertReserve = database.prepare(`INSERT OR IGNORE INTO ledger VALUES ${reserve}`)
    this.#insertSettle = database.prepare(
      `INSERT OR IGNORE INTO ledger VALUES (?1, ?2, ${SETTLE}, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
    )
    this.#insertPair = database.prepare(`INSERT OR IGNORE INTO ledger VALUES ${reserve}, ${settle(10)}`)
    this.#insertRequest = database.prepare(
      `INSERT OR IGNORE INTO requests (${RECORD_FIELDS.map(([name]) => name).join(', ')})
       VALUES (${RECORD_FIELDS.map(() => '?').join(', ')})`,
    )
    this.#findReserve = database.prepare(
      `SELECT reserved_at, key_id, provider, model, tokens, nanos, price_rule FROM ledger
       WHERE request_id = ? AND attempt = ? AND phase = ${RESERVE}`,
    )
    this.#findRequest = database.prepare('SELECT 1 FROM requests WHERE id = ?')
    this.#addSum = database.prepare(
      `INSERT INTO usage_daily VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens,
         nanos = nanos + excluded.nanos`,
    )
  }

  reserve(e: ReserveEntry): void {
    this.#insertReserve.get(e[1], e[2], e[3], e[4], e[5], e[6], e[7], e[8], e[9])
  }

  settle(e: ReserveEntry, s: Settled): boolean {
    const insert = this.#insertSettle
    const { changes } = insert.run(e[1], e[2], e[3], e[4], e[5], e[6], s.tokens, s.nanos, e[9], s.usageSource)
    return changes !== 0 && this.#count(e, s)
  }

  reserveAndSettle(e: ReserveEntry, s: Settled): boolean {
    const { tokens, nanos, usageSource } = s
    const insert = this.#insertPair
    const { changes } = insert.run(e[1], e[2], e[3], e[4], e[5], e[6], e[7], e[8], e[9], tokens, nanos, usageSource)
    return changes !== 0 && this.#count(e, s)
  }

  record(row: RecordRow): void {
    // `get` instead of `run`: nobody asks for the number of changes, and making the answer's object costs time.
    this.#insertRequest.get(...row.values)
  }

  hasRecord(requestId: string): boolean {
    return this.#findRequest.get(requestId) !== undefined
  }

  findReserve(requestId: string, attempt: number): ReserveEntry | null {
    const row = this.#findReserve.get(requestId, attempt)
    if (row === undefined) return null
    const { reserved_at, key_id, provider, model, tokens, nanos, price_rule } = row
    return [
      'r',
      requestId,
      attempt,
      Number(reserved_at),
      key_id === null ? null : String(key_id),
      String(provider),
      String(model),
      Number(tokens),
      Number(nanos),
      price_rule === null ? null : String(price_rule),
      [],
    ]
  }

  /** Adds the sums of the transaction's new settle rows; the last statement before the commit. */
  writeSums(): void {
    for (const s of this.#sums.values()) {
      this.#addSum.run(s.day, s.keyId, s.provider, s.model, s.requests, s.tokens, s.nanos)
    }
    this.forget()
  }

  /** Drops sums that were not written: the transaction is rolled back. */
  forget(): void {
    this.#sums.clear()
    this.#lastSum = null
  }

  #count(e: ReserveEntry, s: Settled): true {
    const sum = this.#sum(Math.floor(e[3] / DAY_MS), e[4] ?? '', e[5], e[6])
    sum.requests++
    sum.tokens += s.tokens
    sum.nanos += s.nanos
    return true
  }

  #sum(day: number, keyId: string, provider: string, model: string): DaySum {
    const last = this.#lastSum
    if (
      last !== null &&
      last.day === day &&
      last.keyId === keyId &&
      last.provider === provider &&
      last.model === model
    ) {
      return last
    }
    const name = JSON.stringify([day, keyId, provider, model])
    let sum = this.#sums.get(name)
    if (sum === undefined) {
      sum = { day, keyId, provider, model, requests: 0, tokens: 0, nanos: 0 }
      this.#sums.set(name, sum)
    }
    this.#lastSum = sum
    return sum
  }
}
