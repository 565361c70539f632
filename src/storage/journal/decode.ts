import { RECORD_PATTERN, type RecordRow, rowOf, rowOfMatch } from '../record-fields.ts'
import type { UsageSource } from '../records.ts'
import type { BudgetCharge } from './format.ts'

/** A reservation as read from the journal. */
export interface Reserved {
  readonly kind: 'reserve'
  readonly requestId: string
  readonly attempt: number
  readonly reservedAt: number
  readonly keyId: string | null
  readonly provider: string
  readonly model: string
  readonly tokens: number
  readonly nanos: number
  readonly priceRule: string | null
  /** JSON of `attempt` to `priceRule`, without brackets: the beginning of the attempt's stored row. */
  readonly head: string
  /** JSON of the charges; few ask for more than their number. */
  readonly charges: string
  readonly chargeCount: number
  /** JSON of the names of the key's levels, beside the key itself; `[]` for a key that has none. */
  readonly levels: string
}

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
  | Reserved
  | Settlement
  | { readonly kind: 'record'; readonly record: RecordRow }
  | { readonly kind: 'void'; readonly requestId: string; readonly attempt: number }

/** Entries as they nearly always are; whatever else is right goes the longer way through JSON.parse. */
const TEXT = '"([^"\\\\\\x00-\\x1f]*)"'
const TEXT_OR_NULL = `(?:null|${TEXT})`
const CHARGES = '(\\[(?:\\["[^"\\\\\\[\\]\\x00-\\x1f]*",\\d+,\\d+\\],?)*\\])'
const LEVELS = '(\\[(?:"[^"\\\\\\[\\]\\x00-\\x1f]*",?)*\\])'
const RESERVE = new RegExp(
  `^\\["r",${TEXT},((\\d+),(\\d+),${TEXT_OR_NULL},${TEXT},${TEXT},(\\d+),(\\d+),${TEXT_OR_NULL}),${CHARGES}(?:,${LEVELS})?\\]$`,
)
const SETTLE = new RegExp(`^\\["s",${TEXT},(\\d+),(\\d+),(\\d+),"([a-z]+)",${CHARGES},(?:null|${RECORD_PATTERN})\\]$`)
const SETTLE_RECORD = 7
const RECORD = new RegExp(`^\\["q",${RECORD_PATTERN}\\]$`)

/** Reads one entry's text; null when it is not an entry that this program writes. */
export function decodeEntry(text: string): Decoded | null {
  switch (text.charCodeAt(2)) {
    case 0x72: // r
      return decodeReserve(RESERVE.exec(text)) ?? decodeJson(text)
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

/** The charges of a reservation or settlement, read. */
export function chargesOf({ charges }: { readonly charges: string }): BudgetCharge[] {
  return JSON.parse(charges) as BudgetCharge[] // both ways of decoding have checked or made it
}

/** Names of the levels of a reservation's key, read. */
export function levelsOf({ levels }: { readonly levels: string }): string[] {
  return levels === '[]' ? [] : (JSON.parse(levels) as string[]) // both ways of decoding have checked or made it
}

/** The text of a reservation's entry, which `decodeEntry` reads back. */
export function reserveText({ requestId, head, charges, levels }: Reserved): string {
  return `["r",${JSON.stringify(requestId)},${head},${charges}${levels === '[]' ? '' : `,${levels}`}]`
}

/** The reservation in a stored row's amounts, without its charges; null when they are none. */
export function reservedOf(requestId: string, amounts: string): Reserved | null {
  const list = JSON.parse(amounts) as unknown[] // made from a reservation's head
  const decoded = decodeEntry(JSON.stringify(['r', requestId, ...list.slice(0, 8), []]))
  return decoded?.kind === 'reserve' ? decoded : null
}

function decodeReserve(match: RegExpExecArray | null): Reserved | null {
  if (match === null) return null
  const charges = match[11] ?? '[]'
  return {
    kind: 'reserve',
    requestId: match[1] ?? '',
    head: match[2] ?? '',
    attempt: Number(match[3]),
    reservedAt: Number(match[4]),
    keyId: match[5] ?? null,
    provider: match[6] ?? '',
    model: match[7] ?? '',
    tokens: Number(match[8]),
    nanos: Number(match[9]),
    priceRule: match[10] ?? null,
    charges,
    chargeCount: countBrackets(charges) - 1,
    levels: match[12] ?? '[]',
  }
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
      return reserveOfJson(value)
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

function reserveOfJson(entry: readonly unknown[]): Reserved | null {
  const [, requestId, attempt, reservedAt, keyId, provider, model, tokens, nanos, priceRule, charges, levels = []] =
    entry
  if (typeof requestId !== 'string' || !isTextOrNull(keyId) || !isTextOrNull(priceRule)) return null
  // A request that goes to no model has none: it is owed all the same.
  if (typeof provider !== 'string' || !isTextOrNull(model) || !Array.isArray(charges)) return null
  if (!isCount(attempt) || !isCount(reservedAt) || !isCount(tokens) || !isCount(nanos)) return null
  if (!Array.isArray(levels) || !levels.every((name) => typeof name === 'string')) return null
  return {
    kind: 'reserve',
    requestId,
    attempt,
    reservedAt,
    keyId,
    provider,
    model: model ?? '',
    tokens,
    nanos,
    priceRule,
    head: JSON.stringify(entry.slice(2, 10)).slice(1, -1),
    charges: JSON.stringify(charges),
    chargeCount: charges.length,
    levels: JSON.stringify(levels),
  }
}

/** Opening brackets of a text; those of charges stand for one each, since the pattern allows none in their names. */
function countBrackets(text: string): number {
  let count = 0
  for (let at = text.indexOf('['); at >= 0; at = text.indexOf('[', at + 1)) count++
  return count
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
