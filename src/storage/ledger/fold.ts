import { chargesOf, decodeEntry, type Reserved, reserveText, type Settlement } from '../journal/decode.ts'
import type { BudgetCharge } from '../journal/format.ts'
import { levelNamesOf, type RecordRow, recordOf } from '../record-fields.ts'
import { attemptKey } from './attempt-key.ts'
import { lostRecord } from './lost-record.ts'
import type { LedgerSink, Settled } from './sink.ts'

/** What the fold keeps of one segment. */
export interface SegmentCount {
  readonly sequence: number
  /** Budget charges of all reserve entries from the segment's beginning. */
  reserveCharges: number
  /** Settle entries from there. */
  settles: number
  /**
   * Attempts of earlier segments that ended in this one, or whose request did. As long as this segment stands, what
   * those reserved that ended in it must be known: it is told from here when their worker dies.
   */
  readonly concluded: OpenAttempt[]
}

/** A reservation without settlement, or with one but without its request's record. */
export interface OpenAttempt {
  entry: Reserved
  /** Null when it was read from the database. */
  readonly segment: SegmentCount | null
  /** Where its settlement is; null while it is open, or when that was read from the database. */
  settledIn: SegmentCount | null
  /** Its entry keeps no frame's text alive. */
  detached: boolean
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
  /** The last settled attempt of requests that have no record yet, by request id: another attempt may follow. */
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

  /** Whether a request has not ended yet, by what was read. */
  holds(requestId: string): boolean {
    if (this.open.has(requestId) || this.unrecorded.has(requestId)) return true
    for (const { entry } of this.open.values()) if (entry.requestId === requestId) return true
    return false
  }

  /** Open attempts that were reserved in a segment. */
  openIn(segment: SegmentCount): OpenAttempt[] {
    return [...this.open.values()].filter((attempt) => attempt.segment === segment)
  }

  /** Attempts that were settled in a segment and whose requests have no record yet. */
  unrecordedIn(segment: SegmentCount): OpenAttempt[] {
    return [...this.unrecorded.values()].filter((attempt) => attempt.settledIn === segment)
  }

  /** Puts back an attempt that was kept in `open_attempts`. */
  restore(entry: Reserved, settled: boolean): void {
    const attempt: OpenAttempt = { entry, segment: null, settledIn: null, detached: true }
    if (settled) this.unrecorded.set(entry.requestId, attempt)
    else this.open.set(attemptKey(entry.requestId, entry.attempt), attempt)
  }

  /** To be called when a batch is read: what stays open may stay for minutes, and must not keep whole frames alive. */
  detachOpen(): void {
    for (const attempt of this.open.values()) detach(attempt)
    for (const attempt of this.unrecorded.values()) detach(attempt)
    // A map with much coming and going makes new tables, and old ones keep dead entries alive once they are in the
    // collector's old generation: a new map now and then cuts that chain.
    this.open = new Map(this.open)
  }

  /**
   * The worker is dead and its journal read to the end: settles each open attempt at the full reserved amount and
   * writes the records that will never come. Returns how many attempts were really open.
   */
  settleLost(sink: LedgerSink): number {
    let lost = 0
    for (const attempts of Map.groupBy(this.open.values(), ({ entry }) => entry.requestId).values()) {
      const record = lostRecord(inAll(attempts), this.worker, 'reserved')
      for (const { entry } of attempts) {
        const settled: Settled = {
          tokens: entry.tokens,
          nanos: entry.nanos,
          usageSource: 'reserved',
          charges: entry.charges,
        }
        if (sink.conclude(entry, settled, record)) lost++
        this.unrecorded.delete(entry.requestId)
      }
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
        return this.#reserve(entry, segment, sink)
      case 'settle':
        return this.#settle(entry, segment, sink)
      case 'void':
        return this.#void(entry.requestId, entry.attempt, segment, sink)
      case 'record':
        return this.#record(entry.record, segment, sink)
    }
  }

