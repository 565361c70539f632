/**
 * Records, ledger and journal: what the gateway writes down, and how it survives a crash. It decides nothing: who may
 * spend is governance's business, and what a record says is observability's.
 *
 * Data workers append to the journal (`JournalAppender`); the writer thread brings it into the database
 * (`openLedgerWriter`), and the reader thread queries it (`openLedgerReader`). Only those two load SQLite, which is
 * synchronous: importing this module does not. Start reading at `records.ts`, then `journal/format.ts`, then
 * `ledger/fold.ts`.
 */

export type { ContentPort, KeepingLimits, KeptContent } from './content/content-port.ts'
export type { ContentStore } from './content/content-store.ts'
export type { DeadWorker } from './dead-worker.ts'
export { StorageError, type StorageErrorCode } from './errors.ts'
export { IngestLoop, type IngestLoopOptions } from './ingest-loop.ts'
export { JournalAppender, type JournalOptions } from './journal/appender.ts'
export { journalBytes, journalDirectory } from './journal/directory.ts'
export type { ReserveWaiter, SettleWaiter } from './journal/entry-queue.ts'
export type {
  BudgetCharge,
  JournalEntry,
  PackedRecord,
  RecordEntry,
  ReserveEntry,
  SettleEntry,
} from './journal/format.ts'
export {
  createKeySecret,
  hashKey,
  hashKeyWithBlake,
  hashKeyWithPepper,
  keyPrefix,
  readAdminToken,
  readPepper,
} from './key-secrets.ts'
export type { AwaitedThing, DueThing, LookTimes } from './ledger/awaited-usage.ts'
export type { ObservedSettlement } from './ledger/fold.ts'
export type { Released } from './ledger/held-amounts.ts'
export type { UsageClaim, UsageClaimsPort } from './ledger/usage-claims.ts'
export type { LedgerDifference, LedgerReport } from './ledger/verify.ts'
export { makeDirectory } from './make-directory.ts'
export { PendingRevocations } from './pending-revocations.ts'
export { type RateState, readRateState, writeRateState } from './rate-state.ts'
export type { DailyUsage, LedgerReader, RequestQuery } from './reader-queries.ts'
export { packRecord } from './record-fields.ts'
export {
  type BudgetPeriod,
  type ErrorSource,
  LEDGER_PHASES,
  type LedgerPhase,
  type LedgerRow,
  type Outcome,
  type RequestRecord,
  type RuleKind,
  type StoredBudget,
  type StoredKey,
  type StoredLimits,
  type StoredRule,
  type UsageSource,
  type UsageUnit,
} from './records.ts'
export { type RouteRateState, readRouteRateState, writeRouteRateState } from './route-rate-state.ts'
export type { CounterBooks, CounterPeriod } from './sqlite/counter-sums.ts'
export type { KeyTable, NewSecret } from './sqlite/key-table.ts'
export { USAGE_DIMENSIONS, type UsageDimension } from './sqlite/settled-rows.ts'
export type { AdmissionQuery } from './sqlite/spending.ts'
export { USAGE_PERIODS, type UsageByQuery, type UsagePeriod, type UsageRow } from './usage-query.ts'
export type { LedgerWriter } from './writer.ts'
export type {
  IngestResult,
  LedgerWriterOptions,
  Recovery,
  WorkerStart,
  WorkersAtTakeOver,
} from './writer-calls.ts'

import type { ContentStore } from './content/content-store.ts'
import type { LedgerReader } from './reader-queries.ts'
import type { LedgerWriter } from './writer.ts'
import type { LedgerWriterOptions } from './writer-calls.ts'

/** Loads SQLite and opens the database as its one writer, see LedgerWriter.open. */
export async function openLedgerWriter(options: LedgerWriterOptions): Promise<LedgerWriter> {
  const { LedgerWriter: Writer } = await import('./writer.ts')
  return Writer.open(options)
}

/** Loads SQLite and opens the database for queries. */
export async function openLedgerReader(options: LedgerWriterOptions): Promise<LedgerReader> {
  const { LedgerReader: Reader } = await import('./reader-queries.ts')
  return new Reader(options)
}

/** Loads SQLite and opens the store of content. */
export async function openContentStore(
  dataDir: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ContentStore> {
  const { ContentStore: Store } = await import('./content/content-store.ts')
  return Store.open(dataDir, environment)
}
