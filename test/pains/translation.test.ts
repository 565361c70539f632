import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { MessageParam } from '@anthropic-ai/sdk/resources/messages'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import { at, isObject } from '../harness/json.ts'
import { useDialectHouse } from '../sdk/dialect-house.ts'
import { VENDORS } from '../sdk/vendors/index.ts'
import { WEATHER } from '../sdk/vendors/script.ts'

/*
 * Translation: what is lost, or refused, between dialects. Numbers are those of our list of complaints of users of gateways.
 *
 * | pain | here |
 * | --- | --- |
 * | 22, sealed thoughts | replay to their own family, and dropped with a report elsewhere; `seals.test.ts` has the clients that do not send them back |
 * | 29, marks of caches | they are carried, and set for clients that know none (`cache_marks`) |
 */

/** A name that does not say whose model it is. */
const PROFILE = 'arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc--text'
const marked = (provider: string, model: string) => ({ cache_marks: 'auto', targets: [{ provider, model }] })
const house = useDialectHouse({
  models: {
    profile: { targets: [{ provider: 'bedrock', model: PROFILE, capabilities: { family: 'anthropic' } }] },
    'marked-anthropic': marked('anthropic', 'claude-sonnet-4-5--text'),
    'marked-bedrock': marked('bedrock', 'anthropic.claude-sonnet-4-5--text'),
    'marked-gemini': marked('gemini', 'gemini-3-pro--text'),
    'no-schemas': {
      targets: [
        { provider: 'anthropic', model: 'claude-sonnet-4-5--text', capabilities: { structured_output: 'none' } },
      ],
    },
  },
})
afterEach(() => house().assertClean())

const user = [{ role: 'user' as const, content: 'Hello' }]
const max_tokens = 4_000
const WEATHER_TOOL = {
  name: 'get_weather',
  description: 'The weather.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
}
const chatTool = (parameters: object = WEATHER_TOOL.parameters) => ({
  type: 'function',
  function: { ...WEATHER_TOOL, parameters },
})

const chat = (upstream: string, script: string, more: object) =>
  house().post('/v1/chat/completions', { model: house().model(upstream, script), messages: user, ...more })

async function taken(answer: Response): Promise<unknown> {
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  return JSON.parse(text)
}

test('pain 21: arguments of calls arrive in streams as in whole answers, whatever comes first and however they are cut', async () => {
  for (const { name } of VENDORS) {
    for (const script of ['call', 'text-call', 'parallel', 'empty-call', 'thought-call']) {
      const request = { model: house().model(name, script), max_tokens, messages: user }
      const { messages } = house().anthropic()
      const whole = await messages.create(request)
      const stream = messages.stream(request)
      const order: string[] = []
      stream.on('streamEvent', ({ type }) => order.push(type))
      const streamed = await stream.finalMessage()
      const calls = (content: typeof whole.content) =>
        content.flatMap((block) => (block.type === 'tool_use' ? [[block.name, block.input]] : []))
      assert.deepEqual(calls(streamed.content), calls(whole.content), `${name}: ${script}`)
      assert.deepEqual(calls(whole.content)[0]?.[1], script === 'empty-call' ? {} : WEATHER.input)
      assert.deepEqual(order.slice(0, 2), ['message_start', 'content_block_start'])
      assert.deepEqual(order.slice(-2), ['message_delta', 'message_stop'])
    }
  }
})

test('pain 21: arguments that come in one piece, with the name of the tool, are no fewer', async () => {
  const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
  const call = {
    index: 0,
    id: 'call_1',
    type: 'function',
    function: { name: 'get_weather', arguments: JSON.stringify(WEATHER.input) },
  }
  const chunks = [
    { ...head, choices: [{ index: 0, delta: { role: 'assistant', tool_calls: [call] }, finish_reason: null }] },
    { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
  ]
  const pieces = [...chunks.map((each) => `data: ${JSON.stringify(each)}\n\n`), 'data: [DONE]\n\n']
  house().server('openai').own.set('one-piece', { type: 'text/event-stream', pieces })
  const request = { model: house().model('openai', 'one-piece'), max_tokens, messages: user }
  const message = await house().anthropic().messages.stream(request).finalMessage()
  assert.deepEqual(
    message.content.map((block) => (block.type === 'tool_use' ? block.input : null)),
    [WEATHER.input],
  )
})

test('pain 22: a sealed thought goes back to the family that made it, and to no other, which is told', async () => {
  const { messages } = house().anthropic()
  for (const maker of ['anthropic', 'bedrock', 'gemini']) {
    const tools = [{ name: 'get_weather', input_schema: { type: 'object' as const } }]
    const first = await messages.create({
      model: house().model(maker, 'thought-call'),
      max_tokens,
      messages: user,
      tools,
    })
    const call = first.content.find((block) => block.type === 'tool_use')
    const history: MessageParam[] = [
      ...user,
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: '21 degrees' }] },
    ]
    const seal = house().server(maker).vendor.seal ?? ''
    for (const { name } of VENDORS) {
      const request = { model: house().model(name, 'text'), max_tokens, messages: history, tools }
      const { response } = await messages.create(request).withResponse()
      const family = (vendor: string) => (vendor === 'bedrock' ? 'anthropic' : vendor)
      const said = JSON.stringify(house().server(name).newest)
      assert.equal(said.includes(seal), family(name) === family(maker), `${maker} to ${name}`)
      if (family(name) !== family(maker))
        assert.match(response.headers.get('x-ferro-translation') ?? '', /^lossy; dropped=/)
    }
  }
})