  #reserve(entry: Reserved, segment: SegmentCount, sink: LedgerSink): void {
    segment.reserveCharges += entry.chargeCount
    const key = attemptKey(entry.requestId, entry.attempt)
    const known = this.open.get(key)
    if (known !== undefined) return
    const attempt: OpenAttempt = { entry, segment, settledIn: null, detached: false }
    const early = this.#early.size === 0 ? undefined : this.#early.get(key)
    if (early !== undefined) {
      this.#early.delete(key)
      return this.#conclude(attempt, early, segment, sink)
    }
    this.open.set(key, attempt)
  }

  #settle(settlement: Settlement, segment: SegmentCount, sink: LedgerSink): void {
    segment.settles++
    const { requestId, attempt: number } = settlement
    const key = attemptKey(requestId, number)
    let attempt = this.open.get(key)
    if (attempt === undefined) {
      const row = sink.findReserve(requestId, number)
      if (row === null) {
        this.#early.set(key, settlement)
        this.#tell(segment, settlement, settlement)
        return
      }
      attempt = { entry: row, segment: null, settledIn: null, detached: true }
    } else this.open.delete(key)
    this.#tell(segment, attempt.entry, settlement)
    this.#conclude(attempt, settlement, segment, sink)
  }

  #tell(segment: SegmentCount, reserved: { readonly charges: string }, settlement: Settlement): void {
    if (this.#observe === null) return
    const final = chargesOf(settlement)
    this.#observe({ sequence: segment.sequence, ordinal: segment.settles, reserved: chargesOf(reserved), final })
  }

  #conclude(attempt: OpenAttempt, settlement: Settlement, segment: SegmentCount, sink: LedgerSink): void {
    const { record, requestId } = settlement
    sink.conclude(attempt.entry, settlement, record)
    attempt.settledIn = segment
    if (attempt.segment !== segment) segment.concluded.push(attempt)
    if (record !== null) return this.#recorded(record.id, segment)
    if (sink.hasRecord(requestId)) return
    this.#recorded(requestId, segment) // the attempt before it: one is enough to know that the record is missing
    this.unrecorded.set(requestId, attempt)
  }

  /** The request was refused and never dispatched: the reservation ends at nothing. Its record stands for itself. */
  #void(requestId: string, number: number, segment: SegmentCount, sink: LedgerSink): void {
    const key = attemptKey(requestId, number)
    const attempt = this.open.get(key)
    if (attempt === undefined) return
    this.open.delete(key)
    sink.conclude(attempt.entry, { tokens: 0, nanos: 0, usageSource: 'none', charges: '[]' }, null)
    attempt.settledIn = segment
    if (attempt.segment !== segment) segment.concluded.push(attempt)
  }

  #record(record: RecordRow, segment: SegmentCount, sink: LedgerSink): void {
    sink.record(record)
    this.#recorded(record.id, segment)
  }

  /** The request has its record: its attempts are waited for no more. */
  #recorded(requestId: string, segment: SegmentCount): void {
    if (this.unrecorded.size === 0) return
    const attempt = this.unrecorded.get(requestId)
    if (attempt === undefined) return
    this.unrecorded.delete(requestId)
    if (attempt.settledIn !== segment) segment.concluded.push(attempt)
  }

  /** A segment was lost, and with it the reservation: the settlement still counts, in full. */
  #settleWithoutReservation(settlement: Settlement, sink: LedgerSink): void {
    const { requestId, attempt, tokens, nanos } = settlement
    const record = settlement.record === null ? null : recordOf(settlement.record)
    const text = JSON.stringify([
      'r',
      requestId,
      attempt,
      record === null ? Date.now() : record.time,
      record?.key_id ?? null,
      record?.provider ?? '',
      record?.model_served ?? '',
      tokens,
      nanos,
      record?.price_rule ?? null,
      [],
      record === null ? [] : levelNamesOf(record),
    ])
    const entry = decodeEntry(text)
    if (entry?.kind !== 'reserve') throw new Error(`a settlement of ${requestId} gives no reservation`)
    sink.conclude(entry, settlement, settlement.record ?? lostRecord(entry, this.worker, 'none'))
  }
}

/** A request may have had two attempts on their way at once: its record tells of both. */
function inAll(attempts: readonly OpenAttempt[]): Reserved {
  const entries = attempts.map(({ entry }) => entry).sort((one, other) => other.attempt - one.attempt)
  const [last] = entries
  if (last === undefined) throw new Error('a group of attempts is empty')
  if (entries.length === 1) return last
  const sum = (amount: (entry: Reserved) => number) => entries.reduce((total, entry) => total + amount(entry), 0)
  return { ...last, tokens: sum(({ tokens }) => tokens), nanos: sum(({ nanos }) => nanos) }
}

/** Texts cut from a frame are views of it: a copy of the entry lets the frame go. */
function detach(attempt: OpenAttempt): void {
  if (attempt.detached) return
  const copy = decodeEntry(Buffer.from(reserveText(attempt.entry)).toString())
  if (copy?.kind === 'reserve') attempt.entry = copy
  attempt.detached = true
}
