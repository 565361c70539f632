import { decodeEntry } from '../journal/decode.ts'
import type { BudgetCharge, ReserveEntry, SettleEntry, VoidEntry } from '../journal/format.ts'
import type { RequestRecord, UsageSource } from '../records.ts'
import { lostRecord } from './lost-record.ts'
import type { LedgerSink, Settled } from './sink.ts'

/** What the fold keeps of one segment. */
export interface SegmentCount {
  readonly sequence: number
  /** Entries of each kind from the segment's beginning. */
  reserves: number
  settles: number
  /** Attempts whose row in `open_attempts` this segment made superfluous. */
  readonly concluded: ReserveEntry[]
}

/** A reservation without settlement, or with one but without its request's record. */
export interface OpenAttempt {
  readonly entry: ReserveEntry
  /** Null when it was read from `open_attempts`. */
  readonly segment: SegmentCount | null
  /** Its reserve row is in the database (or in the transaction). */
  inserted: boolean
}

/** A settlement as the observer sees it: with what was reserved. */
export interface ObservedSettlement {
  readonly sequence: number
  /** 1-based, within the segment. */
  readonly ordinal: number
  readonly reserved: readonly BudgetCharge[]
  readonly final: readonly BudgetCharge[]
}

/**
 * Turns one worker's journal into rows: pairs each settlement with its reservation and knows what is open. Bounded by
 * what the worker has in flight.
 */
export class WorkerFold {
  readonly worker: number
  /** Reservations without settlement. */
  readonly open = new Map<string, OpenAttempt>()
  /** Settled attempts of requests that have no record yet, by request id: another attempt may follow. */
  readonly unrecorded = new Map<string, OpenAttempt>()
  /** Entries that could not be read although their frame is whole. */
  unreadable = 0
  /** Settlements whose reservation has not been read; cannot happen unless a segment was lost. */
  readonly #early = new Map<string, SettleEntry>()
  /** Reservations read since `insertOpen`. */
  readonly #fresh: OpenAttempt[] = []
  readonly #observe: ((settlement: ObservedSettlement) => void) | null

  constructor(worker: number, observe: ((settlement: ObservedSettlement) => void) | null = null) {
    this.worker = worker
    this.#observe = observe
  }

  /** Folds one frame; returns the number of its entries. */
  frame(text: string, segment: SegmentCount, sink: LedgerSink): number {
    let entries = 0
    for (let from = 0; from < text.length; ) {
      let to = text.indexOf('\n', from)
      if (to < 0) to = text.length
      const line = text.slice(from, to)
      from = to + 1
      if (line.charCodeAt(0) !== 0x5b) {
        if (line.trim() !== '') this.unreadable++
        continue
      }
      entries++
      this.#entry(line, segment, sink)
    }
    return entries
  }

  /** Open attempts that were reserved in a segment. */
  openIn(segment: SegmentCount): OpenAttempt[] {
    return [...this.open.values()].filter((attempt) => attempt.segment === segment)
  }

  /** Settled attempts of a segment whose requests have no record yet. */
  unrecordedIn(segment: SegmentCount): OpenAttempt[] {
    return [...this.unrecorded.values()].filter((attempt) => attempt.segment === segment)
  }

  /** Puts back an attempt that was kept in `open_attempts`. */
  restore(entry: ReserveEntry, settled: boolean): void {
    const attempt: OpenAttempt = { entry, segment: null, inserted: true }
    if (settled) this.unrecorded.set(entry[1], attempt)
    else this.open.set(keyOf(entry[1], entry[2]), attempt)
  }

  /** Inserts the reserve rows of attempts that are still open; to be called before each commit. */
  insertOpen(sink: LedgerSink): void {
    for (const attempt of this.#fresh) {
      if (attempt.inserted) continue
      sink.reserve(attempt.entry)
      attempt.inserted = true
    }
    this.#fresh.length = 0
  }

  /**
   * The worker is dead and its journal read to the end: settles each open attempt at the full reserved amount and
   * writes the records that will never come. Returns how many attempts were really open.
   */
  settleLost(sink: LedgerSink): number {
    this.insertOpen(sink)
    let lost = 0
    for (const { entry } of this.open.values()) {
      if (sink.settle(entry, { tokens: entry[7], nanos: entry[8], usageSource: 'reserved' })) lost++
      sink.record(lostRecord(entry, this.worker, 'reserved'))
      this.unrecorded.delete(entry[1])
    }
    for (const { entry } of this.unrecorded.values()) sink.record(lostRecord(entry, this.worker, 'none'))
    for (const entry of this.#early.values()) this.#settleWithoutReservation(entry, sink)
    this.open.clear()
    this.unrecorded.clear()
    this.#early.clear()
    return lost
  }

  #entry(line: string, segment: SegmentCount, sink: LedgerSink): void {
    const entry = decodeEntry(line)
    if (entry === null) {
      this.unreadable++
      return
    }
    switch (entry[0]) {
      case 'r':
        return this.#reserve(entry, segment, sink)
      case 's':
        return this.#settle(entry, segment, sink)
      case 'v':
        return this.#void(entry, segment, sink)
      case 'q':
        return this.#record(entry[1] as RequestRecord, segment, sink) // checked by decodeEntry
    }
  }

