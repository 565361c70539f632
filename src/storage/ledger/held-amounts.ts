import type { BudgetCharge } from '../journal/format.ts'
import type { SqlDatabase, SqlRow, SqlStatement } from '../sql/sql-database.ts'
import { inTransaction } from '../sql/transaction.ts'
import { LaterEntries, type LaterEntry } from './later-entries.ts'
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
  readonly #recorded: SqlStatement
  readonly #charges: SqlStatement
  readonly #entries: LaterEntries

  constructor(database: SqlDatabase) {
    this.#database = database
    this.#expect = database.prepare('INSERT INTO held_amounts VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
    this.#find = database.prepare('SELECT 1 FROM held_amounts WHERE thing = ?')
    this.#remove = database.prepare('DELETE FROM held_amounts WHERE thing = ? RETURNING request_id, made_ms')
    this.#forget = database.prepare('DELETE FROM held_amounts WHERE made_ms < ?')
    this.#settled = database.prepare(
      `SELECT * FROM ledger WHERE request_id = ? AND phase = 1 AND usage_source = 'reserved' ORDER BY attempt`,
    )
    this.#recorded = database.prepare('SELECT 1 FROM request_rows WHERE id = ?')
    this.#entries = new LaterEntries(database)
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
      const released = this.#giveBack(String(requestId), phase, nowMs)
      if (released === null) this.#expect.run(thing, String(requestId), Number(madeMs))
      return released
    })
  }

  #giveBack(requestId: string, phase: LaterEntry['phase'], nowMs: number): Released | null {
    for (const settled of this.#settled.all(requestId)) {
      const net = this.#entries.netOf(settled)
      if (net.tokens === 0 && net.nanos === 0) continue
      return this.#take(settled, net, phase, nowMs)
    }
    return this.#recorded.get(requestId) === undefined ? null : NOTHING
  }

  #take(settled: SqlRow, { tokens, nanos }: Amounts, phase: LaterEntry['phase'], nowMs: number): Released {
    const kept = this.#charges.get(String(settled['request_id']), Number(settled['attempt']))
    const charges = kept === undefined ? [] : (JSON.parse(String(kept['charges'])) as BudgetCharge[]) // made by LedgerTables
    const levels = kept === undefined ? [] : (JSON.parse(String(kept['levels'])) as string[]) // as above
    const negative = charges.map(([counter, period, amount]): BudgetCharge => [counter, period, -amount])
    this.#entries.add({ settled, phase, nowMs, tokens: -tokens, nanos: -nanos, charges: negative, levels })
    const keyId = typeof settled['key_id'] === 'string' ? settled['key_id'] : ''
    return { keyId, reservedAt: Number(settled['reserved_at']), tokens, nanos, charges }
  }
}

type Amounts = Pick<Released, 'tokens' | 'nanos'>
