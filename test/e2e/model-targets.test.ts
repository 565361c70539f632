import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { at, type JsonObject, parseJson } from '../harness/json.ts'
import { PROGRAM } from '../harness/program.ts'
import { WALL_KEY } from '../harness/wall/wall.ts'
import { House } from './house.ts'

const SECRET = 'a-second-secret-of-the-wall'
const narrow = keyPair('narrow')
let house: House

before(async () => {
  house = await House.build({
    otherKeys: [{ key: narrow, models: { allow: ['mixed'] } }],
    more: {
      workers: 2,
      models: {
        mixed: {
          strategy: 'fallback',
          targets: [
            { provider: 'wall', model: 'status-429-retry-after', tags: ['eu'] },
            { provider: 'wall', model: 'ok', concurrency: { max: 7, queue: 2 } },
          ],
        },
        broken: {
          targets: [{ provider: 'wall', model: 'status-500', breaker: { consecutive_failures: 1 }, attempts: 1 }],
        },
        outer: { targets: [{ group: 'mixed' }, { provider: 'wall', model: 'ok', enabled: false }] },
        held: { targets: [{ provider: 'wall', model: 'barrier', concurrency: { max: 1, queue: 3, wait: '30s' } }] },
      },
    },
  })
  const config = parseJson(readFileSync(house.gateway.configPath, 'utf8')) as JsonObject // the house wrote it
  const wall = at(config, 'providers', 'wall') as JsonObject
  const { api_key: _one, ...rest } = wall
  const credentials = [
    { name: 'first', api_key: WALL_KEY },
    { name: 'second', api_key: SECRET },
  ]
  const models = at(config, 'models') as JsonObject
  const revoked = { targets: [{ provider: 'pair', model: 'echo-key-401', credential: 'second' }] }
  const providers = { wall, pair: { ...rest, credentials } }
  house.gateway.writeConfig({ ...config, providers, models: { ...models, revoked } })
  house.gateway.signal('SIGHUP')
  await eventually(async () => (await targets()).data.some(({ id }) => id === 'pair/echo-key-401#second'))
})

after(() => house.close())

interface Told {
  readonly data: readonly JsonObject[]
  readonly models: readonly JsonObject[]
}

function token(): string {
  return readFileSync(join(house.gateway.dataDir, 'admin-token'), 'utf8').trim()
}

