import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import type { Message, MessageParam, Tool, ToolUseBlock } from '@anthropic-ai/sdk/resources/messages'
import * as z from 'zod'
import { eventually } from '../harness/eventually.ts'
import { at } from '../harness/json.ts'
import { useDialectHouse } from './dialect-house.ts'
import { GREETING, RESULT_SEEN, THOUGHT, USED, WEATHER } from './vendors/script.ts'

const house = useDialectHouse()
afterEach(() => house().assertClean())

const UPSTREAMS = ['anthropic', 'openai', 'gemini', 'cohere', 'bedrock', 'ollama'] as const
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const user = (content: string): MessageParam[] => [{ role: 'user', content }]
const max_tokens = 4_000

const TOOLS: Tool[] = [
  {
    name: 'get_weather',
    description: 'The weather of a city.',
    input_schema: {
      type: 'object',
      properties: {
        city: { type: 'string' },
        days: { type: 'array', items: { type: 'number' } },
        deep: { type: 'object', properties: { ok: { type: 'boolean' } } },
      },
      required: ['city'],
    },
  },
  { name: 'get_time', input_schema: { type: 'object', properties: { zone: { type: 'string' } } } },
  { name: 'now', input_schema: { type: 'object' } },
]

const textOf = ({ content }: Message) => content.map((block) => (block.type === 'text' ? block.text : '')).join('')
const callsIn = ({ content }: Message) => content.filter((block): block is ToolUseBlock => block.type === 'tool_use')

