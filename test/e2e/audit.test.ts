import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { RESOURCES } from '../../src/control/index.ts'
import { adminOf } from '../harness/admin.ts'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at, isObject, type JsonObject } from '../harness/json.ts'
import { useHouse } from './house.ts'

/*
 * Who changed what: every change that the route table knows, done and refused, and what happens when it cannot be written down.
 */

const ops = keyPair('ops')
const reader = keyPair('reader')
const bounded = keyPair('bounded')
const everything = { id: ops.id, hash: ops.hash, scopes: ['admin'], grants: { keys: 1_000 } }
const house = useHouse({
  more: {
    teams: [{ id: 'search' }],
    control: {
      listen: '127.0.0.1:0',
      admins: [
        everything,
        { id: reader.id, hash: reader.hash, scopes: ['read_only'] },
        {
          id: bounded.id,
          hash: bounded.hash,
          scopes: ['keys.write', 'levels.write'],
          within: { team: 'search' },
          grants: { keys: 5 },
        },
      ],
    },
  },
})

const as = ({ secret }: { readonly secret: string }) => adminOf(house().gateway, secret)

async function lines(query = ''): Promise<JsonObject[]> {
  const { json } = await as(reader)('GET', `audit?limit=1000${query}`)
  const data = json['data']
  assert.ok(Array.isArray(data), JSON.stringify(json))
  return data.filter(isObject)
}

/** What is done to have each action of the route table once, in this order. */
const DEEDS: readonly (readonly [action: string, method: string, path: string, body?: object])[] = [
  ...['organization', 'team', 'project', 'user'].flatMap((kind) => [
    [`${kind}.create`, 'POST', `${kind}s`, { id: 'a', tags: ['one'] }] as const,
    [`${kind}.change`, 'PATCH', `${kind}s/a`, { tags: ['two'], enabled: false }] as const,
    [`${kind}.delete`, 'DELETE', `${kind}s/a`] as const,
  ]),
  ['key.create', 'POST', 'api-keys', { id: 'a', name: 'A key' }],
  ['key.change', 'PATCH', 'api-keys/a', { tags: ['two'] }],
  ['key.rotate', 'POST', 'api-keys/a/rotate', { grace: '1h' }],
  ['key.revoke', 'DELETE', 'api-keys/a'],
  ['ledger.adjust', 'POST', 'ledger/adjustments', { id: 'a', tokens: -1, reason: 'a test' }],
]

test('A20 every change of the route table leaves one line: who, from where, with which request, and what it was and is', async () => {
  const actions = RESOURCES.flatMap(({ action }) => action ?? []).sort()
  assert.deepEqual(DEEDS.map(([action]) => action).sort(), actions)
  for (const { method, action, path } of RESOURCES) {
    const isChange = method !== 'GET' && !path.endsWith('/explain')
    assert.equal(action !== undefined, isChange, `${method} ${path}`)
  }
  const secrets: string[] = []
  const { entry } = await house().client.chat()
  const charged = await eventually(() => {
    using database = house().gateway.db()
    const row = database.prepare('SELECT request_id AS id FROM ledger WHERE request_id = ? AND phase = 1')
    return row.get(entry.requestId ?? '') ?? null
  })
  for (const [action, method, path, body] of DEEDS) {
    const before = await lines()
    const [kind] = action.split('.')
    const isOfRequest = kind === 'ledger'
    const answer = await as(ops)(method, path, isOfRequest ? { ...body, request_id: charged['id'] } : body)
    assert.ok(answer.status < 300, JSON.stringify(answer.json))
    if (typeof answer.json['secret'] === 'string') secrets.push(answer.json['secret'])
    const [line, ...rest] = await lines()
    assert.equal(rest.length, before.length, action)
    assert.partialDeepStrictEqual(line, {
      actor: 'ops',
      address: '127.0.0.1',
      request_id: answer.requestId,
      action,
      target: isOfRequest ? `request:${String(charged['id'])}` : `${kind}:a`,
      outcome: 'done',
      reason: null,
    })
    assert.ok(Math.abs(Date.parse(String(line?.['time'])) - Date.now()) < 60_000)
  }
  const [changed] = await lines('&action=team.change')
  assert.deepEqual(
    [changed?.['before'], changed?.['after']],
    [
      { enabled: true, tags: ['one'] },
      { enabled: false, tags: ['two'] },
    ],
  )
  const [created] = await lines('&target=key:a&action=key.create')
  assert.equal(created?.['before'], null)
  assert.partialDeepStrictEqual(created?.['after'], { id: 'a', name: 'A key', state: 'active', created_by: 'ops' })
  const [revoked] = await lines('&target=key:a&action=key.revoke')
  assert.partialDeepStrictEqual(revoked, { before: { state: 'active' }, after: { state: 'revoked' } })
  const all = JSON.stringify(await lines())
  assert.ok(secrets.length === 2 && secrets.every((secret) => !all.includes(secret)))
  assert.ok(!/sha256:|blake2b:/.test(all), 'no hash either')
})

