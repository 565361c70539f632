import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyPair } from '../harness/config.ts'
import { at, isObject, parseJson } from '../harness/json.ts'
import { sentHeader } from '../harness/wall/wall.ts'
import { ROADS, useSdkHouse } from './sdk-house.ts'
import { STRICT_KEY } from './strict-upstream.ts'

const limited = keyPair('limited')
const house = useSdkHouse({ keys: [{ key: limited, models: { allow: ['demo-chat', 'demo/demo-tools'] } }] })
const GREETING = 'Hello! I am the demo model of Ferro Gateway. How can I help you?'
const user = (content: string) => [{ role: 'user' as const, content }]

for (const road of ROADS) {
  const model = `${road}/demo-chat`

  test(`${road}: an answer has its text, its usage, an id that leads to its record`, async () => {
    const answer = await house()
      .client()
      .chat.completions.create({ model, messages: user('Hello') })
    assert.equal(answer.object, 'chat.completion')
    assert.equal(answer.choices[0]?.message.content, GREETING)
    assert.equal(answer.choices[0]?.finish_reason, 'stop')
    assert.deepEqual(
      [answer.usage?.prompt_tokens, answer.usage?.completion_tokens, answer.usage?.total_tokens],
      [7, 17, 24],
    )
    const record = await house().record(answer._request_id ?? '')
    const members = [
      'outcome',
      'key_id',
      'model_requested',
      'provider',
      'input_tokens',
      'output_tokens',
      'usage_source',
    ]
    const expected = ['success', 'sdk', model, road, 7, 17, 'reported']
    assert.deepEqual(
      members.map((name) => at(record, name)),
      expected,
    )
  })

  test(`${road}: a stream arrives in parts that join to the whole answer, without usage`, async () => {
    const { data, response } = await house()
      .client()
      .chat.completions.create({ model, stream: true, messages: user('Hello') })
      .withResponse()
    const parts: string[] = []
    for await (const chunk of data) {
      assert.equal(chunk.object, 'chat.completion.chunk')
      assert.ok(!('usage' in chunk), 'the client did not ask for usage')
      const [choice] = chunk.choices
      assert.ok(choice, 'a chunk without choices is the usage that the client did not ask for')
      parts.push(choice.delta.content ?? '')
    }
    assert.equal(parts.join(''), GREETING)
    assert.ok(parts.length > 10, `only ${parts.length} parts`)
    const record = await house().record(response.headers.get('x-ferro-request-id') ?? '')
    assert.deepEqual(
      [at(record, 'output_tokens'), at(record, 'usage_source'), at(record, 'stream')],
      [17, 'reported', 1],
    )
  })

  test(`${road}: a stream ends with its usage when that was asked for`, async () => {
    const options = { stream: true, stream_options: { include_usage: true } } as const
    const stream = await house()
      .client()
      .chat.completions.create({ model, ...options, messages: user('Hello') })
    const chunks = await Array.fromAsync(stream)
    const last = chunks.at(-1)
    assert.deepEqual([last?.choices, last?.usage?.prompt_tokens, last?.usage?.completion_tokens], [[], 7, 17])
    assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === null))
  })

  test(`${road}: the stream helper gives each delta, the whole text and the final completion`, async () => {
    const stream = house()
      .client()
      .chat.completions.stream({ model, messages: user('Repeat: ein Ü und 世界') })
    const deltas: string[] = []
    stream.on('content', (delta) => deltas.push(delta))
    assert.equal(await stream.finalContent(), 'ein Ü und 世界')
    assert.equal(deltas.join(''), 'ein Ü und 世界')
    const completion = await stream.finalChatCompletion()
    assert.equal(completion.choices[0]?.finish_reason, 'stop')
    assert.equal(completion.model, 'demo-chat')
  })

  test(`${road}: several choices come with their numbers, in a whole answer and in a stream`, async () => {
    const client = house().client()
    const answer = await client.chat.completions.create({ model, n: 3, messages: user('Say ahoy') })
    const expected = ['ahoy', 'ahoy (Answer 2 of 3.)', 'ahoy (Answer 3 of 3.)']
    assert.deepEqual(
      answer.choices.map(({ index, message }) => [index, message.content]),
      expected.map((content, index) => [index, content]),
    )
    const texts = ['', '', '']
    const stream = await client.chat.completions.create({ model, n: 3, stream: true, messages: user('Say ahoy') })
    for await (const { choices } of stream) {
      for (const { index, delta } of choices) texts[index] += delta.content ?? ''
    }
    assert.deepEqual(texts, expected)
  })

  test(`${road}: characters of every length survive in both directions`, async () => {
    const text = 'naïve Ω 世界 👩‍🚀 🏳️‍🌈 "quoted" \\back\\ \u2028 end'
    const messages = user(`Repeat: ${text}`)
    const answer = await house().client().chat.completions.create({ model, messages })
    assert.equal(answer.choices[0]?.message.content, text)
    const stream = house().client().chat.completions.stream({ model, messages })
    assert.equal(await stream.finalContent(), text)
  })

  test(`${road}: max_completion_tokens cuts the answer, and the finish reason says so`, async () => {
    const request = { model, max_completion_tokens: 5, messages: user('Hello') }
    const answer = await house().client().chat.completions.create(request)
    assert.equal(answer.choices[0]?.finish_reason, 'length')
    assert.equal(answer.usage?.completion_tokens, 5)
    assert.equal(answer.choices[0]?.message.content?.trim(), 'Hello! I am the')
  })

  test(`${road}: a prompt of a megabyte is understood to its end`, async () => {
    const words = 174_763
    const content = `How many words are here: "${'words '.repeat(words)}"`
    const messages = [{ role: 'system' as const, content }, ...user('Say received')]
    const answer = await house().client().chat.completions.create({ model, messages })
    assert.ok(content.length > 1_048_576)
    assert.equal(answer.choices[0]?.message.content, 'received')
    // Every word is a token, and the frame of a message only adds to them.
    assert.ok((answer.usage?.prompt_tokens ?? 0) > words)
  })
}

