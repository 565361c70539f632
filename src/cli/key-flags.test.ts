import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command, CommanderError } from 'commander'
import { parseNewKey } from '../control/index.ts'
import { Failure } from './failure.ts'
import { addKeyFlags, type KeyFlags, requestOf } from './key-flags.ts'

function requestFor(...args: readonly string[]): object {
  const command = addKeyFlags(new Command('create')).exitOverride()
  command.configureOutput({ writeErr: () => undefined }).parse(args, { from: 'user' })
  return requestOf(command.opts<KeyFlags>())
}

test('says in the request what the flags say, and nothing else', async () => {
  assert.deepEqual(requestFor(), {})
  const scopes = ['--scope', 'models.read', 'chat.completions', '--scope', 'orders:read']
  const models = ['--allow-model', 'a', 'b/*', '--deny-model', 'b/c']
  const limits = ['--requests-per-minute', '60', '--burst', '5']
  const budgets = ['--budget-tokens', '1000', '--budget-usd', '0.25']
  const request = requestFor('--id', 'x', '--name', 'X y', ...scopes, ...models, ...limits, ...budgets)
  assert.deepEqual(request, {
    id: 'x',
    name: 'X y',
    scopes: ['models.read', 'chat.completions', 'orders:read'],
    models: { allow: ['a', 'b/*'], deny: ['b/c'] },
    limits: { requests_per_minute: 60, burst: 5 },
    budgets: [
      { tokens: 1000, per: 'month' },
      { usd: 0.25, per: 'month' },
    ],
  })
  await parseNewKey(request)
})

test('takes a date for its midnight in UTC, and an instant as it is', async () => {
  for (const text of ['2027-01-01', '2027-01-01T01:00:00+01:00']) {
    assert.equal((await parseNewKey(requestFor('--expires', text))).expires_at, Date.UTC(2027, 0, 1), text)
  }
  await assert.rejects(parseNewKey(requestFor('--expires', 'tomorrow')), /expires_at: expected a date and time/)
})

test('refuses numbers that are none, and a period of nothing', () => {
  for (const line of [
    '--budget-tokens 0',
    '--budget-tokens 1e6',
    '--budget-usd -1',
    '--budget-usd $5',
    '--burst 1.5',
  ]) {
    assert.throws(() => requestFor(...line.split(' ')), CommanderError, line)
  }
  assert.throws(() => requestFor('--per', 'year', '--budget-usd', '1'), CommanderError)
  assert.throws(() => requestFor('--per', 'day'), Failure)
  assert.deepEqual(requestFor('--per', 'total', '--budget-usd', '1'), {
    budgets: [{ usd: 1, per: 'total' }],
  })
})
