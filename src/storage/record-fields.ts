import type { PackedRecord } from './journal/format.ts'
import { RECORD_LEVELS, type RequestRecord } from './records.ts'

/** `count` is an integer that is not negative; a question mark allows null. */
type FieldType = 'text' | 'text?' | 'count' | 'count?' | 'flag'

/** The fields of a request record in the order of the interface, of the JSON text and of the table's columns. Append only. */
export const RECORD_FIELDS = [
  ['id', 'text'],
  ['client_request_id', 'text?'],
  ['trace_id', 'text'],
  ['time', 'count'],
  ['worker', 'count'],
  ['client_address', 'text?'],
  ['method', 'text'],
  ['path', 'text'],
  ['route', 'text?'],
  ['key_id', 'text?'],
  ['run_id', 'text?'],
  ['model_requested', 'text?'],
  ['model_served', 'text?'],
  ['provider', 'text?'],
  ['upstream', 'text?'],
  ['status', 'count'],
  ['outcome', 'text'],
  ['error_code', 'text?'],
  ['error_source', 'text?'],
  ['attempts', 'count'],
  ['stream', 'flag'],
  ['cancelled', 'flag'],
  ['queue_us', 'count?'],
  ['first_byte_us', 'count?'],
  ['total_us', 'count'],
  ['bytes_in', 'count'],
  ['bytes_out', 'count'],
  ['input_tokens', 'count'],
  ['cache_read_tokens', 'count'],
  ['cache_write_tokens', 'count'],
  ['output_tokens', 'count'],
  ['reasoning_tokens', 'count'],
  ['usage_source', 'text'],
  ['cost_nanos', 'count?'],
  ['price_rule', 'text?'],
  ['cache_write_1h_tokens', 'count'],
  ['audio_input_tokens', 'count'],
  ['audio_output_tokens', 'count'],
  ['image_input_tokens', 'count'],
  ['image_output_tokens', 'count'],
  ['web_searches', 'count'],
  ['units', 'count'],
  ['unit', 'text?'],
  ['translation', 'text?'],
  ['attempt_history', 'text?'],
  ['variant', 'text?'],
  ['organization', 'text?'],
  ['team', 'text?'],
  ['project', 'text?'],
  ['user', 'text?'],
  ['budget_events', 'text?'],
  ['policy', 'text?'],
  ['policy_version', 'text?'],
  ['session', 'text?'],
  ['end_user', 'text?'],
  ['tags', 'text?'],
] as const satisfies readonly (readonly [keyof RequestRecord, FieldType])[]

/** Fails to compile when a field of the interface is missing above. */
type Missing = Exclude<keyof RequestRecord, (typeof RECORD_FIELDS)[number][0]>
const complete: [Missing] extends [never] ? true : Missing = true
void complete

/** Fields of the packed list in its order: all but the two that stand before it. Append only: stored rows have it. */
export const PACKED_FIELDS = RECORD_FIELDS.filter(([name]) => name !== 'id' && name !== 'key_id')

/** How many packed fields the first version wrote; every later one wrote these, and some of the others in their order. */
const FIRST_PACKED = 33

/**
 * A request record as it is written and stored: the two fields that rows are found by, and the others as the JSON text
 * of a list in the order of PACKED_FIELDS. Without names it is a third of the bytes, and the writer hands the text to
 * the database as it is.
 */
export interface RecordRow {
  readonly id: string
  readonly keyId: string | null
  readonly fields: string
}

/**
 * A record's part of a journal entry: `["<id>",<key_id>,[<other fields>]]`. The fields are written out, since reading
 * them by name from a table takes twice as long.
 */
