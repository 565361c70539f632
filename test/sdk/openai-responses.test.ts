import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import type {
  ResponseCreateParamsNonStreaming,
  ResponseInputItem,
  ResponseStreamEvent,
  Tool,
} from 'openai/resources/responses/responses'
import { z } from 'zod'
import { keyPair } from '../harness/config.ts'
import { at, parseJson } from '../harness/json.ts'
import { ROADS, useSdkHouse } from './sdk-house.ts'

const other = keyPair('other')
const house = useSdkHouse({ keys: [{ key: other }] })
const GREETING = 'Hello! I am the demo model of Ferro Gateway. How can I help you?'
const WEATHER: Tool = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather in a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: false,
}

/** The roles and texts of the last conversation that reached the upstream over the network. */
function lastConversation(): [string, unknown][] {
  const request = house().strict.requests.at(-1)
  assert.ok(request)
  const messages = at(parseJson(request.body.toString('utf8')), 'messages')
  assert.ok(Array.isArray(messages))
  return messages.map((message: unknown) => [String(at(message, 'role')), at(message, 'content')])
}

for (const road of ROADS) {
  const model = `${road}/demo-chat`

  test(`${road}: a response has its text, its usage, and is charged`, async () => {
    const response = await house().client().responses.create({ model, input: 'Hello', instructions: 'Be kind.' })
    assert.equal(response.output_text, GREETING)
    assert.deepEqual([response.object, response.status, response.instructions], ['response', 'completed', 'Be kind.'])
    assert.match(response.id, /^resp_/)
    assert.equal(response.usage?.output_tokens, 17)
    const record = await house().record(response._request_id ?? '')
    assert.deepEqual([at(record, 'outcome'), at(record, 'output_tokens')], ['success', 17])
  })

  test(`${road}: a stream has every event in its place, and the helper puts them together`, async () => {
    const events: ResponseStreamEvent[] = []
    const stream = house().client().responses.stream({ model, input: 'Hello' })
    stream.on('event', (event) => void events.push(event))
    const final = await stream.finalResponse()
    assert.equal(final.output_text, GREETING)
    assert.deepEqual(
      events.map((event) => event.sequence_number),
      events.map((_, index) => index),
    )
    const types = events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1])
    assert.deepEqual(types, [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
  })

  test(`${road}: a tool is called, and its result comes back as an answer`, async () => {
    const { responses } = house().client()
    const input: ResponseInputItem[] = [{ role: 'user', content: 'What is the weather in Paris today?' }]
    const first = await responses.create({ model, input, tools: [WEATHER], store: false })
    const [call] = first.output
    assert.ok(call?.type === 'function_call')
    assert.deepEqual([call.name, parseJson(call.arguments)], ['get_weather', { city: 'Paris' }])
    const output: ResponseInputItem = {
      type: 'function_call_output',
      call_id: call.call_id,
      output: '{"temperature":"21 °C"}',
    }
    const second = await responses.create({ model, input: [...input, call, output], tools: [WEATHER] })
    assert.equal(second.output_text, 'According to get_weather, temperature is 21 °C.')
  })

  test(`${road}: an answer can be held to a schema`, async () => {
    const shape = z.object({ city: z.string(), temperature: z.number() })
    const text = { format: zodTextFormat(shape, 'weather') }
    const response = await house().client().responses.parse({ model, input: 'Weather in Oslo?', text })
    assert.ok(shape.safeParse(response.output_parsed).success)
  })
}

test('a response goes on with the one before it, and with all before that', async () => {
  const { responses } = house().client()
  const model = 'strict/demo-chat'
  const first = await responses.create({ model, input: 'Say: one', instructions: 'Only for now.' })
  const streamed = responses.stream({ model, input: 'Say: two', previous_response_id: first.id })
  const second = await streamed.finalResponse()
  assert.equal(second.previous_response_id, first.id)
  const third = await responses.create({ model, input: 'Hello', previous_response_id: second.id })
  assert.deepEqual(lastConversation(), [
    ['user', 'Say: one'],
    ['assistant', first.output_text],
    ['user', 'Say: two'],
    ['assistant', second.output_text],
    ['user', 'Hello'],
  ])
  const items = await Array.fromAsync(responses.inputItems.list(third.id, { order: 'asc', limit: 2 }))
  assert.equal(items.length, 5, 'every page was read')
  assert.deepEqual(
    items.map((item) => item.type === 'message' && item.role),
    ['user', 'assistant', 'user', 'assistant', 'user'],
  )
})

