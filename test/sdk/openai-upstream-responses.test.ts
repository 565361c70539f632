import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import OpenAI from 'openai'
import { keyPair } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { at } from '../harness/json.ts'
import { ResponsesKeeper } from '../mocks/openai-responses/keeper.ts'

const ACCOUNTS = ['account-one-Kq8vTn3Rs1', 'account-two-Wm2xLp7Yd4']
const OTHER_ACCOUNT = 'account-three-Zb6cHj9Fg5'
const mine = keyPair('mine')
const other = keyPair('other')
const ANSWER_TOKENS = 29

let vendor: ResponsesKeeper
let second: ResponsesKeeper
let gateway: Gateway

before(async () => {
  vendor = await ResponsesKeeper.start('a', ACCOUNTS)
  second = await ResponsesKeeper.start('b', [OTHER_ACCOUNT])
  const keeping = { kind: 'openai-compatible', direct: true, dialects: ['openai-responses'] }
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 2,
      providers: {
        vendor: { ...keeping, base_url: vendor.url, credentials: ACCOUNTS.map((key) => ({ api_key: key })) },
        down: { ...keeping, base_url: 'http://127.0.0.1:1/v1', api_key: 'x' },
        second: { ...keeping, base_url: second.url, api_key: OTHER_ACCOUNT },
      },
      models: {
        compacting: {
          targets: [
            { provider: 'down', model: 'gpt-5.2' },
            { provider: 'demo', model: 'demo-chat' },
            { provider: 'second', model: 'gpt-5.2' },
          ],
        },
      },
      keys: [mine, other].map(({ id, hash }) => ({ id, hash })),
    },
    readyDeadlineMs: 60_000,
  })
})

after(async () => {
  await gateway?.close()
  await Promise.all([vendor?.close(), second?.close()])
})

afterEach(() => {
  vendor.looksUntilDone = 1
})

const client = ({ secret } = mine) =>
  new OpenAI({ apiKey: secret, baseURL: `${gateway.url}/v1`, maxRetries: 0, fetchOptions: { keepalive: false } })

const model = 'vendor/gpt-5.2'

/** Tokens that were charged to requests of this route since the gateway began, when the record of `last` is there. */
async function charged(route: string, last: string | null | undefined): Promise<unknown> {
  return await eventually(
    () => {
      using database = gateway.db()
      if (database.prepare('SELECT 1 FROM requests WHERE id = ?').get(last ?? '') === undefined) return null
      const sum = `SELECT COALESCE(SUM(input_tokens + output_tokens + cache_read_tokens + reasoning_tokens), 0) AS tokens
        FROM requests WHERE route = ?`
      return database.prepare(sum).get(route)
    },
    { what: 'the last record' },
  ).then((row) => at(row, 'tokens'))
}

async function refused(call: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof OpenAI.APIError, 'it was not refused')
  return error
}

test('an answer that its upstream keeps is read, listed and deleted there, with the credential that made it', async () => {
  const { responses } = client()
  for (let round = 0; round < 4; round++) {
    const stream = round % 2 === 1
    const made = stream
      ? await responses.stream({ model, input: 'Hello' }).finalResponse()
      : await responses.create({ model, input: 'Hello' })
    const { key } = vendor.last
    assert.match(made.id, /^resp_a\d+$/)
    assert.equal((await responses.retrieve(made.id)).id, made.id)
    const items = await responses.inputItems.list(made.id, { order: 'asc', limit: 5 })
    assert.equal(items.data[0]?.type, 'message')
    assert.equal(vendor.last.path, `/responses/${made.id}/input_items?order=asc&limit=5`)
    const again = await Array.fromAsync(await responses.retrieve(made.id, { stream: true }))
    assert.equal(again.at(-1)?.type, 'response.completed')
    await responses.delete(made.id)
    assert.deepEqual(
      vendor.seen.slice(-4).map((call) => [call.method, call.key]),
      ['GET', 'GET', 'GET', 'DELETE'].map((method) => [method, key]),
    )
    const error = await refused(responses.retrieve(made.id))
    assert.equal(error.status, 404)
    assert.equal(vendor.last.method, 'DELETE', 'what was deleted is not asked for again')
  }
  // Which credential serves is drawn: after so many requests each of them was.
  const keys = () => new Set(vendor.seen.map(({ key }) => key))
  for (let more = 0; more < 100 && keys().size < 2; more++) {
    const made = await responses.create({ model, input: 'Hello' })
    assert.equal((await responses.retrieve(made.id)).id, made.id)
  }
  assert.deepEqual(keys(), new Set(ACCOUNTS), 'both credentials took turns')
})

