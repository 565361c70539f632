import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import OpenAI, { APIError } from 'openai'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions'
import * as z from 'zod'
import { eventually } from '../harness/eventually.ts'
import { at, parseJson } from '../harness/json.ts'
import { useDialectHouse } from './dialect-house.ts'
import { GREETING, RESULT_SEEN, THOUGHT, USED, WEATHER } from './vendors/script.ts'

const house = useDialectHouse()
afterEach(() => house().assertClean())

const UPSTREAMS = ['openai', 'anthropic', 'gemini', 'cohere', 'bedrock', 'ollama'] as const
/** Those whose sealed thoughts this dialect carries in `reasoning_details`. */
const SEALING: readonly string[] = ['anthropic', 'gemini', 'bedrock']
const user = (content: string) => [{ role: 'user' as const, content }]
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const TOOLS: ChatCompletionTool[] = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'The weather of a city.',
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string' },
          days: { type: 'array', items: { type: 'number' } },
          deep: { type: 'object', properties: { ok: { type: 'boolean' } } },
        },
        required: ['city'],
      },
    },
  },
  {
    type: 'function',
    function: { name: 'get_time', parameters: { type: 'object', properties: { zone: { type: 'string' } } } },
  },
  { type: 'function', function: { name: 'now' } },
]