test('A20 what was refused is written down as well, with the reason', async () => {
  const rows = [
    [reader, 'POST', 'api-keys', { id: 'no' }, 'key.create', 'key:*', 'insufficient_scope'],
    [reader, 'DELETE', 'teams/search', undefined, 'team.delete', 'team:search', 'insufficient_scope'],
    [bounded, 'PATCH', 'teams/search', { enabled: false }, 'team.change', 'team:search', 'grant_exceeded'],
    [bounded, 'POST', 'api-keys', { team: 'other' }, 'key.create', 'key:*', 'grant_exceeded'],
    [bounded, 'DELETE', 'api-keys/dev', undefined, 'key.revoke', 'key:dev', 'not_found'],
    [ops, 'DELETE', 'api-keys/dev', undefined, 'key.revoke', 'key:dev', 'read_only'],
    [ops, 'POST', 'teams', { id: 'search' }, 'team.create', 'team:*', 'conflict'],
  ] as const
  for (const [who, method, path, body, action, target, reason] of rows) {
    const answer = await as(who)(method, path, body)
    assert.equal(answer.code, reason, JSON.stringify(answer.json))
    const [line] = await lines()
    assert.partialDeepStrictEqual(line, { actor: who.id, action, target, reason, request_id: answer.requestId })
    assert.deepEqual([line?.['outcome'], line?.['before'], line?.['after']], ['refused', null, null])
  }
  const before = (await lines()).length
  assert.equal((await as(ops)('POST', 'api-keys', { limits: { rpm: 1 } })).status, 400)
  assert.equal((await lines()).length, before, 'a slip is no attempt')
})

test('A20 the log only grows: the database refuses to change a line or to remove one', () => {
  const database = new DatabaseSync(house().gateway.databasePath, { timeout: 5_000 })
  try {
    for (const sql of [
      "UPDATE audit SET actor = 'nobody'",
      'DELETE FROM audit',
      'DELETE FROM audit WHERE sequence = 1',
    ]) {
      assert.throws(() => database.exec(sql), /append-only/, sql)
    }
  } finally {
    database.close()
  }
})

test('the log comes in pages, newest first', async () => {
  const all = await lines()
  const found: unknown[] = []
  for (let cursor = ''; ; ) {
    const { json } = await as(reader)('GET', `audit?limit=5${cursor}`)
    const data = json['data']
    assert.ok(Array.isArray(data) && data.length <= 5)
    found.push(...data)
    const next = json['next_cursor']
    if (typeof next !== 'string') break
    cursor = `&cursor=${next}`
  }
  assert.deepEqual(found, all)
  assert.ok((await lines('&actor=bounded')).every(({ actor }) => actor === 'bounded'))
  for (const query of ['cursor=x', 'cursor=0', 'limit=0', 'actor=', 'since=1']) {
    assert.equal((await as(reader)('GET', `audit?${query}`)).status, 400, query)
  }
  assert.deepEqual((await as(bounded)('GET', 'audit')).code, 'insufficient_scope')
})

test('C4 while the log cannot be written, changes are refused and change nothing, and all is read as before', async () => {
  const ask = as(ops)
  await ask('POST', 'teams', { id: 'kept', tags: ['before'] })
  const key = await ask('POST', 'api-keys', { id: 'kept', team: 'kept' })
  const secret = String(key.json['secret'])
  const state = async () => {
    const [keys, teams, log] = await Promise.all([ask('GET', 'api-keys'), ask('GET', 'teams'), ask('GET', 'audit')])
    assert.deepEqual([keys.status, teams.status, log.status], [200, 200, 200])
    return JSON.stringify([keys.json, teams.json, log.json], (name, value: unknown) =>
      name === 'last_used_at' ? undefined : value,
    )
  }
  const before = await state()
  const database = new DatabaseSync(house().gateway.databasePath, { timeout: 5_000 })
  try {
    database.exec("CREATE TRIGGER no_room BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
    for (const [method, path, body] of [
      ['POST', 'api-keys', { id: 'never' }],
      ['POST', 'api-keys/kept/rotate', {}],
      ['POST', 'teams', { id: 'never' }],
      ['PATCH', 'teams/kept', { enabled: false }],
      ['POST', 'organizations', { id: 'never' }],
    ] as const) {
      const answer = await ask(method, path, body)
      assert.deepEqual([answer.status, answer.code], [503, 'not_stored'], `${method} ${path}`)
    }
    assert.equal(await state(), before)
    assert.equal((await house().client.chat({ secret })).status, 200)
    // Whose key it is must be stopped whatever the database does; the line comes when it can.
    const revoked = await ask('DELETE', 'api-keys/kept')
    assert.deepEqual([revoked.status, at(revoked.json, 'key', 'state')], [200, 'revoked'])
    assert.match(String(revoked.json['warning']), /database refuses/)
    assert.equal((await house().client.chat({ secret })).status, 401)
  } finally {
    database.exec('DROP TRIGGER IF EXISTS no_room')
    database.close()
  }
  assert.equal((await ask('PATCH', 'teams/kept', { tags: ['after'] })).status, 200)
})
