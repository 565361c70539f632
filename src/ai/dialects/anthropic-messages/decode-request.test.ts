import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBody } from '../../../../test/mocks/anthropic-messages/check-request.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import { asWire, encodeContext } from '../testing/contexts.ts'
import { decodeCountTokens, encodeCountTokens, messagesClient, messagesUpstream } from './index.ts'

function decode(body: JsonObject) {
  return messagesClient.decodeRequest(body, { model: null, stream: false, losses: new Losses() })
}

const user = (content: unknown) => ({ role: 'user', content })
const assistant = (content: unknown) => ({ role: 'assistant', content })
const body = (members: JsonObject = {}): JsonObject => ({
  model: 'served-model',
  max_tokens: 2000,
  messages: [user('Hi')],
  ...members,
})
const cache_control = { type: 'ephemeral', ttl: '1h' }
const call = { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Paris' } }
const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'sunny' }
const tools = [{ name: 'get_weather', description: 'Weather', input_schema: { type: 'object', properties: {} } }]
const PNG = { type: 'base64', media_type: 'image/png', data: 'AAAA' }

/** Bodies that come out as they went in. */
const KEPT: Readonly<Record<string, JsonObject>> = {
  'a plain text': body(),
  instructions: body({ system: 'Be short.' }),
  'instructions in blocks with a mark': body({ system: [{ type: 'text', text: 'Be short.', cache_control }] }),
  'pictures of every source': body({
    messages: [
      user([
        { type: 'image', source: PNG, cache_control },
        { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
        { type: 'image', source: { type: 'file', file_id: 'file_1' } },
        { type: 'text', text: 'What is this?' },
      ]),
    ],
  }),
  'documents of every source': body({
    messages: [
      user([
        {
          type: 'document',
          source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' },
          title: 'A',
          context: 'ctx',
          citations: { enabled: true },
        },
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'words' } },
        { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } },
        { type: 'document', source: { type: 'file', file_id: 'file_1' } },
        { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'one' }] } },
        { type: 'text', text: 'Read.' },
      ]),
    ],
  }),
  'search results': body({
    messages: [
      user([
        {
          type: 'search_result',
          source: 'https://a.b',
          title: 'T',
          content: [{ type: 'text', text: 'x' }],
          cache_control,
        },
      ]),
    ],
  }),
  'a call, its result and a text behind it': body({
    tools,
    messages: [
      user('Weather?'),
      assistant([call]),
      user([
        { ...result, cache_control },
        { type: 'text', text: 'Go on.' },
      ]),
    ],
  }),
  'results in blocks, failed results, results without content': body({
    tools,
    messages: [
      user('Weather?'),
      assistant([call, { ...call, id: 'toolu_2' }, { ...call, id: 'toolu_3' }]),
      user([
        {
          ...result,
          content: [
            { type: 'text', text: 'a' },
            { type: 'image', source: PNG },
          ],
        },
        { ...result, tool_use_id: 'toolu_2', is_error: true },
        { type: 'tool_result', tool_use_id: 'toolu_3' },
      ]),
    ],
  }),
  'results of a kind that others do not have': body({
    tools,
    messages: [
      user('Weather?'),
      assistant([call]),
      user([{ ...result, content: [{ type: 'tool_reference', tool_name: 'get_weather' }] }]),
    ],
  }),
  'thoughts with their seals': body({
    thinking: { type: 'enabled', budget_tokens: 1024 },
    tools,
    messages: [
      user('Weather?'),
      assistant([
        { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
        { type: 'redacted_thinking', data: 'cmVk' },
        { type: 'text', text: 'I look.' },
        call,
      ]),
      user([result]),
    ],
  }),
  'tools that the vendor runs, and what they gave': body({
    tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 3, cache_control }],
    messages: [
      user('Search.'),
      assistant([
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } },
        { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] },
        { type: 'text', text: 'Found.' },
      ]),
      user('Thanks.'),
    ],
  }),
  'tools of a remote server': body({
    mcp_servers: [{ type: 'url', url: 'https://mcp.example.com', name: 'm' }],
    messages: [
      user('Go.'),
      assistant([
        { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'echo', server_name: 'm', input: {} },
        { type: 'mcp_tool_result', tool_use_id: 'mcptoolu_1', is_error: false, content: [] },
      ]),
      user('Thanks.'),
    ],
  }),
  'further members of tools': body({
    tools: [{ ...tools[0], strict: true, defer_loading: true, input_examples: [{ city: 'Rome' }], cache_control }],
    tool_choice: { type: 'tool', name: 'get_weather', disable_parallel_tool_use: true },
  }),
  'no call wanted': body({ tools, tool_choice: { type: 'none' } }),
  'any call wanted': body({ tools, tool_choice: { type: 'any' } }),
  'one call at a time': body({ tools, tool_choice: { type: 'auto', disable_parallel_tool_use: true } }),
  'sampling and limits': body({ temperature: 0.5, top_p: 0.9, top_k: 5, stop_sequences: ['END'] }),
  'user and tier': body({ metadata: { user_id: 'u1' }, service_tier: 'standard_only', stream: true }),
  'thinking that the model decides about, with effort': body({
    thinking: { type: 'adaptive', display: 'omitted' },
    output_config: { effort: 'max' },
  }),
  'thinking switched off': body({ thinking: { type: 'disabled' } }),
  'an effort alone': body({ output_config: { effort: 'low' } }),
  'structured output': body({
    output_config: { format: { type: 'json_schema', schema: { type: 'object', additionalProperties: false } } },
  }),
  'members that only this vendor knows': body({
    container: { skills: [] },
    context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] },
    cache_control: { type: 'ephemeral' },
    inference_geo: 'eu',
  }),
  'an answer that is begun': body({ messages: [user('Count.'), assistant('1, 2,')] }),
  'citations that come back': body({
    messages: [
      user('Read.'),
      assistant([
        {
          type: 'text',
          text: 'Green.',
          citations: [
            {
              type: 'web_search_result_location',
              url: 'https://a.b',
              title: 'T',
              cited_text: 'g',
              encrypted_index: 'Eo8',
            },
          ],
        },
      ]),
      user('Thanks.'),
    ],
  }),
}

