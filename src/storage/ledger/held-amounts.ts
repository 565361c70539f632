import type { BudgetCharge } from '../journal/format.ts'
import { LEDGER_PHASES } from '../records.ts'
import type { SqlDatabase, SqlRow, SqlStatement } from '../sql/sql-database.ts'
import { inTransaction } from '../sql/transaction.ts'
import { GATEWAY_LEVEL } from './settlement-sums.ts'
import { KEPT_MS } from './usage-claims.ts'

/** What was charged in advance and is not owed any more: budgets get it back in the period in which it was taken. */
export interface Released {
  readonly keyId: string
  /** Milliseconds since the epoch. */
  readonly reservedAt: number
  readonly tokens: number
  readonly nanos: number
  /** What of it counters of budgets were charged. */
  readonly charges: readonly BudgetCharge[]
}

/** Of a request that has told what it used itself. */
const NOTHING: Released = { keyId: '', reservedAt: 0, tokens: 0, nanos: 0, charges: [] }
const DAY_MS = 86_400_000

/**
 * The most that things may cost which go on after the request that began them (a batch): charged to that request in full, and taken
 * back when the end of the thing was charged, by an entry of its own in the ledger, so that a process may be killed at any point; what
 * a key is charged in between is too much and never too little.
 */
export class HeldAmounts {
  readonly #database: SqlDatabase
  readonly #expect: SqlStatement
  readonly #find: SqlStatement
  readonly #remove: SqlStatement
  readonly #forget: SqlStatement
  readonly #settled: SqlStatement
  readonly #later: SqlStatement
  readonly #recorded: SqlStatement
  readonly #enter: SqlStatement
  readonly #subtract: SqlStatement
  readonly #subtractLevel: SqlStatement
  readonly #subtractCounter: SqlStatement
  readonly #charges: SqlStatement

