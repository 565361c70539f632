import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeRaw, RawClient } from '../../test/harness/raw-client.ts'
import { hashKeyWithPepper } from '../storage/index.ts'
import { MAX_BODY_BYTES } from './body.ts'
import { keyOfFile } from './new-key.ts'
import { ADMIN_TOKEN } from './testing/fake-process.ts'
import { member, startListener } from './testing/listener.ts'

const KEYS = '/admin/v1/api-keys'
const FILE_HASH = `sha256:${'ab'.repeat(32)}`

function fileKey(id: string) {
  const models = { deny: [] }
  return keyOfFile({
    id,
    hash: FILE_HASH,
    enabled: true,
    scopes: [],
    models,
    limits: {},
    budgets: [],
    rules: [],
    tags: [],
    metadata: {},
  })
}

test('makes a key, shows its secret once, and stores the keyed hash of it', async (t) => {
  const { call, process } = await startListener(t)
  const { status, headers, json } = await call('POST', KEYS, {
    body: {
      id: 'ci',
      name: 'Build server',
      expires_at: '2027-01-01T01:00:00+01:00',
      scopes: ['models.read'],
      addresses: ['10.0.0.0/8', '::1'],
      tags: ['team:search'],
      metadata: { owner: 'Ada' },
      models: { allow: ['demo/*'], deny: ['demo/x'] },
      limits: { requests_per_minute: 60, burst: 5 },
      budgets: [
        { tokens: 1000, per: 'month' },
        { usd: 0.25, per: 'day' },
      ],
    },
  })
  assert.deepEqual([status, headers.get('location')], [201, `${KEYS}/ci`])
  const secret = String(member(json, 'secret'))
  assert.match(secret, /^fk-[A-Za-z0-9_-]{43}$/)
  const key = member(json, 'key')
  assert.deepEqual(key, {
    id: 'ci',
    name: 'Build server',
    prefix: secret.slice(0, 10),
    owner: 'database',
    state: 'active',
    created_at: member(key, 'created_at'),
    created_by: 'owner',
    expires_at: '2027-01-01T00:00:00.000Z',
    revoked_at: null,
    previous_valid_until: null,
    scopes: ['models.read'],
    addresses: ['10.0.0.0/8', '::1'],
    tags: ['team:search'],
    metadata: { owner: 'Ada' },
    models: { allow: ['demo/*'], deny: ['demo/x'] },
    organization: null,
    team: null,
    project: null,
    user: null,
    limits: {
      requests_per_second: null,
      requests_per_minute: 60,
      requests_per_day: null,
      burst: 5,
      tokens_per_minute: null,
      concurrency: null,
    },
    budgets: [
      { tokens: 1000, per: 'month' },
      { usd: 0.25, per: 'day' },
    ],
    rules: [],
  })
  const stored = process.keys.get('ci')?.key
  assert.equal(stored?.hash, hashKeyWithPepper(secret, 'a pepper for tests'))
  assert.deepEqual(stored?.budgets[1], { unit: 'nanos', limit: 250_000_000, per: 'day' })
})

test('shows no secret and no hash of a key that exists', async (t) => {
  const { call, process } = await startListener(t)
  process.keys.set('f', { key: fileKey('f'), owner: 'file' })
  const created = await call('POST', KEYS, { body: { id: 'a' } })
  const secret = String(member(created.json, 'secret'))
  const hash = process.keys.get('a')?.key.hash.split(':')[1] ?? 'none'
  const answers = [
    await call('GET', KEYS),
    await call('GET', `${KEYS}/a`),
    await call('POST', KEYS, { body: { id: 'a' } }),
  ]
  for (const { text } of [...answers, await call('GET', `${KEYS}/f`), await call('DELETE', `${KEYS}/a`)]) {
    for (const hidden of [secret, secret.slice(10), hash, 'ab'.repeat(32), 'sha256', ADMIN_TOKEN]) {
      assert.ok(!text.includes(hidden), `${hidden} in ${text}`)
    }
  }
})

