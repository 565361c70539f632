import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleRecord } from '../../test/request-path/records.ts'
import { RequestIds } from '../lib/index.ts'
import { member, startListener } from './testing/listener.ts'

const LOGS = '/admin/v1/request-logs'

test('pages through all records once, newest first', async (t) => {
  const { call, process } = await startListener(t)
  const ids = new RequestIds()
  process.records = Array.from({ length: 250 }, () => sampleRecord(ids.next())).toReversed()
  const seen: unknown[] = []
  let query = ''
  for (let page = 0; page < 5 && query !== 'end'; page++) {
    const { json } = await call('GET', `${LOGS}?limit=100${query}`)
    const data = member(json, 'data')
    assert.ok(Array.isArray(data))
    seen.push(...data.map((record) => member(record, 'id')))
    const cursor = member(json, 'next_cursor')
    query = typeof cursor === 'string' ? `&cursor=${cursor}` : 'end'
  }
  assert.equal(query, 'end')
  assert.deepEqual(
    seen,
    process.records.map(({ id }) => id),
  )
})

test('shows the records of one key, and one record with its ledger', async (t) => {
  const { call, process } = await startListener(t)
  const ids = new RequestIds()
  const mine = sampleRecord(ids.next(), { key_id: 'mine' })
  const other = sampleRecord(ids.next(), { key_id: 'other' })
  process.records = [other, mine]
  const { json } = await call('GET', `${LOGS}?key_id=mine`)
  assert.deepEqual(json, { data: [mine], next_cursor: null })
  assert.deepEqual((await call('GET', `${LOGS}/${other.id}`)).json, { record: other, ledger: [] })
  for (const id of [ids.next(), 'x', '%2e%2e']) assert.equal((await call('GET', `${LOGS}/${id}`)).status, 404, id)
})

test('refuses parameters that it does not understand, and names them', async (t) => {
  const { call } = await startListener(t)
  const limits = ['0', '-1', '1001', '1e9', '1.5', '', '%20', '99999999999'].map((value) => `limit=${value}`)
  const cursors = ['cursor=x', "cursor='%20OR%201=1", 'cursor=', 'key_id=A', 'key_id=', "key_id=a';drop"]
  for (const query of [...limits, ...cursors, 'limit=1&limit=2', 'sort=;drop', 'Limit=1']) {
    const { status, code, param } = await call('GET', `${LOGS}?${query}`)
    assert.deepEqual([status, code, param], [400, 'invalid_request', query.split('=')[0]], query)
  }
  assert.equal((await call('GET', '/admin/v1/status?x=1')).param, 'x')
})

test('sums the last thirty days when no dates are given, else the days between them', async (t) => {
  const { call, process } = await startListener(t)
  const usage = '/admin/v1/usage'
  const { json } = await call('GET', usage)
  const [from, to] = [String(member(json, 'from')), String(member(json, 'to'))]
  assert.equal(Date.parse(to) - Date.parse(from), 29 * 86_400_000)
  await call('GET', `${usage}?from=2026-01-31&to=2026-02-01&key_id=a`)
  assert.deepEqual(process.usageQueries[1], {
    fromMs: Date.UTC(2026, 0, 31),
    toMs: Date.UTC(2026, 1, 1),
    keyId: 'a',
  })
  const bad = ['from=2026-02-30', 'to=today', 'from=2026-02-02&to=2026-02-01', 'from=2025-01-01&to=2026-01-02', 'from=']
  for (const query of bad) {
    const { status, param } = await call('GET', `${usage}?${query}`)
    assert.deepEqual([status, param], [400, query.split('=')[0]], query)
  }
  assert.equal(process.usageQueries.length, 2)
})
