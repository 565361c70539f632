import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AskAdmin, adminOf } from '../harness/admin.ts'
import { errorCode } from '../harness/client.ts'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at } from '../harness/json.ts'
import { House } from './house.ts'

/*
 * Changes of keys by the admin API, in a gateway of two workers that are both asked after each.
 */

const filed = keyPair('filed')
let house: House
let ask: AskAdmin

before(
  async () => {
    house = await House.build({
      models: [{ name: 'ok', prices: { input: 1, output: 2 } }],
      otherKeys: [filed],
      more: {
        workers: 2,
        overload: { shed: 'off' },
        organizations: [{ id: 'acme' }],
        teams: [
          { id: 'search', organization: 'acme' },
          { id: 'shut', enabled: false },
        ],
      },
    })
    ask = adminOf(house.gateway)
  },
  { timeout: 30_000 },
)

after(async () => await house.close())

const chat = async (secret: string) => await house.client.chat({ secret, body: { max_tokens: 8 } })

/** Many at once, so that both workers are asked. */
async function outcomes(secret: string): Promise<string> {
  const all = await Promise.all(Array.from({ length: 8 }, async () => await chat(secret)))
  const told = all.map(({ status, json }) => {
    const code = errorCode(json)
    return typeof code === 'string' ? `${status} ${code}` : `${status}`
  })
  return [...new Set(told)].sort().join()
}

async function makeKey(body: object): Promise<TestKey> {
  const { json, status } = await ask('POST', 'api-keys', body)
  assert.equal(status, 201, JSON.stringify(json))
  return { id: String(at(json, 'key', 'id')), secret: String(json['secret']), hash: '' }
}

test('every field of a key may be changed, and null takes one back; the secret stays', async () => {
  const { secret } = await makeKey({ id: 'whole', name: 'Before', limits: { requests_per_minute: 600, burst: 9 } })
  const all = {
    name: 'After',
    expires_at: '2099-01-01T00:00:00.000Z',
    scopes: ['chat.completions'],
    addresses: ['127.0.0.0/8', '::1'],
    tags: ['ci'],
    metadata: { owner: 'Ada' },
    team: 'search',
    models: { allow: ['ok'], deny: ['demo/*'] },
    limits: { requests_per_minute: 500, requests_per_second: 400, tokens_per_minute: 90_000, concurrency: 20 },
    budgets: [{ tokens: 5_000, per: 'day', warn_at: [50] }],
    rules: [{ by: 'end_user', limits: { concurrency: 9 } }],
  }
  const { json, status } = await ask('PATCH', 'api-keys/whole', all)
  assert.equal(status, 200, JSON.stringify(json))
  assert.partialDeepStrictEqual(json['key'], {
    ...all,
    state: 'active',
    limits: { ...all.limits, burst: 9 },
    rules: [{ by: 'end_user', limits: { concurrency: 9 } }],
  })
  assert.equal(await outcomes(secret), '200')
  const back = await ask('PATCH', 'api-keys/whole', {
    ...Object.fromEntries(Object.keys(all).map((name) => [name, null])),
    metadata: { owner: null, note: 'new' },
  })
  assert.partialDeepStrictEqual(back.json['key'], {
    name: 'whole',
    expires_at: null,
    scopes: [],
    addresses: null,
    tags: [],
    metadata: { note: 'new' },
    team: null,
    models: { allow: null, deny: [] },
    limits: { requests_per_minute: null, burst: null, concurrency: null },
    budgets: [],
    rules: [],
  })
  assert.equal(at(back.json, 'key', 'metadata', 'owner'), undefined)
  const stored = await ask('GET', 'api-keys/whole')
  assert.deepEqual(at(stored.json, 'key', 'name'), 'whole')
})