async function admin(path: string, body?: JsonObject): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`${house.gateway.controlUrl}/admin/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token()}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, text: await answer.text() }
}

async function targets(): Promise<Told> {
  const { status, text } = await admin('targets')
  assert.equal(status, 200, text)
  assert.ok(!text.includes(WALL_KEY) && !text.includes(SECRET), 'no secret is told')
  return JSON.parse(text) as Told // its own words are what is tested
}

async function target(id: string): Promise<JsonObject> {
  const found = (await targets()).data.find((each) => each['id'] === id)
  assert.ok(found !== undefined, id)
  return found
}

test('targets tell their breaker, who rests until when and why, latency, failures, what is on its way and who waits', async () => {
  assert.equal((await house.client.chat({ model: 'mixed' })).status, 200)
  const throttled = await target('wall/status-429-retry-after')
  const rest = at(throttled, 'rest')
  assert.deepEqual([at(rest, 'what'), at(rest, 'why'), at(rest, 'asked_by_upstream')], ['target', 'throttled', true])
  assert.ok(Date.parse(String(at(rest, 'until'))) > Date.now())
  assert.ok(Number(throttled['refuses_ms']) > 0 && throttled['first_byte_ms'] === null)
  const good = await target('wall/ok')
  assert.deepEqual(
    [good['breaker'], good['rest'], good['failure_share'], good['served'], good['queued']],
    ['closed', null, 0, 0, 0],
  )
  assert.ok(Number(good['first_byte_ms']) > 0 && Number(good['first_byte_p95_ms']) >= Number(good['first_byte_ms']))
  assert.equal((await house.client.chat({ model: 'broken' })).status, 502)
  const broken = await target('wall/status-500')
  assert.equal(broken['breaker'], 'open')
  assert.ok(Number(broken['opens_in_ms']) > 0 && Number(broken['failure_share']) > 0)
})

test('credentials are told by their names, and rest by themselves', async () => {
  assert.equal((await house.client.chat({ model: 'revoked' })).status, 502)
  const second = await target('pair/echo-key-401#second')
  assert.equal(second['credential'], 'second')
  assert.deepEqual([at(second, 'rest', 'what'), at(second, 'rest', 'why')], ['credential', 'credential'])
})

test('what is on its way and waits is told at once, and metrics say the same', async () => {
  const calls = Array.from({ length: 3 }, () => house.client.start({ model: 'held' }))
  const busy = await eventually(async () => {
    const told = await target('wall/barrier')
    return told['queued'] === 2 ? told : null
  })
  assert.deepEqual([busy['in_flight'], busy['served']], [1, 1])
  const samples = await house.gateway.metrics()
  const value = (name: string, labels: Readonly<Record<string, string>>) =>
    samples.find((sample) => {
      return sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text)
    })?.value
  assert.equal(value('ferro_model_target_queued', { target: 'wall/barrier' }), 2)
  assert.equal(value('ferro_model_target_breaker', { target: 'wall/status-500' }), 2)
  assert.ok(Number(value('ferro_model_target_rest_seconds', { target: 'wall/status-429-retry-after' })) > 0)
  const counted = { target: 'wall/status-429-retry-after', outcome: 'failure', class: 'throttled' }
  assert.ok(Number(value('ferro_model_attempts_total', counted)) >= 1)
  assert.equal(value('ferro_model_attempts_total', { target: 'wall/ok', outcome: 'success', class: 'none' }), 1)
  assert.ok(
    Number(value('ferro_model_rests_total', { target: 'wall/status-429-retry-after', class: 'throttled' })) >= 1,
  )
  for (let n = 0; n < 3; n++) {
    await eventually(() => house.wall.requests.filter(({ model }) => model === 'barrier').length > n)
    house.wall.release()
  }
  assert.deepEqual(
    (await Promise.all(calls.map(({ result }) => result))).map(({ status }) => status),
    [200, 200, 200],
  )
})

test('models tell their groups, and which targets are in them', async () => {
  const { models } = await targets()
  const outer = models.find(({ model }) => model === 'outer')
  assert.deepEqual(
    [at(outer, 'strategy'), at(outer, 'targets', 0, 'group'), at(outer, 'targets', 1, 'enabled')],
    ['fallback', 'mixed', false],
  )
  const mixed = models.find(({ model }) => model === 'mixed')
  assert.deepEqual(at(mixed, 'targets', 0, 'tags'), ['eu'])
  assert.deepEqual(at(mixed, 'targets', 1, 'ids'), ['wall/ok'])
  assert.deepEqual(at(mixed, 'targets', 1, 'concurrency'), { max: 7, queue: 2, wait_ms: 5_000 })
})

test('a request is explained by what is known now, over the admin API and by the command', async () => {
  const asked = {
    model: 'mixed',
    key_id: 'narrow',
    headers: { 'X-Tier': 'gold' },
    body: { messages: [], stream: true },
  }
  const { status, text } = await admin('route/explain', asked)
  assert.equal(status, 200, text)
  const told = parseJson(text)
  assert.deepEqual(
    [at(told, 'statistics'), at(told, 'key'), at(told, 'request', 'stream')],
    ['running', 'narrow', true],
  )
  assert.deepEqual(
    [at(told, 'order', 0, 'id'), at(told, 'order', 1, 'ready')],
    ['wall/ok', false],
    'who rests is asked last',
  )
  const { dataDir, configPath } = house.gateway
  const flags = ['--model', 'mixed', '--config', configPath, '--data-dir', dataDir, '--format', 'json']
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, 'route', 'explain', ...flags])
  const command = parseJson(stdout)
  const good = at(command, 'targets', 1)
  assert.deepEqual([at(command, 'statistics'), at(good, 'id')], ['running', 'wall/ok'])
  assert.ok(Number(at(good, 'first_byte_ms')) > 0)
})

test('questions that cannot be answered are refused by the field that is wrong', async () => {
  const asked: [JsonObject, number, string | undefined][] = [
    [{}, 400, 'model'],
    [{ model: 'mixed', colour: 'red' }, 400, 'colour'],
    [{ model: 'mixed', headers: { a: 1 } }, 400, 'headers.a'],
    [{ model: 'mixed', body: [] }, 400, 'body'],
    [{ model: 'none-of-ours' }, 400, undefined],
    [{ model: 'mixed', surface: 'smoke' }, 400, undefined],
    [{ model: 'mixed', key_id: 'nobody' }, 404, 'key_id'],
  ]
  for (const [body, status, param] of asked) {
    const answer = await admin('route/explain', body)
    assert.equal(answer.status, status, answer.text)
    if (param !== undefined) assert.equal(at(parseJson(answer.text), 'error', 'param'), param)
  }
})
