import { StorageError } from '../errors.ts'
import type { BudgetCharge } from '../journal/format.ts'
import { dialectOf } from '../sql/dialect.ts'
import type { SqlDatabase, SqlRow, SqlStatement } from '../sql/sql-database.ts'
import { LaterEntries } from './later-entries.ts'

/** What an operator enters in the ledger: money or tokens back (negative), or more. */
export interface NewAdjustment {
  /** The operator's own name for it: whoever says it again says the same. */
  readonly id: string
  readonly request_id: string
  readonly attempt: number
  readonly tokens: number
  readonly nanos: number
  readonly reason: string
  /** The admin who made it. */
  readonly actor: string
}

/** An entry of the phase `adjust` that an operator has made. */
export interface Adjustment extends NewAdjustment {
  readonly key_id: string | null
  /** Milliseconds since the epoch. */
  readonly entered_at: number
  /** Its number among those of its attempt and phase in the ledger. */
  readonly sequence: number
}

/** A counter of a budget in one of its periods, which is of the level that was asked for. */
export interface LevelCounter {
  readonly level: string
  readonly counter: string
  readonly period: number
}

/** What is known of a request beside the adjustment. */
export interface AdjustmentPlace {
  /** The levels between key and gateway that the request was charged on. */
  readonly levels: readonly string[]
  /** What counters of budgets are to be charged. */
  readonly charges: readonly BudgetCharge[]
}

/** What came of it. */
export interface Adjusted {
  readonly adjustment: Adjustment
  /** What counters were charged now; nothing for one that was there already. */
  readonly charges: readonly BudgetCharge[]
  readonly isNew: boolean
}

/** Entries that operators make: appended, told apart by their ids, never changed. */
export class Adjustments {
  readonly #database: SqlDatabase
  readonly #entries: LaterEntries
  readonly #find: SqlStatement
  readonly #settled: SqlStatement
  readonly #held: SqlStatement
  readonly #spent: SqlStatement
  readonly #insert: SqlStatement
  readonly #counters: SqlStatement

  constructor(database: SqlDatabase) {
    this.#database = database
    this.#entries = new LaterEntries(database)
    this.#find = database.prepare('SELECT * FROM adjustments WHERE id = ?')
    this.#settled = database.prepare('SELECT * FROM ledger WHERE request_id = ? AND attempt = ? AND phase = 1')
    this.#held = database.prepare('SELECT 1 FROM held_amounts WHERE request_id = ?')
    this.#spent = database.prepare('SELECT spent FROM counter_sums WHERE counter = ? AND period = ?')
    this.#insert = database.prepare(
      `INSERT INTO adjustments (id, request_id, attempt, tokens, nanos, reason, actor, key_id, entered_at, sequence)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#counters = database.prepare('SELECT counter, period FROM counter_sums WHERE counter >= ? AND counter < ?')
  }

  /** All counters of budgets that these levels have, or had. */
  countersOf(levels: readonly string[]): LevelCounter[] {
    return levels.flatMap((level) =>
      // The texts that begin with the level and a colon: a semicolon comes next.
      this.#counters.all(`${level}:`, `${level};`).map((row) => ({
        level,
        counter: String(row['counter']),
        period: Number(row['period']),
      })),
    )
  }

  /**
   * Enters an adjustment with all that it changes; within a transaction. One whose id is there already changes nothing. Throws
   * StorageError `adjustment_exists` when its id is that of another one, `not_settled` when there is no such settled attempt, or what it
   * used is not known yet, and `too_much` when more would be given back than was charged.
   */
  enter(asked: NewAdjustment, { levels, charges }: AdjustmentPlace, nowMs: number): Adjusted {
    const lock = dialectOf(this.#database).lock('later_entries')
    if (lock !== '') this.#database.exec(lock)
    const row = this.#find.get(asked.id)
    if (row !== undefined) return this.#again(asked, adjustmentOfRow(row))
    const { id, request_id: requestId, attempt, tokens, nanos, reason, actor } = asked
    const settled = this.#settled.get(requestId, attempt)
    if (settled === undefined || this.#held.get(requestId) !== undefined) {
      throw new StorageError('not_settled', `Attempt ${attempt} of the request ${requestId} is not settled for good.`)
    }
    const net = this.#entries.netOf(settled)
    if (net.tokens + tokens < 0 || net.nanos + nanos < 0) {
      const message = `The attempt was charged ${net.tokens} tokens and ${net.nanos} nano-dollars: no more can be given back.`
      throw new StorageError('too_much', message)
    }
    // A counter that began after the request may know less of it.
    const taken = charges.map(([counter, period, amount]): BudgetCharge => {
      const spent = Number(this.#spent.get(counter, period)?.['spent'] ?? 0)
      return [counter, period, Math.max(-Math.max(0, spent), amount)]
    })
    const entry = { settled, phase: 'adjust', nowMs, tokens, nanos, charges: taken, levels } as const
    const sequence = this.#entries.add(entry)
    const keyId = typeof settled['key_id'] === 'string' ? settled['key_id'] : null
    this.#insert.run(id, requestId, attempt, tokens, nanos, reason, actor, keyId, nowMs, sequence)
    return { adjustment: { ...asked, key_id: keyId, entered_at: nowMs, sequence }, charges: taken, isNew: true }
  }

  #again(asked: NewAdjustment, known: Adjustment): Adjusted {
    const isSame = (['request_id', 'attempt', 'tokens', 'nanos', 'reason'] as const).every(
      (name) => asked[name] === known[name],
    )
    if (isSame) return { adjustment: known, charges: [], isNew: false }
    throw new StorageError('adjustment_exists', `There is another adjustment with the id "${asked.id}" already.`)
  }
}

/** Which adjustments are asked for: the newest first, those before a place, of one request or of all. */
export interface AdjustmentQuery {
  readonly requestId: string | null
  /** When the last one of the page before was entered, and its id. */
  readonly before: readonly [enteredAt: number, id: string] | null
  readonly limit: number
}

/** A page of adjustments, newest first. */
export function adjustmentPage(database: SqlDatabase, { requestId, before, limit }: AdjustmentQuery): Adjustment[] {
  const [atMs, id] = before ?? [Number.MAX_SAFE_INTEGER, '']
  return database
    .prepare(
      `SELECT * FROM adjustments WHERE (CAST(?1 AS TEXT) IS NULL OR request_id = ?1) AND (entered_at, id) < (?2, ?3)
       ORDER BY entered_at DESC, id DESC LIMIT ?4`,
    )
    .all(requestId, atMs, id, limit)
    .map(adjustmentOfRow)
}

function adjustmentOfRow(row: SqlRow): Adjustment {
  return {
    id: String(row['id']),
    request_id: String(row['request_id']),
    attempt: Number(row['attempt']),
    tokens: Number(row['tokens']),
    nanos: Number(row['nanos']),
    reason: String(row['reason']),
    actor: String(row['actor']),
    key_id: typeof row['key_id'] === 'string' ? row['key_id'] : null,
    entered_at: Number(row['entered_at']),
    sequence: Number(row['sequence']),
  }
}