test("pain 22: a model whose name does not say whose it is thinks and reads its own seals, where the operator's word says it", async () => {
  const { messages } = house().anthropic()
  const request = {
    max_tokens,
    messages: [
      ...user,
      {
        role: 'assistant' as const,
        content: [
          { type: 'thinking' as const, thinking: 'Hm.', signature: 'c2VhbA==' },
          { type: 'text' as const, text: 'Hi.' },
        ],
      },
      { role: 'user' as const, content: 'Go on.' },
    ],
    thinking: { type: 'enabled' as const, budget_tokens: 2_000 },
  }
  await messages.create({ ...request, model: 'profile' })
  const sent = house().server('bedrock').newest
  assert.deepEqual(at(sent, 'additionalModelRequestFields', 'thinking', 'budget_tokens'), 2_000)
  assert.match(JSON.stringify(sent), /c2VhbA==/)
  const { response } = await messages.create({ ...request, model: `bedrock/${PROFILE}` }).withResponse()
  assert.match(response.headers.get('x-ferro-translation') ?? '', /^lossy; dropped=.*reasoning/)
})

test('pain 23: an output of a schema is asked for in the way of each vendor, and refused where a model has none', async () => {
  const schema = {
    type: 'object',
    properties: { degrees: { type: 'number' } },
    required: ['degrees'],
    additionalProperties: false,
  }
  const response_format = { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema } }
  for (const { name } of VENDORS) {
    await taken(await chat(name, 'json', { response_format }))
    assert.match(JSON.stringify(house().server(name).newest), /degrees/, name)
  }
  const refused = await house().post('/v1/chat/completions', { model: 'no-schemas', messages: user, response_format })
  assert.deepEqual([refused.status, at(await refused.json(), 'error', 'param')], [400, 'response_format'])
})

test('pain 24: schemas and results of tools hold nothing that Gemini refuses', async () => {
  const parameters = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: { Node: { type: 'object', properties: { next: { $ref: '#/$defs/Node' }, unit: { const: 'C' } } } },
    properties: {
      node: { $ref: '#/$defs/Node' },
      days: { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 9 },
      place: { oneOf: [{ type: 'string', pattern: '^x' }, { type: 'null' }] },
      kinds: { type: ['string', 'null'], enum: ['a', null] },
    },
    required: ['node'],
    additionalProperties: false,
  }
  const tools = [chatTool(parameters)]
  const calls = [{ id: 'call_1', type: 'function' as const, function: { name: 'get_weather', arguments: '{}' } }]
  const messages: ChatCompletionMessageParam[] = [
    ...user,
    { role: 'assistant', content: null, tool_calls: calls },
    { role: 'tool', tool_call_id: 'call_1', content: '{"schema":{"$ref":"#/$defs/Node","$defs":{}}}' },
  ]
  for (const model of ['gemini/gemini-3-pro--text', 'gemini/gemini-2.5-flash--text', 'gemini/gemini-2.0-flash--text']) {
    await taken(await house().post('/v1/chat/completions', { model, messages: user, tools }))
    await taken(await house().post('/v1/chat/completions', { model, messages, tools }))
  }
})

