import type { OpenSegment, WorkerJournal } from '../journal/worker-journal.ts'
import type { OpenAttempts } from '../sqlite/open-attempts.ts'

/**
 * Keeps in the database what must outlive the segments that a transaction has read to their end: attempts that are open, and
 * those whose request has no record yet.
 */
export function keepOutliving(journal: WorkerJournal, done: ReadonlySet<OpenSegment>, kept: OpenAttempts): void {
  for (const segment of journal.segments) {
    if (!done.has(segment)) break
    for (const { entry } of journal.fold.openIn(segment.count)) keep(journal, kept, entry, 'open')
    keepConcluded(journal, segment, kept)
    for (const { entry } of segment.count.concluded) kept.remove(entry)
    for (const { entry } of journal.fold.unrecordedIn(segment.count)) keep(journal, kept, entry, 'settled')
  }
}

/** Keeps what was reserved in a segment that goes and ended in one that stays. */
function keepConcluded(journal: WorkerJournal, going: OpenSegment, kept: OpenAttempts): void {
  for (const segment of journal.segments) {
    for (const attempt of segment.count.concluded) {
      const endedHere = attempt.settledIn === segment.count
      if (endedHere && attempt.segment === going.count) keep(journal, kept, attempt.entry, 'open')
    }
  }
}

function keep(
  { startMs, worker }: WorkerJournal,
  kept: OpenAttempts,
  entry: Parameters<OpenAttempts['remove']>[0],
  state: 'open' | 'settled',
): void {
  kept.put({ startMs, worker, settled: state === 'settled', entry })
}
