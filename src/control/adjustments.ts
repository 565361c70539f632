import { isObject } from '../lib/index.ts'
import type { Adjustment } from '../storage/index.ts'
import { textField, wrongField } from './fields.ts'
import { instant } from './key-view.ts'
import { pageSize } from './paging.ts'
import type { AdjustmentRequest, ControlPort } from './port.ts'
import { type Answer, type ControlRequest, ok } from './resource.ts'

const NANOS_PER_USD = 1e9
const MOST_USD = 1_000_000
const MOST_TOKENS = 1e12
const MOST_REASON = 500
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
const FIELDS = ['id', 'request_id', 'attempt', 'tokens', 'usd', 'reason']

/** Enters money or tokens that a request gets back, or is charged more; said again with the same id it changes nothing. */
export async function adjustLedger(port: ControlPort, { by, body }: ControlRequest): Promise<Answer> {
  const { adjustment, isNew } = await port.adjustLedger(parseAdjustment(body), by)
  return { status: isNew ? 201 : 200, body: { adjustment: encodeAdjustment(adjustment) } }
}

/** A page of what operators have entered, newest first; of one request, if one is given. */
export async function listAdjustments(port: ControlPort, { query }: ControlRequest): Promise<Answer> {
  const limit = pageSize(query.get('limit'))
  const before = cursorOf(query.get('cursor'))
  const rows = await port.adjustments({ requestId: query.get('request_id') ?? null, before, limit: limit + 1 })
  const data = rows.slice(0, limit)
  const last = rows.length > limit ? data.at(-1) : undefined
  const next = last === undefined ? null : `${last.entered_at}.${last.id}`
  return ok({ data: data.map(encodeAdjustment), next_cursor: next })
}

/** An adjustment in an answer. */
export interface AdjustmentAnswer extends Omit<Adjustment, 'nanos' | 'entered_at'> {
  readonly usd: number
  readonly nanos: number
  /** ISO 8601 in UTC. */
  readonly entered_at: string | null
}

/** What an answer says of an adjustment. */
export function encodeAdjustment({ nanos, entered_at: enteredAt, ...adjustment }: Adjustment): AdjustmentAnswer {
  return { ...adjustment, usd: nanos / NANOS_PER_USD, nanos, entered_at: instant(enteredAt) }
}

/** What a request says that is to be entered. Throws ControlError `invalid_request` with the field. */
export function parseAdjustment(value: unknown): AdjustmentRequest {
  if (!isObject(value)) throw wrongField('', 'The body must be a JSON object.')
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) throw wrongField(unknown.slice(0, 64), `unknown field; possible are ${FIELDS.join(', ')}.`)
  const id = textField(value, 'id') ?? ''
  if (!ID.test(id)) {
    throw wrongField(
      'id',
      'expected a name of your own for this adjustment, of 1 to 128 of A-Z a-z 0-9 . _ : -, which makes it happen once.',
    )
  }
  const requestId = textField(value, 'request_id') ?? ''
  if (requestId === '') throw wrongField('request_id', 'expected the id of a request of the records.')
  const reason = (textField(value, 'reason') ?? '').trim()
  if (reason === '' || reason.length > MOST_REASON) {
    throw wrongField('reason', `expected a reason of 1 to ${MOST_REASON} characters.`)
  }
  const tokens = amountOf(value['tokens'] ?? 0, 'tokens', MOST_TOKENS)
  if (!Number.isInteger(tokens)) throw wrongField('tokens', 'expected a whole number; negative: given back.')
  const nanos = Math.round(amountOf(value['usd'] ?? 0, 'usd', MOST_USD) * NANOS_PER_USD)
  if (tokens === 0 && nanos === 0)
    throw wrongField('usd', 'expected `usd` or `tokens` other than 0; negative: given back.')
  const { attempt } = value
  if (attempt !== undefined && !(typeof attempt === 'number' && Number.isInteger(attempt) && attempt >= 1)) {
    throw wrongField('attempt', 'expected the number of an attempt, from 1; absent: the last one.')
  }
  return { id, request_id: requestId, attempt, tokens, nanos, reason }
}

function amountOf(value: unknown, name: string, most: number): number {
  if (typeof value === 'number' && Math.abs(value) <= most) return value
  throw wrongField(name, `expected a number from -${most} to ${most}; negative: given back.`)
}

function cursorOf(text: string | undefined): readonly [number, string] | null {
  if (text === undefined) return null
  const [, atMs, id = ''] = /^(\d{1,15})\.(.{1,128})$/.exec(text) ?? []
  if (atMs !== undefined) return [Number(atMs), id]
  throw wrongField('cursor', 'expected the `next_cursor` of another page.')
}
