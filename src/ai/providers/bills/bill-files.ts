import { BillError, type BillLine, dateOf, picoOf, requireUsd } from './bill.ts'
import { readCsv } from './csv.ts'

/** Whose bills are read. */
export const BILLERS = ['openai', 'anthropic'] as const
export type Biller = (typeof BILLERS)[number]

type Fields = ReadonlyMap<string, unknown>

interface Reader {
  /** A result of the provider's costs API within a bucket that begins on a day; null: it costs nothing. */
  readonly result: (date: string, result: Fields) => BillLine | null
  /** Where a bucket of it begins. */
  readonly start: string
  /** A row of the file that its console exports. */
  readonly row: (row: ReadonlyMap<string, string>) => BillLine | null
  /** Headings without which a file is none. */
  readonly headings: readonly string[]
}

/**
 * The forms of bills. OpenAI: `GET /v1/organization/costs` (platform.openai.com/docs/api-reference/usage/costs) and the export of
 * its dashboard, which has the same fields as columns. Anthropic: `GET /v1/organizations/cost_report`
 * (platform.claude.com/docs/en/api/admin/cost_report), whose amounts are cents, and the export of its console, in dollars and by
 * names for people. Looked up 2026-11-22.
 */
const READERS: Readonly<Record<Biller, Reader>> = {
  openai: {
    start: 'start_time',
    result: (date, result) => {
      const amount = fieldsOf(result.get('amount'))
      if (amount.size === 0) return null
      requireUsd(amount.get('currency'))
      return { date, ...picoOf(numberText(amount.get('value'))), ...openaiItem(textOf(result.get('line_item'))) }
    },
    headings: ['start_time', 'amount_value'],
    row: (row) => {
      // A day without costs has a row without an amount.
      const value = row.get('amount_value') ?? ''
      if (value === '') return null
      requireUsd(row.get('amount_currency') ?? 'usd')
      return { date: dateOf(row.get('start_time')), ...picoOf(value), ...openaiItem(row.get('line_item') ?? '') }
    },
  },
  anthropic: {
    start: 'starting_at',
    result: (date, result) => {
      requireUsd(result.get('currency'))
      const model = textOf(result.get('model'))
      const type = textOf(result.get('token_type'))
      return {
        date,
        // "123.45" is 1.2345 dollars: the lowest unit of the currency.
        ...picoOf(numberText(result.get('amount')), 2),
        model: model === '' ? null : model,
        item: type === '' ? textOf(result.get('cost_type')) || textOf(result.get('description')) : type,
        isBatch: result.get('service_tier') === 'batch',
        isCached: type.includes('cache_read'),
      }
    },
    headings: ['usage_date_utc', 'cost_usd'],
    row: (row) => {
      const model = row.get('model') ?? ''
      const type = row.get('token_type') ?? ''
      return {
        date: dateOf(row.get('usage_date_utc')),
        ...picoOf(row.get('cost_usd') ?? ''),
        model: model === '' ? null : model,
        item: type === '' ? (row.get('cost_type') ?? '') : type,
        isBatch: (row.get('usage_type') ?? '').includes('batch'),
        isCached: type.includes('cache_read'),
      }
    },
  },
}

/**
 * Names of OpenAI's line items, which its reference leaves open: `[tier | ]model[ modality], what[, long context]`, as accounts
 * report them (looked up 2026-11-22): `gpt-5.5-2026-04-23, cached input`, `priority | gpt-5.6-sol, output, long context`,
 * `gpt-audio-mini-2025-12-15 audio, input`; or of something that is no model: `web search tool calls`.
 */
const OPENAI_ITEM = /^(?:([a-z]+) \| )?([a-z][\w.:/-]*)(?: (text|audio|image|video))?(?:, (.+))?$/i

function openaiItem(text: string): Pick<BillLine, 'model' | 'item' | 'isBatch' | 'isCached'> {
  const [, tier = '', model = null, modality = '', what = ''] = OPENAI_ITEM.exec(text) ?? []
  // A name alone is a model's when it is written like one.
  const isNamed = model !== null && (what !== '' || /^[a-z]/.test(model))
  return {
    model: isNamed ? model : null,
    item: isNamed ? [tier, modality, what].filter((part) => part !== '').join(' ') || text : text,
    isBatch: /\bbatch\b/i.test(text),
    isCached: /\bcached\b/i.test(what),
  }
}

/** Reads a bill: the answers of the costs API as JSON (one page, a list of pages, or a page a line), or an export as CSV. */
export function readBill(text: string, biller: Biller): BillLine[] {
  const reader = READERS[biller]
  const lines = /^\s*[[{]/.test(text) ? ofJson(text, reader) : ofCsv(text, reader)
  return lines.filter((line) => line !== null)
}

function ofCsv(text: string, { row: readRow, headings }: Reader): (BillLine | null)[] {
  const rows = readCsv(text)
  for (const name of headings) {
    if (rows.length > 0 && rows[0]?.has(name) === false) throw new BillError(`there is no column \`${name}\``)
  }
  return rows.map(readRow)
}

function ofJson(text: string, { result: readResult, start }: Reader): (BillLine | null)[] {
  const pages = pagesOf(text)
  const last = fieldsOf(pages.at(-1))
  if (last.get('has_more') === true) throw new BillError('the last page says that there are more; fetch all of them')
  return pages.flatMap((page) =>
    listOf(fieldsOf(page).get('data')).flatMap((bucket) => {
      const date = dateOf(fieldsOf(bucket).get(start))
      return listOf(fieldsOf(bucket).get('results')).map((result) => readResult(date, fieldsOf(result)))
    }),
  )
}

function pagesOf(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : [value]
  } catch {
    // Several pages, one a line.
  }
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, at) => {
      try {
        return JSON.parse(line) as unknown
      } catch (cause) {
        throw new BillError(`line ${at + 1} is no JSON`, { cause })
      }
    })
}

function fieldsOf(value: unknown): Fields {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new BillError('this is no page of costs: `data` with `results` is missing')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function numberText(value: unknown): string {
  return typeof value === 'number' ? String(value) : textOf(value)
}
