import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, ask, type Call, events, stream, upstream, user } from './testing/answers.ts'
import { chatRequest, exchange } from './testing/exchange.ts'

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
      required: ['city'],
    },
  },
}
const TIME = {
  type: 'function',
  function: {
    name: 'current_time',
    parameters: { type: 'object', properties: { offset: { type: 'integer', minimum: 0 } }, required: ['offset'] },
  },
}

const callsIn = (answer: Answer): [string, unknown][] =>
  (answer.choices[0]?.message.tool_calls ?? []).map((call) => [call.function.name, JSON.parse(call.function.arguments)])

test('calls a tool when the question asks for what it is about', async () => {
  const answer = await ask('What is the weather in Paris today?', { tools: [WEATHER, TIME] })
  assert.deepEqual(callsIn(answer), [['get_weather', { city: 'Paris' }]])
  assert.equal(answer.choices[0]?.finish_reason, 'tool_calls')
  assert.equal(answer.choices[0]?.message.content, null)
  assert.match(answer.choices[0]?.message.tool_calls?.[0]?.id ?? '', /^call_[0-9a-f]{24}$/)
})

test('answers with text when no tool is asked for', async () => {
  const answer = await ask('Hello', { tools: [WEATHER] })
  assert.equal(answer.choices[0]?.finish_reason, 'stop')
  assert.match(answer.choices[0]?.message.content ?? '', /^Hello/)
})

test('tool_choice forces, names and forbids', async () => {
  const tools = [WEATHER, TIME]
  assert.deepEqual(callsIn(await ask('Hello', { tools, tool_choice: 'required' })), [
    ['get_weather', { city: 'example city' }],
  ])
  const forced = { type: 'function', function: { name: 'current_time' } }
  assert.deepEqual(callsIn(await ask('the weather in 5 days', { tools, tool_choice: forced })), [
    ['current_time', { offset: 5 }],
  ])
  assert.deepEqual(callsIn(await ask('What is the weather in Paris?', { tools, tool_choice: 'none' })), [])
})

test('demo-tools calls a tool without being asked, then answers with its result', async () => {
  const first = await ask('Hello', { model: 'demo-tools', tools: [TIME] })
  const [call] = first.choices[0]?.message.tool_calls ?? []
  assert.equal(call?.function.name, 'current_time')
  const second = await exchange(
    upstream(),
    chatRequest({
      model: 'demo-tools',
      tools: [TIME],
      messages: [
        user('Hello'),
        first.choices[0]?.message,
        { role: 'tool', tool_call_id: call?.id, content: '{"time":"10:20","zone":"UTC"}' },
      ],
    }),
  )
  const answer = JSON.parse(second.text) as Answer
  assert.equal(answer.choices[0]?.message.content, 'According to current_time, time is 10:20, zone is UTC.')
  assert.equal(answer.choices[0]?.finish_reason, 'stop')
})

test('calls tools in parallel, unless it must not', async () => {
  const tools = [WEATHER, TIME]
  const question = 'Tell me the weather and the time'
  assert.equal(callsIn(await ask(question, { tools })).length, 2)
  assert.equal(callsIn(await ask(question, { tools, parallel_tool_calls: false })).length, 1)
  const both = await ask('What is the weather in Paris and in New York?', { tools: [WEATHER] })
  assert.deepEqual(callsIn(both), [
    ['get_weather', { city: 'Paris' }],
    ['get_weather', { city: 'New York' }],
  ])
  const ids = (both.choices[0]?.message.tool_calls ?? []).map((call) => call.id)
  assert.equal(new Set(ids).size, 2)
})

test('streams tool calls that join to the same calls', async () => {
  const more = { tools: [WEATHER, TIME], stream_options: { include_usage: true } }
  const question = 'Tell me the weather in Paris and the time'
  const whole = await ask(question, { tools: more.tools })
  const { chunks } = events((await stream(question, more)).text)
  const joined: Call[] = []
  for (const call of chunks.flatMap((chunk) => chunk.choices.flatMap((choice) => choice.delta.tool_calls ?? []))) {
    const known = joined[call.index ?? 0]
    if (known === undefined) joined.push({ id: call.id, type: call.type, function: { ...call.function } })
    else known.function.arguments += call.function.arguments
  }
  assert.deepEqual(joined, whole.choices[0]?.message.tool_calls)
  assert.deepEqual(chunks.at(-1)?.usage, whole.usage)
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, 'tool_calls')
})

test('max_tokens cuts a tool call as well', async () => {
  const answer = await ask('the weather in Paris', { tools: [WEATHER], max_tokens: 6 })
  assert.equal(answer.choices[0]?.finish_reason, 'length')
  assert.equal(answer.usage?.completion_tokens, 6)
})
