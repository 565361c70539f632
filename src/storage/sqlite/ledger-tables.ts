import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { chargesOf, decodeEntry, levelsOf, type Reserved } from '../journal/decode.ts'
import type { LedgerSink, Settled } from '../ledger/sink.ts'
import type { RecordRow } from '../record-fields.ts'
import { KeySlices } from './key-slices.ts'

const DAY_MS = 86_400_000

/** SQLITE_CONSTRAINT_NOTNULL and SQLITE_CONSTRAINT_PRIMARYKEY: the statement changed nothing. */
const REFUSED: ReadonlySet<unknown> = new Set([1299, 1555])

interface DaySum {
  readonly day: number
  readonly keyId: string
  readonly provider: string
  readonly model: string
  /** JSON of the key's levels. */
  readonly levels: string
  requests: number
  tokens: number
  nanos: number
}

/** The level that every request is charged on; counters of limits and budgets of the whole gateway begin with it. */
export const GATEWAY_LEVEL = 'gateway'

/**
 * Writes rows of requests and attempts, and the sums of `usage_daily`, `level_daily` and `counter_sums` for settlements
 * that are really new. To be used
 * within a transaction that ends with `writeSums` and a commit, or with `forget` and a rollback.
 *
 * Binding and storing a value cost about the same as finding its place: so a request that had one attempt, as nearly
 * all do, is one row of four values. Each attempt is stored once: in its request's row, or in `attempt_rows`.
 */
export class LedgerTables implements LedgerSink {
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
  readonly #sums = new Map<string, DaySum>()
  #lastSum: DaySum | null = null
  /** What counters were charged, by period and name. */
  readonly #charged = new Map<string, number>()

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
      `INSERT INTO usage_daily VALUES (?, ?, ?, ?, ?, ?, ?)
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
    const amounts = JSON.parse(String(row.attempt)) as unknown[] // made by `conclude`
    const decoded = decodeEntry(JSON.stringify(['r', requestId, ...amounts.slice(0, 8), []]))
    return decoded?.kind === 'reserve' ? decoded : null
  }

  /** Adds the sums of the transaction's new settlements; the last statement before the commit. */
  writeSums(): void {
    const byLevel = new Map<string, { requests: number; tokens: number; nanos: number }>()
    for (const s of this.#sums.values()) {
      this.#addSum.run(s.day, s.keyId, s.provider, s.model, s.requests, s.tokens, s.nanos)
      const own = s.keyId === '' ? [] : [`key:${s.keyId}`]
      for (const level of [GATEWAY_LEVEL, ...own, ...levelsOf(s)]) {
        const name = `${s.day}\n${level}`
        const sum = byLevel.get(name) ?? { requests: 0, tokens: 0, nanos: 0 }
        sum.requests += s.requests
        sum.tokens += s.tokens
        sum.nanos += s.nanos
        byLevel.set(name, sum)
      }
    }
    for (const [name, { requests, tokens, nanos }] of byLevel) {
      const [day, level] = parted(name)
      this.#addLevel.run(level, day, requests, tokens, nanos)
    }
    for (const [name, spent] of this.#charged) {
      const [period, counter] = parted(name)
      this.#addCounter.run(counter, period, spent)
    }
    this.forget()
  }

  /** Drops what was not written: the transaction is at its end, or rolled back. */
  forget(): void {
    this.#sums.clear()
    this.#charged.clear()
    this.#lastSum = null
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
    const sum = this.#sum(Math.floor(r.reservedAt / DAY_MS), r)
    sum.requests++
    sum.tokens += s.tokens
    sum.nanos += s.nanos
    // What is charged in full may be given back later.
    if (s.usageSource === 'reserved') this.#keepCharges.run(r.requestId, r.attempt, s.charges, r.levels)
    if (s.charges === '[]') return true
    for (const [counter, period, amount] of chargesOf(s)) {
      const name = `${period}\n${counter}`
      this.#charged.set(name, (this.#charged.get(name) ?? 0) + amount)
    }
    return true
  }

  #sum(day: number, { keyId: known, provider, model, levels }: Reserved): DaySum {
    const keyId = known ?? ''
    const last = this.#lastSum
    if (
      last !== null &&
      last.day === day &&
      last.keyId === keyId &&
      last.provider === provider &&
      last.model === model &&
      last.levels === levels
    ) {
      return last
    }
    const name = JSON.stringify([day, keyId, provider, model, levels])
    let sum = this.#sums.get(name)
    if (sum === undefined) {
      sum = { day, keyId, provider, model, levels, requests: 0, tokens: 0, nanos: 0 }
      this.#sums.set(name, sum)
    }
    this.#lastSum = sum
    return sum
  }
}

/** The number and the name that were joined by a line break. */
function parted(text: string): [number: number, name: string] {
  const at = text.indexOf('\n')
  return [Number(text.slice(0, at)), text.slice(at + 1)]
}
