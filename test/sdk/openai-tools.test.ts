import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions'
import { z } from 'zod'
import { at, parseJson } from '../harness/json.ts'
import { ROADS, useSdkHouse } from './sdk-house.ts'

const house = useSdkHouse()

const WEATHER: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}
const TIME: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'current_time',
    parameters: { type: 'object', properties: { offset: { type: 'integer', minimum: 0 } }, required: ['offset'] },
  },
}
const user = (content: string): ChatCompletionMessageParam => ({ role: 'user', content })

for (const road of ROADS) {
  const model = `${road}/demo-chat`

  test(`${road}: a tool is called with arguments, and its result comes back as an answer`, async () => {
    const client = house().client()
    const messages = [user('What is the weather in Paris today?')]
    const first = await client.chat.completions.create({ model, messages, tools: [WEATHER] })
    const choice = first.choices[0]
    const [call] = choice?.message.tool_calls ?? []
    assert.equal(choice?.finish_reason, 'tool_calls')
    assert.equal(choice.message.content, null)
    assert.ok(call?.type === 'function')
    assert.deepEqual([call.function.name, parseJson(call.function.arguments)], ['get_weather', { city: 'Paris' }])

    const result = { role: 'tool' as const, tool_call_id: call.id, content: '{"temperature":"21 °C"}' }
    const next = [...messages, choice.message, result]
    const second = await client.chat.completions.create({ model, messages: next, tools: [WEATHER] })
    assert.equal(second.choices[0]?.message.content, 'According to get_weather, temperature is 21 °C.')
  })

  test(`${road}: several tools are called in parallel, and one when the client forbids more`, async () => {
    const request = { model, messages: [user('Tell me the weather in Paris and the time')], tools: [WEATHER, TIME] }
    const both = await house().client().chat.completions.create(request)
    const calls = both.choices[0]?.message.tool_calls ?? []
    assert.deepEqual(
      calls.map((call) => call.type === 'function' && call.function.name),
      ['get_weather', 'current_time'],
    )
    assert.equal(new Set(calls.map(({ id }) => id)).size, 2)
    const one = await house()
      .client()
      .chat.completions.create({ ...request, parallel_tool_calls: false })
    assert.equal(one.choices[0]?.message.tool_calls?.length, 1)
  })

  test(`${road}: tool_choice forces and forbids a call`, async () => {
    const request = { model, messages: [user('Hello')], tools: [WEATHER, TIME] }
    const tool_choice = { type: 'function' as const, function: { name: 'current_time' } }
    const forced = await house()
      .client()
      .chat.completions.create({ ...request, tool_choice })
    const [call] = forced.choices[0]?.message.tool_calls ?? []
    assert.equal(at(call, 'function', 'name'), 'current_time')
    const none = await house()
      .client()
      .chat.completions.create({ ...request, tool_choice: 'none' })
    assert.match(none.choices[0]?.message.content ?? '', /^Hello/)
  })

  test(`${road}: the arguments of streamed calls come in pieces and join to the same calls`, async () => {
    const question = 'Tell me the weather in “a city with a rather long and winding name” and the time in 15 hours'
    const request = { model, messages: [user(question)], tools: [WEATHER, TIME] }
    const whole = await house().client().chat.completions.create(request)
    const stream = house().client().chat.completions.stream(request)
    let pieces = 0
    stream.on('tool_calls.function.arguments.delta', () => {
      pieces++
    })
    const message = await stream.finalMessage()
    const plain = (calls: readonly unknown[] | undefined) =>
      calls?.map((call) => [at(call, 'id'), at(call, 'function', 'name'), at(call, 'function', 'arguments')])
    assert.deepEqual(plain(message.tool_calls), plain(whole.choices[0]?.message.tool_calls))
    assert.equal(message.tool_calls?.length, 2)
    assert.ok(pieces > 2, `the arguments came in ${pieces} pieces`)
  })

  for (const stream of [false, true]) {
    test(`${road}: the tool runner calls the function and gets the final answer${stream ? ', streaming' : ''}`, async () => {
      const asked: unknown[] = []
      const tool = zodFunction({
        name: 'get_weather',
        description: 'The weather in a city',
        parameters: z.object({ city: z.string() }),
        function: (given) => {
          asked.push(given)
          return { sky: 'clear', city: given.city }
        },
      })
      const messages = [user('What is the weather in Paris and in New York?')]
      const { completions } = house().client().chat
      const runner = stream
        ? completions.runTools({ model, messages, tools: [tool], stream })
        : completions.runTools({ model, messages, tools: [tool] })
      const facts = (city: string) => `According to get_weather, sky is clear, city is ${city}.`
      assert.equal(await runner.finalContent(), `${facts('Paris')} ${facts('New York')}`)
      assert.deepEqual(asked, [{ city: 'Paris' }, { city: 'New York' }])
    })
  }

  test(`${road}: structured output fits the schema and is parsed`, async () => {
    const Event = z.object({
      title: z.string(),
      participants: z.array(z.string()),
      kind: z.enum(['meeting', 'party']),
      guests: z.number().int(),
    })
    const response_format = zodResponseFormat(Event, 'event')
    const messages = [user('Alice and Bob meet with 12 guests for a "Summer Feast".')]
    const parsed = await house().client().chat.completions.parse({ model, messages, response_format })
    const event = parsed.choices[0]?.message.parsed
    assert.equal(event?.title, 'Summer Feast')
    assert.equal(event.guests, 12)
    assert.ok(['meeting', 'party'].includes(event.kind))

    const stream = house().client().chat.completions.stream({ model, messages, response_format })
    assert.deepEqual(at(await stream.finalMessage(), 'parsed'), event)
  })

  test(`${road}: json_object gives an object`, async () => {
    const request = { model, messages: [user('Say JSON ahoy')], response_format: { type: 'json_object' as const } }
    const answer = await house().client().chat.completions.create(request)
    assert.deepEqual(parseJson(answer.choices[0]?.message.content ?? ''), { answer: 'JSON ahoy' })
  })
}

test('the definitions of tools and schemas reach the upstream as they were sent', async () => {
  const messages = [user('the weather in Paris')]
  const response_format = zodResponseFormat(z.object({ a: z.string() }), 'a_schema')
  const request = { model: 'strict/demo-chat', messages, tools: [WEATHER, TIME], response_format }
  await house().client().chat.completions.create(request)
  const sent = parseJson(house().strict.requests.at(-1)?.body.toString('utf8') ?? '')
  // What JSON makes of the request: the helper's object carries functions beside its data.
  assert.deepEqual(sent, { ...(parseJson(JSON.stringify(request)) as object), model: 'demo-chat' })
})