  #reserve(entry: ReserveEntry, segment: SegmentCount, sink: LedgerSink): void {
    segment.reserves++
    const key = keyOf(entry[1], entry[2])
    const known = this.open.get(key)
    if (known !== undefined) return
    const attempt: OpenAttempt = { entry, segment, inserted: false }
    const early = this.#early.get(key)
    if (early !== undefined) {
      this.#early.delete(key)
      return this.#conclude(attempt, early, segment, sink)
    }
    this.open.set(key, attempt)
    this.#fresh.push(attempt)
  }

  #settle(entry: SettleEntry, segment: SegmentCount, sink: LedgerSink): void {
    segment.settles++
    const key = keyOf(entry[1], entry[2])
    let attempt = this.open.get(key)
    if (attempt === undefined) {
      const row = sink.findReserve(entry[1], entry[2])
      if (row === null) {
        this.#early.set(key, entry)
        return
      }
      attempt = { entry: row, segment: null, inserted: true }
    } else this.open.delete(key)
    this.#observe?.({
      sequence: segment.sequence,
      ordinal: segment.settles,
      reserved: attempt.entry[10],
      final: entry[6],
    })
    this.#conclude(attempt, entry, segment, sink)
  }

  #conclude(attempt: OpenAttempt, entry: SettleEntry, segment: SegmentCount, sink: LedgerSink): void {
    this.#write(attempt, settledBy(entry), sink)
    if (entry[7] !== null) {
      if (attempt.segment !== segment) segment.concluded.push(attempt.entry)
      this.#record(entry[7] as RequestRecord, segment, sink) // checked by decodeEntry
    } else if (!sink.hasRecord(entry[1])) {
      this.unrecorded.set(entry[1], attempt)
    } else if (attempt.segment !== segment) segment.concluded.push(attempt.entry)
  }

  /** The request was refused and never dispatched: the reservation ends at nothing. Its record stands for itself. */
  #void(entry: VoidEntry, segment: SegmentCount, sink: LedgerSink): void {
    const key = keyOf(entry[1], entry[2])
    const attempt = this.open.get(key)
    if (attempt === undefined) return
    this.open.delete(key)
    this.#write(attempt, { tokens: 0, nanos: 0, usageSource: 'none' }, sink)
    if (attempt.segment !== segment) segment.concluded.push(attempt.entry)
  }

  #write(attempt: OpenAttempt, settled: Settled, sink: LedgerSink): void {
    if (attempt.inserted) sink.settle(attempt.entry, settled)
    else sink.reserveAndSettle(attempt.entry, settled)
    attempt.inserted = true
  }

  #record(record: RequestRecord, segment: SegmentCount, sink: LedgerSink): void {
    sink.record(record)
    if (this.unrecorded.size === 0) return
    const attempt = this.unrecorded.get(record.id)
    if (attempt === undefined) return
    this.unrecorded.delete(record.id)
    if (attempt.segment !== segment) segment.concluded.push(attempt.entry)
  }

  /** A segment was lost, and with it the reservation: the settlement still counts, in full. */
  #settleWithoutReservation(entry: SettleEntry, sink: LedgerSink): void {
    const record = entry[7] as RequestRecord | null // checked by decodeEntry
    const reservedAt = record?.time ?? Date.now()
    const { tokens, nanos } = settledBy(entry)
    const provider = record?.provider ?? ''
    const model = record?.model_served ?? ''
    const rule = record?.price_rule ?? null
    const key = record?.key_id ?? null
    const reserve: ReserveEntry = ['r', entry[1], entry[2], reservedAt, key, provider, model, tokens, nanos, rule, []]
    sink.reserveAndSettle(reserve, settledBy(entry))
    sink.record(record ?? lostRecord(reserve, this.worker, 'none'))
  }
}

function settledBy(entry: SettleEntry): Settled {
  return { tokens: entry[3], nanos: entry[4], usageSource: entry[5] as UsageSource } // written by us from that type
}

/** Nearly all requests have one attempt, so that the id alone is a key without a new text. */
function keyOf(requestId: string, attempt: number): string {
  return attempt === 1 ? requestId : `${requestId}/${attempt}`
}