test('pain 25: what must be called, and how many at once, is said in the words of each vendor', async () => {
  const tools = [chatTool()]
  const asked = async (upstream: string, more: object) => {
    await taken(await chat(upstream, 'text', { tools, ...more }))
    return house().server(upstream).newest
  }
  const named = { tool_choice: { type: 'function', function: { name: 'get_weather' } } }
  const claude = async (more: object) => at(await asked('anthropic', more), 'tool_choice')
  assert.deepEqual(await claude({ tool_choice: 'required' }), { type: 'any' })
  assert.deepEqual(await claude({ tool_choice: 'none' }), { type: 'none' })
  assert.deepEqual(await claude(named), { type: 'tool', name: 'get_weather' })
  assert.deepEqual(await claude({ parallel_tool_calls: false }), { type: 'auto', disable_parallel_tool_use: true })
  const gemini = async (more: object) => at(await asked('gemini', more), 'toolConfig', 'functionCallingConfig')
  assert.deepEqual(await gemini({ tool_choice: 'required' }), { mode: 'ANY' })
  assert.deepEqual(await gemini({ tool_choice: 'none' }), { mode: 'NONE' })
  assert.deepEqual(await gemini(named), { mode: 'ANY', allowedFunctionNames: ['get_weather'] })
  const converse = async (more: object) => at(await asked('bedrock', more), 'toolConfig', 'toolChoice')
  assert.deepEqual(await converse({ tool_choice: 'required' }), { any: {} })
  assert.deepEqual(await converse(named), { tool: { name: 'get_weather' } })
  assert.equal(at(await asked('cohere', { tool_choice: 'required' }), 'tool_choice'), 'REQUIRED')
  // And back.
  const own = [{ name: 'get_weather', input_schema: { type: 'object' } }]
  const back = async (tool_choice: object) => {
    const model = house().model('openai', 'text')
    await taken(await house().post('/v1/messages', { model, max_tokens, messages: user, tools: own, tool_choice }))
    return house().server('openai').newest
  }
  assert.equal((await back({ type: 'any' }))['tool_choice'], 'required')
  assert.equal((await back({ type: 'none' }))['tool_choice'], 'none')
  assert.deepEqual((await back({ type: 'tool', name: 'get_weather' }))['tool_choice'], named.tool_choice)
  assert.equal((await back({ type: 'auto', disable_parallel_tool_use: true }))['parallel_tool_calls'], false)
})

test('pain 26: empty contents, missing results and neighbours of one role become what each vendor takes', async () => {
  const call = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '' } }
  const conversations: readonly (readonly object[])[] = [
    [
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
    ],
    [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'assistant', content: 'c' },
      { role: 'user', content: 'd' },
    ],
    [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: '' },
    ],
    [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '' },
      { role: 'user', content: 'b' },
    ],
    [
      { role: 'assistant', content: 'Welcome.' },
      { role: 'user', content: 'a' },
    ],
    [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'user', content: 'never mind' },
    ],
    [
      { role: 'user', content: 'a' },
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'b' },
    ],
  ]
  for (const { name } of VENDORS) {
    // Relayed as it came: what the vendor makes of it is between it and the client.
    if (name === 'openai') continue
    for (const messages of conversations) await taken(await chat(name, 'text', { messages, tools: [chatTool()] }))
  }
})

test('pain 27: members that nobody here knows are relayed within a dialect, and named where they cannot go', async () => {
  const context_management = { edits: [{ type: 'clear_tool_uses_20250919' }] }
  const body = (upstream: string) => ({
    model: house().model(upstream, 'text'),
    max_tokens,
    messages: user,
    context_management,
  })
  await house().post('/v1/messages', body('anthropic'), { 'anthropic-beta': 'context-management-2025-06-27' })
  assert.deepEqual(house().server('anthropic').newest['context_management'], context_management)
  house().server('anthropic').refusals.splice(0)
  const elsewhere = await house().post('/v1/messages', body('gemini'))
  assert.match(elsewhere.headers.get('x-ferro-translation') ?? '', /^lossy; dropped=.*context_management/)
  await taken(elsewhere)
})

test('what is lost of a streamed answer is not called exact in its header, and told before its end', async () => {
  const body = { model: house().model('anthropic', 'text-call'), prompt: 'Hello', max_tokens, stream: true }
  const answer = await house().post('/v1/completions', body)
  const told = answer.headers.get('x-ferro-translation') ?? ''
  assert.match(told, /; answer=pending$/)
  const text = await answer.text()
  // How much of the answer was there when the header was written is the network's affair.
  const late = /\n\n: x-ferro-translation: lossy; dropped=choices\[\]\.tool_call\n\ndata: /
  if (told.startsWith('exact')) assert.match(text, late)
  else assert.equal(told, 'lossy; dropped=choices[].tool_call; answer=pending')
  const whole = await house().post('/v1/completions', { ...body, stream: false })
  assert.equal(whole.headers.get('x-ferro-translation'), 'lossy; dropped=choices[].tool_call')
  await taken(whole)
})

