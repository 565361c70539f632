import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ConversationRequest, errorCode } from '../harness/client.ts'
import { keyPair, type TestKey } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { House } from './house.ts'

const LIMIT = 1_000
/** Every request takes more than a tenth of that. */
const CONTENT = 'word '.repeat(12)
const app = keyPair('app')
const models = keyPair('models')
const tagged = keyPair('tagged')
const few = keyPair('few')
const strict = keyPair('strict')
const runs = keyPair('runs')

const GATEWAY_RULES = [
  { by: 'model', only: ['over-5'], limits: { requests_per_minute: 2 } },
  { by: 'provider', only: ['wall'], limits: { concurrency: 40 } },
]

const MORE = {
  workers: 2,
  // On a busy machine some would be refused for that.
  overload: { shed: 'off' },
  teams: [
    { id: 'app', rules: [{ by: 'end_user', budgets: [{ tokens: LIMIT, per: 'total' }] }] },
    { id: 'few', rules: [{ by: 'session', max_counters: 2, limits: { concurrency: 9 } }] },
  ],
  gateway: { rules: GATEWAY_RULES },
}

const KEYS = [
  { key: app, team: 'app' },
  { key: models },
  {
    key: tagged,
    tags: ['nightly', 'batch'],
    rules: [
      { by: 'key_tag', only: ['night*'], limits: { requests_per_day: 2 } },
      { by: 'tag', limits: { requests_per_day: 1 } },
    ],
  },
  { key: few, team: 'few' },
  { key: strict, rules: [{ by: 'end_user', when_absent: 'refuse', limits: { requests_per_minute: 9 } }] },
  { key: runs, rules: [{ by: 'run', only: ['r-*'], budgets: [{ tokens: 100_000, per: 'day' }] }] },
]

let house: House

before(
  async () => {
    house = await House.build({ models: ['ok', 'over-5', 'barrier'], otherKeys: KEYS, more: MORE })
  },
  { timeout: 30_000 },
)

after(async () => await house.close())

function requestOf({ secret }: TestKey, headers: Record<string, string>, model = 'ok'): ConversationRequest {
  return { model, secret, headers, nonce: 'n-0123456789', content: CONTENT, body: { max_tokens: 8 } }
}

const ask = async (key: TestKey, headers: Record<string, string> = {}, model?: string) =>
  await house.client.chat(requestOf(key, headers, model))

function query(sql: string, ...values: readonly string[]): Record<string, unknown>[] {
  using database = house.gateway.db()
  return database.prepare(sql).all(...values)
}

const spentOf = (counter: string) =>
  Number(query('SELECT sum(spent) AS spent FROM counter_sums WHERE counter = ?', counter)[0]?.['spent'] ?? 0)

test('B10 a budget by end user lets exactly as many through as it covers, from the first request of each, over all workers', async () => {
  const first = await ask(app, { 'x-ferro-end-user': 'zed' })
  assert.equal(first.status, 200)
  const reserved = async () =>
    query('SELECT tokens FROM ledger WHERE request_id = ? AND phase = 0', first.entry.requestId ?? '')[0]?.['tokens']
  await eventually(async () => (await reserved()) !== undefined)
  // The model's name is a few bytes longer.
  const each = Number(await reserved()) + 'barrier'.length - 'ok'.length
  const covered = Math.floor(LIMIT / each)
  assert.ok(covered >= 2 && covered < 20, `a request reserves ${each}`)

  const before = house.wall.requests.length
  const calls = Array.from({ length: 30 }, () =>
    house.client.start(requestOf(app, { 'x-ferro-end-user': 'ada' }, 'barrier')),
  )
  await eventually(() => calls.filter(({ entry }) => entry.status === 402).length === 30 - covered)
  await house.wall.waitForRequests(before + covered)
  house.wall.release()
  const results = await Promise.all(calls.map(({ result }) => result))
  assert.equal(results.filter(({ status }) => status === 200).length, covered)
  const refused = results.find(({ status }) => status === 402)
  assert.match(JSON.stringify(refused?.json), /the end user \\"ada\\" within the team \\"app\\" of this API key/)
  const ids = JSON.stringify(results.map(({ entry }) => entry.requestId))
  const settled = () =>
    query(
      'SELECT sum(tokens) AS sum FROM ledger WHERE phase = 1 AND request_id IN (SELECT value FROM json_each(?))',
      ids,
    )
  await eventually(() => spentOf('team:app/end_user=ada:tokens:total') === settled()[0]?.['sum'])

  const request = requestOf(app, {})
  const odd = await house.client.chat({ ...request, body: { ...request.body, safety_identifier: 'b"o\\b\n' } })
  assert.equal(odd.status, 200)
  await eventually(() => spentOf('team:app/end_user=b%22o%5cb%0a:tokens:total') > 0)
})

