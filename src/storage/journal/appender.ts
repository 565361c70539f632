import { EntryQueue, type ReserveWaiter, type SettleWaiter, tellJournaled, tellSettled } from './entry-queue.ts'
import { MAX_ENTRY_BYTES } from './format.ts'
import { FrameBuffer } from './frame-buffer.ts'
import { SegmentFile } from './segment-file.ts'
import { SyncGroup } from './sync-group.ts'

const RETRY_MS = 100
/** The writer gathers for longer than this before it reads: telling it more often would only wake it. */
const TELL_MS = 200
/** Records without a reservation that are kept while the disk refuses writes. */
const MAX_WAITING_RECORD_CHARACTERS = 1_048_576
/** A UTF-16 unit takes at most three bytes of UTF-8. */
const MAX_ENTRY_CHARACTERS = Math.floor(MAX_ENTRY_BYTES / 3)
const DEFAULT_SEGMENT_BYTES = 16 * 1_048_576

export interface JournalOptions {
  /** The journal's directory; it must exist. */
  readonly directory: string
  /** Start of this worker, ms since the epoch; together with `worker` never used twice. */
  readonly startMs: number
  readonly worker: number
  /** `always`: a reservation is durable before its waiter hears of it. `interval`: at the latest `syncIntervalMs` later. */
  readonly sync: 'interval' | 'always'
  readonly syncIntervalMs: number
  /** A segment that has grown past this is closed and the next one begun. */
  readonly maxSegmentBytes?: number
  /** Something was written; called at most once per `syncIntervalMs` and 200 ms, and always after the last write. */
  onWritten(): void
  /** Reservations are in the segment; called before their waiters and any other. */
  onReservesWritten?(): void
  /** A segment was begun; every settlement of the one before has been told to its waiter. */
  onSegment?(sequence: number): void
}

/**
 * The worker's end of the journal. All that one turn of the event loop appends is written by one `write` at the end of
 * the turn; then the waiters are called, settlements' before reservations'.
 *
 * When the disk refuses (full, failing), reservations are refused, settlements wait and are tried again every 100 ms
 * until they are written, and records wait within a bound. While they wait every reservation is refused, so that what
 * waits is bounded by the requests in flight.
 *
 * The texts given are entries of `format.ts` as JSON without line breaks, at most 349,525 characters (RangeError).
 */
