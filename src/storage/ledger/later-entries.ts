import type { BudgetCharge } from '../journal/format.ts'
import { LEDGER_PHASES } from '../records.ts'
import type { SqlDatabase, SqlRow, SqlStatement } from '../sql/sql-database.ts'
import { GATEWAY_LEVEL } from './settlement-sums.ts'

const DAY_MS = 86_400_000

/** An entry that is made after an attempt's settlement; negative amounts are given back. */
export interface LaterEntry {
  /** The row of `ledger` that settled the attempt. */
  readonly settled: SqlRow
  readonly phase: 'release' | 'adjust'
  readonly nowMs: number
  readonly tokens: number
  readonly nanos: number
  /** What of it counters of budgets are charged. */
  readonly charges: readonly BudgetCharge[]
  /** The levels between key and gateway that it is charged on. */
  readonly levels: readonly string[]
}

/** Adds entries to the ledger after settlements, and to every sum that those are part of; within a transaction. */
export class LaterEntries {
  readonly #sums: SqlStatement
  readonly #enter: SqlStatement
  readonly #addDay: SqlStatement
  readonly #addLevel: SqlStatement
  readonly #addCounter: SqlStatement

  constructor(database: SqlDatabase) {
    this.#sums = database.prepare(
      `SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(nanos), 0) AS nanos,
         coalesce(max(CASE WHEN phase = ?3 THEN sequence END), 0) AS sequence
       FROM later_entries WHERE request_id = ?1 AND attempt = ?2`,
    )
    this.#enter = database.prepare(
      `INSERT INTO later_entries (request_id, attempt, phase, sequence, entered_at, reserved_at, key_id, provider, model, tokens, nanos,
         price_rule, charges, levels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#addDay = database.prepare(
      `UPDATE usage_daily SET tokens = tokens + ?1, nanos = nanos + ?2,
         adjusted_tokens = adjusted_tokens + ?1, adjusted_nanos = adjusted_nanos + ?2
       WHERE day = ?3 AND key_id = ?4 AND provider = ?5 AND model = ?6`,
    )
    this.#addLevel = database.prepare(
      'UPDATE level_daily SET tokens = tokens + ?, nanos = nanos + ? WHERE day = ? AND level = ?',
    )
    this.#addCounter = database.prepare('UPDATE counter_sums SET spent = spent + ? WHERE counter = ? AND period = ?')
  }

  /** What an attempt was settled at, with all entries after that. */
  netOf(settled: SqlRow): { readonly tokens: number; readonly nanos: number } {
    const later = this.#sums.get(String(settled['request_id']), Number(settled['attempt']), 0)
    return {
      tokens: Number(settled['tokens']) + Number(later?.['tokens']),
      nanos: Number(settled['nanos']) + Number(later?.['nanos']),
    }
  }

  /** Answers the number of the entry among those of its attempt and phase. */
  add({ settled, phase: name, nowMs, tokens, nanos, charges, levels }: LaterEntry): number {
    const [requestId, attempt] = [String(settled['request_id']), Number(settled['attempt'])]
    const [keyId, provider, model] = [textOf(settled['key_id']), textOf(settled['provider']), textOf(settled['model'])]
    const phase = LEDGER_PHASES.indexOf(name)
    const sequence = Number(this.#sums.get(requestId, attempt, phase)?.['sequence']) + 1
    const reservedAt = Number(settled['reserved_at'])
    this.#enter.run(
      ...[requestId, attempt, phase, sequence, nowMs, reservedAt, settled['key_id'] ?? null, provider, model],
      ...[tokens, nanos, settled['price_rule'] ?? null, JSON.stringify(charges), JSON.stringify(levels)],
    )
    const day = Math.floor(reservedAt / DAY_MS)
    this.#addDay.run(tokens, nanos, day, keyId, provider, model)
    // In the order in which ingest writes them: two that lock the same rows crosswise would wait for each other.
    const own = keyId === '' ? [] : [`key:${keyId}`]
    for (const level of [GATEWAY_LEVEL, ...own, ...levels].sort()) this.#addLevel.run(tokens, nanos, day, level)
    for (const [counter, period, amount] of charges.toSorted()) this.#addCounter.run(amount, counter, period)
    return sequence
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
