import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at, type JsonObject } from '../harness/json.ts'
import { useHouse } from './house.ts'

const bound = keyPair('bound')
const US = { provider: 'wall', model: 'ok' }
const EU = { provider: 'demo', model: 'demo-chat', tags: ['eu', 'small'] }

const house = useHouse({
  provider: { tags: ['us'], direct: true },
  otherKeys: [{ key: bound, tags: ['eu-only'] }],
  more: {
    models: {
      ok: { targets: [US] },
      mixed: { targets: [US, EU] },
      failing: { targets: [{ ...US, model: 'status-500' }, US, EU] },
      ruled: {
        strategy: {
          type: 'conditional',
          rules: [{ when: { header: { 'x-region': 'eu' } }, use: { tag: 'eu' } }],
          otherwise: [{ tag: 'us' }, { tag: 'eu' }],
        },
        targets: [EU, US],
      },
      nested: {
        strategy: { type: 'conditional', rules: [{ when: { stream: false }, use: { tag: 'eu' } }] },
        targets: [{ group: 'mixed' }, { group: 'all-eu' }],
      },
      'all-eu': { internal: true, targets: [EU] },
      tried: { targets: [EU], canary: { target: { provider: 'wall', model: 'ok' }, share: '100%' } },
      'tried-eu': {
        targets: [EU],
        canary: { target: { provider: 'wall', model: 'ok-2', tags: ['eu'] }, share: '100%' },
      },
      copied: { targets: [EU], shadow: { target: { provider: 'wall', model: 'ok-3' }, share: '100%' } },
      hedged: { targets: [{ ...EU, model: 'demo-chat-slow' }, US], hedge: { after: '1ms' } },
    },
    policies: [{ id: 'stays-in-europe', match: { tags: ['eu-only'] }, allow: { target_tags: ['eu'] } }],
  },
})

interface Asked {
  readonly secret?: string
  readonly headers?: Readonly<Record<string, string>>
}

async function ask(model: string, { secret, headers = {} }: Asked = {}) {
  const { client, wall, key } = house()
  const before = wall.requests.length
  const result = await client.chat({ model, headers, secret: secret ?? key.secret })
  return { ...result, served: result.headers['x-ferro-model'], seen: wall.requests.length - before }
}

const requiring = (tags: string): Asked => ({ headers: { 'x-ferro-require-tags': tags } })
const asBound: Asked = { secret: bound.secret }

test('a rule names targets by a tag, of their own or of their provider, and a group that has it as a whole', async () => {
  assert.equal((await ask('ruled')).served, 'wall/ok')
  assert.equal((await ask('ruled', { headers: { 'x-region': 'eu' } })).served, 'demo/demo-chat')
  assert.equal((await ask('nested')).served, 'demo/demo-chat')
})

test('a client is served by targets that have every tag it requires, and by no other', async () => {
  assert.equal((await ask('mixed')).served, 'wall/ok')
  assert.equal((await ask('mixed', requiring('eu, small'))).served, 'demo/demo-chat')
  const failing = await ask('failing', requiring('eu'))
  assert.deepEqual([failing.served, failing.seen], ['demo/demo-chat', 0])
  const none = await ask('mixed', requiring('eu, us'))
  assert.deepEqual([none.status, at(none.json, 'error', 'param')], [400, 'x-ferro-require-tags'])
  assert.equal((await ask('wall/ok', requiring('us'))).status, 200, 'a model of a provider has its tags')
  assert.equal((await ask('wall/ok', requiring('eu'))).status, 400)
})

for (const [how, asked] of [
  ['a client', requiring('eu')],
  ['a policy', asBound],
] as const) {
  test(`a tag that ${how} requires holds for canaries, copies and second requests`, async () => {
    const { wall } = house()
    assert.equal((await ask('tried')).served, 'wall/ok')
    const tried = await ask('tried', asked)
    assert.deepEqual([tried.served, tried.seen], ['demo/demo-chat', 0])
    assert.equal((await ask('tried-eu', asked)).served, 'wall/ok-2')
    const hedged = await ask('hedged', asked)
    assert.deepEqual([hedged.status, hedged.seen], [200, 0])
    const copies = () => wall.requests.filter(({ model }) => model === 'ok-3').length
    const before = copies()
    await ask('copied', asked)
    await ask('copied')
    await eventually(() => copies() > before)
    assert.equal(copies(), before + 1, 'the copy of the request that requires nothing')
  })
}

test('a policy keeps requests to targets with a tag, whatever they ask for', async () => {
  assert.equal((await ask('mixed', asBound)).served, 'demo/demo-chat')
  for (const model of ['ok', 'wall/ok', 'demo/demo-chat']) {
    const { status, json } = await ask(model, asBound)
    assert.deepEqual([status, errorCode(json)], [403, 'policy_denied'], model)
  }
  const listed = await house().newClient(bound).fetch('/v1/models')
  const { data } = (await listed.json()) as { data: { id: string }[] }
  assert.deepEqual(
    data.map(({ id }) => id).filter((id) => id === 'ok' || id === 'mixed'),
    ['mixed'],
  )
})

test('an explanation says which target lacks a tag, and which policy asks for one', async () => {
  const explain = async (more: JsonObject) => {
    const { gateway } = house()
    const token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()
    const answer = await fetch(`${gateway.controlUrl}/admin/v1/route/explain`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'mixed', ...more }),
    })
    const told: unknown = await answer.json()
    return [at(told, 'targets', 0, 'dropped'), at(told, 'order', 0, 'id'), at(told, 'order', 1)]
  }
  const [lacks, ...order] = await explain({ headers: { 'x-ferro-require-tags': 'eu' } })
  assert.match(String(lacks), /x-ferro-require-tags/)
  assert.deepEqual(order, ['demo/demo-chat', undefined])
  const [denied, ...left] = await explain({ key_id: 'bound' })
  assert.match(String(denied), /stays-in-europe/)
  assert.deepEqual(left, ['demo/demo-chat', undefined])
})