test('a limit for one model and one for a provider are two lines; other models have none', async () => {
  const statuses = []
  for (let turn = 0; turn < 3; turn++) statuses.push((await ask(models, {}, 'over-5')).status)
  assert.deepEqual(statuses, [200, 200, 429])
  const refused = await ask(app, { 'x-ferro-end-user': 'eve' }, 'over-5')
  assert.equal(refused.status, 429, 'whoever asks')
  assert.match(JSON.stringify(refused.json), /2 requests per minute for the model \\"over-5\\" within this gateway/)
  assert.ok(Number(refused.headers['retry-after']) > 0)
  assert.equal((await ask(models)).status, 200)
  assert.equal(spentOf('team:app/end_user=eve:tokens:total'), 0, 'what was refused took nothing')

  const before = house.wall.requests.length
  const calls = Array.from({ length: 60 }, () => house.client.start(requestOf(models, {}, 'barrier')))
  await eventually(() => calls.filter(({ entry }) => entry.status === 429).length === 20, { deadlineMs: 20_000 })
  await house.wall.waitForRequests(before + 40)
  house.wall.release()
  const ended = await Promise.all(calls.map(({ result }) => result))
  assert.equal(ended.filter(({ status }) => status === 200).length, 40)
  assert.equal((await ask(models)).status, 200, 'places are free again')
})

test("the operator's tags and the client's are counted by rules of their own, each tag apart", async () => {
  assert.equal((await ask(tagged, { 'x-ferro-tags': 'red, blue' })).status, 200)
  const again = await ask(tagged, { 'x-ferro-tags': 'green,blue' })
  assert.equal(again.status, 429)
  assert.match(JSON.stringify(again.json), /the tag \\"blue\\" within this API key/)
  assert.equal((await ask(tagged, { 'x-ferro-tags': 'green' })).status, 200, 'what blue refused took nothing of green')
  const junk = Array.from({ length: 16 }, (_, at) => `junk-${at}`)
  const many = await ask(tagged, { 'x-ferro-tags': [...junk, 'blue'].join() })
  assert.deepEqual([many.status, errorCode(many.json)], [400, 'invalid_request'], 'none goes uncounted behind others')
  const third = await ask(tagged)
  assert.match(JSON.stringify(third.json), /the key tag \\"nightly\\" within this API key/)
})

test('more values than a rule has counters for are refused until others are out of use', async () => {
  const say = (session: string) => ask(few, { 'x-ferro-session': session })
  assert.deepEqual([(await say('a')).status, (await say('b')).status, (await say('a')).status], [200, 200, 200])
  const refused = await say('c')
  assert.deepEqual([refused.status, errorCode(refused.json)], [429, 'rate_limit_exceeded'])
  assert.match(JSON.stringify(refused.json), /Too many different values of \\"session\\"/)
  await eventually(async () => (await say('c')).status === 200, { deadlineMs: 10_000, everyMs: 400 })
})

test('who must say an end user and does not is refused; others are not asked', async () => {
  const body = { max_tokens: 8, user: '' }
  const silent = await house.client.chat({ ...requestOf(strict, {}), body })
  assert.equal(silent.status, 400)
  assert.match(JSON.stringify(silent.json), /must say a end user|must say an end user/)
  assert.equal((await ask(strict, { 'x-ferro-end-user': 'ann' })).status, 200)
  assert.equal((await ask(runs)).status, 200, 'a request without a run')
})

test('what a run has used is known after a restart, in the database and in memory', async () => {
  const run = { 'x-ferro-run-id': 'r-1' }
  for (let turn = 0; turn < 3; turn++) assert.equal((await ask(runs, run)).status, 200)
  const counter = 'key:runs/run=r-1:tokens:day'
  const ledger = () =>
    query(
      "SELECT count(*) AS count, sum(tokens) AS sum FROM ledger JOIN requests ON id = request_id WHERE phase = 1 AND run_id = 'r-1'",
    )[0]
  const agrees = (count: number) => ledger()?.['count'] === count && spentOf(counter) === ledger()?.['sum']
  await eventually(() => agrees(3))
  await house.gateway.kill9()
  await house.gateway.restart()
  assert.equal((await ask(runs, run)).status, 200)
  await eventually(() => agrees(4))
  const rest = { ...requestOf(app, { 'x-ferro-end-user': 'ada' }), body: { max_tokens: LIMIT - 50 } }
  assert.equal((await house.client.chat(rest)).status, 402, 'what ada spent before is spent')
  const other = { ...rest, headers: { 'x-ferro-end-user': 'bob' }, content: 'a', body: { max_tokens: LIMIT - 200 } }
  assert.equal((await house.client.chat(other)).status, 200)
})
