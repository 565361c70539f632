import type { BudgetCharge } from '../journal/format.ts'
import type { SqlDatabase, SqlStatement } from '../sql/sql-database.ts'
import { inTransaction } from '../sql/transaction.ts'
import { GATEWAY_LEVEL } from './settlement-sums.ts'

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

type Amounts = Omit<Released, 'charges'>

/** Places in the list of amounts of an attempt, see the schema. */
const AT = { attempt: 0, reservedAt: 1, keyId: 2, provider: 3, model: 4, tokens: 8, nanos: 9, source: 10 } as const
const DAY_MS = 86_400_000

/**
 * The most that things may cost which go on after the request that began them (a batch): charged to that request in full, and taken
 * back when the end of the thing was charged. All of it is in the ledger, so that a process may be killed at any point; what a
 * key is charged in between is too much and never too little.
 */
export class HeldAmounts {
  readonly #database: SqlDatabase
  readonly #expect: SqlStatement
  readonly #find: SqlStatement
  readonly #remove: SqlStatement
  readonly #whole: SqlStatement
  readonly #several: SqlStatement
  readonly #recorded: SqlStatement
  readonly #setWhole: SqlStatement
  readonly #setSeveral: SqlStatement
  readonly #subtract: SqlStatement
  readonly #subtractLevel: SqlStatement
  readonly #subtractCounter: SqlStatement
  readonly #charges: SqlStatement

  constructor(database: SqlDatabase) {
    this.#database = database
    this.#expect = database.prepare('INSERT INTO held_amounts VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
    this.#find = database.prepare('SELECT 1 FROM held_amounts WHERE thing = ?')
    this.#remove = database.prepare('DELETE FROM held_amounts WHERE thing = ? RETURNING request_id, made_ms')
    this.#whole = database.prepare('SELECT attempt AS amounts FROM request_rows WHERE id = ? AND attempt IS NOT NULL')
    this.#several = database.prepare('SELECT attempt, amounts FROM attempt_rows WHERE request_id = ?')
    this.#recorded = database.prepare('SELECT 1 FROM request_rows WHERE id = ?')
    this.#setWhole = database.prepare('UPDATE request_rows SET attempt = ? WHERE id = ?')
    this.#setSeveral = database.prepare('UPDATE attempt_rows SET amounts = ? WHERE request_id = ? AND attempt = ?')
    this.#subtract = database.prepare(
      `UPDATE usage_daily SET tokens = tokens - ?, nanos = nanos - ?
       WHERE day = ? AND key_id = ? AND provider = ? AND model = ?`,
    )
    this.#subtractLevel = database.prepare(
      'UPDATE level_daily SET tokens = tokens - ?, nanos = nanos - ? WHERE day = ? AND level = ?',
    )
    this.#subtractCounter = database.prepare(
      'UPDATE counter_sums SET spent = spent - ? WHERE counter = ? AND period = ?',
    )
    this.#charges = database.prepare(
      'DELETE FROM reserved_charges WHERE request_id = ? AND attempt = ? RETURNING charges, levels',
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

  /** What was held for a thing is taken back, once; null when nothing is held, or the ledger does not have it yet. */
  release(thing: string): Released | null {
    return inTransaction(this.#database, () => {
      // Removed first: of two programs that see the end of a thing, the second one waits here, and finds nothing.
      const row = this.#remove.get(thing)
      if (row === undefined) return null
      const { request_id: requestId, made_ms: madeMs } = row
      const released = this.#take(String(requestId))
      if (released === null) this.#expect.run(thing, String(requestId), Number(madeMs))
      return released
    })
  }

  #take(requestId: string): Released | null {
    const whole = this.#whole.get(requestId)?.['amounts']
    if (typeof whole === 'string') {
      const [changed, released] = without(whole)
      this.#setWhole.run(changed, requestId)
      return this.#uncount(released, whole, requestId)
    }
    for (const { attempt, amounts } of this.#several.all(requestId)) {
      if (typeof amounts !== 'string' || typeof attempt !== 'number') continue
      const [changed, released] = without(amounts)
      if (released.tokens === 0 && released.nanos === 0) continue
      this.#setSeveral.run(changed, requestId, attempt)
      return this.#uncount(released, amounts, requestId)
    }
    return this.#recorded.get(requestId) === undefined ? null : NOTHING
  }

  #uncount(released: Amounts, amounts: string, requestId: string): Released {
    const { keyId, reservedAt, tokens, nanos } = released
    const list = JSON.parse(amounts) as unknown[] // made by LedgerTables
    const day = Math.floor(reservedAt / DAY_MS)
    this.#subtract.run(tokens, nanos, day, keyId, textAt(list, AT.provider), textAt(list, AT.model))
    if (tokens === 0 && nanos === 0) return { ...released, charges: [] }
    const { charges, levels } = this.#charges.get(requestId, Number(list[AT.attempt])) ?? {}
    const charged = typeof charges === 'string' ? (JSON.parse(charges) as BudgetCharge[]) : [] // made by LedgerTables
    const names = typeof levels === 'string' ? (JSON.parse(levels) as string[]) : [] // as above
    // In the order in which ingest writes them: two that lock the same rows crosswise would wait for each other.
    const inOrder = [GATEWAY_LEVEL, `key:${keyId}`, ...names].sort()
    for (const level of inOrder) this.#subtractLevel.run(tokens, nanos, day, level)
    for (const [counter, period, amount] of charged.toSorted()) this.#subtractCounter.run(amount, counter, period)
    return { ...released, charges: charged }
  }
}

/** Amounts of which nothing is charged any more, and what was; only what is held is given back. */
function without(amounts: string): readonly [text: string, released: Amounts] {
  const list = JSON.parse(amounts) as unknown[] // made by LedgerTables
  const isHeld = list[AT.source] === 'reserved'
  const released = {
    keyId: textAt(list, AT.keyId),
    reservedAt: Number(list[AT.reservedAt]),
    tokens: isHeld ? Number(list[AT.tokens]) : 0,
    nanos: isHeld ? Number(list[AT.nanos]) : 0,
  }
  if (isHeld) list.splice(AT.tokens, 3, 0, 0, 'none')
  return [JSON.stringify(list), released]
}

function textAt(list: readonly unknown[], place: number): string {
  const value = list[place]
  return typeof value === 'string' ? value : ''
}
