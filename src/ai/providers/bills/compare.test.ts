import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packagedCatalogue } from '../../catalogue/catalogue.ts'
import { type BillLine, picoOf } from './bill.ts'
import { compare, type LedgerDay, spelling } from './compare.ts'

const NOW = Date.UTC(2026, 8, 1)
const TOLERANCE = { share: 0.01, nanos: 10_000 }

function billed(date: string, model: string | null, usd: string, more: Partial<BillLine> = {}): BillLine {
  return { date, model, item: 'input', isBatch: false, isCached: false, ...picoOf(usd), ...more }
}

function spent(date: string, model: string, usd: number, more: Partial<LedgerDay> = {}): LedgerDay {
  const facts = { unpriced: 0, estimated: 0, reserved: 0, cacheReadTokens: 0 }
  return { date, model, requests: 1, nanos: Math.round(usd * 1e9), ...facts, ...more }
}

function verdicts(lines: readonly BillLine[], days: readonly LedgerDay[]) {
  return compare(lines, days, { tolerance: TOLERANCE, nowMs: NOW }).map(({ date, model, status, why }) => {
    return [date, model, status, why.join('; ')]
  })
}

test('one model has one name, however it is spelt', () => {
  const rows: readonly (readonly string[])[] = [
    ['gpt-4o', 'gpt-4o-2024-08-06', 'GPT-4o'],
    ['gpt-3.5-turbo', 'gpt-3.5-turbo-0125', 'gpt-3.5-turbo-1106', 'gpt-3.5-turbo-0613'],
    ['claude-haiku-4-5', 'claude-haiku-4-5-20251001', 'Claude Haiku 4.5', 'claude-haiku-4-5@20251001'],
    ['claude-3-5-haiku-latest', 'claude-3-5-haiku-20241022', 'Claude Haiku 3.5'],
  ]
  const families = rows.map((names) => new Set(names.map(spelling)))
  for (const family of families) assert.equal(family.size, 1, [...family].join(' '))
  assert.notEqual(spelling('gpt-4o'), spelling('gpt-4o-mini'))
  assert.notEqual(spelling('mistral-large-2411'), spelling('mistral-large'), 'a year and a month are no day')
})

test('sides that agree are equal, rounded ones and near ones within the tolerance', () => {
  const day = '2026-08-01'
  assert.deepEqual(
    verdicts(
      [
        billed(day, 'gpt-4o-2024-08-06', '0.0600000'),
        billed(day, 'gpt-4o-2024-08-06', '0.0400000'),
        billed(day, 'o3', '0.19'),
        billed(day, 'o1', '5.0400000'),
      ],
      [spent(day, 'gpt-4o', 0.1), spent(day, 'o3', 0.187), spent(day, 'o1', 5)],
    ),
    [
      [day, 'gpt-4o-2024-08-06', 'equal', ''],
      [day, 'o1', 'within', ''],
      [day, 'o3', 'within', 'rounding of the bill'],
    ],
  )
})

test('what only one side has is missing on the other, with why that may be', () => {
  const found = verdicts(
    [
      billed('2026-08-01', 'o3', '1.5000000'),
      billed('2026-08-01', null, '0.3000000', { item: 'Web search tool calls' }),
    ],
    [spent('2026-08-01', 'o1', 2), spent('2026-08-31', 'o1', 2)],
  )
  assert.deepEqual(
    found.map(([date, model, status]) => [date, model, status]),
    [
      ['2026-08-01', 'Web search tool calls', 'missing-here'],
      ['2026-08-01', 'o1', 'missing-there'],
      ['2026-08-01', 'o3', 'missing-here'],
      ['2026-08-31', 'o1', 'missing-there'],
    ],
  )
  const why = found.map((row) => row[3] ?? '')
  assert.match(why[0] ?? '', /item of its own/)
  assert.match(why[1] ?? '', /another account/)
  assert.match(why[2] ?? '', /nothing of it went through this gateway/)
  assert.match(why[3] ?? '', /may not have this day yet/)
})

test('says why amounts differ: batches, caches, prices, estimates, midnight', () => {
  const day = '2026-08-01'
  const rows: readonly [BillLine[], LedgerDay[], RegExp][] = [
    [
      [billed(day, 'o3', '1.0000000'), billed(day, 'o3', '0.5000000', { isBatch: true })],
      [spent(day, 'o3', 2)],
      /^batch: \$0\.5000 at batch prices, which the ledger has at full price$/,
    ],
    [
      [billed(day, 'o3', '1.0000000'), billed(day, 'o3', '0.2500000', { isCached: true })],
      [spent(day, 'o3', 1.5)],
      /^cache: \$0\.2500 for cached input, and the records have none$/,
    ],
    [[billed(day, 'o3', '1.5000000')], [spent(day, 'o3', 1, { unpriced: 3 })], /^3 requests have no cost here/],
    [
      [billed(day, 'o3', '1.5000000')],
      [spent(day, 'o3', 2, { estimated: 2, reserved: 1 })],
      /^1 requests were charged in full.*; the usage of 2 requests was estimated$/,
    ],
    [[billed(day, 'o3', '1.5000000')], [spent(day, 'o3', 1)], /^more was billed than went through here$/],
    [[billed(day, 'o3', '1.0000000')], [spent(day, 'o3', 2)], /^less was billed, nothing says why$/],
  ]
  for (const [lines, days, why] of rows) {
    const [row, ...others] = verdicts(lines, days)
    assert.deepEqual([row?.[2], others.length], ['differs', 0])
    assert.match(row?.[3] ?? '', why)
  }
  const moved = verdicts(
    [billed(day, 'o3', '1.5000000'), billed('2026-08-02', 'o3', '0.5000000')],
    [spent(day, 'o3', 1), spent('2026-08-02', 'o3', 1)],
  )
  for (const row of moved) assert.match(row[3] ?? '', /^midnight: /)
  const dearer = verdicts(
    [billed(day, 'o3', '1.2500000'), billed('2026-08-02', 'o3', '2.5000000')],
    [spent(day, 'o3', 1), spent('2026-08-02', 'o3', 2)],
  )
  for (const row of dearer) assert.match(row[3] ?? '', /^price: the bill is 1\.250 times the ledger/)
})

test('a bill without models is compared by day', () => {
  const lines = [billed('2026-08-01', null, '3.0000000', { item: '' })]
  const days = [spent('2026-08-01', 'o1', 1), spent('2026-08-01', 'o3', 2)]
  assert.deepEqual(verdicts(lines, days), [['2026-08-01', 'all models', 'equal', '']])
})

test('aliases and snapshots go with the model that the catalogue says they are', () => {
  const idOf = (model: string) => packagedCatalogue().idOf('openai', model)
  const day = '2026-08-01'
  const lines = [
    billed(day, 'gpt-4-1106-preview', '1.0000000'),
    billed(day, 'gpt-4-0125-preview', '1.0000000'),
    billed(day, 'gpt-3.5-turbo-0613', '1.0000000'),
    billed(day, 'gpt-4o-2024-08-06', '1.0000000'),
  ]
  const days = [spent(day, 'gpt-4-turbo-preview', 2), spent(day, 'gpt-3.5-turbo', 1), spent(day, 'gpt-4o', 1)]
  const compared = compare(lines, days, { tolerance: TOLERANCE, nowMs: NOW, idOf })
  assert.deepEqual(
    compared.map(({ status }) => status),
    ['equal', 'equal', 'equal'],
  )
})
