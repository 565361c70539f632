import { dialectOf } from '../sql/dialect.ts'
import type { SqlDatabase, SqlStatement } from '../sql/sql-database.ts'
import { inTransaction } from '../sql/transaction.ts'
import type { SharedStore } from '../store.ts'
import type { AwaitedThing, DueThing, LookTimes } from './awaited-usage.ts'

/** `yours`: the request may tell the usage; `told`: another one has; `held`: another one is about to, ask again soon. */
export type UsageClaim = 'yours' | 'told' | 'held'

/**
 * Usage that a vendor tells with every look at a thing (a batch, an answer that was made in the background) is charged to
 * one request alone, over all workers and restarts.
 */
export interface UsageClaimsPort {
  /** Asked before a request looks. Rejects when the database does not answer: nobody may look then. */
  claim(thing: string, requestId: string): Promise<UsageClaim>
  /** The request has ended, and has told what the thing used. */
  told(thing: string, requestId: string): void
  /** This request began the thing, and is charged the most that it may use until its end was told. */
  hold(thing: string, requestId: string): void
  /** The thing has ended and used nothing: what is held for it is given back. */
  free(thing: string): void
  /** Somebody has to look at the thing until its end is told. */
  await(thing: AwaitedThing, times: LookTimes): void
  /** Of what nobody has looked at for long enough: some, which nobody else is given meanwhile. Rejects as `claim` does. */
  due(most: number, times: LookTimes): Promise<readonly DueThing[]>
  /** Nobody will ever tell what the thing used: what is held for it stays charged. */
  giveUp(thing: string): void
}

/** What became of a request that held a claim. */
type HolderState = 'running' | 'counted' | 'over' | 'unknown'

/** When a claim is asked for, and what the journals say of others. They were read to their end. */
export interface ClaimTime {
  readonly nowMs: number
  /** Whoever claimed before this and is in no journal has died. */
  readonly diedMs: number
  readonly isOpen: (requestId: string) => boolean
}

interface Row {
  readonly request_id: string
  readonly told: number
  readonly claimed_ms: number
  /** Null where nobody else uses the database. */
  readonly instance: string | null
}

/** Between its claim and its reservation a request is in no journal. */
const GRACE_MS = 15_000
/** A request of another instance is in a journal that we cannot read: it is over at the latest after so long. */
const OTHERS_GRACE_MS = 600_000
/** Vendors forget batches and answers after a month. */
export const KEPT_MS = 100 * 86_400_000
const FORGET_EVERY_MS = 3_600_000

/**
 * A statement for when rows of requests go (`condition` on `request_id` says which): claims whose holders have told by what the ledger
 * says remember it, or the next one who looks would tell it again.
 */
export function tellWhatGoes(condition: string): string {
  const settled = 'SELECT 1 FROM ledger WHERE ledger.request_id = usage_claims.request_id AND phase = 1'
  return `UPDATE usage_claims SET told = 1 WHERE told = 0 AND ${condition}
    AND EXISTS (${settled} AND (tokens > 0 OR nanos > 0)) AND NOT EXISTS (${settled} AND usage_source = 'reserved')`
}

/**
 * Who may tell the usage of a thing. A claim alone charges nothing: whether its holder did is what the ledger says, so that a
 * process may be killed at any point between the two.
 */
export class UsageClaims {
  readonly #database: SqlDatabase
  readonly #shared: SharedStore | null
  readonly #find: SqlStatement
  readonly #put: SqlStatement
  readonly #tell: SqlStatement
  readonly #amounts: SqlStatement
  readonly #forget: SqlStatement
  #forgotAt = Number.NEGATIVE_INFINITY

  constructor(database: SqlDatabase, shared: SharedStore | null = null) {
    this.#database = database
    this.#shared = shared
    const [column, value, update] =
      shared === null ? ['NULL AS instance', '', ''] : ['instance', ', ?4', ', instance = excluded.instance']
    this.#find = database.prepare(`SELECT request_id, told, claimed_ms, ${column} FROM usage_claims WHERE thing = ?`)
    this.#put = database.prepare(
      `INSERT INTO usage_claims VALUES (?1, ?2, 0, ?3${value})
       ON CONFLICT (thing) DO UPDATE SET request_id = excluded.request_id, told = 0, claimed_ms = excluded.claimed_ms${update}`,
    )
    this.#tell = database.prepare('UPDATE usage_claims SET told = 1 WHERE thing = ? AND request_id = ?')
    this.#amounts = database.prepare(
      `SELECT attempt AS amounts FROM request_rows WHERE id = ?1
       UNION ALL SELECT amounts FROM attempt_rows WHERE request_id = ?1`,
    )
    this.#forget = database.prepare('DELETE FROM usage_claims WHERE claimed_ms < ?')
  }

  claim(thing: string, requestId: string, time: ClaimTime): UsageClaim {
    return inTransaction(this.#database, () => {
      this.#database.exec(dialectOf(this.#database).lock('usage_claims'))
      return this.#claim(thing, requestId, time)
    })
  }

  #claim(thing: string, requestId: string, { nowMs, diedMs, isOpen }: ClaimTime): UsageClaim {
    const row = this.#row(thing)
    const state = row === null ? 'over' : row.told === 1 ? 'counted' : this.#stateOf(row.request_id, isOpen)
    if (row !== null && state === 'counted') {
      if (row.told === 0) this.#tell.run(thing, row.request_id)
      return 'told'
    }
    if (state === 'running') return 'held'
    if (row !== null && state === 'unknown' && this.#mayCome(row, nowMs, diedMs)) return 'held'
    this.#put.run(thing, requestId, nowMs, ...(this.#shared === null ? [] : [this.#shared.instance]))
    this.#forgetOld(nowMs)
    return 'yours'
  }

  /** Remembers for good what the ledger may forget. */
  told(thing: string, requestId: string, isOpen: (id: string) => boolean): void {
    if (this.#stateOf(requestId, isOpen) === 'counted') this.#tell.run(thing, requestId)
  }

  /** Whether somebody has told it. */
  isTold(thing: string): boolean {
    return this.#row(thing)?.told === 1
  }

  /** Whether the holder of a claim, of whom the ledger knows nothing, may still tell. */
  #mayCome({ claimed_ms, instance }: Row, nowMs: number, diedMs: number): boolean {
    if (this.#shared === null || instance === null || instance === this.#shared.instance) {
      return claimed_ms > Math.max(diedMs, nowMs - GRACE_MS)
    }
    return claimed_ms > nowMs - OTHERS_GRACE_MS && this.#shared.isAlive(instance, claimed_ms)
  }

  #stateOf(requestId: string, isOpen: (id: string) => boolean): HolderState {
    if (isOpen(requestId)) return 'running'
    const rows = this.#amounts.all(requestId)
    if (rows.length === 0) return 'unknown'
    const lists = rows.flatMap(({ amounts }) => {
      return typeof amounts === 'string' ? [JSON.parse(amounts) as unknown[]] : [] // made by LedgerTables
    })
    // What is charged in advance tells nothing of the usage, whatever attempts before it have used.
    if (lists.some((list) => list[10] === 'reserved')) return 'over'
    return lists.some((list) => Number(list[8]) > 0 || Number(list[9]) > 0) ? 'counted' : 'over'
  }

  #row(thing: string): Row | null {
    const row = this.#find.get(thing)
    return row === undefined ? null : (row as unknown as Row) // the columns that the query names
  }

  #forgetOld(nowMs: number): void {
    if (nowMs - this.#forgotAt < FORGET_EVERY_MS) return
    this.#forgotAt = nowMs
    this.#forget.run(nowMs - KEPT_MS)
  }
}
