import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkChatBody } from '../../../../test/mocks/openai-chat/check-request.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { Message, ModelRequest } from '../../ir/request.ts'
import type { UpstreamHabits } from '../dialect.ts'
import type { SealFamily } from '../name.ts'
import { capabilitiesOf } from '../testing/contexts.ts'
import { openaiChatClient, openaiChatUpstream } from './index.ts'

function decoded(body: JsonObject): ModelRequest {
  return openaiChatClient.decodeRequest(body, { model: null, stream: false, losses: new Losses() })
}

function encodedWith(request: ModelRequest, family: SealFamily = 'openai', habits?: UpstreamHabits) {
  const losses = new Losses()
  const context = { model: 'gpt-5.2', capabilities: capabilitiesOf(family), losses, habits }
  const body = openaiChatUpstream.encodeRequest(request, context)
  return { body: JSON.parse(writeJson(body)) as JsonObject, losses }
}

const user = { role: 'user', content: 'Hello' } as const
const base = { model: 'gpt-5.2', messages: [user] } as const
const PIXEL = 'data:image/png;base64,iVBORw0KGgo='
const call = (id: string, name: string, text: string) => ({ id, type: 'function', function: { name, arguments: text } })
const tool = {
  type: 'function',
  function: { name: 'f', description: 'd', parameters: { type: 'object', additionalProperties: false }, strict: true },
}

/** Requests that go out as they came in, for the vendor's own models. */
const ROUND_TRIPS: Readonly<Record<string, JsonObject>> = {
  plain: base,
  'instructions of both kinds, anywhere': {
    ...base,
    messages: [
      { role: 'system', content: 'a' },
      { role: 'developer', content: 'b', name: 'ops' },
      user,
      { role: 'system', content: 'c' },
    ],
  },
  'texts in parts': {
    ...base,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
        name: 'x',
      },
    ],
  },
  images: {
    ...base,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'what is it?' },
          { type: 'image_url', image_url: { url: PIXEL, detail: 'low' } },
          { type: 'image_url', image_url: { url: 'https://example.org/a.png' } },
        ],
      },
    ],
  },
  'files and sounds': {
    ...base,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0=', filename: 'a.pdf' } },
          { type: 'file', file: { file_id: 'file-1' } },
          { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
          { type: 'input_audio', input_audio: { data: 'SUQz', format: 'mp3' } },
        ],
      },
    ],
  },
  'calls and results': {
    ...base,
    messages: [
      user,
      {
        role: 'assistant',
        content: 'I look.',
        tool_calls: [call('a', 'f', '{"x":9007199254740993}'), call('b', 'g', '{"x":')],
      },
      { role: 'tool', tool_call_id: 'a', content: '1' },
      {
        role: 'tool',
        tool_call_id: 'b',
        content: [
          { type: 'text', text: 'x' },
          { type: 'text', text: 'y' },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'p', input: 'free' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: '' },
    ],
    tools: [tool, { type: 'custom', custom: { name: 'p', format: { type: 'text' } } }],
    tool_choice: { type: 'custom', custom: { name: 'p' } },
    parallel_tool_calls: false,
  },
  'a choice among allowed tools': {
    ...base,
    tools: [tool],
    tool_choice: {
      type: 'allowed_tools',
      allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'f' } }] },
    },
  },
  'refusals and sounds of the assistant': {
    ...base,
    messages: [
      user,
      { role: 'assistant', content: null, refusal: 'no' },
      { role: 'assistant', content: null, audio: { id: 'audio_1' } },
      { role: 'assistant', content: 'x' },
    ],
  },
  'cache marks': {
    ...base,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } },
          { type: 'text', text: 'b', prompt_cache_breakpoint: { mode: 'explicit', ttl: '12h' } },
        ],
      },
    ],
    prompt_cache_key: 'k',
    prompt_cache_retention: '24h',
  },
  parameters: {
    ...base,
    max_completion_tokens: 100,
    temperature: 0.5,
    top_p: 0.9,
    frequency_penalty: 1,
    presence_penalty: -1,
    seed: 7,
    stop: ['a', 'b'],
    n: 2,
    logprobs: true,
    top_logprobs: 3,
    logit_bias: { '50256': -100 },
    reasoning_effort: 'high',
    verbosity: 'low',
    user: 'u',
    metadata: { a: 'b' },
    service_tier: 'flex',
    store: true,
    modalities: ['text', 'audio'],
    audio: { voice: 'alloy', format: 'wav' },
    prediction: { type: 'content', content: 'guess' },
    web_search_options: { search_context_size: 'low' },
  },
  'structured output': {
    ...base,
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'n',
        description: 'd',
        schema: { type: 'object', properties: {}, additionalProperties: false },
        strict: true,
      },
    },
  },
  'json output': { ...base, response_format: { type: 'json_object' } },
  stream: { ...base, stream: true, stream_options: { include_usage: true } },
}

