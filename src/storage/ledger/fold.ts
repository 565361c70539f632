import { chargesOf, decodeEntry, type Settlement } from '../journal/decode.ts'
import type { BudgetCharge, ReserveEntry } from '../journal/format.ts'
import { RECORD_FIELDS, type RecordRow } from '../record-fields.ts'
import { lostRecord } from './lost-record.ts'
import type { LedgerSink, Settled } from './sink.ts'

/** What the fold keeps of one segment. */
export interface SegmentCount {
  readonly sequence: number
  /** Entries of each kind from the segment's beginning. */
  reserves: number
  /** Budget charges of all reserve entries. */
  reserveCharges: number
  settles: number
  /**
   * Attempts that were reserved in an earlier segment and ended in this one. As long as this segment stands, what they
   * reserved must be known: it is told from here when their worker dies.
   */
  readonly concluded: OpenAttempt[]
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
  open = new Map<string, OpenAttempt>()
  /** Settled attempts of requests that have no record yet, by request id: another attempt may follow. */
  readonly unrecorded = new Map<string, OpenAttempt>()
  /** Entries that could not be read although their frame is whole. */
  unreadable = 0
  /** Settlements whose reservation has not been read; cannot happen unless a segment was lost. */
  readonly #early = new Map<string, Settlement>()
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
    for (const attempt of this.open.values()) {
      if (attempt.inserted) continue
      sink.reserve(attempt.entry)
      attempt.inserted = true
    }
    // A map with much coming and going makes new tables, and old ones keep dead entries alive once they are in the
    // collector's old generation: a new map now and then cuts that chain.
    this.open = new Map(this.open)
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
    switch (entry.kind) {
      case 'reserve':
        return this.#reserve(entry.entry, segment, sink)
      case 'settle':
        return this.#settle(entry, segment, sink)
      case 'void':
        return this.#void(entry.requestId, entry.attempt, segment, sink)
      case 'record':
        return this.#record(entry.record, segment, sink)
    }
  }

  #reserve(entry: ReserveEntry, segment: SegmentCount, sink: LedgerSink): void {
    segment.reserves++
    segment.reserveCharges += entry[10].length
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
  }

  #settle(settlement: Settlement, segment: SegmentCount, sink: LedgerSink): void {
    segment.settles++
    const { requestId, attempt: number } = settlement
    const key = keyOf(requestId, number)
    let attempt = this.open.get(key)
    if (attempt === undefined) {
      const row = sink.findReserve(requestId, number)
      if (row === null) {
        this.#early.set(key, settlement)
        this.#tell(segment, chargesOf(settlement), settlement)
        return
      }
      attempt = { entry: row, segment: null, inserted: true }
    } else this.open.delete(key)
    this.#tell(segment, attempt.entry[10], settlement)
    this.#conclude(attempt, settlement, segment, sink)
  }

  #tell(segment: SegmentCount, reserved: readonly BudgetCharge[], settlement: Settlement): void {
    if (this.#observe === null) return
    const final = chargesOf(settlement)
    this.#observe({ sequence: segment.sequence, ordinal: segment.settles, reserved, final })
  }

  #conclude(attempt: OpenAttempt, settlement: Settlement, segment: SegmentCount, sink: LedgerSink): void {
    const { record } = settlement
    this.#write(attempt, settlement, sink)
    if (record === null && !sink.hasRecord(settlement.requestId)) {
      this.unrecorded.set(settlement.requestId, attempt)
      return
    }
    if (attempt.segment !== segment) segment.concluded.push(attempt)
    if (record !== null) this.#record(record, segment, sink)
  }

  /** The request was refused and never dispatched: the reservation ends at nothing. Its record stands for itself. */
  #void(requestId: string, number: number, segment: SegmentCount, sink: LedgerSink): void {
    const key = keyOf(requestId, number)
    const attempt = this.open.get(key)
    if (attempt === undefined) return
    this.open.delete(key)
    this.#write(attempt, { tokens: 0, nanos: 0, usageSource: 'none' }, sink)
    if (attempt.segment !== segment) segment.concluded.push(attempt)
  }

  #write(attempt: OpenAttempt, settled: Settled, sink: LedgerSink): void {
    if (attempt.inserted) sink.settle(attempt.entry, settled)
    else sink.reserveAndSettle(attempt.entry, settled)
    attempt.inserted = true
  }

  #record(record: RecordRow, segment: SegmentCount, sink: LedgerSink): void {
    sink.record(record)
    if (this.unrecorded.size === 0) return
    const attempt = this.unrecorded.get(record.id)
    if (attempt === undefined) return
    this.unrecorded.delete(record.id)
    if (attempt.segment !== segment) segment.concluded.push(attempt)
  }

  /** A segment was lost, and with it the reservation: the settlement still counts, in full. */
  #settleWithoutReservation(settlement: Settlement, sink: LedgerSink): void {
    const { requestId, attempt, tokens, nanos, record } = settlement
    const text = (field: RecordField) => (record === null ? null : textOf(record, field))
    const reserve: ReserveEntry = [
      'r',
      requestId,
      attempt,
      record === null ? Date.now() : Number(record.values[fieldIndex('time')]),
      text('key_id'),
      text('provider') ?? '',
      text('model_served') ?? '',
      tokens,
      nanos,
      text('price_rule'),
      [],
    ]
    sink.reserveAndSettle(reserve, settlement)
    sink.record(record ?? lostRecord(reserve, this.worker, 'none'))
  }
}

type RecordField = 'time' | 'key_id' | 'provider' | 'model_served' | 'price_rule'

function fieldIndex(field: RecordField): number {
  return RECORD_FIELDS.findIndex(([name]) => name === field)
}

function textOf(record: RecordRow, field: RecordField): string | null {
  const value = record.values[fieldIndex(field)] ?? null
  return value === null ? null : String(value)
}

/** Nearly all requests have one attempt, so that the id alone is a key without a new text. */
function keyOf(requestId: string, attempt: number): string {
  return attempt === 1 ? requestId : `${requestId}/${attempt}`
}
