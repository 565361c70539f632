import assert from 'node:assert/strict'
import { test } from 'node:test'
import { behaviourOf, demoModels } from './models.ts'
import { type Answer, ask, body, events, stream, streamed, textOf, upstream } from './testing/answers.ts'
import { chatRequest, exchange, type RecordedExchange } from './testing/exchange.ts'
import { countTokens } from './tokens.ts'

test('answers with a chat completion', async () => {
  const { status, headers, text, calls } = await exchange(upstream(), chatRequest(body('Hello')))
  assert.deepEqual(calls, ['start', 'head', 'data', 'end'])
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(headers['content-length'], String(Buffer.byteLength(text)))
  const answer = JSON.parse(text) as Answer
  assert.equal(answer.model, 'demo-chat')
  assert.equal(answer.created, 1_800_000_000)
  assert.equal(answer.choices[0]?.message.role, 'assistant')
  assert.equal(answer.choices[0]?.finish_reason, 'stop')
  assert.match(answer.id, /^chatcmpl-demo-[0-9a-f]{24}$/)
})

const ANSWERS: readonly (readonly [question: string, answer: RegExp])[] = [
  ['Hello there', /^Hello! I am the demo model/],
  ['good morning!', /^Good morning! /],
  ['What is 12 * 7?', /^12 \* 7 = 84\.$/],
  ['what is 2 plus 3 times 4', /^2 \+ 3 \* 4 = 14\.$/],
  ['(1 + 2) * -3 =', /^\(1 \+ 2\) \* -3 = -9\.$/],
  ['Calculate 2^10', /^2\^10 = 1024\.$/],
  ['What is 1,000 / 8?', /^1000 \/ 8 = 125\.$/],
  ['what is 1 / 0', /no finite value/],
  ['How many words are in: the quick brown fox', /^That is 4 words\.$/],
  ['Count the words "one two"', /^That is 2 words\.$/],
  ['Say hello world', /^hello world$/],
  ['Please repeat: a  b\nc', /^a {2}b\nc$/],
  ['say "exactly this"', /^exactly this$/],
  ['Who are you?', /^I am the demo model of Ferro Gateway/],
  ['Thanks!', /welcome/],
  ['Tell me about foxes', /^You asked: "Tell me about foxes" \S/],
  ['', /^You sent no text\. \S/],
]
for (const [question, answer] of ANSWERS) {
  test(`responds to ${JSON.stringify(question)}`, async () => {
    assert.match(await textOf(question), answer)
  })
}

test('the same request gets the same bytes, and another gets other ids', async () => {
  const request = body('Tell me about foxes', { n: 2 })
  const [one, two, other] = await Promise.all([
    exchange(upstream(), chatRequest(request)),
    exchange(upstream(), chatRequest(request)),
    exchange(upstream(), chatRequest(body('Tell me about foxes', { n: 3 }))),
  ])
  assert.equal(one.text, two.text)
  assert.notEqual((JSON.parse(one.text) as Answer).id, (JSON.parse(other.text) as Answer).id)
})

test('a stream says the same as the whole answer, word by word', async () => {
  const whole = await textOf('Tell me about foxes')
  const { text, chunks: raw, headers, error } = await stream('Tell me about foxes')
  assert.equal(error, null)
  assert.match(String(headers['content-type']), /^text\/event-stream/)
  const { chunks, done } = events(text)
  assert.equal(done, true)
  assert.equal(raw.length, chunks.length + 1, 'one event per chunk')
  assert.equal(streamed(chunks), whole)
  assert.ok(chunks.length >= whole.split(' ').length)
  assert.equal(chunks[0]?.choices[0]?.delta.role, 'assistant')
  assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'stop')
})

test('usage is exact by its rule, and the same streamed', async () => {
  const answer = await ask('Tell me about foxes, please!')
  const content = answer.choices[0]?.message.content ?? ''
  assert.equal(answer.usage?.completion_tokens, countTokens(content))
  assert.equal(answer.usage?.prompt_tokens, 3 + 3 + 7)
  assert.equal(answer.usage?.total_tokens, (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0))
  const { text } = await stream('Tell me about foxes, please!', { stream_options: { include_usage: true } })
  const { chunks } = events(text)
  assert.deepEqual(chunks.at(-1)?.usage, answer.usage)
  assert.deepEqual(chunks.at(-1)?.choices, [])
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null))
})