for (const upstream of UPSTREAMS) {
  const model = (script: string) => house().model(upstream, script)

  test(`openai before ${upstream}: an answer has its text, its usage and its end`, async () => {
    const messages: ChatCompletionMessageParam[] = [{ role: 'system', content: 'Be brief.' }, ...user('Hello')]
    const answer = await house()
      .openai()
      .chat.completions.create({ model: model('text'), messages, max_completion_tokens: 200 })
    assert.equal(answer.object, 'chat.completion')
    assert.equal(answer.choices.length, 1)
    assert.equal(answer.choices[0]?.message.role, 'assistant')
    assert.equal(answer.choices[0]?.message.content, GREETING)
    assert.equal(answer.choices[0]?.finish_reason, 'stop')
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage ?? {}
    assert.deepEqual(
      [prompt_tokens, completion_tokens, total_tokens],
      [USED.input, USED.output, USED.input + USED.output],
    )
    assert.match(JSON.stringify(house().server(upstream).newest), /Be brief\./)
  })

  test(`openai before ${upstream}: a stream joins to the whole answer, with usage only when it was asked for`, async () => {
    const request = { model: model('text'), messages: user('Hello'), stream: true } as const
    const plain = await Array.fromAsync(await house().openai().chat.completions.create(request))
    assert.ok(plain.every((chunk) => chunk.choices.length === 1 && !('usage' in chunk && chunk.usage !== null)))
    assert.equal(plain.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), GREETING)
    assert.equal(plain.at(-1)?.choices[0]?.finish_reason, 'stop')
    assert.equal(new Set(plain.map(({ id }) => id)).size, 1)
    const asked = { ...request, stream_options: { include_usage: true } }
    const chunks = await Array.fromAsync(await house().openai().chat.completions.create(asked))
    const last = chunks.at(-1)
    assert.deepEqual(
      [last?.choices, last?.usage?.prompt_tokens, last?.usage?.completion_tokens],
      [[], USED.input, USED.output],
    )
  })

  test(`openai before ${upstream}: the stream helper builds the message that the whole answer has`, async () => {
    for (const script of ['text', 'text-call', 'parallel', 'empty-call', 'length']) {
      const request = { model: model(script), messages: user('Hello'), tools: TOOLS }
      const { choices: whole } = await house().openai().chat.completions.create(request)
      const streamed = await house().openai().chat.completions.stream(request).finalChatCompletion()
      const callsOf = (choice: (typeof whole)[number] | undefined) =>
        choice?.message.tool_calls?.map((call) => (call.type === 'function' ? call.function : null))
      const plain = (choice: (typeof whole)[number] | undefined) => [
        choice?.message.content ?? null,
        choice?.finish_reason,
        callsOf(choice)?.map((call) => [call?.name, parseJson(call?.arguments ?? '')]),
      ]
      const [first] = streamed.choices
      assert.deepEqual(plain(first), plain(whole[0]), script)
    }
  })

  test(`openai before ${upstream}: runTools calls the function with its arguments and gives the result back`, async () => {
    // The vendor itself shows no thoughts here, and would refuse to get them back.
    for (const script of upstream === 'openai' ? ['call', 'text-call'] : ['call', 'text-call', 'thought-call']) {
      for (const stream of [false, true]) {
        const given: unknown[] = []
        const city = z.object({ city: z.string(), days: z.array(z.number()), deep: z.object({ ok: z.boolean() }) })
        const tool = zodFunction({
          name: 'get_weather',
          parameters: city,
          function: (input) => {
            given.push(input)
            return { degrees: 21 }
          },
        })
        const request = { model: model(script), messages: user('The weather in Paris?'), tools: [tool] }
        const chat = house().openai().chat.completions
        const runner = stream ? chat.runTools({ ...request, stream }) : chat.runTools(request)
        assert.equal(await runner.finalContent(), RESULT_SEEN, `${script}, ${stream}`)
        assert.deepEqual(given, [WEATHER.input])
        assert.match(JSON.stringify(house().server(upstream).newest), /degrees/)
      }
    }
  })

  test(`openai before ${upstream}: parallel calls keep their ids, and each result finds its call`, async () => {
    const request = { model: model('parallel'), messages: user('Weather and time?'), tools: TOOLS }
    const { choices } = await house().openai().chat.completions.create(request)
    const calls = choices[0]?.message.tool_calls ?? []
    assert.equal(new Set(calls.map(({ id }) => id)).size, 2)
    const results = calls.map(({ id }, index) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: `result ${index}`,
    }))
    const messages = [...request.messages, choices[0]?.message, ...results.reverse()].filter(
      (each) => each !== undefined,
    )
    const answer = await house()
      .openai()
      .chat.completions.create({ ...request, messages })
    assert.equal(answer.choices[0]?.message.content, RESULT_SEEN)
  })

  test(`openai before ${upstream}: a call without arguments has an object of none`, async () => {
    const request = { model: model('empty-call'), messages: user('Now?'), tools: TOOLS }
    const { choices } = await house().openai().chat.completions.create(request)
    const [call] = choices[0]?.message.tool_calls ?? []
    assert.equal(choices[0]?.finish_reason, 'tool_calls')
    const text = call?.type === 'function' ? call.function.arguments : null
    // The vendor's own bytes are relayed, and this one writes nothing for none.
    assert.equal(text, upstream === 'openai' ? '' : '{}')
  })

  test(`openai before ${upstream}: structured output is parsed`, async () => {
    const schema = z.object({ city: z.string(), degrees: z.number() })
    const response_format = zodResponseFormat(schema, 'weather')
    const request = { model: model('json'), messages: user('Paris?'), response_format }
    const answer = await house().openai().chat.completions.parse(request)
    assert.deepEqual(answer.choices[0]?.message.parsed, { city: 'Paris', degrees: 21 })
    const streamed = await house().openai().chat.completions.stream(request).finalChatCompletion()
    assert.deepEqual(streamed.choices[0]?.message.parsed, { city: 'Paris', degrees: 21 })
    assert.match(JSON.stringify(house().server(upstream).newest), /degrees/)
  })

  test(`openai before ${upstream}: a picture arrives as the vendor takes it`, async () => {
    const content = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${PNG}` } },
    ]
    const answer = await house()
      .openai()
      .chat.completions.create({ model: model('text'), messages: [{ role: 'user', content }] })
    assert.equal(answer.choices[0]?.message.content, GREETING)
    assert.ok(JSON.stringify(house().server(upstream).newest).includes(PNG))
  })

  test(`openai before ${upstream}: reasoning is shown beside the text, whole and streamed`, async () => {
    const request = { model: model('thought'), messages: user('Hello'), reasoning_effort: 'low' as const }
    const { choices } = await house().openai().chat.completions.create(request)
    assert.equal(at(choices[0]?.message, 'reasoning_content'), THOUGHT)
    assert.equal(choices[0]?.message.content, GREETING)
    const stream = await house()
      .openai()
      .chat.completions.create({ ...request, stream: true })
    let thought = ''
    for await (const chunk of stream) {
      const delta = at(chunk.choices[0]?.delta, 'reasoning_content')
      if (typeof delta === 'string') thought += delta
    }
    assert.equal(thought, THOUGHT)
  })

  test(`openai before ${upstream}: an answer that was cut or filtered says so`, async () => {
    const finish = async (script: string) => {
      const { choices } = await house()
        .openai()
        .chat.completions.create({ model: model(script), messages: user('Go') })
      return choices[0]?.finish_reason
    }
    assert.equal(await finish('length'), 'length')
    // Ollama has no word for a filter.
    if (upstream !== 'ollama') assert.equal(await finish('filter'), 'content_filter')
  })

  test(`openai before ${upstream}: what the vendor refuses is raised as the class of its status`, async () => {
    const errorOf = async (script: string, stream: boolean): Promise<APIError> => {
      try {
        await house()
          .openai()
          .chat.completions.create({ model: model(script), messages: user('Go'), stream })
      } catch (error) {
        assert.ok(error instanceof APIError, String(error))
        return error
      }
      return assert.fail(`${script} was answered`)
    }
    for (const stream of [false, true]) {
      const refused = await errorOf('refused-400', stream)
      assert.ok(refused instanceof OpenAI.BadRequestError)
      assert.match(refused.message, /Wrong somewhere/)
      const limited = await errorOf('limited-429', stream)
      assert.ok(limited instanceof OpenAI.RateLimitError)
      const broken = await errorOf('broken-500', stream)
      assert.ok(broken instanceof OpenAI.InternalServerError)
      const ours = await errorOf('refused-401', stream)
      assert.deepEqual([ours.status, ours.code], [502, 'upstream_auth'])
    }
  })

  test(`openai before ${upstream}: leaving a stream closes it at the vendor`, async () => {
    const server = house().server(upstream)
    const before = server.left
    const request = { model: model('hang'), messages: user('Go'), stream: true } as const
    const stream = await house().openai().chat.completions.create(request)
    for await (const chunk of stream) if ((chunk.choices[0]?.delta.content ?? '') !== '') break
    await eventually(() => server.left > before, { what: 'the vendor to see it' })
    const controller = new AbortController()
    const whole = { model: model('hang'), messages: user('Go') }
    const arrived = server.requests.length
    const call = house().openai().chat.completions.create(whole, { signal: controller.signal })
    await eventually(() => server.requests.length > arrived, { what: 'the request' })
    controller.abort()
    await assert.rejects(call, OpenAI.APIUserAbortError)
    await eventually(() => server.left > before + 1, { what: 'the vendor to see the second' })
  })

  if (upstream !== 'openai') {
    test(`openai before ${upstream}: several answers are refused, since the vendor gives one`, async () => {
      const arrived = house().server(upstream).requests.length
      const request = { model: model('text'), messages: user('Go'), n: 2 }
      if (upstream === 'gemini') {
        await house().openai().chat.completions.create(request)
        assert.equal(at(house().server(upstream).newest, 'generationConfig', 'candidateCount'), 2)
        return
      }
      await assert.rejects(house().openai().chat.completions.create(request), { status: 400, param: 'n' })
      assert.equal(house().server(upstream).requests.length, arrived)
    })
  }
}

test('openai: the sealed thoughts of three vendors come back to them when the client returns the message', async () => {
  for (const upstream of SEALING) {
    const model = house().model(upstream, 'thought-call')
    const request = { model, messages: user('The weather?'), tools: TOOLS, reasoning_effort: 'low' as const }
    const { choices } = await house().openai().chat.completions.create(request)
    const message = choices[0]?.message
    assert.ok(message)
    const [call] = message.tool_calls ?? []
    const messages = [
      ...request.messages,
      message,
      { role: 'tool' as const, tool_call_id: call?.id ?? '', content: '21 degrees' },
    ]
    const answer = await house()
      .openai()
      .chat.completions.create({ ...request, messages })
    assert.equal(answer.choices[0]?.message.content, RESULT_SEEN, upstream)
    const { newest, vendor } = house().server(upstream)
    assert.ok(JSON.stringify(newest).includes(vendor.seal ?? ''), upstream)
  }
})
