/**
 * Journal segment format, shared by the appender (data worker) and the reader (writer thread, recovery).
 *
 *     segment  = magic frame*
 *     magic    = "FERROJ2\n"                                     8 bytes
 *     frame    = length:u32le crc32:u32le text[length]           crc32 of the text (zlib's)
 *     text     = entry *( "\n" entry )                           UTF-8
 *     entry    = JSON array on one line, its first element the kind
 *
 * A frame holds what one turn of the event loop appended and is written by one `write`. It is readable as a whole or
 * not at all: a write that fails half way, or that a crash cuts, leaves no entry behind that a reader running at the
 * same moment could take for written, although its request was refused.
 *
 * A segment's name is `<start>-<worker>-<sequence>.seg`: start of the worker in ms since the epoch as 13 digits, the
 * worker's number and a sequence number in the worker's life (8 digits), so that names sort in time.
 *
 * The digit of the magic is the format's version: it changes with anything that an older reader would misread.
 * A frame that is cut short or whose checksum differs ends the readable part: "not yet" while its worker lives,
 * a torn tail (ignored) when it is dead.
 */
export const SEGMENT_MAGIC = 'FERROJ2\n'
/** Bytes of length and checksum in front of each frame's text. */
export const FRAME_HEADER_BYTES = 8
/** An entry larger than this is refused by the appender. */
export const MAX_ENTRY_BYTES = 1_048_576
/** A frame larger than this is a corrupt length, never a real one. */
export const MAX_FRAME_BYTES = 4 * MAX_ENTRY_BYTES

/** Reservation: written before every dispatch. */
export type ReserveEntry = [
  kind: 'r',
  requestId: string,
  attempt: number,
  reservedAtMs: number,
  keyId: string | null,
  provider: string,
  model: string,
  tokens: number,
  nanos: number,
  priceRule: string | null,
  charges: readonly BudgetCharge[],
  /** Names of the levels that the key belongs to; left out by a key that has none. */
  levels?: readonly string[],
]

/** What one budget was charged by a reservation: its counter's name, the period's number, the amount in the budget's unit. */
export type BudgetCharge = [counter: string, period: number, amount: number]

/**
 * Settlement of one attempt. `charges` are the final amounts of the same budgets in the same order.
 * The last settlement of a request carries its record; earlier attempts carry null.
 */
export type SettleEntry = [
  kind: 's',
  requestId: string,
  attempt: number,
  tokens: number,
  nanos: number,
  usageSource: string,
  charges: readonly BudgetCharge[],
  record: PackedRecord | null,
]

/** A request that was never dispatched: only its record. */
export type RecordEntry = [kind: 'q', record: PackedRecord]

/** A request record without names; `fields` in the order of PACKED_FIELDS. `packRecord` makes its text. */
export type PackedRecord = [id: string, keyId: string | null, fields: readonly unknown[]]

/** The reservation is in the file, but its request was refused and never dispatched (the sync failed). */
export type VoidEntry = [kind: 'v', requestId: string, attempt: number]

/** What a segment's file name says. */
export interface SegmentName {
  readonly name: string
  readonly startMs: number
  readonly worker: number
  readonly sequence: number
}

/** The file name of a segment; `startMs` and `worker` together must be unique for each start of a worker. */
export function segmentName(startMs: number, worker: number, sequence: number): string {
  return `${String(startMs).padStart(13, '0')}-${worker}-${String(sequence).padStart(8, '0')}.seg`
}

/** Reads a segment's file name back; null for any other file. */
export function parseSegmentName(name: string): SegmentName | null {
  const match = /^(\d{13})-(\d+)-(\d{8})\.seg$/.exec(name)
  if (match === null) return null
  return { name, startMs: Number(match[1]), worker: Number(match[2]), sequence: Number(match[3]) }
}

/** Orders segments as their entries were written: by worker start, then worker, then sequence. */
export function compareSegments(a: SegmentName, b: SegmentName): number {
  return a.startMs - b.startMs || a.worker - b.worker || a.sequence - b.sequence
}