export class JournalAppender {
  /** Ordinal of the last reservation whose waiter was called (or is being called), within the segment. */
  reservesWritten = 0
  /** The same for settlements: while a waiter is called, this is its own settlement's ordinal. */
  settlesWritten = 0
  /** Bytes written in this worker's life. */
  bytesWritten = 0
  /** Records that were dropped because the disk refused them for too long. */
  recordsDropped = 0
  /** Times that the system could not make written entries durable. */
  syncFailures = 0
  readonly #options: JournalOptions
  readonly #maxSegmentBytes: number
  readonly #frame = new FrameBuffer()
  #segment: SegmentFile
  #pending = new EntryQueue()
  #spare = new EntryQueue()
  #flushScheduled = false
  #flushing = false
  #closed = false
  /** Why the last write failed; null while the disk takes what we write. */
  #failure: Error | null = null
  #retryTimer: NodeJS.Timeout | null = null
  #tickTimer: NodeJS.Timeout | null = null
  #tickArmed = false
  #toldAt = Number.NEGATIVE_INFINITY
  #unsynced = false
  #group: SyncGroup | null = null
  readonly #flushTurn = (): void => {
    this.#flushScheduled = false
    this.#flush()
  }

  /** Creates the worker's first segment; throws what the file system says. */
  constructor(options: JournalOptions) {
    this.#options = options
    this.#maxSegmentBytes = options.maxSegmentBytes ?? DEFAULT_SEGMENT_BYTES
    this.#segment = SegmentFile.create(options.directory, options, 1)
    options.onSegment?.(this.#segment.sequence)
  }

  /** False while the disk refuses writes: no request that costs something should be admitted. */
  get healthy(): boolean {
    return this.#failure === null && !this.#closed
  }

  /** Sequence number of the segment that is written now; ordinals count within it. */
  get segmentSequence(): number {
    return this.#segment.sequence
  }

  /** Entries that are not written yet. */
  get waiting(): number {
    return this.#pending.length
  }

  /** Appends a reservation; the waiter hears in a later turn whether it is in the journal. */
  reserve(payload: string, waiter: ReserveWaiter): void {
    this.#check(payload)
    this.#pending.addReserve(payload, waiter)
    this.#schedule()
  }

  /** Appends a settlement; the waiter hears when it is in the page cache, and it never fails. */
  settle(payload: string, waiter: SettleWaiter): void {
    this.#check(payload)
    this.#pending.addSettle(payload, waiter)
    this.#schedule()
  }

  /** Appends the record of a request that reserved nothing. */
  record(payload: string): void {
    this.#check(payload)
    this.#pending.addRecord(payload)
    this.#schedule()
  }

  /** Writes at once what waits, as far as the disk takes it. */
  flushNow(): void {
    if (this.#failure === null) this.#flush()
    else this.#retry()
  }

  /**
   * Writes and makes durable all that was appended and closes the segment. Throws when the disk does not take it;
   * `waiting` then says how many entries were not written.
   */
  close(): void {
    if (this.#closed) return
    this.flushNow()
    this.#closed = true
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer)
    if (this.#tickTimer !== null) clearTimeout(this.#tickTimer)
    const group = this.#takeGroup()
    try {
      if (this.#failure !== null) throw this.#failure
      this.#segment.syncNow()
      group?.succeed()
    } catch (error) {
      group?.fail(asError(error))
      throw error
    } finally {
      this.#segment.retire()
    }
    this.#options.onWritten()
  }

  #check(payload: string): void {
    if (this.#closed) throw new Error('The journal is closed: nothing can be appended to it any more.')
    if (payload.length > MAX_ENTRY_CHARACTERS) {
      throw new RangeError(`A journal entry has ${payload.length} characters; at most ${MAX_ENTRY_CHARACTERS} fit.`)
    }
  }

  #schedule(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    setImmediate(this.#flushTurn)
  }

  #flush(): void {
    if (this.#flushing || this.#pending.length === 0) return
    this.#flushing = true
    const batch = this.#pending
    this.#pending = this.#spare
    this.#spare = batch
    const refused = this.#failure ?? this.#write(batch)
    if (refused !== null) this.#keep(batch, refused)
    batch.clear()
    this.#flushing = false
    if (this.#segment.bytes > this.#maxSegmentBytes || this.#segment.broken) this.#rotate()
  }

  /** Writes the batch frame by frame. On a failure the batch holds what was not written, and the reason is returned. */
  #write(batch: EntryQueue): Error | null {
    let from = 0
    while (from < batch.length) {
      const to = this.#frame.fill(batch.payloads, from)
      try {
        this.#segment.append(this.#frame.bytes, this.#frame.length)
      } catch (error) {
        batch.removeFirst(from)
        return asError(error)
      }
      this.bytesWritten += this.#frame.length
      this.#written(batch, from, to)
      from = to
    }
    return null
  }

  #written(batch: EntryQueue, from: number, to: number): void {
    this.#unsynced = true
    this.#armTick()
    this.#options.onReservesWritten?.()
    for (let i = from; i < to; i++) {
      const waiter = batch.settleWaiter(i)
      if (waiter === null) continue
      this.settlesWritten++
      tellSettled(waiter)
    }
    const always = this.#options.sync === 'always'
    for (let i = from; i < to; i++) {
      const waiter = batch.reserveWaiter(i)
      if (waiter === null) continue
      this.reservesWritten++
      if (always) this.#collectingGroup().add(batch.payloads[i] ?? '', waiter)
      else tellJournaled(waiter, null)
    }
    if (always) this.#syncGroup()
  }

  /** Keeps what must not be lost of a refused batch, in front of what came since; refuses its reservations. */
  #keep(batch: EntryQueue, failure: Error): void {
    this.#failure = failure
    const since = this.#pending
    const kept = new EntryQueue()
    kept.takeKept(batch)
    kept.takeAll(since)
    this.recordsDropped += kept.dropRecordsBeyond(MAX_WAITING_RECORD_CHARACTERS)
    this.#pending = kept
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = null
      this.#retry()
    }, RETRY_MS)
    for (let i = 0; i < batch.length; i++) {
      const waiter = batch.reserveWaiter(i)
      if (waiter !== null) tellJournaled(waiter, failure)
    }
  }

  /** Tries the disk again: what waits, or an empty frame as large as a page when nothing does. */
  #retry(): void {
    if (this.#failure === null || this.#flushing) return
    if ((this.#segment.broken || !this.#segment.linked()) && !this.#rotate()) return this.#retryLater()
    if (this.#pending.length === 0) {
      this.#frame.fillBlank()
      try {
        this.#segment.append(this.#frame.bytes, this.#frame.length)
      } catch (error) {
        this.#failure = asError(error)
        return this.#retryLater()
      }
    }
    this.#failure = null
    this.#flush()
  }

  #retryLater(): void {
    if (this.#closed) return
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = null
      this.#retry()
    }, RETRY_MS)
  }

  /** Begins the next segment; false (and the old one goes on) when it cannot be created. */
  #rotate(): boolean {
    const old = this.#segment
    try {
      this.#segment = SegmentFile.create(this.#options.directory, this.#options, old.sequence + 1)
    } catch (error) {
      if (old.broken) this.#keep(new EntryQueue(), asError(error))
      return false
    }
    this.reservesWritten = 0
    this.settlesWritten = 0
    this.#options.onSegment?.(this.#segment.sequence)
    const group = this.#takeGroup()
    old.sync((error) => {
      if (error !== null) this.syncFailures++
      this.#concludeGroup(group, error)
    })
    old.retire()
    return true
  }

  #armTick(): void {
    if (this.#tickArmed) return
    this.#tickArmed = true
    if (this.#tickTimer === null) {
      this.#tickTimer = setTimeout(() => this.#tick(), this.#options.syncIntervalMs)
      this.#tickTimer.unref()
    } else this.#tickTimer.refresh()
  }

  #tick(): void {
    this.#tickArmed = false
    if (this.#closed) return
    if (!this.#segment.linked()) this.#rotate()
    else if (this.#unsynced && this.#options.sync === 'interval') {
      const segment = this.#segment
      segment.sync((error) => {
        if (error !== null) this.#lostSync(segment)
      })
    }
    this.#unsynced = false
    const now = performance.now()
    if (now - this.#toldAt < TELL_MS) return this.#armTick()
    this.#toldAt = now
    this.#options.onWritten()
  }

  #collectingGroup(): SyncGroup {
    this.#group ??= new SyncGroup()
    return this.#group
  }

  #takeGroup(): SyncGroup | null {
    const group = this.#group
    this.#group = null
    return group
  }

  /** One sync at a time: reservations written meanwhile share the next one. */
  #syncGroup(): void {
    const segment = this.#segment
    if (segment.syncing || this.#group === null) return
    const group = this.#takeGroup()
    segment.sync((error) => {
      if (error !== null) this.#lostSync(segment)
      this.#concludeGroup(group, error)
      if (segment === this.#segment && !this.#closed) this.#syncGroup()
    })
  }

  #concludeGroup(group: SyncGroup | null, error: Error | null): void {
    if (group === null) return
    if (error === null) return group.succeed()
    // The entries are in the file although their requests are refused: say so, or recovery would charge them.
    if (!this.#closed) for (const payload of group.voidEntries()) this.record(payload)
    group.fail(error)
  }

  /** After a failed sync the system may have forgotten the pages: go on in a new file. */
  #lostSync(segment: SegmentFile): void {
    this.syncFailures++
    if (segment === this.#segment && !this.#closed) this.#rotate()
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