test('a turn goes on where the one before it is kept, whoever’s turn it is', async () => {
  const { responses } = client()
  let previous = await responses.create({ model, input: 'one' })
  const { key } = vendor.last
  for (const input of ['two', 'three', 'four']) {
    previous = await responses.create({ model, input, previous_response_id: previous.id })
    assert.deepEqual([vendor.last.key, at(vendor.last.body, 'input')], [key, input])
  }
})

test('A9 what one key made another does not find, nor does the upstream hear of it', async () => {
  const made = await client().responses.create({ model, input: 'Hello' })
  const { length } = vendor.seen
  const { responses } = client(other)
  for (const call of [
    () => responses.retrieve(made.id),
    () => responses.inputItems.list(made.id),
    () => responses.cancel(made.id),
    () => responses.delete(made.id),
  ]) {
    assert.equal((await refused(call())).status, 404)
  }
  const error = await refused(responses.create({ model, input: 'Hello', previous_response_id: made.id }))
  assert.deepEqual([error.status, error.param], [400, 'previous_response_id'])
  assert.equal(vendor.seen.length, length)
})

test('a turn that is to go on with a model of another provider is told where the one before is kept', async () => {
  const { responses } = client()
  const made = await responses.create({ model, input: 'Hello' })
  for (const elsewhere of ['second/gpt-5.2', 'demo/demo-chat']) {
    const error = await refused(responses.create({ model: elsewhere, input: 'Hello', previous_response_id: made.id }))
    assert.deepEqual([error.status, error.param], [400, 'previous_response_id'])
    assert.match(error.message, /provider "vendor"/)
  }
  assert.equal(second.seen.length, 0)
})

test('what the gateway keeps itself goes whole to a model that keeps its own', async () => {
  const { responses } = client()
  const first = await responses.create({ model: 'demo/demo-chat', input: 'Say: one' })
  const next = await responses.create({ model, input: 'two', previous_response_id: first.id })
  assert.equal(at(vendor.last.body, 'previous_response_id'), undefined)
  const input = at(vendor.last.body, 'input')
  assert.ok(Array.isArray(input) && input.length === 3)
  assert.equal((await responses.retrieve(next.id)).id, next.id)
})

test('nothing is remembered of an answer that nobody keeps', async () => {
  const { responses } = client()
  const made = await responses.create({ model, input: 'Hello', store: false })
  const { length } = vendor.seen
  assert.equal((await refused(responses.retrieve(made.id))).status, 404)
  assert.equal(vendor.seen.length, length)
})

test('an answer in the background is made there, watched and cancelled, and charged once when it is over', async () => {
  const { responses } = client()
  vendor.looksUntilDone = 2
  const made = await responses.create({ model, input: 'Hello', background: true })
  assert.deepEqual([made.status, made.background], ['queued', true])
  const states: unknown[] = []
  for (let look = 0; look < 3; look++) states.push((await responses.retrieve(made.id)).status)
  assert.deepEqual(states, ['in_progress', 'in_progress', 'completed'])
  await Promise.all(Array.from({ length: 8 }, () => client().responses.retrieve(made.id)))
  const cancelled = await responses.create({ model, input: 'Hello', background: true })
  assert.equal((await responses.cancel(cancelled.id)).status, 'cancelled')
  const last = await responses.retrieve(cancelled.id)
  assert.equal(await charged('responses.get', last._request_id), ANSWER_TOKENS)
})

