import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI, { APIError } from 'openai'
import { keyPair } from '../harness/config.ts'
import { at } from '../harness/json.ts'
import { useSdkHouse } from './sdk-house.ts'

const slow = keyPair('slow')
const poor = keyPair('poor')
const reader = keyPair('reader')
const house = useSdkHouse({
  keys: [
    { key: slow, limits: { requests_per_minute: 60, burst: 1 } },
    { key: poor, budgets: [{ tokens: 200, per: 'month' }] },
    { key: reader, scopes: ['models.read'], models: { deny: ['wall/*'] } },
  ],
  wall: { timeouts: { first_byte: '300ms', first_byte_stream: '300ms', idle: '300ms' } },
})

const messages = [{ role: 'user' as const, content: 'Hello' }]

/** The error that a request ends with, and how often it reached the wall. */
async function failure(model: string, { maxRetries = 0, secret = house().key.secret, more = {} } = {}) {
  const before = house().wall.requests.length
  const client = house().client({ maxRetries, apiKey: secret })
  const error: unknown = await client.chat.completions.create({ model, messages, ...more }).then(
    () => assert.fail(`${model} was answered`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof APIError, String(error))
  return { error, arrived: house().wall.requests.length - before }
}

test('a wrong key and a missing one raise AuthenticationError, and nothing reaches an upstream', async () => {
  const { error, arrived } = await failure('wall/ok', { secret: 'fk-wrong', maxRetries: 2 })
  assert.ok(error instanceof OpenAI.AuthenticationError)
  assert.deepEqual([error.status, error.code, error.type, arrived], [401, 'invalid_api_key', 'authentication_error', 0])
  const client = house().client({ defaultHeaders: { authorization: null } })
  await assert.rejects(client.models.list(), { status: 401, code: 'missing_api_key' })
})

test('the key is taken from each of the headers that clients of other vendors use', async () => {
  for (const name of ['x-api-key', 'api-key', 'x-goog-api-key', 'X-Api-Key']) {
    const defaultHeaders = { authorization: null, [name]: house().key.secret }
    const client = house().client({ apiKey: 'unused', defaultHeaders })
    const answer = await client.chat.completions.create({ model: 'demo/demo-chat', messages })
    assert.match(answer.choices[0]?.message.content ?? '', /^Hello!/, name)
    assert.equal(at(await house().record(answer._request_id ?? ''), 'key_id'), 'sdk', name)
  }
  const two = house().client({ defaultHeaders: { 'x-api-key': slow.secret } })
  await assert.rejects(two.models.list(), { status: 401, code: 'invalid_api_key' })
})

test('an unknown model raises NotFoundError', async () => {
  const { error } = await failure('nobody/gpt-0')
  assert.ok(error instanceof OpenAI.NotFoundError)
  assert.deepEqual([error.code, error.param], ['model_not_found', 'model'])
  assert.match(error.message, /nobody\/gpt-0/)
  await assert.rejects(house().client().models.retrieve('nobody/gpt-0'), OpenAI.NotFoundError)
})

test('a path that the gateway does not serve raises NotFoundError', async () => {
  await assert.rejects(house().client().fineTuning.jobs.list(), (error) => {
    return error instanceof OpenAI.NotFoundError && error.code === 'not_found'
  })
})

test('a key without the scope or the model raises PermissionDeniedError', async () => {
  const { error } = await failure('demo/demo-chat', { secret: reader.secret })
  assert.ok(error instanceof OpenAI.PermissionDeniedError)
  assert.equal(error.code, 'insufficient_scope')
  const listed = await house().client({ apiKey: reader.secret }).models.list()
  assert.ok(listed.data.length > 0)
  await assert.rejects(house().client({ apiKey: reader.secret }).models.retrieve('wall/ok'), OpenAI.NotFoundError)
})

test("a request that is wrong raises BadRequestError: by the gateway's check, or by the upstream's in its own words", async () => {
  const ours = await failure('wall/ok', { more: { max_tokens: -1 } })
  assert.ok(ours.error instanceof OpenAI.BadRequestError)
  assert.deepEqual([ours.error.code, ours.error.param, ours.arrived], ['invalid_request', 'max_tokens', 0])
  for (const road of ['demo', 'strict']) {
    const { error } = await failure(`${road}/demo-chat`, { more: { temperature: 9 } })
    assert.ok(error instanceof OpenAI.BadRequestError)
    assert.deepEqual([error.code, error.param], ['decimal_above_max_value', 'temperature'])
    assert.match(error.message, /Expected a value <= 2, but got 9/)
  }
})

test('a rate limit raises RateLimitError with the time to wait, and the retries of the client get through', async () => {
  const client = house().client({ apiKey: slow.secret })
  await client.chat.completions.create({ model: 'demo/demo-chat', messages })
  const { error } = await failure('demo/demo-chat', { secret: slow.secret })
  assert.ok(error instanceof OpenAI.RateLimitError)
  assert.equal(error.code, 'rate_limit_exceeded')
  assert.equal(error.headers?.get('retry-after'), '1')
  const patient = house().client({ apiKey: slow.secret, maxRetries: 3 })
  const answer = await patient.chat.completions.create({ model: 'demo/demo-chat', messages })
  assert.match(answer.choices[0]?.message.content ?? '', /^Hello!/)
})

test("an upstream's rate limit raises RateLimitError, with its time to wait", async () => {
  const { error, arrived } = await failure('wall/status-429-retry-after')
  assert.ok(error instanceof OpenAI.RateLimitError)
  assert.equal(error.headers?.get('retry-after'), '2')
  assert.match(error.message, /Rate limit reached for requests/)
  // The gateway has waited as long as it was asked to, once.
  assert.equal(arrived, 2)
})

test('a budget that does not cover the request is a 402 that the client does not retry', async () => {
  const { error, arrived } = await failure('wall/ok', { secret: poor.secret, maxRetries: 2 })
  assert.deepEqual([error.status, error.code, error.type], [402, 'insufficient_quota', 'insufficient_quota'])
  assert.equal(error.headers?.get('x-should-retry'), 'false')
  assert.match(error.message, /200 tokens per month/)
  assert.equal(arrived, 0)
  // Without a maximum the request reserves what it could use at most; with one it fits.
  const client = house().client({ apiKey: poor.secret })
  const answer = await client.chat.completions.create({ model: 'demo/demo-chat', messages, max_tokens: 40 })
  assert.match(answer.choices[0]?.message.content ?? '', /^Hello!/)
})

test("an upstream's 5xx raises InternalServerError after the client's own retries", async () => {
  const { error, arrived } = await failure('wall/status-500', { maxRetries: 1 })
  assert.ok(error instanceof OpenAI.InternalServerError)
  assert.deepEqual([error.status, error.code, arrived], [502, 'upstream_error', 4])
  const overloaded = await failure('wall/status-503')
  assert.deepEqual([overloaded.error.status, overloaded.error.code], [503, 'upstream_overloaded'])
  const broken = await failure('wall/bad-json')
  assert.deepEqual([broken.error.status, broken.error.code], [502, 'upstream_invalid_response'])
})

test("what is wrong with the gateway's own credential is no AuthenticationError, and shows no secret", async () => {
  const { error, arrived } = await failure('wall/echo-key-401', { maxRetries: 2 })
  assert.deepEqual([error.status, error.code, arrived], [502, 'upstream_auth', 1])
  assert.doesNotMatch(JSON.stringify([error.message, error.error, [...(error.headers ?? [])]]), /wall-provider-key/)
})

test('an upstream that does not answer in time raises InternalServerError with a code of its own', async () => {
  const { error } = await failure('wall/hang-head')
  assert.ok(error instanceof OpenAI.InternalServerError)
  assert.deepEqual([error.status, error.code], [504, 'upstream_timeout'])
  assert.match(error.message, /wall did not begin to answer within 0\.3 s/)
})

/** What a stream gave before it failed, and the error. */
async function brokenStream(model: string) {
  const stream = await house().client().chat.completions.create({ model, messages, stream: true })
  let text = ''
  try {
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
  } catch (error) {
    return { text, error }
  }
  return assert.fail(`the stream of ${model} ended as if it were whole: ${text}`)
}

for (const [model, code] of [
  ['demo/demo-error-event', null],
  ['demo/demo-cut', 'upstream_truncated'],
  ['demo/demo-bad-json', 'upstream_invalid_response'],
  ['strict/demo-error-event', null],
  ['strict/demo-cut', 'upstream_truncated'],
  ['wall/error-event-5', null],
  ['wall/reset-mid-stream', 'upstream_truncated'],
  ['wall/hang-body', 'upstream_timeout'],
  ['wall/bad-sse', 'upstream_invalid_response'],
] as const) {
  test(`${model}: a stream that breaks raises APIError after what came before`, async () => {
    const { text, error } = await brokenStream(model)
    assert.ok(error instanceof APIError, String(error))
    assert.ok(text.length > 0, 'nothing came before the error')
    assert.equal(error.code ?? null, code)
    assert.equal(error.type, 'server_error')
  })
}

test('an error as the first event of a stream is raised as a status, before the stream begins', async () => {
  const { error } = await failure('wall/error-event-first', { more: { stream: true } })
  assert.ok(error instanceof OpenAI.InternalServerError)
  assert.equal(error.code, 'upstream_error')
})