for (const [what, original] of Object.entries(KEPT)) {
  test(`comes out as it went in: ${what}`, () => {
    const context = encodeContext()
    const encoded = messagesUpstream.encodeRequest(decode(original), context)
    assert.deepEqual(asWire(encoded), original)
    assert.equal(context.losses.header(), 'exact')
    assert.equal(checkBody(asWire(encoded)), null)
  })
}

/** Bodies that are wrong, and the member that is to blame. */
const WRONG: readonly (readonly [string, JsonObject])[] = [
  ['max_tokens', { model: 'm', messages: [user('Hi')] }],
  ['max_tokens', body({ max_tokens: '5' })],
  ['model', { max_tokens: 1, messages: [user('Hi')] }],
  ['messages', { model: 'm', max_tokens: 1 }],
  ['messages', body({ messages: [] })],
  ['messages[0]', body({ messages: ['Hi'] })],
  ['messages[0].role', body({ messages: [{ role: 'tool', content: 'x' }] })],
  ['messages[0].content', body({ messages: [{ role: 'user' }] })],
  ['messages[0].content', body({ messages: [user(7)] })],
  ['messages[0].content[0].type', body({ messages: [user([{ text: 'x' }])] })],
  ['messages[0].content[0].text', body({ messages: [user([{ type: 'text' }])] })],
  ['messages[0].content[0].source.type', body({ messages: [user([{ type: 'image', source: { type: 'ftp' } }])] })],
  ['messages[0].content[0].tool_use_id', body({ messages: [user([{ type: 'tool_result' }])] })],
  [
    'messages[1].content[0].name',
    body({ messages: [user('x'), assistant([{ type: 'tool_use', id: 'a', input: {} }])] }),
  ],
  [
    'messages[0].content[0].cache_control.ttl',
    body({ messages: [user([{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '2h' } }])] }),
  ],
  ['temperature', body({ temperature: 1.5 })],
  ['top_p', body({ top_p: -1 })],
  ['stop_sequences[1]', body({ stop_sequences: ['a', ' \n'] })],
  ['tools[0].name', body({ tools: [{ input_schema: {} }] })],
  ['tool_choice.type', body({ tool_choice: { type: 'auto!' } })],
  ['tool_choice.name', body({ tool_choice: { type: 'tool' } })],
  ['thinking.budget_tokens', body({ thinking: { type: 'enabled' } })],
  ['thinking.budget_tokens', body({ thinking: { type: 'enabled', budget_tokens: 100 } })],
  ['thinking.type', body({ thinking: {} })],
  ['output_config.effort', body({ output_config: { effort: 'huge' } })],
  ['output_config.format.schema', body({ output_config: { format: { type: 'json_schema' } } })],
  ['service_tier', body({ service_tier: 'gold' })],
  ['system[0].text', body({ system: [{ type: 'text' }] })],
]

