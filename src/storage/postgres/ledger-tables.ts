import { type Reserved, reservedOf } from '../journal/decode.ts'
import { attemptKey } from '../ledger/attempt-key.ts'
import { SettlementSums } from '../ledger/settlement-sums.ts'
import type { LedgerTablesPort, Settled } from '../ledger/sink.ts'
import type { RecordRow } from '../record-fields.ts'
import { SLICE_CHARACTERS } from '../sqlite/key-slices.ts'
import { type PostgresDatabase, storable } from './database.ts'
import { jsonb } from './jsonb.ts'
import type { Partitions } from './partitions.ts'

/** Places in the packed fields of a record: how many attempts it had, and the rule that priced it. */
const [ATTEMPTS_AT, RULE_AT] = [17, 32] as const

interface Attempt {
  readonly reserved: Reserved
  readonly settled: Settled
  readonly amounts: string
}

/** What else belongs to each transaction. */
export interface TablesHooks {
  /** Everything is written; the commit comes next. */
  written(): void
  /** The transaction was rolled back. */
  undone(): void
}

/**
 * Rows of requests and attempts, and their sums, for PostgreSQL: gathered in memory and written at the end of the transaction, a few
 * statements for thousands of rows, since each statement is a way to the server and back. What is really new is what the server says
 * that it has inserted; nothing else is counted.
 */
export class PostgresLedgerTables implements LedgerTablesPort {
  readonly #database: PostgresDatabase
  readonly #partitions: Partitions
  readonly #attempts = new Map<string, Attempt>()
  readonly #records = new Map<string, RecordRow>()
  readonly #sums = new SettlementSums()
  readonly #hooks: TablesHooks

  constructor(database: PostgresDatabase, partitions: Partitions, hooks: TablesHooks) {
    this.#hooks = hooks
    this.#database = database
    this.#partitions = partitions
  }

