import type { Reserved } from '../journal/decode.ts'
import type { RecordRow } from '../record-fields.ts'
import type { UsageSource } from '../records.ts'

/** The amounts of a settlement. */
export interface Settled {
  readonly tokens: number
  readonly nanos: number
  readonly usageSource: UsageSource
  /** JSON of what each budget is charged. */
  readonly charges: string
}

/** Where the journal's facts go. Every call is idempotent: a fact that is there already changes nothing. */
export interface LedgerSink {
  /** A reservation with its settlement, and the request's record if it came with it; true when the settlement is new. */
  conclude(reserved: Reserved, settled: Settled, record: RecordRow | null): boolean
  record(record: RecordRow): void
  hasRecord(requestId: string): boolean
  /** The reservation of a concluded attempt, from its row (without charges); null when there is none. */
  findReserve(requestId: string, attempt: number): Reserved | null
}

/** Where they go in a database: within a transaction that ends with `writeSums` and a commit, or with `forget` and a rollback. */
export interface LedgerTablesPort extends LedgerSink {
  /** Writes what was gathered and adds the sums of the new settlements; the last statement before the commit. */
  writeSums(): void
  /** Drops what was not written: the transaction is at its end, or rolled back. */
  forget(): void
}

/** Takes everything and keeps nothing: for reading again what is in the database already. */
export const NO_SINK: LedgerSink = {
  conclude: () => false,
  record() {
    return undefined
  },
  hasRecord: () => false,
  findReserve: () => null,
}
