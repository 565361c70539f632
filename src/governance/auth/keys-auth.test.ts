import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guard } from '../../../test/request-path/guarded.ts'
import { keyOf } from '../../../test/request-path/keys.ts'

test('lets keys in that hold all scopes, and keeps them from the upstream under every name', async (t) => {
  const guarded = await guard(t, { auth: { keys: { scopes: ['models.read', 'chat.completions'] } } })
  for (const headers of [
    { authorization: 'Bearer secret-of-a' },
    { 'x-api-key': 'secret-of-a' },
    { authorization: 'Bearer secret-of-a', 'api-key': 'secret-of-a', 'x-goog-api-key': 'secret-of-a' },
  ]) {
    assert.equal((await guarded.get(headers)).status, 200)
    assert.equal(guarded.lastPrincipal(), 'a')
    assert.ok(!JSON.stringify(guarded.passed.at(-1)).includes('secret-of'))
  }
  const own = await guard(t, { auth: { keys: { scopes: ['orders:read'] } } })
  own.keys.apply({ id: 'orders', document: keyOf('orders', { scopes: ['orders:read'] }) })
  assert.equal((await own.get({ 'x-api-key': 'secret-of-orders' })).status, 200)
  assert.equal((await own.get({ 'x-api-key': 'secret-of-a' })).status, 200, 'a key without scopes holds every one')
  assert.equal((await own.get({ 'x-api-key': 'secret-of-limited' })).status, 403)
  const limited = await guarded.get({ 'x-api-key': 'secret-of-limited' })
  assert.deepEqual([limited.status, Object(await limited.json()).code], [403, 'insufficient_scope'])
})

test("a key's own requests per minute count on routes as well", async (t) => {
  const guarded = await guard(t, { auth: { keys: {} } })
  const rate = { level: 'key:slow', slot: 7, limit: 1, per: 'minute', intervalUs: 60_000_000, burst: 2 } as const
  guarded.keys.apply({ id: 'slow', document: keyOf('slow', { rates: [rate] }) })
  const statuses = []
  for (const id of ['slow', 'slow', 'slow', 'a']) {
    statuses.push((await guarded.get({ 'x-api-key': `secret-of-${id}` })).status)
  }
  assert.deepEqual(statuses, [200, 200, 429, 200])
})

// Row A3 of the reliability list.
test('nobody gets in without a key, with half of one, with two, or with one in the query', async (t) => {
  const guarded = await guard(t, { auth: { keys: {} } })
  guarded.keys.apply({ id: 'a', document: null })
  const rows: readonly Readonly<Record<string, string>>[] = [
    {},
    { authorization: '' },
    { authorization: 'Bearer ' },
    { authorization: 'Bearer sk-looks-like-a-key' },
    { authorization: 'Bearer secret-of-a' },
    { authorization: 'Basic c2VjcmV0LW9mLWxpbWl0ZWQ=' },
    { 'x-api-key': 'fk-unknown' },
    { 'x-api-key': 'secret-of-limited', authorization: 'Bearer other' },
  ]
  for (const headers of rows) {
    const answer = await guarded.get(headers)
    assert.equal(answer.status, 401, JSON.stringify(headers))
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="ferro"')
  }
  for (const name of ['api_key', 'key', 'token', 'access_token']) {
    assert.equal((await guarded.get({}, `/guarded?${name}=secret-of-limited`)).status, 401, name)
  }
  assert.deepEqual(guarded.passed, [])
  assert.equal((await guarded.get({ 'x-api-key': 'secret-of-limited' })).status, 200)
})
