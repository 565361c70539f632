import path from 'node:path'
import { type SegmentCount, WorkerFold } from '../ledger/fold.ts'
import type { LedgerSink } from '../ledger/sink.ts'
import type { SegmentName } from './format.ts'
import { SegmentReader } from './reader.ts'

/** A segment while it is being read. */
export interface OpenSegment {
  readonly name: string
  readonly reader: SegmentReader
  readonly count: SegmentCount
}

/** The name of one start of a worker. */
export function workerKey(start: { startMs: number; worker: number }): string {
  return `${start.startMs}-${start.worker}`
}

/** The segments of one start of a worker, in order, and what follows from those that were read. */
export class WorkerJournal {
  readonly startMs: number
  readonly worker: number
  readonly fold: WorkerFold
  readonly segments: OpenSegment[] = []

  constructor(start: { startMs: number; worker: number }, fold = new WorkerFold(start.worker)) {
    this.startMs = start.startMs
    this.worker = start.worker
    this.fold = fold
  }

  get key(): string {
    return workerKey(this)
  }

  /** Takes up segments that are not known yet; `segments` are this worker's, in order. */
  adopt(directory: string, segments: readonly SegmentName[]): void {
    const newest = this.segments.at(-1)?.count.sequence ?? 0
    for (const { name, sequence } of segments) {
      if (sequence <= newest) continue
      const count: SegmentCount = { sequence, reserveCharges: 0, settles: 0, concluded: [] }
      this.segments.push({ name, reader: new SegmentReader(path.join(directory, name), 0), count })
    }
  }

  /** Folds frames of one segment until it has no more or `entries` are reached; returns the number of entries. */
  read(segment: OpenSegment, sink: LedgerSink, entries: number): number {
    let read = 0
    while (read < entries) {
      const text = segment.reader.next()
      if (text === null) break
      read += this.fold.frame(text, segment.count, sink)
    }
    return read
  }

  /** Folds one segment without writing, up to an offset that `read` had reached. */
  replay(segment: OpenSegment, sink: LedgerSink, offset: number): void {
    while (segment.reader.offset < offset) {
      const text = segment.reader.next()
      if (text === null) break
      this.fold.frame(text, segment.count, sink)
    }
  }

  close(): void {
    for (const { reader } of this.segments) reader.close()
    this.segments.length = 0
  }
}