test('a tool loop goes on by the id of the response alone, and by references to its items', async () => {
  const { responses } = house().client()
  const request = { model: 'strict/demo-chat', tools: [WEATHER] }
  const input: ResponseInputItem[] = [{ role: 'user', content: 'What is the weather in Paris today?' }]
  const first = await responses.create({ ...request, input })
  const [call] = first.output
  assert.ok(call?.type === 'function_call' && call.id !== undefined)
  const result: ResponseInputItem = {
    type: 'function_call_output',
    call_id: call.call_id,
    output: '{"temperature":"3 °C"}',
  }
  const byId = await responses.create({ ...request, input: [result], previous_response_id: first.id })
  assert.equal(byId.output_text, 'According to get_weather, temperature is 3 °C.')
  const reference: ResponseInputItem = { type: 'item_reference', id: call.id }
  const byItems = await responses.create({ ...request, input: [...input, reference, result] })
  assert.equal(byItems.output_text, byId.output_text)
})

test('a response can be read again, whole and as the stream that it was, until it is deleted', async () => {
  const { responses } = house().client()
  const stream = responses.stream({ model: 'demo/demo-chat', input: 'Hello' })
  const events: ResponseStreamEvent[] = []
  stream.on('event', (event) => void events.push(event))
  const made = await stream.finalResponse()
  const read = await responses.retrieve(made.id)
  const { output_text: text, ...rest } = read
  assert.equal(text, GREETING)
  const completed = events.at(-1)
  assert.ok(completed?.type === 'response.completed')
  assert.deepEqual(JSON.parse(JSON.stringify(rest.output)), JSON.parse(JSON.stringify(made.output)).map(withoutParsed))

  const again = await Array.fromAsync(await responses.retrieve(made.id, { stream: true }))
  assert.equal(again[0]?.type, 'response.created')
  const last = again.at(-1)
  assert.ok(last?.type === 'response.completed')
  assert.deepEqual(last.response.output, read.output)
  const rest2 = await Array.fromAsync(await responses.retrieve(made.id, { stream: true, starting_after: 3 }))
  assert.deepEqual(rest2, again.slice(4))

  await responses.delete(made.id)
  await assert.rejects(responses.retrieve(made.id), OpenAI.NotFoundError)
  await assert.rejects(responses.delete(made.id), OpenAI.NotFoundError)
})

/** The helper adds what it parsed. */
function withoutParsed(item: { content: Record<string, unknown>[] }): unknown {
  return { ...item, content: item.content.map(({ parsed: _parsed, ...part }) => part) }
}

test('nothing is kept of a request that says store: false, and nothing is shown to another key', async () => {
  const { responses } = house().client()
  const model = 'demo/demo-chat'
  const unkept = await responses.create({ model, input: 'Hello', store: false })
  assert.equal(at(unkept, 'store'), false)
  await assert.rejects(responses.retrieve(unkept.id), OpenAI.NotFoundError)
  const kept = await responses.create({ model, input: 'Hello' })
  assert.equal(at(kept, 'store'), true)
  const stranger = house().client({ apiKey: other.secret }).responses
  await assert.rejects(stranger.retrieve(kept.id), OpenAI.NotFoundError)
  await assert.rejects(stranger.inputItems.list(kept.id), OpenAI.NotFoundError)
  await assert.rejects(stranger.create({ model, input: 'Hello', previous_response_id: kept.id }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError)
    assert.equal(error.param, 'previous_response_id')
    return true
  })
  await assert.rejects(stranger.delete(kept.id), OpenAI.NotFoundError)
  assert.equal((await responses.retrieve(kept.id)).id, kept.id)
})

test('what cannot be done is refused by its member', async () => {
  const { responses } = house().client()
  const model = 'demo/demo-chat'
  const refusals: [param: string, Omit<ResponseCreateParamsNonStreaming, 'model'>][] = [
    ['background', { background: true }],
    ['conversation', { conversation: 'conv_1' }],
    ['previous_response_id', { previous_response_id: 'resp_unknown' }],
    ['input[0].id', { input: [{ type: 'item_reference', id: 'msg_unknown' }] }],
  ]
  for (const [param, more] of refusals) {
    await assert.rejects(responses.create({ model, input: 'Hello', ...more }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError)
      assert.equal(error.param, param)
      return true
    })
  }
  const kept = await responses.create({ model, input: 'Hello' })
  await assert.rejects(responses.cancel(kept.id), OpenAI.BadRequestError)
  await assert.rejects(responses.cancel('resp_unknown'), OpenAI.NotFoundError)
})

test('an upstream that breaks off ends the stream with response.failed', async () => {
  const stream = await house().client().responses.create({ model: 'demo/demo-cut', input: 'Hello', stream: true })
  const events = await Array.fromAsync(stream)
  const last = events.at(-1)
  assert.ok(last?.type === 'response.failed')
  assert.equal(last.response.status, 'failed')
  assert.ok(!events.some(({ type }) => type === 'response.completed'))
  await assert.rejects(house().client().responses.retrieve(last.response.id), OpenAI.NotFoundError)
})