test('the demo answers the same as an upstream that is reached over the network', async () => {
  const ask = async (road: string) => {
    const request = { model: `${road}/demo-chat`, seed: 7, messages: user('What is 17 * 23?') }
    const { created: _when, ...answer } = await house().client().chat.completions.create(request)
    return answer
  }
  const [inside, outside] = [await ask('demo'), await ask('strict')]
  assert.deepEqual(inside, outside)
  assert.match(inside.choices[0]?.message.content ?? '', /391/)
})

test('what the client sends reaches the upstream: unknown members too, the key never', async () => {
  const body = { model: 'wall/echo', messages: user('over there'), x_new_member: { deep: [1.0, 'ü'] } }
  const answer = await house()
    .client()
    .chat.completions.create(body, { headers: { 'OpenAI-Beta': 'trial=v1' } })
  assert.equal(answer.choices[0]?.message.content, 'over there')
  const sent = house().wall.requests.at(-1)
  assert.deepEqual(sent?.json, { ...body, model: 'echo' })
  assert.equal(sentHeader(sent, 'openai-beta'), 'trial=v1')
  assert.ok(!sent.headText.includes(house().key.secret))
  const strict = house().strict.requests.at(-1)
  assert.deepEqual([strict?.path, strict?.headers.authorization], ['/v1/chat/completions', `Bearer ${STRICT_KEY}`])
})

test('a stream relayed from an upstream asks it for usage, and keeps the options that the client sent', async () => {
  const stream_options = { include_obfuscation: false }
  const request = { model: 'wall/ok', stream: true, stream_options, messages: user('x') } as const
  const chunks = await Array.fromAsync(await house().client().chat.completions.create(request))
  assert.equal(
    chunks
      .flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? ''))
      .join('')
      .split(' ').length,
    8,
  )
  const sent = house().wall.requests.at(-1)?.json
  assert.deepEqual(at(sent, 'stream_options'), { include_obfuscation: false, include_usage: true })
})

test('models are listed, found by id, and limited to what the key may use', async () => {
  const client = house().client()
  const ids: string[] = []
  for await (const model of client.models.list()) ids.push(model.id)
  assert.ok(ids.includes('demo-chat') && ids.includes('demo-tools'), ids.join())
  assert.equal(new Set(ids).size, ids.length)
  const found = await client.models.retrieve('demo/demo-chat')
  assert.deepEqual([found.id, found.object, found.owned_by], ['demo/demo-chat', 'model', 'demo'])
  const other = house().client({ apiKey: limited.secret })
  assert.deepEqual(
    (await other.models.list()).data.map(({ id }) => id),
    ['demo-chat', 'demo-tools'],
  )
  // Both spellings of a model are one, whichever of them the key is given.
  for (const id of ['demo-tools', 'demo/demo-tools', 'demo/demo-chat']) {
    assert.equal((await other.models.retrieve(id)).id, id)
  }
  await assert.rejects(other.models.retrieve('demo-hang'), { status: 404, code: 'model_not_found' })
})

test('the raw response has the ids that a person needs to ask about it', async () => {
  const request = { model: 'demo/demo-chat', messages: user('Hello') }
  const headers = {
    'x-request-id': 'my-own-id',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  }
  const response = await house().client().chat.completions.create(request, { headers }).asResponse()
  const body = parseJson(await response.text())
  assert.ok(isObject(body))
  assert.equal(response.headers.get('x-request-id'), 'my-own-id')
  assert.equal(response.headers.get('x-ferro-model'), 'demo/demo-chat')
  const record = await house().record(response.headers.get('x-ferro-request-id') ?? '')
  assert.equal(at(record, 'client_request_id'), 'my-own-id')
  assert.equal(at(record, 'trace_id'), '0af7651916cd43dd8448eb211c80319c')
})
