import { RECORD_PATTERN, type RecordRow, rowOf, rowOfMatch } from '../record-fields.ts'
import type { UsageSource } from '../records.ts'
import type { BudgetCharge, ReserveEntry } from './format.ts'

/** A settlement as read from the journal. */
export interface Settlement {
  readonly kind: 'settle'
  readonly requestId: string
  readonly attempt: number
  readonly tokens: number
  readonly nanos: number
  readonly usageSource: UsageSource
  /** JSON of the final charges; few ask for them. */
  readonly charges: string
  readonly record: RecordRow | null
}

/** An entry as read from the journal. */
export type Decoded =
  | { readonly kind: 'reserve'; readonly entry: ReserveEntry }
  | Settlement
  | { readonly kind: 'record'; readonly record: RecordRow }
  | { readonly kind: 'void'; readonly requestId: string; readonly attempt: number }

/** Settlements and records as they nearly always are; whatever else is right goes the longer way through JSON.parse. */
const SETTLE = new RegExp(
  `^\\["s","([^"\\\\]*)",(\\d+),(\\d+),(\\d+),"([a-z]+)",` +
    `(\\[(?:\\["[^"\\\\]*",\\d+,\\d+\\],?)*\\]),(?:null|${RECORD_PATTERN})\\]$`,
)
const SETTLE_RECORD = 7
const RECORD = new RegExp(`^\\["q",${RECORD_PATTERN}\\]$`)

/** Reads one entry's text; null when it is not an entry that this program writes. */
export function decodeEntry(text: string): Decoded | null {
  switch (text.charCodeAt(2)) {
    case 0x73: // s
      return decodeSettlement(SETTLE.exec(text)) ?? decodeJson(text)
    case 0x71: {
      // q
      const match = RECORD.exec(text)
      return match === null ? decodeJson(text) : { kind: 'record', record: rowOfMatch(match, 1) }
    }
    default:
      return decodeJson(text)
  }
}

/** The charges of a settlement, read. */
export function chargesOf(settlement: Settlement): BudgetCharge[] {
  return JSON.parse(settlement.charges) as BudgetCharge[] // both ways of decoding have checked or made it
}

function decodeSettlement(match: RegExpExecArray | null): Settlement | null {
  if (match === null) return null
  return {
    kind: 'settle',
    requestId: match[1] ?? '',
    attempt: Number(match[2]),
    tokens: Number(match[3]),
    nanos: Number(match[4]),
    usageSource: match[5] as UsageSource, // written by us from that type
    charges: match[6] ?? '[]',
    record: match[SETTLE_RECORD] === undefined ? null : rowOfMatch(match, SETTLE_RECORD),
  }
}

function decodeJson(text: string): Decoded | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The checksum was right, so the text was made by us, or by a version that writes otherwise: the caller counts it.
    return null
  }
  if (!Array.isArray(value)) return null
  const [kind, first, second, third, fourth, fifth, sixth, seventh] = value as unknown[] // narrows any[] to the border's type
  switch (kind) {
    case 'r':
      return isReserve(value) ? { kind: 'reserve', entry: value } : null
    case 's': {
      const isHead = typeof first === 'string' && isCount(second) && isCount(third) && isCount(fourth)
      if (!isHead || typeof fifth !== 'string' || !Array.isArray(sixth)) return null
      const record = seventh === null ? null : rowOf(seventh)
      if (seventh !== null && record === null) return null
      return {
        kind: 'settle',
        requestId: first,
        attempt: second,
        tokens: third,
        nanos: fourth,
        usageSource: fifth as UsageSource, // written by us from that type
        charges: JSON.stringify(sixth),
        record,
      }
    }
    case 'q': {
      const record = rowOf(first)
      return record === null ? null : { kind: 'record', record }
    }
    case 'v':
      return typeof first === 'string' && isCount(second) ? { kind: 'void', requestId: first, attempt: second } : null
    default:
      return null
  }
}

function isReserve(e: readonly unknown[]): e is ReserveEntry {
  const texts = typeof e[1] === 'string' && isTextOrNull(e[4]) && typeof e[5] === 'string' && typeof e[6] === 'string'
  const numbers = isCount(e[2]) && isCount(e[3]) && isCount(e[7]) && isCount(e[8])
  return texts && numbers && isTextOrNull(e[9]) && Array.isArray(e[10])
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
