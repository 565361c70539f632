import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { ApiError } from '@google/genai'
import type { ResponseCustomToolCall, ResponseInputItem } from 'openai/resources/responses/responses'
import { at } from '../harness/json.ts'
import { useDialectHouse } from './dialect-house.ts'
import { GREETING, RESULT_SEEN } from './vendors/script.ts'

/*
 * What models do not take, in the words of each dialect, also where a request is relayed. The vendors' mocks refuse what the
 * vendors refuse.
 */

const refusing = (model: string, refuses: readonly string[], on_unsupported = 'drop') => ({
  on_unsupported,
  targets: [{ provider: 'gemini', model, capabilities: { refuses } }],
})
const house = useDialectHouse({
  models: {
    'gemini-plain': refusing('gemini-3-pro--text', ['temperature', 'stop', 'top_k']),
    'gemini-strict': refusing('gemini-3-pro--text', ['temperature'], 'reject'),
  },
})
afterEach(() => house().assertClean())

const messages = [{ role: 'user' as const, content: 'Hello' }]

test('openai: a reasoning model of the vendor gets `max_tokens` under the name that it takes', async () => {
  const model = house().model('openai', 'text')
  const { data, response } = await house()
    .openai()
    .chat.completions.create({ model, messages, max_tokens: 700 })
    .withResponse()
  assert.equal(data.choices[0]?.message.content, GREETING)
  assert.equal(response.headers.get('x-ferro-translation'), 'exact')
  const { max_tokens, max_completion_tokens } = house().server('openai').newest
  assert.deepEqual([max_tokens, max_completion_tokens], [undefined, 700])
})

test('google: parameters that a model refuses are left out of a relay, wherever they stand, and told', async () => {
  const ask = (model: string) =>
    house()
      .google()
      .models.generateContent({
        model,
        contents: 'Hello',
        config: { temperature: 0.5, topP: 0.9, topK: 7, stopSequences: ['x'], maxOutputTokens: 90 },
      })
  const answer = await ask('gemini-plain')
  assert.equal(answer.text, GREETING)
  assert.deepEqual(house().server('gemini').newest['generationConfig'], { topP: 0.9, maxOutputTokens: 90 })
  const told = answer.sdkHttpResponse?.headers?.['x-ferro-translation']
  assert.equal(told, 'lossy; dropped=generationConfig.temperature,generationConfig.stopSequences,generationConfig.topK')
  const before = house().server('gemini').requests.length
  await assert.rejects(ask('gemini-strict'), (error) => {
    assert.ok(error instanceof ApiError)
    assert.equal(error.status, 400)
    assert.match(error.message, /generationConfig\.temperature/)
    return true
  })
  assert.equal(house().server('gemini').requests.length, before)
})

test("openai: tools with free text reach OpenAI's own chat models from a client of Responses as they are", async () => {
  const call = { id: 'call_1', type: 'custom', custom: { name: 'sql', input: 'SELECT "ü"' } }
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
  const head = { id: 'c', created: 1, model: 'gpt-5.2', service_tier: 'default' }
  const message = { role: 'assistant', content: null, refusal: null, tool_calls: [call] }
  const answer = {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'tool_calls' }],
    usage,
  }
  const server = house().server('openai')
  server.own.set('freeform', { type: 'application/json', pieces: [JSON.stringify(answer)] })
  const delta = (of: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta: of, finish_reason: finish }] })}\n\n`
  server.own.set('freeform-stream', {
    type: 'text/event-stream',
    pieces: [
      delta({ role: 'assistant', tool_calls: [{ index: 0, ...call, custom: { name: 'sql', input: '' } }] }),
      delta({ tool_calls: [{ index: 0, custom: { input: 'SELECT ' } }] }),
      delta({ tool_calls: [{ index: 0, custom: { input: '"ü"' } }] }),
      delta({}, 'tool_calls'),
      'data: [DONE]\n\n',
    ],
  })
  const { responses } = house().openai()
  const format = { type: 'grammar' as const, syntax: 'lark' as const, definition: 'start: /.+/' }
  const tools = [{ type: 'custom' as const, name: 'sql', description: 'Runs a query.', format }]
  const input: ResponseInputItem[] = [{ role: 'user', content: 'Hello' }]
  const model = house().model('openai', 'freeform')
  const { data, response } = await responses.create({ model, input, tools, store: false }).withResponse()
  assert.deepEqual(server.newest['tools'], [
    {
      type: 'custom',
      custom: {
        name: 'sql',
        description: 'Runs a query.',
        format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: /.+/' } },
      },
    },
  ])
  assert.doesNotMatch(response.headers.get('x-ferro-translation') ?? '', /tools/)
  const made = data.output.find((item): item is ResponseCustomToolCall => item.type === 'custom_tool_call')
  assert.deepEqual([made?.name, made?.input], ['sql', 'SELECT "ü"'])
  const streamed = responses.stream({ model: house().model('openai', 'freeform-stream'), input, tools, store: false })
  const final = await streamed.finalResponse()
  assert.deepEqual(
    final.output.map((item) => (item.type === 'custom_tool_call' ? item.input : item.type)),
    ['SELECT "ü"'],
  )
  assert.ok(made !== undefined)
  const history: ResponseInputItem[] = [
    ...input,
    made,
    { type: 'custom_tool_call_output', call_id: made.call_id, output: 'one row' },
  ]
  const last = await responses.create({ model, input: history, tools, store: false }).catch(() => null)
  assert.deepEqual(at(server.newest, 'messages', 1, 'tool_calls'), [call])
  assert.ok(last !== null)
  const after = await responses.create({ model: house().model('openai', 'text'), input: history, tools, store: false })
  assert.equal(after.output_text, RESULT_SEEN)
})