test('makes an id and takes it for the name where none is given', async (t) => {
  const { call } = await startListener(t)
  const key = member((await call('POST', KEYS, { body: {} })).json, 'key')
  assert.match(String(member(key, 'id')), /^key-[0-9a-f]{10}$/)
  assert.equal(member(key, 'name'), member(key, 'id'))
})

test('lists keys of both owners with the use of their budgets', async (t) => {
  const { call, process } = await startListener(t)
  const config = {
    id: 'f',
    hash: FILE_HASH,
    enabled: false,
    scopes: [],
    models: { deny: [] },
    limits: {},
    rules: [],
    tags: [],
    metadata: {},
  }
  process.keys.set('f', { key: keyOfFile({ ...config, budgets: [{ usd: 9e9, per: 'total' }] }), owner: 'file' })
  await call('POST', KEYS, {
    body: { id: 'late', expires_at: '2101-01-01T00:00:00Z', budgets: [{ tokens: 9, per: 'day' }] },
  })
  const data = member((await call('GET', KEYS)).json, 'data')
  assert.ok(Array.isArray(data))
  const seen = data.map((key) => ['id', 'owner', 'state', 'created_at', 'budgets'].map((name) => member(key, name)))
  assert.deepEqual(seen, [
    ['f', 'file', 'disabled', null, [{ usd: 9, per: 'total', spent: 3e-9, reserved: 4e-9 }]],
    ['late', 'database', 'active', member(data[1], 'created_at'), [{ tokens: 9, per: 'day', spent: 3, reserved: 4 }]],
  ])
})

test('makes no key that has expired already, and none of which a field is given twice', async (t) => {
  const { call } = await startListener(t)
  const expired = await call('POST', KEYS, { body: { id: 'old', expires_at: '2001-01-01T00:00:00Z' } })
  assert.deepEqual([expired.status, expired.code], [400, 'invalid_request'])
  assert.match(expired.text, /expires_at lies in the past/)
  const twice = await call('POST', KEYS, { body: '{"id":"x1","\\u0069d":"x2"}' })
  assert.deepEqual([twice.status, twice.code], [400, 'invalid_json'])
  assert.deepEqual(member((await call('GET', KEYS)).json, 'data'), [])
})

test('says what people should know of a revocation', async (t) => {
  const { call, process } = await startListener(t)
  await call('POST', KEYS, { body: { id: 'a' } })
  process.warning = 'Kept in a file.'
  assert.equal(member((await call('DELETE', `${KEYS}/a`)).json, 'warning'), 'Kept in a file.')
})

test('revokes a key for good, and leaves keys of the file alone', async (t) => {
  const { call, process } = await startListener(t)
  process.keys.set('f', { key: fileKey('f'), owner: 'file' })
  await call('POST', KEYS, { body: { id: 'a' } })
  const first = await call('DELETE', `${KEYS}/a`)
  assert.deepEqual([first.status, member(member(first.json, 'key'), 'state')], [200, 'revoked'])
  assert.equal((await call('DELETE', `${KEYS}/a`)).text, first.text)
  const ofFile = await call('DELETE', `${KEYS}/f`)
  assert.deepEqual([ofFile.status, ofFile.code], [409, 'read_only'])
  for (const method of ['GET', 'DELETE']) {
    const { status, code } = await call(method, `${KEYS}/none`)
    assert.deepEqual([status, code], [404, 'not_found'])
  }
})

