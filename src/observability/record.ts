import { packRecord, type RequestRecord } from '../storage/index.ts'
import { cut, escapeUnsafe, isPlain } from './json-text.ts'

/** Longest text of any field, in UTF-16 units; what a client or upstream made longer is cut. */
export const MAX_RECORD_TEXT = 256

/**
 * A request record as one line of JSON, fields in the order of the object. Texts are cut at `MAX_RECORD_TEXT`;
 * characters that could forge or garble a line are escaped; numbers that are not finite become null.
 *
 * `JSON.stringify` of the whole object gives flat text, and was faster than concatenation of prepared pieces as soon
 * as the text is written anywhere (bench/micro/record.ts). So this looks for texts that need care, and there are none.
 */
export function encodeRecord(record: RequestRecord): string {
  return isTame(record) ? JSON.stringify(record) : escapeUnsafe(JSON.stringify(record, cutText))
}

/** The same record as the journal takes it: without names, with the same care for its texts. */
export function encodePacked(record: RequestRecord): string {
  return isTame(record) ? packRecord(record) : escapeUnsafe(packRecord(record, cutText))
}

/** A list of a record's values as JSON text, with the same care. */
export function encodeValues(values: readonly (string | number | null)[]): string {
  return escapeUnsafe(JSON.stringify(values, cutText))
}

/**
 * True when no field needs cutting, or escaping beyond what JSON asks for. Ids and the words of closed sets are ours
 * and never do.
 */
function isTame(r: RequestRecord): boolean {
  return (
    isTameText(r.path) &&
    isTameText(r.model_requested) &&
    isTameText(r.model_served) &&
    isTameText(r.client_request_id) &&
    isTameText(r.run_id) &&
    isTameText(r.error_code) &&
    isTameText(r.method) &&
    isTameText(r.key_id) &&
    isTameText(r.provider) &&
    isTameText(r.upstream) &&
    isTameText(r.route) &&
    isTameText(r.client_address) &&
    isTameText(r.price_rule) &&
    isTameText(r.translation) &&
    isTameText(r.attempt_history) &&
    isTameText(r.variant) &&
    isTameText(r.organization) &&
    isTameText(r.team) &&
    isTameText(r.project) &&
    isTameText(r.user) &&
    isTameText(r.budget_events) &&
    isTameText(r.policy) &&
    isTameText(r.policy_version) &&
    isTameText(r.session) &&
    isTameText(r.end_user) &&
    isTameText(r.tags)
  )
}

function isTameText(text: string | null): boolean {
  return text === null || (text.length <= MAX_RECORD_TEXT && isPlain(text))
}

function cutText(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > MAX_RECORD_TEXT ? cut(value, MAX_RECORD_TEXT) : value
}