test('a stream tells its usage only when asked', async () => {
  const { text } = await stream('Hello')
  assert.ok(!text.includes('"usage"'))
})

test('max_tokens cuts the answer and says so', async () => {
  for (const name of ['max_tokens', 'max_completion_tokens']) {
    const answer = await ask('Tell me about foxes', { [name]: 5 })
    assert.equal(answer.choices[0]?.finish_reason, 'length')
    assert.equal(answer.usage?.completion_tokens, 5)
    assert.match(answer.choices[0]?.message.content ?? '', /^You asked: "Tell/)
  }
  const exact = await ask('Say one two three', { max_tokens: 3 })
  assert.equal(exact.choices[0]?.finish_reason, 'stop')
})

test('stop ends the answer before the text that it names', async () => {
  assert.equal(await textOf('Say one two three four', { stop: ' three' }), 'one two')
  assert.equal(await textOf('Say one two three four', { stop: ['four', 'two'] }), 'one ')
  assert.equal((await ask('Say one two', { stop: 'two' })).choices[0]?.finish_reason, 'stop')
})

test('n gives so many different answers, streamed and not', async () => {
  const answer = await ask('Tell me about foxes', { n: 3 })
  assert.equal(new Set(answer.choices.map((choice) => choice.message.content)).size, 3)
  assert.deepEqual(
    answer.choices.map((choice) => choice.index),
    [0, 1, 2],
  )
  const { chunks } = events((await stream('Tell me about foxes', { n: 3 })).text)
  for (const choice of answer.choices) assert.equal(streamed(chunks, choice.index), choice.message.content)
})

test('response_format gives JSON that fits', async () => {
  const object = await textOf('Say yes as json', { response_format: { type: 'json_object' } })
  assert.deepEqual(JSON.parse(object), { answer: 'yes as json' })
  const schema = {
    type: 'object',
    properties: { answer: { type: 'string' }, score: { type: 'integer', minimum: 3 }, ok: { type: 'boolean' } },
    required: ['answer', 'score', 'ok'],
    additionalProperties: false,
  }
  const format = { type: 'json_schema', json_schema: { name: 'reply', schema, strict: true } }
  const fitted = await textOf('Say yes', { response_format: format })
  assert.deepEqual(JSON.parse(fitted), { answer: 'yes', score: 3, ok: true })
})

test('demo-long gives exactly so many words', async () => {
  const text = await textOf('x', { model: 'demo-long-1234' })
  assert.equal(text.split(' ').length, 1_234)
  const { chunks } = events((await stream('x', { model: 'demo-long-1234' })).text)
  assert.equal(streamed(chunks), text)
})

test('lists its models, and each listed one exists', async () => {
  const get = (path: string): Promise<RecordedExchange> =>
    exchange(upstream(), { method: 'GET', path, headers: [], body: null })
  const list = JSON.parse((await get('/v1/models')).text) as { data: { id: string; object: string }[] }
  assert.deepEqual(
    list.data.map((each) => each.id),
    demoModels.map((each) => each.id),
  )
  for (const { id } of demoModels) assert.notEqual(behaviourOf(id), null)
  assert.equal((JSON.parse((await get('/models/demo-error-500')).text) as { id: string }).id, 'demo-error-500')
  assert.equal((await get('/v1/models/other')).status, 404)
})

test('a path or method that does not exist is an error', async () => {
  const request = { headers: [], body: null }
  assert.equal((await exchange(upstream(), { method: 'POST', path: '/v1/nothing', ...request })).status, 404)
  assert.equal((await exchange(upstream(), { method: 'GET', path: '/v1/chat/completions', ...request })).status, 405)
})

test('names with a figure are taken within their range and in one spelling', () => {
  for (const name of [
    'demo-error-399',
    'demo-error-600',
    'demo-error-0x1f4',
    'demo-error-',
    'demo-long-0',
    'demo-long-100001',
    'demo-long-01',
    'demo-chat-pace-60001',
    'demo-chat-pace--1',
    'demo',
    'toString',
  ]) {
    assert.equal(behaviourOf(name), null, name)
  }
  assert.deepEqual(behaviourOf('demo-chat-pace-0'), { kind: 'chat', paceMs: 0, tools: 'when-asked' })
})
