import { isOfDays, USAGE_DIMENSIONS, USAGE_PERIODS, type UsageDimension, type UsageRow } from '../storage/index.ts'
import { ControlError } from './errors.ts'
import { pageSize } from './paging.ts'
import type { ControlPort } from './port.ts'
import { keyIdOf } from './query.ts'
import { type Answer, ok } from './resource.ts'

const DAY_MS = 86_400_000
/** Records are read for what the sums of days do not tell, and everybody else waits for the answer. */
const MOST_RECORD_DAYS = 92
/** What people write for a dimension. */
const NAMES: ReadonlyMap<string, UsageDimension> = new Map([
  ['key', 'key_id'],
  ...USAGE_DIMENSIONS.map((name) => [name, name] as const),
])

/** Usage by the dimensions of `by` (none: of all together), in periods of `per`: a page in the order of both. */
export async function usagePage(
  port: ControlPort,
  query: ReadonlyMap<string, string>,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<Answer> {
  const by = dimensionsOf(query.get('by'))
  const said = query.get('per') ?? 'day'
  const per = USAGE_PERIODS.find((name) => name === said)
  if (per === undefined) throw wrong('per', `expected one of ${USAGE_PERIODS.join(', ')}`)
  const range = { fromMs, toMs: toMs + DAY_MS }
  if (!isOfDays({ by, per, ...range }) && range.toMs - fromMs > MOST_RECORD_DAYS * DAY_MS) {
    throw wrong('from', `at most ${MOST_RECORD_DAYS} days of what is not by day, key, provider and model alone`)
  }
  const limit = pageSize(query.get('limit'))
  const after = cursorOf(query.get('cursor'), by.length + 1)
  const rows = await port.usageBy({
    by,
    per,
    ...range,
    keyId: keyIdOf(query),
    after,
    limit: limit + 1,
  })
  const data = rows.slice(0, limit)
  const last = rows.length > limit ? data.at(-1) : undefined
  return ok({ data: data.map((row) => encode(row, by)), next_cursor: last === undefined ? null : cursorAt(last) })
}

function encode({ period, values, ...sums }: UsageRow, by: readonly UsageDimension[]): object {
  const { requests, tokens, nanos, adjustedTokens, adjustedNanos } = sums
  const dimensions = by.map((name, at) => [name, values[at] === '' ? null : values[at]])
  const adjusted = { adjusted_tokens: adjustedTokens, adjusted_nanos: adjustedNanos }
  return {
    period: period === '' ? null : period,
    ...Object.fromEntries(dimensions),
    requests,
    tokens,
    nanos,
    ...adjusted,
  }
}

function dimensionsOf(text = ''): UsageDimension[] {
  const names = text.split(',').filter((name) => name !== '')
  const by = names.map((name) => {
    const dimension = NAMES.get(name)
    if (dimension === undefined) throw wrong('by', `expected some of ${[...NAMES.keys()].join(', ')}`)
    return dimension
  })
  if (new Set(by).size < by.length) throw wrong('by', 'names something twice')
  return by
}

/** The place of a row: all that it is sorted by. */
function cursorAt({ period, values }: UsageRow): string {
  return Buffer.from(JSON.stringify([period, ...values])).toString('base64url')
}

function cursorOf(text: string | undefined, length: number): readonly string[] | null {
  if (text === undefined) return null
  const fault = wrong('cursor', 'expected the `next_cursor` of another page of the same question')
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    throw fault
  }
  if (!Array.isArray(value) || value.length !== length) throw fault
  return value.map((part: unknown) => {
    if (typeof part !== 'string') throw fault
    return part
  })
}

function wrong(param: string, what: string): ControlError {
  return new ControlError('invalid_request', `${param}: ${what}.`, { param })
}