export function packRecord(r: RequestRecord, replacer?: (key: string, value: unknown) => unknown): string {
  const packed: PackedRecord = [
    r.id,
    r.key_id,
    [
      r.client_request_id,
      r.trace_id,
      r.time,
      r.worker,
      r.client_address,
      r.method,
      r.path,
      r.route,
      r.run_id,
      r.model_requested,
      r.model_served,
      r.provider,
      r.upstream,
      r.status,
      r.outcome,
      r.error_code,
      r.error_source,
      r.attempts,
      r.stream,
      r.cancelled,
      r.queue_us,
      r.first_byte_us,
      r.total_us,
      r.bytes_in,
      r.bytes_out,
      r.input_tokens,
      r.cache_read_tokens,
      r.cache_write_tokens,
      r.output_tokens,
      r.reasoning_tokens,
      r.usage_source,
      r.cost_nanos,
      r.price_rule,
      r.cache_write_1h_tokens,
      r.audio_input_tokens,
      r.audio_output_tokens,
      r.image_input_tokens,
      r.image_output_tokens,
      r.web_searches,
      r.units,
      r.unit,
      r.translation,
      r.attempt_history,
      r.variant,
      r.organization,
      r.team,
      r.project,
      r.user,
      r.budget_events,
      r.policy,
      r.policy_version,
      r.session,
      r.end_user,
      r.tags,
    ],
  ]
  return JSON.stringify(packed, replacer)
}

/**
 * What a record's part of an entry holds, parsed; null when a field is missing or of another type. An older version
 * wrote fewer.
 */
export function rowOf(packed: unknown): RecordRow | null {
  if (!Array.isArray(packed) || packed.length !== 3) return null
  const [id, keyId, fields] = packed as unknown[] // narrows any[] to the border's type
  if (typeof id !== 'string' || !isOfType(keyId, 'text?') || !Array.isArray(fields)) return null
  if (fields.length < FIRST_PACKED || fields.length > PACKED_FIELDS.length) return null
  for (let i = 0; i < fields.length; i++) {
    if (!isOfType(fields[i], PACKED_FIELDS[i]?.[1])) return null
  }
  return { id, keyId: keyId as string | null, fields: JSON.stringify(fields) } // its type is checked above
}

/** The record of a row that was stored by `rowOf` or after the pattern; fields that were added later are 0 or null. */
export function recordOf(row: RecordRow): RequestRecord {
  const values = JSON.parse(row.fields) as unknown[] // checked before it was stored
  const record: Record<string, unknown> = {}
  let at = 0
  for (const [name, type] of RECORD_FIELDS) {
    if (name === 'id') record.id = row.id
    else if (name === 'key_id') record.key_id = row.keyId
    else record[name] = values[at++] ?? (type === 'count' ? 0 : null)
  }
  return record as unknown as RequestRecord // complete by RECORD_FIELDS, and its types were checked
}

/** Names of the levels that a record names: `team:search`. */
export function levelNamesOf(record: RequestRecord): string[] {
  return RECORD_LEVELS.flatMap((kind) => (record[kind] === null ? [] : [`${kind}:${record[kind]}`]))
}

function isOfType(value: unknown, type: FieldType | undefined): boolean {
  switch (type) {
    case 'text':
      return typeof value === 'string'
    case 'text?':
      return typeof value === 'string' || value === null
    case 'count':
      return isNumber(value)
    case 'count?':
      return isNumber(value) || value === null
    case 'flag':
      return typeof value === 'boolean'
    case undefined:
      return false
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value)
}

const PATTERNS: Readonly<Record<FieldType, string>> = {
  text: '"[^"\\\\\\x00-\\x1f]*"',
  'text?': '(?:null|"[^"\\\\\\x00-\\x1f]*")',
  count: '\\d+',
  'count?': '(?:null|\\d+)',
  flag: '(?:true|false)',
}

/**
 * A pattern for the text of `packRecord` as it nearly always is: no escapes, no negative numbers. Three groups: id,
 * key id (unset when null), and the text of the other fields. What it does not match may still be right.
 */
export const RECORD_PATTERN = `\\["([^"\\\\\\x00-\\x1f]*)",(?:null|"([^"\\\\\\x00-\\x1f]*)"),(\\[${PACKED_FIELDS.map(([, type]) => PATTERNS[type]).join(',')}\\])\\]`

/** The row of a match of RECORD_PATTERN whose groups begin at `first`. */
export function rowOfMatch(match: RegExpExecArray, first: number): RecordRow {
  return { id: match[first] ?? '', keyId: match[first + 1] ?? null, fields: match[first + 2] ?? '' }
}
