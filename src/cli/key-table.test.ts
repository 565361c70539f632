import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BudgetAnswer, KeyAnswer } from '../control/index.ts'
import { renderKeyTable } from './key-table.ts'

const KEY: KeyAnswer = {
  id: 'a',
  name: 'a',
  prefix: 'fk-1234567',
  owner: 'database',
  state: 'active',
  created_at: null,
  created_by: null,
  expires_at: null,
  revoked_at: null,
  previous_valid_until: null,
  addresses: null,
  tags: [],
  metadata: {},
  scopes: [],
  models: { allow: null, deny: [] },
  organization: null,
  team: null,
  project: null,
  user: null,
  limits: {
    requests_per_second: null,
    requests_per_minute: null,
    requests_per_day: null,
    burst: null,
    tokens_per_minute: null,
    concurrency: null,
  },
  budgets: [],
  rules: [],
}

function shown(budget: BudgetAnswer): string {
  const line = renderKeyTable([{ ...KEY, budgets: [budget] }]).split('\n')[1] ?? ''
  return line.replace(/^a +a +fk-1234567… +active +database +never +- +/, '')
}

test('shows amounts of money to the last nano-dollar, without noughts at the end', () => {
  const rows: readonly (readonly [nanos: number, text: string])[] = [
    [0, '$0'],
    [1, '$0.000000001'],
    [7_600, '$0.0000076'],
    [250_000_000, '$0.25'],
    [25_000_000_000, '$25'],
    [100_000_000_000, '$100'],
    [1_234_567_000_000_001, '$1234567.000000001'],
  ]
  for (const [nanos, text] of rows) {
    assert.equal(shown({ usd: nanos / 1e9, per: 'month' }), `${text} per month`)
    assert.equal(shown({ usd: 5, per: 'day', spent: nanos / 1e9 }), `${text} of $5 per day`)
  }
})

test('shows tokens as whole numbers', () => {
  assert.equal(shown({ tokens: 1_000, per: 'total', spent: 10 }), '10 of 1000 tokens in total')
})
