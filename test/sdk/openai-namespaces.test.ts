/*
 * Tools in a namespace, as OpenAI's client and coding agents send them, before upstreams that know functions alone.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NamespaceTool, ResponseInputItem } from 'openai/resources/responses/responses'
import { at, parseJson } from '../harness/json.ts'
import { ROADS, useSdkHouse } from './sdk-house.ts'

const house = useSdkHouse()
const CITY: NamespaceTool = {
  type: 'namespace',
  name: 'city',
  description: 'What is known of cities.',
  tools: [
    {
      type: 'function',
      name: 'get_weather',
      description: 'The weather in a city',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      strict: false,
    },
  ],
}
const QUESTION = 'What is the weather in Paris today?'

for (const road of ROADS) {
  const request = { model: `${road}/demo-chat`, tools: [CITY] }

  test(`${road}: a tool of a namespace is called by its own name, and its result comes back as an answer`, async () => {
    const { responses } = house().client()
    const input: ResponseInputItem[] = [{ role: 'user', content: QUESTION }]
    const first = await responses.create({ ...request, input, store: false })
    const [call] = first.output
    assert.ok(call?.type === 'function_call')
    assert.deepEqual([call.name, call.namespace, parseJson(call.arguments)], ['get_weather', 'city', { city: 'Paris' }])
    assert.deepEqual(first.tools, [CITY])
    const result: ResponseInputItem = { type: 'function_call_output', call_id: call.call_id, output: '{"sky":"clear"}' }
    const second = await responses.create({ ...request, input: [...input, call, result], store: false })
    assert.equal(second.output_text, 'According to city__get_weather, sky is clear.')
  })

  test(`${road}: a streamed call of such a tool says its namespace from its beginning, and goes on by its id`, async () => {
    const { responses } = house().client()
    const stream = responses.stream({ ...request, input: QUESTION })
    const begun: unknown[] = []
    stream.on('event', (event) => {
      if (event.type === 'response.output_item.added') begun.push(event.item)
    })
    const first = await stream.finalResponse()
    assert.deepEqual(
      begun.map((item) => [at(item, 'name'), at(item, 'namespace')]),
      [['get_weather', 'city']],
    )
    const [call] = first.output
    assert.ok(call?.type === 'function_call')
    assert.deepEqual([call.name, call.namespace, parseJson(call.arguments)], ['get_weather', 'city', { city: 'Paris' }])
    const result: ResponseInputItem = { type: 'function_call_output', call_id: call.call_id, output: '{"sky":"clear"}' }
    const second = await responses.create({ ...request, previous_response_id: first.id, input: [result] })
    assert.equal(second.output_text, 'According to city__get_weather, sky is clear.')
  })
}

test('an upstream is offered such a tool by both names, and sees its calls by the same', async () => {
  const { responses } = house().client()
  const input: ResponseInputItem[] = [
    { role: 'user', content: QUESTION },
    { type: 'function_call', call_id: 'call_1', name: 'get_weather', namespace: 'city', arguments: '{"city":"Paris"}' },
    { type: 'function_call_output', call_id: 'call_1', output: '{"sky":"clear"}' },
  ]
  const { response } = await responses.create({ model: 'strict/demo-chat', tools: [CITY], input }).withResponse()
  const body = parseJson(house().strict.requests.at(-1)?.body.toString('utf8') ?? '')
  assert.deepEqual(at(body, 'tools', 0, 'function', 'name'), 'city__get_weather')
  assert.deepEqual(at(body, 'messages', 1, 'tool_calls', 0, 'function', 'name'), 'city__get_weather')
  assert.equal(
    response.headers.get('x-ferro-translation'),
    'adapted; adapted=tools[].namespace,messages[].tool_call.namespace',
  )
})
