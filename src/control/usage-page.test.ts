import assert from 'node:assert/strict'
import { test } from 'node:test'
import { member, startListener } from './testing/listener.ts'

const USAGE = '/admin/v1/usage'

test('asks for usage by dimensions and periods, in pages that go on where the last one ended', async (t) => {
  const { call, process } = await startListener(t)
  process.usageRows = [
    {
      period: '2026-01-15',
      values: ['a', 'x'],
      requests: 1,
      tokens: 2,
      nanos: 3,
      adjustedTokens: -4,
      adjustedNanos: -5,
    },
    { period: '2026-01-15', values: ['', 'y'], requests: 4, tokens: 5, nanos: 6, adjustedTokens: 0, adjustedNanos: 0 },
  ]
  const range = 'from=2026-01-15&to=2026-01-16'
  const first = await call('GET', `${USAGE}?by=key,model&per=day&${range}&limit=1&key_id=dev`)
  assert.deepEqual(member(first.json, 'data'), [
    {
      period: '2026-01-15',
      key_id: 'a',
      model: 'x',
      requests: 1,
      tokens: 2,
      nanos: 3,
      adjusted_tokens: -4,
      adjusted_nanos: -5,
    },
  ])
  const cursor = String(member(first.json, 'next_cursor'))
  const second = await call('GET', `${USAGE}?by=key,model&per=day&${range}&cursor=${cursor}`)
  assert.equal(member(second.json, 'next_cursor'), null)
  assert.match(second.text, /"key_id":null,"model":"y"/)
  const asked = { by: ['key_id', 'model'], per: 'day', fromMs: Date.UTC(2026, 0, 15), toMs: Date.UTC(2026, 0, 17) }
  assert.deepEqual(process.usageByQueries, [
    { ...asked, keyId: 'dev', after: null, limit: 2 },
    { ...asked, keyId: null, after: ['2026-01-15', 'a', 'x'], limit: 101 },
  ])
})

test('names what is wrong with a question about usage', async (t) => {
  const { call, process } = await startListener(t)
  const rows: readonly [string, string][] = [
    ['by=colour', 'by'],
    ['by=key,key_id', 'by'],
    ['per=year', 'per'],
    ['by=run&from=2026-01-01&to=2026-06-30', 'from'],
    ['per=day&limit=0', 'limit'],
    ['by=key&cursor=!', 'cursor'],
    [`by=key&cursor=${Buffer.from('["a"]').toString('base64url')}`, 'cursor'],
    [`by=key&cursor=${Buffer.from('["a",1]').toString('base64url')}`, 'cursor'],
    ['per=day&from=2026-13-01', 'from'],
  ]
  for (const [query, param] of rows) {
    const answer = await call('GET', `${USAGE}?${query}`)
    assert.deepEqual([answer.status, answer.param], [400, param], query)
  }
  assert.deepEqual(process.usageByQueries, [])
})