suite('a request of chat completions', () => {
  for (const [name, body] of Object.entries(ROUND_TRIPS)) {
    test(`goes out as it came, exactly: ${name}`, () => {
      const { body: out, losses } = encodedWith(decoded(body))
      assert.deepEqual(out, body)
      assert.equal(losses.header(), 'exact')
      assert.equal(checkChatBody(out), null, JSON.stringify(checkChatBody(out)))
    })
  }

  test('keeps members that nobody knows for an upstream of the same dialect, and reports them elsewhere', () => {
    const body = {
      ...base,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a', odd: 1 },
            { type: 'hologram', x: 2 },
          ],
          weight: 0,
        },
        { role: 'assistant', content: 'b', prefix: true },
      ],
      tools: [{ type: 'function', function: { name: 'f', parameters: {}, odd: 3 }, odder: 4 }],
      safe_prompt: true,
    }
    const request = decoded(body)
    assert.deepEqual(encodedWith(request).body, body)
    const { body: out, losses } = encodedWith({ ...request, dialect: 'ollama' })
    assert.equal(JSON.stringify(out).includes('odd'), false)
    assert.deepEqual(losses.dropped.toSorted(), [
      'messages[].prefill',
      'messages[].prefix',
      'messages[].text.odd',
      'messages[].weight',
      'safe_prompt',
      'tools[].function.odd',
      'tools[].odder',
    ])
  })

  for (const [what, body, param] of [
    ['no model', { messages: [user] }, 'model'],
    ['no messages', { model: 'm' }, 'messages'],
    ['empty messages', { model: 'm', messages: [] }, 'messages'],
    ['a strange role', { model: 'm', messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
    ['no content', { model: 'm', messages: [{ role: 'user' }] }, 'messages[0].content'],
    [
      'a part without its text',
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'messages[0].content[0].text',
    ],
    [
      'a picture without an address',
      { model: 'm', messages: [user, { role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
      'messages[1].content[0].image_url.url',
    ],
    [
      'a call without an id',
      { model: 'm', messages: [{ role: 'assistant', tool_calls: [{ type: 'function', function: { name: 'f' } }] }] },
      'messages[0].tool_calls[0].id',
    ],
    [
      'a result without its call',
      { model: 'm', messages: [{ role: 'tool', content: 'x' }] },
      'messages[0].tool_call_id',
    ],
    ['a temperature in words', { ...base, temperature: 'hot' }, 'temperature'],
    ['a limit below one', { ...base, max_tokens: 0 }, 'max_tokens'],
    ['a tool without a name', { ...base, tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
    ['a strange choice', { ...base, tool_choice: 'maybe' }, 'tool_choice'],
    [
      'a schema without a name',
      { ...base, response_format: { type: 'json_schema', json_schema: {} } },
      'response_format.json_schema.name',
    ],
    ['a strange effort', { ...base, reasoning_effort: 'lots' }, 'reasoning_effort'],
    ['stop that is no text', { ...base, stop: [1] }, 'stop[0]'],
  ] as const) {
    test(`with ${what} is refused at ${param}`, () => {
      assert.throws(
        () => decoded(body),
        (error) => error instanceof FieldProblem && error.param === param,
      )
    })
  }

  test('of the older functions becomes tools, and its results find their calls', () => {
    const request = decoded({
      model: 'm',
      messages: [
        user,
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } },
        { role: 'function', name: 'f', content: '1' },
      ],
      functions: [{ name: 'f', parameters: {} }],
      function_call: { name: 'f' },
    })
    assert.equal(request.legacyFunctions, true)
    const { body } = encodedWith(request)
    assert.equal(checkChatBody(body), null)
    assert.deepEqual((body['messages'] as JsonObject[])[1]?.['tool_calls'], [call('call_function_1', 'f', '{}')])
    assert.deepEqual(body['tool_choice'], { type: 'function', function: { name: 'f' } })
  })

  test('numbers beyond 2^53 in a schema stay as they are', () => {
    const body = parseExact(
      '{"model":"gpt-5.2","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"maximum":9007199254740993}}}]}',
    ) as JsonObject
    const context = { model: 'gpt-5.2', capabilities: capabilitiesOf('openai'), losses: new Losses() }
    assert.ok(
      writeJson(openaiChatUpstream.encodeRequest(decoded(body), context)).includes('"maximum":9007199254740993'),
    )
  })

  test('reports what nobody reads inside of members, and what a result of a tool cannot hold', () => {
    const losses = new Losses()
    const result = [{ type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }]
    const body = {
      ...base,
      messages: [user, { role: 'tool', tool_call_id: 'a', content: result }],
      thinking: { type: 'enabled', display: 'omitted' },
      stream_options: { include_usage: true, odd: 1 },
    }
    openaiChatClient.decodeRequest(body, { model: null, stream: false, losses })
    assert.deepEqual(losses.dropped.toSorted(), [
      'messages[].tool_result.audio',
      'stream_options.odd',
      'thinking.display',
    ])
  })

  test('asks for reasoning in any of the members that clients use', () => {
    assert.deepEqual(clean(decoded({ ...base, reasoning: { effort: 'low', exclude: true } }).parameters.reasoning), {
      effort: 'low',
      summary: 'none',
    })
    assert.deepEqual(
      clean(decoded({ ...base, thinking: { type: 'enabled', budget_tokens: 9 } }).parameters.reasoning),
      { budgetTokens: 9, mode: 'enabled' },
    )
    assert.deepEqual(clean(decoded({ ...base, enable_thinking: false }).parameters.reasoning), { mode: 'disabled' })
    assert.equal(decoded(base).parameters.reasoning, undefined)
  })
})

const clean = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** A request of another dialect. */
function foreign(messages: readonly Message[], more: Partial<ModelRequest> = {}): ModelRequest {
  return { dialect: 'anthropic-messages', model: 'm', messages, tools: [], parameters: {}, stream: false, ...more }
}

suite('a request of another dialect', () => {
  const asked: Message = { role: 'user', parts: [{ type: 'text', text: 'x' }] }

  test('has its limit under the name that the upstream knows', () => {
    const request = foreign([asked], { parameters: { maxOutputTokens: 5 } })
    assert.equal(encodedWith(request, 'openai').body['max_completion_tokens'], 5)
    assert.equal(encodedWith(request, 'other').body['max_tokens'], 5)
    assert.equal(
      encodedWith(request, 'other', { outputLimit: 'max_completion_tokens' }).body['max_completion_tokens'],
      5,
    )
    assert.equal(checkChatBody(encodedWith(request, 'openai').body, { reasoning: true }), null)
  })

  test('is a body that the vendor takes, whatever it holds, with a report of what is missing', () => {
    const { body, losses } = encodedWith(
      foreign(
        [
          {
            role: 'system',
            authority: 'system',
            parts: [
              { type: 'text', text: 'a', cache: { ttl: '1h' } },
              { type: 'text', text: 'b' },
            ],
          },
          {
            role: 'user',
            parts: [
              { type: 'document', source: { kind: 'text', text: 'body' }, name: 'n', citations: true },
              { type: 'document', source: { kind: 'url', url: 'https://example.org/a.pdf' } },
              { type: 'video', source: { kind: 'url', url: 'https://example.org/a.mp4' } },
              { type: 'audio', source: { kind: 'data', mediaType: 'audio/flac', base64: 'AA==' } },
              { type: 'image', source: { kind: 'file', id: 'f' } },
            ],
          },
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', text: 't', signature: { family: 'anthropic', value: 's' } },
              { type: 'tool-call', id: 'toolu_1', name: 'f', arguments: '' },
              { type: 'text', text: 'after' },
            ],
          },
          {
            role: 'tool',
            parts: [
              {
                type: 'tool-result',
                callId: 'toolu_1',
                isError: true,
                content: [
                  { type: 'text', text: 'bad' },
                  { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AA==' } },
                ],
              },
            ],
          },
        ],
        {
          tools: [
            { type: 'function', name: 'f' },
            { type: 'builtin', kind: 'web-search', definition: { type: 'web_search_20250305' } },
          ],
          parameters: {
            temperature: 3,
            topK: 5,
            stop: ['1', '2', '3', '4', '5'],
            metadata: { a: 'b' },
            serviceTier: 'standard_only',
            reasoning: { budgetTokens: 9000 },
            parallelToolCalls: false,
          },
        },
      ),
    )
    assert.equal(checkChatBody(body), null, JSON.stringify(checkChatBody(body)))
    assert.equal(body['reasoning_effort'], 'medium')
    const messages = body['messages'] as JsonObject[]
    assert.deepEqual(
      messages.map((message) => message['role']),
      ['system', 'user', 'assistant', 'tool', 'user'],
    )
    assert.deepEqual(losses.dropped.toSorted(), [
      'messages[].audio',
      'messages[].document',
      'messages[].document.citations',
      'messages[].image',
      'messages[].reasoning',
      'messages[].text.cache_control',
      'messages[].video',
      'metadata',
      'service_tier',
      'stop',
      'tools[].web-search',
      'top_k',
    ])
    assert.deepEqual(losses.adapted.toSorted(), [
      'messages[].content',
      'messages[].document',
      'messages[].tool_result.image',
      'messages[].tool_result.is_error',
      'reasoning',
      'temperature',
    ])
  })

  test('stays within what the model is known to give, and to take', () => {
    const known = { ...capabilitiesOf('openai'), maxOutputTokens: 100, reasoning: 'none' } as const
    const losses = new Losses()
    const request = foreign([asked], { parameters: { maxOutputTokens: 500, reasoning: { effort: 'high' } } })
    const body = openaiChatUpstream.encodeRequest(request, { model: 'm', capabilities: known, losses })
    assert.equal(body['max_completion_tokens'], 100)
    assert.equal(body['reasoning_effort'], undefined)
    assert.equal(losses.header(), 'lossy; dropped=reasoning; adapted=max_tokens')
    const tools = Array.from({ length: 129 }, (_, at) => ({ type: 'function', name: `f${at}` }) as const)
    assert.throws(
      () => encodedWith(foreign([asked], { tools })),
      (error) => error instanceof FieldProblem && error.message.includes('128'),
    )
  })

  test('asks for reasoning by the member that the upstream knows', () => {
    const sent = (reasoning: object, habits: UpstreamHabits = {}, family: SealFamily = 'openai') => {
      const rest: Record<string, unknown> = {
        ...encodedWith(foreign([asked], { parameters: { reasoning } }), family, habits).body,
      }
      delete rest['model']
      delete rest['messages']
      return rest
    }
    assert.deepEqual(sent({ effort: 'low' }), { reasoning_effort: 'low' })
    assert.deepEqual(sent({ budgetTokens: 20_000 }), { reasoning_effort: 'high' })
    assert.deepEqual(sent({ mode: 'disabled' }), { reasoning_effort: 'none' })
    assert.deepEqual(sent({ mode: 'disabled' }, {}, 'other'), {})
    assert.deepEqual(sent({ mode: 'adaptive' }), {})
    assert.deepEqual(sent({ effort: 'low' }, { reasoningRequest: 'thinking' }), {
      thinking: { type: 'enabled', budget_tokens: 1024 },
    })
    assert.deepEqual(sent({ mode: 'disabled' }, { reasoningRequest: 'thinking' }), { thinking: { type: 'disabled' } })
    assert.deepEqual(sent({ budgetTokens: 9 }, { reasoningRequest: 'enable_thinking' }), {
      enable_thinking: true,
      thinking_budget: 9,
    })
    assert.deepEqual(sent({ budgetTokens: 9, summary: 'none' }, { reasoningRequest: 'reasoning' }), {
      reasoning: { max_tokens: 9, exclude: true },
    })
    assert.deepEqual(sent({ effort: 'low' }, { reasoningRequest: 'none' }), {})
  })

  test('without any part is a body that the vendor takes', () => {
    const { body } = encodedWith(
      foreign([asked, { role: 'assistant', parts: [] }, { role: 'user', parts: [] }], {
        toolChoice: { type: 'required' },
        parameters: { parallelToolCalls: true },
      }),
    )
    assert.equal(checkChatBody(body), null, JSON.stringify(checkChatBody(body)))
  })

  test('tells that a result is an error so that it can be read again', () => {
    const result: Message = { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', isError: true, content: [] }] }
    const calls: Message = { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{}' }] }
    const [, , again] = decoded(encodedWith(foreign([asked, calls, result])).body).messages
    assert.ok(again?.role === 'tool' && again.parts[0]?.isError === true)
  })

  test('gives thoughts back in the member that the upstream takes, and seals to their family only', () => {
    const thought: Message = {
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 't', signature: { family: 'anthropic', value: 's' } },
        { type: 'reasoning', text: '', sealed: { family: 'openai', value: 'e' }, itemId: 'rs_1' },
        { type: 'text', text: 'a' },
      ],
    }
    const message = (family: SealFamily, replay: UpstreamHabits['reasoningReplay']) => {
      const { body, losses } = encodedWith(foreign([asked, thought]), family, { reasoningReplay: replay })
      return { sent: (body['messages'] as JsonObject[])[1] ?? {}, losses }
    }
    assert.equal(message('other', 'reasoning_content').sent['reasoning_content'], 't')
    assert.equal(message('other', 'reasoning').sent['reasoning'], 't')
    const claude = message('anthropic', 'reasoning_details')
    assert.deepEqual(claude.sent['reasoning_details'], [
      { type: 'reasoning.text', text: 't', signature: 's', format: 'anthropic-claude-v1', index: 0 },
    ])
    assert.deepEqual(claude.losses.dropped, ['messages[].reasoning.signature'])
    const own = decoded({
      ...base,
      messages: [user, { role: 'assistant', content: 'a', reasoning_details: claude.sent['reasoning_details'] }],
    })
    assert.deepEqual(clean(own.messages[1]), clean({ role: 'assistant', parts: [thought.parts[0], thought.parts[2]] }))
  })

  test('sends signatures of calls the way the upstream takes them', () => {
    const calls: Message = {
      role: 'assistant',
      parts: [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{}', signature: { family: 'gemini', value: 's' } }],
    }
    const sent = (family: SealFamily, habits?: UpstreamHabits) =>
      (encodedWith(foreign([asked, calls]), family, habits).body['messages'] as JsonObject[])[1] ?? {}
    const beside = { ...call('a', 'f', '{}'), extra_content: { google: { thought_signature: 's' } } }
    assert.deepEqual(sent('gemini')['tool_calls'], [beside])
    assert.deepEqual(sent('gemini', { reasoningReplay: 'reasoning_details' })['reasoning_details'], [
      { type: 'reasoning.encrypted', data: 's', id: 'a', format: 'google-gemini-v1', index: 0 },
    ])
    assert.deepEqual(sent('openai')['tool_calls'], [call('a', 'f', '{}')])
  })

  test('tells compatible servers only what they know', () => {
    const request = foreign(
      [
        {
          role: 'system',
          authority: 'developer',
          parts: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
        asked,
      ],
      {
        tools: [
          { type: 'function', name: 'f' },
          { type: 'function', name: 'g' },
        ],
        toolChoice: { type: 'allowed', mode: 'required', names: ['g'] },
        parameters: { topK: 5, minP: 0.1 },
        stream: true,
      },
    )
    const { body } = encodedWith(request, 'other', { streamUsage: false })
    assert.deepEqual(body, {
      model: 'gpt-5.2',
      messages: [
        { role: 'system', content: 'a\n\nb' },
        { role: 'user', content: 'x' },
      ],
      tools: [{ type: 'function', function: { name: 'g', parameters: { type: 'object', properties: {} } } }],
      tool_choice: 'required',
      stream: true,
      top_k: 5,
      min_p: 0.1,
    })
  })

  test('marks what shall be cached for models of Claude', () => {
    const message: Message = { role: 'user', parts: [{ type: 'text', text: 'x', cache: { ttl: '1h' } }] }
    const { body } = encodedWith(foreign([message]), 'anthropic')
    assert.deepEqual((body['messages'] as JsonObject[])[0]?.['content'], [
      { type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ])
  })
})
