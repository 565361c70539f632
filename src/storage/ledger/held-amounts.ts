import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { BudgetCharge } from '../journal/format.ts'
import { GATEWAY_LEVEL } from '../sqlite/ledger-tables.ts'

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
  readonly #database: DatabaseSync
  readonly #expect: StatementSync
  readonly #find: StatementSync
  readonly #remove: StatementSync
  readonly #whole: StatementSync
  readonly #several: StatementSync
  readonly #recorded: StatementSync
  readonly #setWhole: StatementSync
  readonly #setSeveral: StatementSync
  readonly #subtract: StatementSync
  readonly #subtractLevel: StatementSync
  readonly #subtractCounter: StatementSync
  readonly #charges: StatementSync

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#expect = database.prepare('INSERT OR IGNORE INTO held_amounts VALUES (?, ?, ?)')
    this.#find = database.prepare('SELECT request_id FROM held_amounts WHERE thing = ?')
    this.#remove = database.prepare('DELETE FROM held_amounts WHERE thing = ?')
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
    const requestId = this.#find.get(thing)?.['request_id']
    if (typeof requestId !== 'string') return null
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const released = this.#take(requestId)
      if (released !== null) this.#remove.run(thing)
      this.#database.exec('COMMIT')
      return released
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
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
    for (const [counter, period, amount] of charged) this.#subtractCounter.run(amount, counter, period)
    for (const level of [GATEWAY_LEVEL, `key:${keyId}`, ...names]) this.#subtractLevel.run(tokens, nanos, day, level)
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
