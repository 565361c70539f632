import type { ReserveEntry } from '../journal/format.ts'
import type { RecordRow } from '../record-fields.ts'
import type { UsageSource } from '../records.ts'

/** The amounts of a settlement. */
export interface Settled {
  readonly tokens: number
  readonly nanos: number
  readonly usageSource: UsageSource
}

/** Where the journal's facts go. Every call is idempotent: a fact that is there already changes nothing. */
export interface LedgerSink {
  reserve(entry: ReserveEntry): void
  /** A settlement whose reservation is there; true when the settlement is new. */
  settle(entry: ReserveEntry, settled: Settled): boolean
  /** A reservation and its settlement at once; true when the settlement is new. */
  reserveAndSettle(entry: ReserveEntry, settled: Settled): boolean
  record(record: RecordRow): void
  hasRecord(requestId: string): boolean
  /** The reservation of an attempt, from its row (without charges); null when there is none. */
  findReserve(requestId: string, attempt: number): ReserveEntry | null
}

/** Takes everything and keeps nothing: for reading again what is in the database already. */
export const NO_SINK: LedgerSink = {
  reserve() {
    return undefined
  },
  settle: () => false,
  reserveAndSettle: () => false,
  record() {
    return undefined
  },
  hasRecord: () => false,
  findReserve: () => null,
}
