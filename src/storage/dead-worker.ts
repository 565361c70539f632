import { chargesOf } from './journal/decode.ts'
import type { BudgetCharge, SegmentName } from './journal/format.ts'
import { WorkerJournal, workerKey } from './journal/worker-journal.ts'
import { type ObservedSettlement, WorkerFold } from './ledger/fold.ts'
import { NO_SINK } from './ledger/sink.ts'
import type { KeptAttempt } from './sqlite/open-attempts.ts'

/** What control needs to mend the shared counters after a worker's death. */
export interface DeadWorker {
  /** The worker's last segment; 0 when it never made one. */
  readonly sequence: number
  /** Budget charges of the reserve entries in it. */
  readonly reserveCharges: number
  /** Settlements that are in the journal but whose charges the worker did not apply. */
  readonly unapplied: readonly ObservedSettlement[]
  /** Charges of each reservation that was open: settled in full now, so that they become spent. */
  readonly open: readonly (readonly BudgetCharge[])[]
}

/** Where a dead worker's story is: the journal, and the attempts whose segments are gone. */
export interface DeadWorkerSources {
  readonly directory: string
  readonly segments: readonly SegmentName[]
  readonly kept: readonly KeptAttempt[]
}

/**
 * Tells what a worker left behind from its whole journal, whatever of it is in the database. `applied` is the last
 * settlement that the worker had applied to the shared counters.
 */
export function examineDeadWorker(
  start: { worker: number; startMs: number },
  applied: { sequence: number; ordinal: number },
  sources: DeadWorkerSources,
): DeadWorker {
  const unapplied: ObservedSettlement[] = []
  const fold = new WorkerFold(start.worker, (settlement) => {
    const { sequence, ordinal } = settlement
    const isNew = sequence > applied.sequence || (sequence === applied.sequence && ordinal > applied.ordinal)
    if (isNew) unapplied.push(settlement)
  })
  const key = workerKey(start)
  for (const kept of sources.kept) if (workerKey(kept) === key) fold.restore(kept.entry, kept.settled)
  const journal = new WorkerJournal(start, fold)
  journal.adopt(
    sources.directory,
    sources.segments.filter((segment) => workerKey(segment) === key),
  )
  for (const segment of journal.segments) journal.read(segment, NO_SINK, Number.POSITIVE_INFINITY)
  const last = journal.segments.at(-1)?.count
  journal.close()
  return {
    sequence: last?.sequence ?? 0,
    reserveCharges: last?.reserveCharges ?? 0,
    unapplied,
    open: [...fold.open.values()].map(({ entry }) => chargesOf(entry)),
  }
}
