import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { keyPair } from '../harness/config.ts'
import { at } from '../harness/json.ts'
import { UPSTREAM_KEY, useOperationsHouse } from './operations-house.ts'

const other = keyPair('other')
const held = keyPair('held')
const house = useOperationsHouse({ files: { bind_keys: false } }, [
  { key: other },
  { key: held, models: { allow: ['vendor/gpt-*'] } },
])

test('the official client keeps files: makes, lists, reads, fetches and deletes them', async () => {
  const { client, upstream } = house()
  const made = await client().files.create({
    purpose: 'batch',
    file: await toFile(Buffer.alloc(300_000, 9), 'in.jsonl'),
  })
  assert.deepEqual([made.id, made.bytes, made.filename], ['file-1', 300_000, 'in.jsonl'])
  assert.equal(upstream.last.headers.authorization, `Bearer ${UPSTREAM_KEY}`)
  const listed = await client().files.list({ purpose: 'batch' })
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    ['file-1'],
  )
  assert.equal((await client().files.retrieve('file-1')).filename, 'in.jsonl')
  const content = await client().files.content('file-1')
  assert.equal((await content.arrayBuffer()).byteLength, 300_000)
  assert.equal((await client().files.delete('file-1')).deleted, true)
})

test('a batch is made, watched and cancelled, and what it used is counted once', async () => {
  const { client, recorded, gateway } = house()
  const line = { method: 'POST', url: '/v1/chat/completions', body: { model: 'gpt-5-mini', messages: [] } }
  const file = await toFile(Buffer.from(JSON.stringify(line)), 'in.jsonl')
  const input = await client().files.create({ purpose: 'batch', file })
  const batch = await client().batches.create({
    input_file_id: input.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  })
  assert.equal(batch.status, 'in_progress')
  const done = await client().batches.retrieve(batch.id)
  assert.equal(done.status, 'completed')
  await recorded('batches', { input_tokens: 800, cache_read_tokens: 200, output_tokens: 400, reasoning_tokens: 100 })
  await client().batches.retrieve(batch.id)
  await recorded('batches', { input_tokens: 0, usage_source: 'none' })
  assert.equal((await client().batches.cancel(batch.id)).status, 'cancelling')
  using database = gateway.db()
  const row = database.prepare("SELECT SUM(output_tokens) AS sum FROM requests WHERE route = 'batches'").get()
  assert.equal(at(row, 'sum'), 400)
})

test('a path that the gateway does not know passes to the provider that is named, metered and with its own key', async () => {
  const { client, upstream, recorded } = house()
  upstream.answering = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{"id":"x","usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14}}')
    return true
  }
  try {
    const body = { model: 'vendor/gpt-9', anything: [1.0, null] }
    await client().post('/new/thing?deep=1', { body })
    assert.deepEqual(upstream.last.json, { model: 'gpt-9', anything: [1, null] })
    assert.equal(upstream.last.path, '/new/thing?deep=1')
    assert.equal(upstream.last.headers.authorization, `Bearer ${UPSTREAM_KEY}`)
    await recorded('passthrough', {
      input_tokens: 11,
      output_tokens: 3,
      model_served: 'gpt-9',
      usage_source: 'reported',
    })
    upstream.answering = (_seen, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"video_1","status":"queued"}')
      return true
    }
    await client().post('/videos', { body: { model: 'vendor/sora-9', prompt: 'a cat' } })
    // It has used something, and nobody knows what: an estimate is told as one, and no cost.
    await recorded('passthrough', { model_served: 'sora-9', usage_source: 'estimated', cost_nanos: null })
    await client().get('/fine_tuning/jobs', { headers: { 'x-ferro-provider': 'vendor' } })
    assert.equal(upstream.last.path, '/fine_tuning/jobs')
    assert.equal(upstream.last.headers['x-ferro-provider'], undefined)
    // An unmodified client names nobody: one provider alone can be meant.
    await client().vectorStores.list({ limit: 2 })
    assert.equal(upstream.last.path, '/vector_stores?limit=2')
  } finally {
    upstream.answering = () => undefined
  }
})

test('what no provider is named for is not found, and a model that nobody has is sent nowhere', async () => {
  const { client, upstream } = house()
  const seen = upstream.requests.length
  const status = async (call: Promise<unknown>) => {
    const error: unknown = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    return error instanceof OpenAI.APIError ? error.status : null
  }
  assert.equal(await status(client().post('/nowhere', { body: { model: 'nobody/has-it' } })), 404)
  const named = { headers: { 'x-ferro-provider': 'nobody' } }
  assert.equal(await status(client().get('/nowhere', named)), 404)
  const bound = client({ apiKey: held.secret })
  const header = { headers: { 'x-ferro-provider': 'vendor' } }
  assert.equal(await status(bound.get('/fine_tuning/jobs', header)), 403)
  assert.equal(await status(bound.post('/new', { body: { model: 'vendor/o9' } })), 403)
  assert.equal(await status(bound.post('/new', { body: { model: 'o9' }, ...header })), 403)
  assert.equal(upstream.requests.length, seen)
})
