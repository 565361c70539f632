import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { GATEWAY_LEVEL } from './ledger-tables.ts'
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
  readonly #database: DatabaseSync
  readonly #find: StatementSync
  readonly #raise: StatementSync
  readonly #days: StatementSync

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#find = database.prepare('SELECT spent FROM counter_sums WHERE counter = ? AND period = ?')
    this.#raise = database.prepare(
      'INSERT INTO counter_sums VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET spent = max(spent, excluded.spent)',
    )
    this.#days = database.prepare(
      `SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(nanos), 0) AS nanos FROM level_daily
       WHERE level = ? AND day >= ? AND day < ?`,
    )
  }

  /** The sums of these counters, in their order, filled up from the ledger. Throws what the database says. */
  fillUp(counters: readonly CounterPeriod[]): number[] {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const sums = counters.map((asked) => {
        const known = Number(this.#find.get(asked.counter, asked.period)?.spent ?? 0)
        const used = this.#usedBy(asked)
        if (used > known) this.#raise.run(asked.counter, asked.period, used)
        return Math.max(known, used)
      })
      this.#database.exec('COMMIT')
      return sums
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** What the database says of these counters in one moment of it, in their order, with nothing filled up. */
  read(counters: readonly CounterPeriod[]): CounterBooks[] {
    this.#database.exec('BEGIN')
    try {
      return counters.map((asked) => ({
        spent: Number(this.#find.get(asked.counter, asked.period)?.spent ?? 0),
        used: this.#usedBy(asked),
      }))
    } finally {
      this.#database.exec('COMMIT')
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
    const whose = level === GATEWAY_LEVEL ? '?4 IS NOT NULL' : `${LEVEL_FIELDS[kind] ?? 'NULL'} = ?4`
    const at = unit === 'tokens' ? 8 : 9
    const row = this.#database
      .prepare(
        `SELECT sum(amount) AS used FROM (
           SELECT r.attempt ->> 1 AS at, r.attempt ->> ${at} AS amount FROM request_rows r
             WHERE r.id >= ?1 AND r.id < ?3 AND r.attempt IS NOT NULL AND ${whose}
           UNION ALL SELECT a.amounts ->> 1, a.amounts ->> ${at} FROM request_rows r JOIN attempt_rows a ON a.request_id = r.id
             WHERE r.id >= ?1 AND r.id < ?3 AND ${whose})
         WHERE at >= ?2 AND at < ?5`,
      )
      .get(firstIdAt(fromMs - LONGEST_REQUEST_MS), fromMs, firstIdAt(toMs), level === GATEWAY_LEVEL ? '' : id, toMs)
    return Number(row?.used ?? 0)
  }
}