for (const upstream of UPSTREAMS) {
  const model = (script: string) => house().model(upstream, script)

  test(`anthropic before ${upstream}: an answer has its text, its usage and its end`, async () => {
    const request = { model: model('text'), max_tokens, system: 'Be brief.', messages: user('Hello') }
    const answer = await house().anthropic().messages.create(request)
    assert.deepEqual(
      [answer.type, answer.role, answer.stop_reason, answer.stop_sequence],
      ['message', 'assistant', 'end_turn', null],
    )
    assert.equal(textOf(answer), GREETING)
    assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens], [USED.input, USED.output])
    assert.match(JSON.stringify(house().server(upstream).newest), /Be brief\./)
    if (upstream !== 'anthropic') assert.equal((await house().record(answer._request_id ?? null))['provider'], upstream)
  })

  test(`anthropic before ${upstream}: the stream helper builds the message that the whole answer has`, async () => {
    for (const script of ['text', 'text-call', 'parallel', 'empty-call', 'length']) {
      const request = { model: model(script), max_tokens, messages: user('Hello'), tools: TOOLS }
      const whole = await house().anthropic().messages.create(request)
      const deltas: string[] = []
      const stream = house()
        .anthropic()
        .messages.stream(request)
        .on('text', (text) => deltas.push(text))
      const streamed = await stream.finalMessage()
      // The helper throws for an event out of order, and parses the arguments of each call as they come.
      const plain = (message: Message) => [
        textOf(message),
        callsIn(message).map(({ name, input }) => [name, input]),
        message.stop_reason,
        message.usage.output_tokens,
      ]
      assert.deepEqual(plain(streamed), plain(whole), script)
      assert.equal(deltas.join(''), textOf(whole))
    }
  })

  test(`anthropic before ${upstream}: a call has its arguments, and its result is heard`, async () => {
    for (const stream of [false, true]) {
      const request = { model: model('parallel'), max_tokens, messages: user('Weather and time?'), tools: TOOLS }
      const { messages } = house().anthropic()
      const first = stream ? await messages.stream(request).finalMessage() : await messages.create(request)
      const calls = callsIn(first)
      assert.equal(first.stop_reason, 'tool_use')
      assert.deepEqual(
        calls.map(({ name }) => name),
        ['get_weather', 'get_time'],
      )
      assert.deepEqual(calls[0]?.input, WEATHER.input)
      const results = calls.map(({ id }, index) => ({
        type: 'tool_result' as const,
        tool_use_id: id,
        content: `result ${index}`,
      }))
      const history: MessageParam[] = [
        ...request.messages,
        { role: 'assistant', content: first.content },
        { role: 'user', content: results },
      ]
      const answer = await messages.create({ ...request, messages: history })
      assert.equal(textOf(answer), RESULT_SEEN)
      assert.match(JSON.stringify(house().server(upstream).newest), /result 0.*result 1/)
    }
  })

  test(`anthropic before ${upstream}: the tool runner calls the function until there is an answer`, async () => {
    const given: unknown[] = []
    const tool = betaZodTool({
      name: 'get_weather',
      description: 'The weather of a city.',
      inputSchema: z.object({ city: z.string(), days: z.array(z.number()), deep: z.object({ ok: z.boolean() }) }),
      run: (input) => {
        given.push(input)
        return '21 degrees'
      },
    })
    for (const stream of [false, true]) {
      const request = {
        model: model('text-call'),
        max_tokens,
        messages: [{ role: 'user' as const, content: 'Weather?' }],
      }
      const runner = house()
        .anthropic()
        .beta.messages.toolRunner({ ...request, tools: [tool], stream })
      const last = await runner.runUntilDone()
      assert.equal(last.content[0]?.type === 'text' ? last.content[0].text : '', RESULT_SEEN)
    }
    assert.deepEqual(given, [WEATHER.input, WEATHER.input])
  })

  test(`anthropic before ${upstream}: thoughts are shown, and go back with their signature`, async () => {
    const thinking = { type: 'enabled' as const, budget_tokens: 2_000 }
    const request = { model: model('thought-call'), max_tokens, thinking, messages: user('The weather?'), tools: TOOLS }
    for (const stream of [false, true]) {
      const { messages } = house().anthropic()
      const first = stream ? await messages.stream(request).finalMessage() : await messages.create(request)
      const [thought] = first.content
      assert.equal(thought?.type === 'thinking' ? thought.thinking : null, THOUGHT)
      const [call] = callsIn(first)
      const history: MessageParam[] = [
        ...request.messages,
        { role: 'assistant', content: first.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: '21 degrees' }] },
      ]
      const answer = await messages.create({ ...request, messages: history })
      assert.equal(textOf(answer), RESULT_SEEN)
      const { newest, vendor } = house().server(upstream)
      if (vendor.seal !== null) assert.ok(JSON.stringify(newest).includes(vendor.seal), `${vendor.seal} went back`)
    }
  })

  test(`anthropic before ${upstream}: structured output is parsed`, async () => {
    const schema = z.object({ city: z.string(), degrees: z.number() })
    const output_config = { format: zodOutputFormat(schema) }
    const request = { model: model('json'), max_tokens, messages: user('Paris?'), output_config }
    const answer = await house().anthropic().messages.parse(request)
    assert.deepEqual(answer.parsed_output, { city: 'Paris', degrees: 21 })
    assert.match(JSON.stringify(house().server(upstream).newest), /degrees/)
  })

  test(`anthropic before ${upstream}: a picture arrives as the vendor takes it`, async () => {
    const content: MessageParam['content'] = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
    ]
    const request = { model: model('text'), max_tokens, messages: [{ role: 'user' as const, content }] }
    assert.equal(textOf(await house().anthropic().messages.create(request)), GREETING)
    assert.ok(JSON.stringify(house().server(upstream).newest).includes(PNG))
  })

  test(`anthropic before ${upstream}: an answer that was cut or filtered says so`, async () => {
    const stop = async (script: string) => {
      const request = { model: model(script), max_tokens, messages: user('Go') }
      const whole = await house().anthropic().messages.create(request)
      const streamed = await house().anthropic().messages.stream(request).finalMessage()
      assert.equal(streamed.stop_reason, whole.stop_reason)
      return whole.stop_reason
    }
    assert.equal(await stop('length'), 'max_tokens')
    // Ollama has no word for a filter.
    if (upstream !== 'ollama') assert.equal(await stop('filter'), 'refusal')
  })

  test(`anthropic before ${upstream}: what the vendor refuses is raised as the class of its status`, async () => {
    const errorOf = async (script: string, stream: boolean): Promise<APIError> => {
      try {
        const request = { model: model(script), max_tokens, messages: user('Go') }
        await house()
          .anthropic()
          .messages.create({ ...request, stream })
      } catch (error) {
        assert.ok(error instanceof APIError, String(error))
        return error
      }
      return assert.fail(`${script} was answered`)
    }
    for (const stream of [false, true]) {
      const refused = await errorOf('refused-400', stream)
      assert.ok(refused instanceof Anthropic.BadRequestError)
      assert.match(refused.message, /Wrong somewhere/)
      assert.deepEqual(
        [at(refused.error, 'type'), at(refused.error, 'error', 'type')],
        ['error', 'invalid_request_error'],
      )
      const limited = await errorOf('limited-429', stream)
      assert.ok(limited instanceof Anthropic.RateLimitError)
      assert.equal(limited.type, 'rate_limit_error')
      const broken = await errorOf('broken-500', stream)
      assert.ok(broken instanceof Anthropic.InternalServerError)
      assert.equal(broken.type, 'api_error')
      assert.equal((await house().record(broken.requestID ?? null))['outcome'], 'upstream_error')
      const ours = await errorOf('refused-401', stream)
      assert.deepEqual([ours.status, ours.type], [502, 'api_error'])
    }
  })

  test(`anthropic before ${upstream}: aborting a stream closes it at the vendor`, async () => {
    const server = house().server(upstream)
    const before = server.left
    const request = { model: model('hang'), max_tokens, messages: user('Go') }
    const stream = house().anthropic().messages.stream(request)
    stream.once('text', () => stream.abort())
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError)
    await eventually(() => server.left > before, { what: 'the vendor to see it' })
  })
}