  conclude(reserved: Reserved, settled: Settled, record: RecordRow | null): boolean {
    if (record !== null) this.record(record)
    const key = attemptKey(reserved.requestId, reserved.attempt)
    if (this.#attempts.has(key)) return false
    // Whether it is new is known at the end. What is settled after a death is counted by its answer, and is rare.
    if (settled.usageSource === 'reserved' && this.#find(reserved) !== null) return false
    const rule = record === null ? '' : ruleOf(record)
    const amounts = `[${reserved.head},${settled.tokens},${settled.nanos},"${settled.usageSource}"${rule}]`
    this.#attempts.set(key, { reserved, settled, amounts })
    return true
  }

  record(record: RecordRow): void {
    if (!this.#records.has(record.id)) this.#records.set(record.id, record)
  }

  hasRecord(requestId: string): boolean {
    if (this.#records.has(requestId)) return true
    return this.#database.query('SELECT 1 FROM request_rows WHERE id = $1', [requestId]).rows.length > 0
  }

  findReserve(requestId: string, attempt: number): Reserved | null {
    const amounts = this.#attempts.get(attemptKey(requestId, attempt))?.amounts ?? this.#find({ requestId, attempt })
    return amounts === null ? null : reservedOf(requestId, amounts)
  }

  writeSums(): void {
    this.#partitions.makeFor(this.#requestIds())
    this.#writeAttempts()
    this.#writeRecords()
    this.#writeDays()
    this.#writeLevels()
    this.#writeCounters()
    this.#clear()
    this.#hooks.written()
  }

  forget(): void {
    this.#clear()
    this.#partitions.forget()
    this.#hooks.undone()
  }

  #clear(): void {
    this.#attempts.clear()
    this.#records.clear()
    this.#sums.clear()
  }

  *#requestIds(): Iterable<string> {
    for (const { reserved } of this.#attempts.values()) yield reserved.requestId
    yield* this.#records.keys()
  }

  #find({ requestId, attempt }: Pick<Reserved, 'requestId' | 'attempt'>): string | null {
    const sql = 'SELECT amounts FROM attempt_rows WHERE request_id = $1 AND attempt = $2'
    const amounts = this.#database.query(sql, [requestId, attempt]).rows[0]?.['amounts']
    return typeof amounts === 'string' ? amounts : null
  }

  #writeAttempts(): void {
    if (this.#attempts.size === 0) return
    const attempts = [...this.#attempts.values()]
    const { rows } = this.#database.query(
      `INSERT INTO attempt_rows SELECT * FROM unnest($1::text[], $2::int[], $3::jsonb[])
       ON CONFLICT DO NOTHING RETURNING request_id, attempt`,
      [
        attempts.map(({ reserved }) => storable(reserved.requestId)),
        attempts.map(({ reserved }) => reserved.attempt),
        attempts.map(({ amounts }) => jsonb(amounts)),
      ],
    )
    const charged: Attempt[] = []
    for (const { request_id, attempt } of rows) {
      const found = this.#attempts.get(attemptKey(String(request_id), Number(attempt)))
      if (found === undefined) continue
      this.#sums.add(found.reserved, found.settled)
      // What is charged in full may be given back later.
      if (found.settled.usageSource === 'reserved') charged.push(found)
    }
    if (charged.length === 0) return
    this.#database.query(
      `INSERT INTO reserved_charges SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[])
       ON CONFLICT DO NOTHING`,
      [
        charged.map(({ reserved }) => reserved.requestId),
        charged.map(({ reserved }) => reserved.attempt),
        charged.map(({ settled }) => settled.charges),
        charged.map(({ reserved }) => reserved.levels),
      ],
    )
  }

  #writeRecords(): void {
    if (this.#records.size === 0) return
    const records = [...this.#records.values()]
    this.#database.query(
      `INSERT INTO request_rows SELECT id, key_id, fields, NULL FROM unnest($1::text[], $2::text[], $3::jsonb[])
         AS rows (id, key_id, fields) ON CONFLICT DO NOTHING`,
      [
        records.map(({ id }) => storable(id)),
        records.map(({ keyId }) => (keyId === null ? null : storable(keyId))),
        records.map(({ fields }) => jsonb(fields)),
      ],
    )
    const slices = new Set<string>()
    for (const { id, keyId } of records) {
      if (keyId !== null) slices.add(`${id.slice(0, SLICE_CHARACTERS)}\n${storable(keyId)}`)
    }
    if (slices.size === 0) return
    // In one order for all instances: two that insert the same rows crosswise would wait for each other.
    const sorted = [...slices].sort().map((slice) => slice.split(/\n(.*)/s))
    this.#database.query('INSERT INTO key_slices SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING', [
      sorted.map(([, keyId = '']) => keyId),
      sorted.map(([slice = '']) => slice),
    ])
  }

  #writeDays(): void {
    const days = [...this.#sums.days()]
    if (days.length === 0) return
    this.#database.query(
      `INSERT INTO usage_daily (day, key_id, provider, model, requests, tokens, nanos)
         SELECT day, key_id, provider, model, sum(requests), sum(tokens), sum(nanos)
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
           AS sums (day, key_id, provider, model, requests, tokens, nanos)
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
       ON CONFLICT (day, key_id, provider, model) DO UPDATE SET requests = usage_daily.requests + excluded.requests,
         tokens = usage_daily.tokens + excluded.tokens, nanos = usage_daily.nanos + excluded.nanos`,
      [
        days.map(({ day }) => day),
        days.map(({ keyId }) => storable(keyId)),
        days.map(({ provider }) => storable(provider)),
        days.map(({ model }) => storable(model)),
        ...amountsOf(days),
      ],
    )
  }

  #writeLevels(): void {
    const levels = [...this.#sums.levels()]
    if (levels.length === 0) return
    this.#database.query(
      `INSERT INTO level_daily SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
         ORDER BY 1, 2
       ON CONFLICT (level, day) DO UPDATE SET requests = level_daily.requests + excluded.requests,
         tokens = level_daily.tokens + excluded.tokens, nanos = level_daily.nanos + excluded.nanos`,
      [levels.map(({ level }) => storable(level)), levels.map(({ day }) => day), ...amountsOf(levels)],
    )
  }

  #writeCounters(): void {
    const counters = [...this.#sums.counters()]
    if (counters.length === 0) return
    this.#database.query(
      `INSERT INTO counter_sums SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) ORDER BY 1, 2
       ON CONFLICT (counter, period) DO UPDATE SET spent = counter_sums.spent + excluded.spent`,
      [
        counters.map(({ counter }) => storable(counter)),
        counters.map(({ period }) => period),
        counters.map(({ spent }) => spent),
      ],
    )
  }
}

interface Amounts {
  readonly requests: number
  readonly tokens: number
  readonly nanos: number
}

function amountsOf(sums: readonly Amounts[]): number[][] {
  return [sums.map(({ requests }) => requests), sums.map(({ tokens }) => tokens), sums.map(({ nanos }) => nanos)]
}

/** The rule that priced a request with one attempt: its reservation was priced by the dearest that might apply. */
function ruleOf({ fields }: RecordRow): string {
  const list = JSON.parse(fields) as unknown[] // checked when it was read
  const rule = list[RULE_AT]
  return list[ATTEMPTS_AT] === 1 && typeof rule === 'string' ? `,${JSON.stringify(rule)}` : ''
}