test('a change is in force in every worker when it is answered', async () => {
  const { secret } = await makeKey({ id: 'turning' })
  const steps: readonly (readonly [object, string])[] = [
    [{ enabled: false }, '401 invalid_api_key'],
    [{ enabled: true }, '200'],
    [{ models: { deny: ['ok'] } }, '403 model_not_allowed'],
    [{ models: null }, '200'],
    [{ scopes: ['models.read'] }, '403 insufficient_scope'],
    [{ scopes: [] }, '200'],
    [{ addresses: ['192.0.2.0/24'] }, '403 address_not_allowed'],
    [{ addresses: null }, '200'],
    [{ team: 'shut' }, '403 level_disabled'],
    [{ team: 'search' }, '200'],
    [{ limits: { tokens_per_minute: 1 } }, '429 rate_limit_exceeded'],
    [{ limits: null }, '200'],
    [{ budgets: [{ tokens: 1, per: 'day' }] }, '402 insufficient_quota'],
    [{ budgets: [] }, '200'],
  ]
  for (const [body, expected] of steps) {
    const { status, json } = await ask('PATCH', 'api-keys/turning', body)
    assert.equal(status, 200, JSON.stringify(json))
    assert.equal(await outcomes(secret), expected, JSON.stringify(body))
  }
  const lines = await ask('GET', 'audit?target=key:turning&action=key.change')
  const [last, ...others] = Object(lines.json)['data'] as { before: object; after: object; actor: string }[]
  assert.equal(others.length, steps.length - 1)
  assert.partialDeepStrictEqual(last, { actor: 'owner', before: { budgets: [{ tokens: 1 }] }, after: { budgets: [] } })
})

test('a budget that a key gets begins with what it has used before, what runs at that moment included', async () => {
  const { secret } = await makeKey({ id: 'late' })
  for (let turn = 0; turn < 3; turn++) assert.equal((await chat(secret)).status, 200)
  const changed = await ask('PATCH', 'api-keys/late', { budgets: [{ tokens: 34, per: 'day' }] })
  assert.equal(at(changed.json, 'key', 'budgets', 0, 'spent'), 33)
  assert.equal((await chat(secret)).status, 402)
  // A higher limit of the same budget goes on with what was spent.
  await ask('PATCH', 'api-keys/late', { budgets: [{ tokens: 5_000, per: 'day' }] })
  assert.equal((await chat(secret)).status, 200)
  const spent = await eventually(async () => {
    const { json } = await ask('GET', 'api-keys/late')
    return at(json, 'key', 'budgets', 0, 'reserved') === 0 ? at(json, 'key', 'budgets', 0, 'spent') : null
  })
  assert.equal(spent, 44)
})

test('keys of the file are changed there; what is revoked stays so; a rotation and a change keep each other’s work', async () => {
  const readOnly = await ask('PATCH', 'api-keys/filed', { name: 'x' })
  assert.deepEqual([readOnly.status, readOnly.code], [409, 'read_only'])
  assert.equal((await ask('PATCH', 'api-keys/nobody', {})).status, 404)
  await makeKey({ id: 'over' })
  await ask('DELETE', 'api-keys/over')
  const over = await ask('PATCH', 'api-keys/over', { enabled: true })
  assert.deepEqual([over.status, over.code], [409, 'conflict'])

  const before = await makeKey({ id: 'both' })
  const [rotated, changed] = await Promise.all([
    ask('POST', 'api-keys/both/rotate', { grace: '0s' }),
    ask('PATCH', 'api-keys/both', { tags: ['kept'] }),
  ])
  assert.deepEqual([rotated.status, changed.status], [200, 200])
  assert.equal(await outcomes(before.secret), '401 invalid_api_key')
  assert.equal(await outcomes(String(rotated.json['secret'])), '200')
  assert.deepEqual(at((await ask('GET', 'api-keys/both')).json, 'key', 'tags'), ['kept'])
})

test('many changes of one key at once all take place, and a revocation among them is for good', async () => {
  const { secret } = await makeKey({ id: 'busy' })
  const changes = await Promise.all(
    Array.from(
      { length: 12 },
      async (_, at) => await ask('PATCH', 'api-keys/busy', { metadata: { [`n${at}`]: `${at}` } }),
    ),
  )
  assert.deepEqual([...new Set(changes.map(({ status }) => status))], [200])
  const { json } = await ask('GET', 'api-keys/busy')
  assert.equal(Object.keys(Object(at(json, 'key', 'metadata'))).length, 12)
  const [, ...after] = await Promise.all([
    ask('DELETE', 'api-keys/busy'),
    ...Array.from({ length: 6 }, async () => await ask('PATCH', 'api-keys/busy', { name: 'again' })),
  ])
  for (const { status } of after) assert.ok(status === 200 || status === 409, `${status}`)
  assert.equal(await outcomes(secret), '401 invalid_api_key')
  assert.equal(at((await ask('GET', 'api-keys/busy')).json, 'key', 'state'), 'revoked')
})