test('pages through keys by their ids, and finds those with a tag', async (t) => {
  const { call, process } = await startListener(t)
  for (const id of ['c', 'a', 'b', 'd']) await call('POST', KEYS, { body: { id, tags: id > 'b' ? ['late'] : [] } })
  process.uses.set('b', Date.UTC(2026, 0, 15))
  const ids = ({ json }: { json: unknown }) => (member(json, 'data') as { id: string }[]).map(({ id }) => id)
  const first = await call('GET', `${KEYS}?limit=3`)
  assert.deepEqual([ids(first), member(first.json, 'next_cursor')], [['a', 'b', 'c'], 'c'])
  const second = await call('GET', `${KEYS}?limit=3&cursor=c`)
  assert.deepEqual([ids(second), member(second.json, 'next_cursor')], [['d'], null])
  assert.deepEqual(ids(await call('GET', `${KEYS}?limit=1&cursor=z`)), [])
  assert.deepEqual(ids(await call('GET', `${KEYS}?tag=late`)), ['c', 'd'])
  const uses = (member(first.json, 'data') as { last_used_at: string }[]).map((key) => key.last_used_at)
  assert.deepEqual(uses, [null, '2026-01-15T00:00:00.000Z', null])
  assert.equal((await call('GET', `${KEYS}?limit=0`)).param, 'limit')
  assert.equal((await call('GET', `${KEYS}?cursor=`)).param, 'cursor')
})

test('gives a key another secret, shows it once, and says until when the old one is taken', async (t) => {
  const { call, process } = await startListener(t)
  const first = String(member((await call('POST', KEYS, { body: { id: 'a' } })).json, 'secret'))
  process.keys.set('f', { key: fileKey('f'), owner: 'file' })
  const rotated = await call('POST', `${KEYS}/a/rotate`, { body: { grace: '1h' } })
  const secret = String(member(rotated.json, 'secret'))
  assert.notEqual(secret, first)
  const until = Date.parse(String(member(member(rotated.json, 'key'), 'previous_valid_until')))
  assert.ok(Math.abs(until - Date.now() - 3_600_000) < 60_000)
  assert.equal(process.keys.get('a')?.key.previous_hash, hashKeyWithPepper(first, 'a pepper for tests'))
  const hidden = process.keys.get('a')?.key.previous_hash?.split(':')[1] ?? 'none'
  for (const { text } of [rotated, await call('GET', `${KEYS}/a`)]) assert.ok(!text.includes(hidden))
  assert.equal((await call('POST', `${KEYS}/a/rotate`, { body: { grace: 'soon' } })).param, 'grace')
  assert.equal((await call('POST', `${KEYS}/a/rotate`, { body: { grcae: '1h' } })).param, 'grcae')
  assert.equal((await call('POST', `${KEYS}/f/rotate`, { body: {} })).code, 'read_only')
  assert.equal((await call('POST', `${KEYS}/none/rotate`, { body: {} })).status, 404)
  assert.equal((await call('GET', `${KEYS}/a/rotate`)).status, 405)
  assert.equal((await call('POST', `${KEYS}/a/other`, { body: {} })).status, 404)
})

test('refuses a key whose id is taken', async (t) => {
  const { call } = await startListener(t)
  await call('POST', KEYS, { body: { id: 'a' } })
  const { status, code, param } = await call('POST', KEYS, { body: { id: 'a' } })
  assert.deepEqual([status, code, param], [409, 'conflict', 'id'])
})

