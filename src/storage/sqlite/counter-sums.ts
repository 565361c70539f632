import { GATEWAY_LEVEL } from '../ledger/settlement-sums.ts'
import { dialectOf } from '../sql/dialect.ts'
import type { SqlDatabase, SqlStatement } from '../sql/sql-database.ts'
import { inTransaction } from '../sql/transaction.ts'
import { firstIdAt } from './migrations.ts'

const DAY_MS = 86_400_000
/** No request lasts as long: what is reserved at a moment belongs to one that began at most this long before. */
const LONGEST_REQUEST_MS = DAY_MS

/** A counter in one of its periods. */
export interface CounterPeriod {
  readonly counter: string
  readonly period: number
  /** Whose use it counts: `key:dev`, `team:search`, `gateway`. */
  readonly level: string
  readonly unit: 'tokens' | 'nanos'
  /** The period as moments: from `fromMs` (0: the beginning) to before `toMs` (null: without an end). */
  readonly fromMs: number
  readonly toMs: number | null
}

/** A counter as the database has it: what it was charged, and what the entries of its level come to. */
export interface CounterBooks {
  readonly spent: number
  readonly used: number
  /** What of `spent` this program has charged. */
  readonly share: number
}

/** Where a record names the levels of a kind; null: the key has a column of its own. */
const LEVEL_FIELDS: Readonly<Record<string, string>> = {
  key: 'r.key_id',
  organization: 'r.fields ->> 44',
  team: 'r.fields ->> 45',
  project: 'r.fields ->> 46',
  user: 'r.fields ->> 47',
}

/**
 * What counters of budgets have spent, as the ledger has it. A budget that was not in force all the time knows less than the
 * ledger of its level: it is filled up with what it missed.
 */
export class CounterSums {
  readonly #database: SqlDatabase
  readonly #find: SqlStatement
  readonly #raise: SqlStatement
  readonly #days: SqlStatement

  constructor(database: SqlDatabase) {
    this.#database = database
    this.#find = database.prepare('SELECT spent FROM counter_sums WHERE counter = ? AND period = ?')
    this.#raise = database.prepare(
      `INSERT INTO counter_sums VALUES (?, ?, ?) ON CONFLICT (counter, period) DO UPDATE SET spent = excluded.spent
       WHERE excluded.spent > counter_sums.spent`,
    )
    this.#days = database.prepare(
      `SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(nanos), 0) AS nanos FROM level_daily
       WHERE level = ? AND day >= ? AND day < ?`,
    )
  }

  /** The sums of these counters, in their order, filled up from the ledger. Throws what the database says. */
  fillUp(counters: readonly CounterPeriod[]): number[] {
    return inTransaction(this.#database, () => {
      // A program that adds to them at this moment must have done so, or do it afterwards.
      this.#database.exec(dialectOf(this.#database).lock('counter_sums'))
      return counters.map((asked) => {
        const known = Number(this.#find.get(asked.counter, asked.period)?.spent ?? 0)
        const used = this.#usedBy(asked)
        if (used > known) this.#raise.run(asked.counter, asked.period, used)
        return Math.max(known, used)
      })
    })
  }

  /** What the database says of these counters in one moment of it, in their order, with nothing filled up. */
  read(counters: readonly CounterPeriod[]): Omit<CounterBooks, 'share'>[] {
    this.#database.exec('BEGIN')
    try {
      return counters.map((asked) => ({
        spent: Number(this.#find.get(asked.counter, asked.period)?.spent ?? 0),
        used: this.#usedBy(asked),
      }))
    } finally {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    }
  }

  /** What the ledger knows of a level: whole UTC days by their sums, and what a time zone cuts off them row by row. */
  #usedBy({ level, unit, fromMs, toMs }: CounterPeriod): number {
    const firstDay = Math.ceil(fromMs / DAY_MS)
    const endDay = toMs === null ? Number.MAX_SAFE_INTEGER : Math.floor(toMs / DAY_MS)
    let used = 0
    if (endDay > firstDay) used += Number(this.#days.get(level, firstDay, endDay)?.[unit] ?? 0)
    const cutAt = Math.min(firstDay * DAY_MS, toMs ?? Number.POSITIVE_INFINITY)
    if (cutAt > fromMs) used += this.#rows(level, unit, { fromMs, toMs: cutAt })
    const lastMs = Math.max(endDay * DAY_MS, cutAt)
    if (toMs !== null && toMs > lastMs) used += this.#rows(level, unit, { fromMs: lastMs, toMs })
    return used
  }

  #rows(level: string, unit: 'tokens' | 'nanos', { fromMs, toMs }: { fromMs: number; toMs: number }): number {
    const [kind = '', id = ''] = level.split(/:(.*)/s)
    const whose = level === GATEWAY_LEVEL ? 'CAST(?4 AS TEXT) IS NOT NULL' : `${LEVEL_FIELDS[kind] ?? 'NULL'} = ?4`
    const at = unit === 'tokens' ? 8 : 9
    const row = this.#database
      .prepare(
        `SELECT sum(amount) AS used FROM (
           SELECT CAST(r.attempt ->> 1 AS BIGINT) AS at, CAST(r.attempt ->> ${at} AS BIGINT) AS amount FROM request_rows r
             WHERE r.id >= ?1 AND r.id < ?3 AND r.attempt IS NOT NULL AND ${whose}
           UNION ALL SELECT CAST(a.amounts ->> 1 AS BIGINT), CAST(a.amounts ->> ${at} AS BIGINT)
             FROM request_rows r JOIN attempt_rows a ON a.request_id = r.id
             WHERE r.id >= ?1 AND r.id < ?3 AND ${whose}
           UNION ALL SELECT l.reserved_at, l.${unit} FROM request_rows r JOIN later_entries l ON l.request_id = r.id
             WHERE r.id >= ?1 AND r.id < ?3 AND ${whose}) AS amounts
         WHERE at >= ?2 AND at < ?5`,
      )
      .get(firstIdAt(fromMs - LONGEST_REQUEST_MS), fromMs, firstIdAt(toMs), level === GATEWAY_LEVEL ? '' : id, toMs)
    return Number(row?.used ?? 0)
  }
}