test('an answer in the background that was streamed to its end is charged there, and not again when it is read', async () => {
  const { responses } = client()
  const { data: stream, response } = await responses
    .create({ model, input: 'Hello', background: true, stream: true })
    .withResponse()
  const [created] = await Array.fromAsync(stream)
  assert.ok(created?.type === 'response.created')
  await Array.fromAsync(await responses.retrieve(created.response.id, { stream: true }))
  const last = await responses.retrieve(created.response.id)
  assert.equal(last.status, 'completed')
  assert.equal(await charged('responses.get', last._request_id), ANSWER_TOKENS, 'as before')
  using database = gateway.db()
  const row = database.prepare('SELECT * FROM requests WHERE id = ?').get(response.headers.get('x-request-id') ?? '')
  assert.deepEqual([at(row, 'input_tokens'), at(row, 'output_tokens')], [19, 10])
})

test('conversations are kept where the header says, and go on there', async () => {
  const { conversations, responses } = client()
  const nameless = await refused(conversations.create({}))
  assert.deepEqual([nameless.status, nameless.param], [400, 'x-ferro-provider'])
  const made = await conversations.create({ metadata: { a: 'b' } }, { headers: { 'x-ferro-provider': 'vendor' } })
  const { key } = vendor.last
  assert.match(made.id, /^conv_a/)
  assert.equal((await conversations.retrieve(made.id)).id, made.id)
  for (let round = 0; round < 2; round++) {
    await responses.create({ model, input: 'Hello', conversation: made.id })
    assert.deepEqual([vendor.last.key, at(vendor.last.body, 'conversation')], [key, made.id])
  }
  const elsewhere = await refused(
    responses.create({ model: 'second/x', input: 'Hello', conversation: { id: made.id } }),
  )
  assert.deepEqual([elsewhere.status, elsewhere.param], [400, 'conversation'])
  const stranger = client(other)
  assert.equal((await refused(stranger.conversations.retrieve(made.id))).status, 404)
  const foreign = await refused(stranger.responses.create({ model, input: 'Hello', conversation: made.id }))
  assert.deepEqual([foreign.status, foreign.param], [400, 'conversation'])
  await conversations.delete(made.id)
  assert.equal((await refused(conversations.retrieve(made.id))).status, 404)
})

test('a conversation is compacted by the vendor, and charged', async () => {
  const { responses } = client()
  const made = await responses.create({ model, input: 'Hello' })
  const { key } = vendor.last
  const compacted = await responses.compact({ model: 'vendor/gpt-5.2', previous_response_id: made.id })
  assert.equal(compacted.output[0]?.type, 'compaction')
  assert.deepEqual(vendor.last, {
    method: 'POST',
    path: '/responses/compact',
    key,
    body: { model: 'gpt-5.2', previous_response_id: made.id },
  })
  assert.equal(await charged('responses.compact', compacted._request_id), ANSWER_TOKENS)
  const translated = await refused(responses.compact({ model: 'demo-chat', input: 'Hello' }))
  assert.deepEqual([translated.status, translated.param], [400, 'model'])
  const foreign = client(other).responses.compact({ model: 'vendor/gpt-5.2', previous_response_id: made.id })
  assert.equal((await refused(foreign)).param, 'previous_response_id')
})

test('a conversation is compacted by the next target that can when the first is not there', async () => {
  const { data, response } = await client().responses.compact({ model: 'compacting', input: 'Hello' }).withResponse()
  assert.equal(data.output[0]?.type, 'compaction')
  assert.equal(response.headers.get('x-ferro-attempts'), '2')
  assert.deepEqual([second.last.path, second.last.body], ['/responses/compact', { model: 'gpt-5.2', input: 'Hello' }])
})

test('who keeps an answer is known after a kill', async () => {
  const { responses } = client()
  const made = await responses.create({ model, input: 'Hello' })
  const { key } = vendor.last
  assert.equal((await responses.retrieve(made.id)).id, made.id)
  await gateway.kill9()
  await gateway.restart()
  const again = client().responses
  assert.equal((await again.retrieve(made.id)).id, made.id)
  assert.equal(vendor.last.key, key)
  await again.create({ model, input: 'more', previous_response_id: made.id })
  assert.equal(vendor.last.key, key)
})
