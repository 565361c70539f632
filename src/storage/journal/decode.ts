import type { RequestRecord } from '../records.ts'
import type { JournalEntry, RecordEntry, ReserveEntry, SettleEntry, VoidEntry } from './format.ts'

/** Reads one entry's text; null when it is not an entry that this program writes. */
export function decodeEntry(text: string): JournalEntry | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The checksum was right, so the text was made by us, or by a version that writes otherwise: the caller counts it.
    return null
  }
  if (!Array.isArray(value)) return null
  // Array.isArray narrows to any[]: back to the border's type.
  const entry = value as unknown[]
  switch (entry[0]) {
    case 'r':
      return isReserve(entry) ? entry : null
    case 's':
      return isSettle(entry) ? entry : null
    case 'q':
      return isRecord(entry) ? entry : null
    case 'v':
      return isVoid(entry) ? entry : null
    default:
      return null
  }
}

function isReserve(e: unknown): e is ReserveEntry {
  if (!Array.isArray(e)) return false
  const texts = typeof e[1] === 'string' && isTextOrNull(e[4]) && typeof e[5] === 'string' && typeof e[6] === 'string'
  const numbers = isCount(e[2]) && isCount(e[3]) && isCount(e[7]) && isCount(e[8])
  return texts && numbers && isTextOrNull(e[9]) && Array.isArray(e[10])
}

function isSettle(e: unknown): e is SettleEntry {
  if (!Array.isArray(e)) return false
  const head = typeof e[1] === 'string' && isCount(e[2]) && isCount(e[3]) && isCount(e[4]) && typeof e[5] === 'string'
  return head && Array.isArray(e[6]) && (e[7] === null || isRequestRecord(e[7]))
}

function isRecord(e: unknown): e is RecordEntry {
  return Array.isArray(e) && isRequestRecord(e[1])
}

function isVoid(e: unknown): e is VoidEntry {
  return Array.isArray(e) && typeof e[1] === 'string' && isCount(e[2])
}

/** True when all fields that may not be null are there. */
function isRequestRecord(value: unknown): value is RequestRecord {
  if (typeof value !== 'object' || value === null) return false
  // All fields are unknown until the checks below have passed.
  const r = value as Partial<Record<keyof RequestRecord, unknown>>
  return (
    typeof r.id === 'string' &&
    typeof r.trace_id === 'string' &&
    typeof r.time === 'number' &&
    typeof r.worker === 'number' &&
    typeof r.method === 'string' &&
    typeof r.path === 'string' &&
    typeof r.status === 'number' &&
    typeof r.outcome === 'string' &&
    typeof r.attempts === 'number' &&
    typeof r.stream === 'boolean' &&
    typeof r.cancelled === 'boolean' &&
    typeof r.total_us === 'number' &&
    typeof r.bytes_in === 'number' &&
    typeof r.bytes_out === 'number' &&
    typeof r.input_tokens === 'number' &&
    typeof r.cache_read_tokens === 'number' &&
    typeof r.cache_write_tokens === 'number' &&
    typeof r.output_tokens === 'number' &&
    typeof r.reasoning_tokens === 'number' &&
    typeof r.usage_source === 'string'
  )
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