test('names the field that is wrong, and makes nothing', async (t) => {
  const { call, process } = await startListener(t)
  const rows: readonly [unknown, string | null, RegExp][] = [
    [{ bugdets: [] }, 'bugdets', /unknown field \(did you mean `budgets`\?\)/],
    [{ hash: FILE_HASH }, 'hash', /unknown field/],
    [{ enabled: false }, 'enabled', /unknown field/],
    [{ previous: {} }, 'previous', /unknown field/],
    [{ addresses: ['10.0.0.0/33'] }, 'addresses[0]', /address or a network/],
    [{ addresses: [] }, 'addresses', /nobody in/],
    [{ tags: ['No'] }, 'tags[0]', /a tag has/],
    [{ metadata: { a: 5 } }, 'metadata.a', /text/],
    [{ owner: 'file' }, 'owner', /unknown field/],
    [{ models: { alow: [] } }, 'models.alow', /unknown field/],
    [{ id: 'No' }, 'id', /1 to 64 of a-z/],
    [{ id: '../x' }, 'id', /1 to 64 of a-z/],
    [{ name: 'a\nb' }, 'name', /line breaks/],
    [{ expires_at: 'soon' }, 'expires_at', /date and time with an offset/],
    [{ expires_at: 5 }, 'expires_at', /date and time with an offset/],
    [{ scopes: ['admin'] }, 'scopes[0]', /models\.read/],
    [{ limits: { requests_per_minute: 0 } }, 'limits.requests_per_minute', /must be at least 1/],
    [{ limits: { burst: 5 } }, 'limits.burst', /needs `requests_per_minute`/],
    [{ budgets: [{ per: 'day' }] }, 'budgets[0]', /exactly one/],
    [{ budgets: [{ tokens: 1, per: 'year' }] }, 'budgets[0].per', /`month` or `total`, got `year`/],
    [{ budgets: [{ tokens: 1 }] }, 'budgets[0].per', /required field is missing/],
    [{ budgets: [{ tokens: 1.5, per: 'day' }] }, 'budgets[0].tokens', /expected a whole number/],
    [{ budgets: Array.from({ length: 17 }, () => ({ tokens: 1, per: 'day' })) }, 'budgets', /at most 16/],
    ['[]', null, /expected a mapping, got a list/],
    ['null', null, /expected a mapping, got nothing/],
  ]
  for (const [body, expected, message] of rows) {
    const { status, code, param, text } = await call('POST', KEYS, { body })
    assert.deepEqual([status, code, param], [400, 'invalid_request', expected], JSON.stringify(body))
    assert.match(text, message)
  }
  assert.equal(process.keys.size, 0)
})

test('takes JSON in UTF-8 alone, uncompressed, of at most a mebibyte', async (t) => {
  const { call, process, url } = await startListener(t)
  for (const body of ['{', '', '{"id":"a"}}', '\uFEFF\uFEFF{}']) {
    assert.equal(
      (await call('POST', KEYS, { body, headers: { 'content-type': 'application/json' } })).code,
      'invalid_json',
    )
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1']) {
    const { status, param } = await call('POST', KEYS, { body: '{}', headers: { 'content-type': type } })
    assert.deepEqual([status, param], [415, 'content-type'], type)
  }
  const gzip = await call('POST', KEYS, { body: '{}', headers: { 'content-encoding': 'gzip' } })
  assert.deepEqual([gzip.status, gzip.param], [415, 'content-encoding'])
  const head = `POST ${KEYS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n`
  const invalidUtf8 = Buffer.concat([
    Buffer.from(`${head}Content-Length: 12\r\nConnection: close\r\n\r\n{"name":"`),
    Buffer.from([0xff, 0x22, 0x7d]),
  ])
  assert.equal((await exchangeRaw(url, invalidUtf8)).responses()[0]?.status, 400)
  const announced = await exchangeRaw(url, `${head}Content-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`)
  assert.equal(announced.responses()[0]?.status, 413)
  const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
  const chunked = await exchangeRaw(url, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}`)
  assert.equal(chunked.responses()[0]?.status, 413)
  assert.equal(process.keys.size, 0)
  const name = JSON.stringify({ name: 'x' }).padEnd(MAX_BODY_BYTES)
  assert.equal((await call('POST', KEYS, { body: name })).status, 201)
})

test('asks for the body only when it wants it, and not for long', async (t) => {
  const { process, url } = await startListener(t, { bodyTimeoutMs: 150 })
  const head = `POST ${KEYS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n`
  const admin = `Authorization: Bearer ${ADMIN_TOKEN}\r\n`
  const client = await RawClient.connect(url)
  t.after(() => client.close())
  await client.send(`${head}${admin}Content-Length: 10\r\nConnection: close\r\n\r\n`)
  await client.send('{"id":"a"}')
  await client.waitForClose()
  assert.match(client.received.toString(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /)
  const refused = await exchangeRaw(url, `${head}Content-Length: 10\r\n\r\n`)
  assert.match(refused.received.toString(), /^HTTP\/1\.1 401 /)
  const slow = await exchangeRaw(url, `${head}${admin}Content-Length: 10\r\n\r\n{"id"`)
  assert.deepEqual(
    slow.responses().map(({ status }) => status),
    [408],
  )
  assert.equal(process.keys.size, 1)
})