for (const [param, wrong] of WRONG) {
  test(`blames ${param} in ${JSON.stringify(wrong).slice(0, 90)}`, () => {
    assert.throws(
      () => decode(wrong),
      (error: unknown) => error instanceof FieldProblem && error.param === param,
    )
  })
}

test('numbers in arguments that a double cannot hold stay as they are', () => {
  const text = '{"id":9007199254740993,"b":1.0}'
  const input = parseExact(text)
  const request = decode(body({ tools, messages: [user('x'), assistant([{ ...call, input }]), user([result])] }))
  const encoded = writeJson(messagesUpstream.encodeRequest(request, encodeContext()))
  assert.match(encoded, /"input":\{"id":9007199254740993,"b":1\}/)
})

test('results of tools open the turn also where the client put a text before them', () => {
  const request = decode(
    body({ tools, messages: [user('x'), assistant([call]), user([{ type: 'text', text: 'a' }, result])] }),
  )
  assert.deepEqual(
    request.messages.map(({ role }) => role),
    ['user', 'assistant', 'tool', 'user'],
  )
})

test('that a tool was called by the model itself is no loss elsewhere', () => {
  const direct = { ...call, caller: { type: 'direct' } }
  const request = decode(body({ tools, messages: [user('x'), assistant([direct]), user([result])] }))
  const turn = request.messages[1]
  assert.equal(turn?.role === 'assistant' && turn.parts[0]?.type === 'tool-call' && turn.parts[0].extra, undefined)
})

test('seals of other families come back through a client that does not know them', () => {
  const blocks = [
    { type: 'thinking', thinking: 'sum', signature: 'ferro1.openai.sealed.rs_1.abc.def' },
    { type: 'thinking', thinking: '', signature: 'ferro1.gemini.call..c2ln' },
    call,
  ]
  const turn = decode(body({ messages: [user('x'), assistant(blocks), user([result])] })).messages[1]
  assert.ok(turn?.role === 'assistant')
  assert.deepEqual(asWire(turn.parts), [
    { type: 'reasoning', text: 'sum', itemId: 'rs_1', sealed: { family: 'openai', value: 'abc.def' } },
    {
      type: 'tool-call',
      id: 'toolu_1',
      name: 'get_weather',
      arguments: '{"city":"Paris"}',
      signature: { family: 'gemini', value: 'c2ln' },
    },
  ])
})

test('instructions within the conversation are kept apart from those before it', () => {
  const request = decode(body({ system: 'a', messages: [user('x'), { role: 'system', content: 'b' }, user('y')] }))
  assert.deepEqual(
    request.messages.map(({ role }) => role),
    ['system', 'user', 'system', 'user'],
  )
})

test('a request for a count of tokens needs no limit of output, and goes out without one', () => {
  const original = { model: 'served-model', messages: [user('Hi')], system: 'Be short.', tools }
  const request = decodeCountTokens(original, { model: null, stream: false, losses: new Losses() })
  assert.deepEqual(asWire(encodeCountTokens(request, encodeContext())), original)
})

test('a conversation that lies at Anthropic is not gone on with elsewhere, and a new one is', () => {
  const of = (thread: JsonObject) => () => messagesClient.checkTranslation?.(decode(body({ thread })))
  assert.throws(of({ type: 'continue', previous_message_id: 'msg_1' }), FieldProblem)
  assert.doesNotThrow(of({ type: 'new' }))
})