  constructor(database: SqlDatabase) {
    this.#database = database
    this.#expect = database.prepare('INSERT INTO held_amounts VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
    this.#find = database.prepare('SELECT 1 FROM held_amounts WHERE thing = ?')
    this.#remove = database.prepare('DELETE FROM held_amounts WHERE thing = ? RETURNING request_id, made_ms')
    this.#forget = database.prepare('DELETE FROM held_amounts WHERE made_ms < ?')
    this.#settled = database.prepare(
      `SELECT * FROM ledger WHERE request_id = ? AND phase = 1 AND usage_source = 'reserved' ORDER BY attempt`,
    )
    this.#later = database.prepare(
      `SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(nanos), 0) AS nanos,
         coalesce(max(CASE WHEN phase = ?3 THEN sequence END), 0) AS sequence
       FROM later_entries WHERE request_id = ?1 AND attempt = ?2`,
    )
    this.#recorded = database.prepare('SELECT 1 FROM request_rows WHERE id = ?')
    this.#enter = database.prepare(
      `INSERT INTO later_entries (request_id, attempt, phase, sequence, entered_at, reserved_at, key_id, provider, model, tokens, nanos,
         price_rule, charges, levels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#subtract = database.prepare(
      `UPDATE usage_daily SET tokens = tokens - ?1, nanos = nanos - ?2,
         adjusted_tokens = adjusted_tokens - ?1, adjusted_nanos = adjusted_nanos - ?2
       WHERE day = ?3 AND key_id = ?4 AND provider = ?5 AND model = ?6`,
    )
    this.#subtractLevel = database.prepare(
      'UPDATE level_daily SET tokens = tokens - ?, nanos = nanos - ? WHERE day = ? AND level = ?',
    )
    this.#subtractCounter = database.prepare(
      'UPDATE counter_sums SET spent = spent - ? WHERE counter = ? AND period = ?',
    )
    this.#charges = database.prepare(
      'SELECT charges, levels FROM reserved_charges WHERE request_id = ? AND attempt = ?',
    )
  }

  /** This request holds the amount for a thing that it began. */
  expect(thing: string, requestId: string, nowMs: number): void {
    this.#expect.run(thing, requestId, nowMs)
  }

  /** Whether something is held for a thing. */
  holds(thing: string): boolean {
    return this.#find.get(thing) !== undefined
  }

  /** What is held for a thing stays charged: nobody will ever tell what it used. */
  keep(thing: string): void {
    this.#remove.get(thing)
  }

  /** What is held for so long that its vendor does not know it any more stays charged. */
  forgetOld(nowMs: number): void {
    this.#forget.run(nowMs - KEPT_MS)
  }

  /**
   * What was held for a thing is taken back, once, by an entry of this phase; null when nothing is held, or the ledger does not have
   * it yet.
   */
  release(thing: string, phase: 'release' | 'adjust', nowMs: number): Released | null {
    return inTransaction(this.#database, () => {
      // Removed first: of two programs that see the end of a thing, the second one waits here, and finds nothing.
      const row = this.#remove.get(thing)
      if (row === undefined) return null
      const { request_id: requestId, made_ms: madeMs } = row
      const released = this.#giveBack(String(requestId), LEDGER_PHASES.indexOf(phase), nowMs)
      if (released === null) this.#expect.run(thing, String(requestId), Number(madeMs))
      return released
    })
  }

  #giveBack(requestId: string, phase: number, nowMs: number): Released | null {
    for (const settled of this.#settled.all(requestId)) {
      const later = this.#later.get(requestId, Number(settled['attempt']), phase)
      const tokens = Number(settled['tokens']) + Number(later?.['tokens'])
      const nanos = Number(settled['nanos']) + Number(later?.['nanos'])
      if (tokens === 0 && nanos === 0) continue
      const place = { phase, sequence: Number(later?.['sequence']) + 1, nowMs }
      return this.#take(settled, { tokens, nanos }, place)
    }
    return this.#recorded.get(requestId) === undefined ? null : NOTHING
  }

  #take(settled: SqlRow, { tokens, nanos }: Amounts, { phase, sequence, nowMs }: Place): Released {
    const [requestId, attempt, reservedAt] = [settled['request_id'], settled['attempt'], Number(settled['reserved_at'])]
    const [keyId, provider, model] = [textOf(settled['key_id']), textOf(settled['provider']), textOf(settled['model'])]
    const kept = this.#charges.get(String(requestId), Number(attempt))
    const charges = kept === undefined ? [] : (JSON.parse(String(kept['charges'])) as BudgetCharge[]) // made by LedgerTables
    const levels = kept === undefined ? [] : (JSON.parse(String(kept['levels'])) as string[]) // as above
    const negative = charges.map(([counter, period, amount]) => [counter, period, -amount])
    this.#enter.run(
      String(requestId),
      Number(attempt),
      phase,
      sequence,
      nowMs,
      reservedAt,
      settled['key_id'] ?? null,
      provider,
      model,
      -tokens,
      -nanos,
      settled['price_rule'] ?? null,
      JSON.stringify(negative),
      JSON.stringify(levels),
    )
    const day = Math.floor(reservedAt / DAY_MS)
    this.#subtract.run(tokens, nanos, day, keyId, provider, model)
    // In the order in which ingest writes them: two that lock the same rows crosswise would wait for each other.
    const own = keyId === '' ? [] : [`key:${keyId}`]
    for (const level of [GATEWAY_LEVEL, ...own, ...levels].sort()) this.#subtractLevel.run(tokens, nanos, day, level)
    for (const [counter, period, amount] of charges.toSorted()) this.#subtractCounter.run(amount, counter, period)
    return { keyId, reservedAt, tokens, nanos, charges }
  }
}

type Amounts = Pick<Released, 'tokens' | 'nanos'>

/** Where an entry stands, and when it was made. */
interface Place {
  readonly phase: number
  readonly sequence: number
  readonly nowMs: number
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