test("pain 28: betas go to the vendor that knows them, and the gateway's own key to none", async () => {
  const beta = { 'anthropic-beta': 'interleaved-thinking-2025-05-14', 'x-api-key': house().key.secret }
  for (const { name } of VENDORS) {
    const model = house().model(name, 'text')
    const answer = await fetch(`${house().gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { ...beta, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
      body: JSON.stringify({ model, max_tokens, messages: user }),
    })
    await taken(answer)
    const sent = house().server(name).requests.at(-1)
    assert.equal(sent?.headers['anthropic-beta'], name === 'anthropic' ? beta['anthropic-beta'] : undefined, name)
    assert.ok(!JSON.stringify(sent).includes(house().key.secret), `${name} got the gateway's key`)
  }
})

test('pain 29: marks of caches on instructions, tools, texts and results reach Bedrock, four at most', async () => {
  const cache_control = { type: 'ephemeral' }
  const marked = (text: string) => ({ type: 'text', text, cache_control })
  const body = {
    model: house().model('bedrock', 'text'),
    max_tokens,
    system: [marked('Be brief.')],
    tools: [{ name: 'get_weather', input_schema: { type: 'object' }, cache_control }],
    messages: [
      { role: 'user', content: [marked('The weather?')] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '21', cache_control }] },
    ],
  }
  await taken(await house().post('/v1/messages', body))
  const sent = house().server('bedrock').newest
  const points = (value: unknown): number => {
    if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + points(each), 0)
    if (!isObject(value)) return 0
    return ('cachePoint' in value ? 1 : 0) + Object.values(value).reduce((sum: number, each) => sum + points(each), 0)
  }
  assert.deepEqual([points(sent['system']), points(sent['toolConfig']), points(sent['messages'])], [1, 1, 2])
  assert.equal(points(sent), 4)
})

test('pain 29: they reach Claude from a client of chat completions, too', async () => {
  const content = [{ type: 'text', text: 'A long text.', cache_control: { type: 'ephemeral' } }]
  await taken(await chat('anthropic', 'text', { messages: [{ role: 'user', content }] }))
  assert.deepEqual(at(house().server('anthropic').newest, 'messages', 0, 'content', 0, 'cache_control'), {
    type: 'ephemeral',
  })
})

test('pain 29: where the operator wants it, prompts of clients that mark nothing are marked, when they are long enough', async () => {
  const long = 'All work and no play makes a long instruction. '.repeat(400)
  const prompt = (instructions: string) => [
    { role: 'system', content: instructions },
    { role: 'user', content: 'First.' },
    { role: 'assistant', content: 'Yes.' },
    { role: 'user', content: 'Second.' },
  ]
  const ask = async (model: string, instructions: string) => {
    const answer = await house().post('/v1/chat/completions', {
      model,
      messages: prompt(instructions),
      tools: [chatTool()],
    })
    await taken(answer)
    return answer.headers.get('x-ferro-translation') ?? ''
  }
  // Nothing that the model reads is another: no report.
  assert.doesNotMatch(await ask('marked-anthropic', long), /cache/)
  const claude = house().server('anthropic').newest
  const control = { type: 'ephemeral' }
  assert.deepEqual(claude['system'], [{ type: 'text', text: long, cache_control: control }])
  assert.deepEqual(at(claude, 'messages', 2, 'content'), [{ type: 'text', text: 'Second.', cache_control: control }])
  assert.equal(JSON.stringify(claude).split('cache_control').length - 1, 2)
  await ask('marked-bedrock', long)
  const converse = house().server('bedrock').newest
  assert.deepEqual(at(converse, 'system', 1), { cachePoint: { type: 'default' } })
  assert.deepEqual(at(converse, 'messages', 2, 'content', 1), { cachePoint: { type: 'default' } })
  await ask('marked-anthropic', 'Be brief.')
  assert.doesNotMatch(JSON.stringify(house().server('anthropic').newest), /cache_control/)
  assert.doesNotMatch(await ask('marked-gemini', long), /cache/)
  // Who marks knows better; so does who was not told to.
  const own = [{ role: 'user', content: [{ type: 'text', text: long, cache_control: control }] }]
  await taken(await house().post('/v1/chat/completions', { model: 'marked-anthropic', messages: own }))
  assert.equal(JSON.stringify(house().server('anthropic').newest).split('cache_control').length - 1, 1)
  await ask(house().model('anthropic', 'text'), long)
  assert.doesNotMatch(JSON.stringify(house().server('anthropic').newest), /cache_control/)
})
