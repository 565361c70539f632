/**
 * Records, ledger and journal: what the gateway writes down, and how it survives a crash. It decides nothing: who may
 * spend is governance's business, and what a record says is observability's.
 *
 * Data workers append to the journal (`JournalAppender`); the writer thread brings it into the database
 * (`openLedgerWriter`), and the reader thread queries it (`openLedgerReader`). Only those two load SQLite or
 * the connection to PostgreSQL, which are synchronous: importing this module does not. Start reading at `records.ts`, then `journal/format.ts`, then
 * `ledger/fold.ts`.
 */

export type { Administration } from './administration.ts'
export type { AuditEntry, AuditFacts, AuditQuery, AuditRow } from './audit-entry.ts'
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
  PackedRecord,
  RecordEntry,
  ReserveEntry,
  SettleEntry,
} from './journal/format.ts'
export {
  createKeySecret,
  hashKey,
  hashKeyWithPepper,
  keyPrefix,
  readAdminToken,
  readPepper,
  readReplicaId,
} from './key-secrets.ts'
export type {
  Adjusted,
  Adjustment,
  AdjustmentPlace,
  AdjustmentQuery,
  LevelCounter,
  NewAdjustment,
} from './ledger/adjustments.ts'
export type { AwaitedThing, DueThing, LookTimes } from './ledger/awaited-usage.ts'
export type { ObservedSettlement } from './ledger/fold.ts'
export type { Released } from './ledger/held-amounts.ts'
export type { UsageClaim, UsageClaimsPort } from './ledger/usage-claims.ts'
export type { LedgerDifference, LedgerReport } from './ledger/verify.ts'
export { makeDirectory } from './make-directory.ts'
export { type PendingRevocation, PendingRevocations } from './pending-revocations.ts'
export { instanceName } from './postgres/instance-name.ts'
export { isPostgresUrl } from './postgres/url.ts'
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
export type { RedisAddress, ServerFacts } from './redis/connection.ts'
export type {
  Beat,
  Change,
  CounterAccount,
  CounterKind,
  CounterStore,
  CounterStoreOptions,
  Publication,
  StoreCounter,
  Taken,
  Taking,
} from './redis/counter-store.ts'
export { type RouteRateState, readRouteRateState, writeRouteRateState } from './route-rate-state.ts'
export type { CounterBooks, CounterPeriod } from './sqlite/counter-sums.ts'
export type { ChangeableKey, KeyStep, KeyTable, NewSecret } from './sqlite/key-table.ts'
export type { PeerBook, SeenHolders } from './sqlite/peer-book.ts'
export { USAGE_DIMENSIONS, type UsageDimension } from './sqlite/settled-rows.ts'
export type { AdmissionQuery } from './sqlite/spending.ts'
export type { CounterShare } from './store.ts'
export { STORED_LEVEL_KINDS, type StoredLevel, type StoredLevelKind } from './stored-level.ts'
export { storedLimits } from './stored-limits.ts'
export { isOfDays, USAGE_PERIODS, type UsageByQuery, type UsagePeriod, type UsageRow } from './usage-query.ts'
export type { LedgerWriter } from './writer.ts'
export type {
  ChangedElsewhere,
  IngestResult,
  LedgerWriterOptions,
  Recovery,
  WorkerStart,
  WorkersAtTakeOver,
} from './writer-calls.ts'

import type { ContentStore } from './content/content-store.ts'
import { isPostgresUrl } from './postgres/url.ts'
import type { LedgerReader } from './reader-queries.ts'
import type { CounterStore, CounterStoreOptions } from './redis/counter-store.ts'
import type { PeerBook } from './sqlite/peer-book.ts'
import type { LedgerWriter } from './writer.ts'
import type { LedgerWriterOptions } from './writer-calls.ts'

/** Loads the database's driver and opens it as its writer, see LedgerWriter.open. */
export async function openLedgerWriter(options: LedgerWriterOptions): Promise<LedgerWriter> {
  const { LedgerWriter: Writer } = await import('./writer.ts')
  if (!isPostgresUrl(options.databaseUrl)) return Writer.open(options)
  const { openPostgresStore } = await import('./postgres/open.ts')
  return Writer.open(options, openPostgresStore)
}

/** Loads the database's driver and opens it, which a writer has made, for queries. */
export async function openLedgerReader({ dataDir, databaseUrl }: LedgerWriterOptions): Promise<LedgerReader> {
  const { LedgerReader: Reader } = await import('./reader-queries.ts')
  if (isPostgresUrl(databaseUrl)) {
    const { openPostgresReader } = await import('./postgres/open.ts')
    return new Reader(openPostgresReader(databaseUrl))
  }
  const { databasePath, openDatabaseReadOnly } = await import('./sqlite/database.ts')
  return new Reader(openDatabaseReadOnly(databasePath(dataDir, databaseUrl)))
}

/** Loads the database's driver and opens the store of content: in a file of its own, or where all instances have it. */
export async function openContentStore(
  { dataDir, databaseUrl }: LedgerWriterOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ContentStore> {
  if (isPostgresUrl(databaseUrl)) {
    const { openPostgresContent } = await import('./postgres/open-content.ts')
    return openPostgresContent(databaseUrl, dataDir, environment)
  }
  const { openContentFile } = await import('./content/open-content.ts')
  return openContentFile(dataDir, environment)
}

/** Loads SQLite and opens what a replica remembers of the others of its cluster. */
export async function openPeerBook(dataDir: string, cluster: string): Promise<PeerBook> {
  const { PeerBook: Book } = await import('./sqlite/peer-book.ts')
  return Book.open(dataDir, cluster)
}

/** Loads the client of the counter store and connects, see CounterStore.open. */
export async function openCounterStore(options: CounterStoreOptions): Promise<CounterStore> {
  const { CounterStore: Store } = await import('./redis/counter-store.ts')
  return await Store.open(options)
}
