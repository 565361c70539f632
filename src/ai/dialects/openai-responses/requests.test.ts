import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkResponsesBody } from '../../../../test/mocks/openai-responses/check-request.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { Capabilities } from '../dialect.ts'
import type { SealFamily } from '../name.ts'
import { openaiResponsesClient as client, openaiResponsesUpstream as upstream } from './index.ts'

function capabilities(family: SealFamily, more: Partial<Capabilities> = {}): Capabilities {
  const unknown = { maxOutputTokens: null, contextTokens: null, structuredOutput: null, tools: null, vision: null }
  return { ...unknown, refuses: new Set(), reasoning: null, family, ...more }
}

function decoded(body: JsonObject, losses = new Losses()): ModelRequest {
  return client.decodeRequest(body, { model: null, stream: false, losses })
}

function encoded(request: ModelRequest, family: SealFamily = 'openai', more: Partial<Capabilities> = {}) {
  const losses = new Losses()
  const body = upstream.encodeRequest(request, { model: 'gpt-5.2', capabilities: capabilities(family, more), losses })
  return { body: JSON.parse(writeJson(body)) as JsonObject, losses }
}

const PIXEL = 'data:image/png;base64,iVBORw0KGgo='
const message = (role: string, content: unknown) => ({ type: 'message', role, content })
const hello = message('user', 'Hello')
const base = { model: 'gpt-5.2', input: [hello] }
const closed = { type: 'object', additionalProperties: false }
const tool = { type: 'function', name: 'f', description: 'd', parameters: closed, strict: true }
const call = (id: string, text = '{"a":9007199254740993}') => {
  return { type: 'function_call', id: `fc_${id}`, call_id: id, name: 'f', arguments: text }
}
const output = (id: string, value: unknown = 'done') => ({ type: 'function_call_output', call_id: id, output: value })

/** Requests that go out as they came in, for the vendor's own models. */
const ROUND_TRIPS: Readonly<Record<string, JsonObject>> = {
  plain: base,
  instructions: { ...base, instructions: 'Be brief.' },
  'instructions of all kinds, anywhere': {
    ...base,
    instructions: 'a',
    input: [message('developer', 'b'), hello, message('system', 'c')],
  },
  'media of the user': {
    ...base,
    input: [
      message('user', [
        { type: 'input_text', text: 'Look', prompt_cache_breakpoint: { mode: 'explicit' } },
        { type: 'input_image', image_url: PIXEL, detail: 'high' },
        { type: 'input_image', file_id: 'file_1', detail: 'auto' },
        { type: 'input_file', file_id: 'file_2' },
        { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
        { type: 'input_file', file_url: 'https://example.org/a.pdf' },
        { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
      ]),
    ],
  },
  'a whole turn of calls': {
    ...base,
    tools: [tool],
    input: [
      hello,
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [
          { type: 'summary_text', text: 'one' },
          { type: 'summary_text', text: 'two' },
        ],
        encrypted_content: 'gAAA',
      },
      {
        type: 'message',
        role: 'assistant',
        id: 'msg_1',
        status: 'completed',
        content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
        phase: 'commentary',
      },
      call('call_1'),
      call('call_2', '{}'),
      output('call_1'),
      output('call_2', [
        { type: 'input_text', text: 'a' },
        { type: 'input_image', image_url: PIXEL, detail: 'low' },
      ]),
      message('user', 'And now?'),
    ],
    include: ['reasoning.encrypted_content'],
  },
  'free text for tools': {
    ...base,
    tools: [
      { type: 'custom', name: 'sql', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } },
      { type: 'custom', name: 'text' },
    ],
    tool_choice: { type: 'custom', name: 'sql' },
    input: [
      hello,
      { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c1', name: 'sql', input: 'SELECT 1' },
      { type: 'custom_tool_call_output', call_id: 'c1', output: '1' },
    ],
  },
  'what only the vendor runs': {
    ...base,
    tools: [
      { type: 'web_search', search_context_size: 'low' },
      { type: 'mcp', server_label: 's', server_url: 'https://x' },
    ],
    tool_choice: { type: 'mcp', server_label: 's' },
    include: ['web_search_call.action.sources'],
    input: [
      hello,
      { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
      { type: 'computer_call', id: 'cu_1', call_id: 'c', action: { type: 'screenshot' }, status: 'completed' },
      { type: 'computer_call_output', call_id: 'c', output: { type: 'computer_screenshot', image_url: PIXEL } },
      { type: 'mcp_approval_response', approval_request_id: 'm', approve: true },
      { type: 'local_shell_call', id: 'l', call_id: 'c3', action: {}, status: 'completed' },
      { type: 'local_shell_call_output', id: 'l', output: '{}' },
      { type: 'apply_patch_call', id: 'ap', call_id: 'c4', operation: {}, status: 'completed' },
      { type: 'apply_patch_call_output', call_id: 'c4', status: 'completed' },
    ],
  },
  'a choice among tools': {
    ...base,
    tools: [tool],
    tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] },
  },
  'every parameter': {
    ...base,
    stream: true,
    tools: [tool],
    parallel_tool_calls: false,
    max_output_tokens: 64,
    max_tool_calls: 3,
    temperature: 0.5,
    top_p: 0.9,
    top_logprobs: 2,
    include: ['message.output_text.logprobs', 'reasoning.encrypted_content'],
    metadata: { a: 'b' },
    prompt_cache_key: 'k',
    prompt_cache_retention: '24h',
    reasoning: { effort: 'xhigh', summary: 'detailed' },
    service_tier: 'priority',
    store: true,
    text: {
      format: { type: 'json_schema', name: 'n', description: 'd', schema: closed, strict: true },
      verbosity: 'low',
    },
    truncation: 'auto',
    user: 'u',
  },
}

suite('a request of the dialect', () => {
  for (const [name, body] of Object.entries(ROUND_TRIPS)) {
    test(`comes out as it went in, and as the vendor takes it: ${name}`, () => {
      const { body: out, losses } = encoded(decoded(body))
      assert.deepEqual(out, body)
      assert.equal(losses.header(), 'exact')
      assert.equal(checkResponsesBody(out), null)
    })
  }

  test('may hold a conversation of one text', () => {
    const { messages } = decoded({ model: 'm', input: 'Hello' })
    assert.deepEqual(messages, [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }])
  })

  test('has one message for all that the model made in a turn, and one for all results', () => {
    const roles = decoded(ROUND_TRIPS['a whole turn of calls'] ?? {}).messages.map(({ role, parts }) => [
      role,
      parts.length,
    ])
    assert.deepEqual(roles, [
      ['user', 1],
      ['assistant', 5],
      ['tool', 2],
      ['user', 1],
    ])
  })

  test('keeps members and items that nobody knows', () => {
    const odd = {
      ...base,
      new_member: 1,
      input: [{ type: 'new_call', id: 'n' }, message('user', [{ type: 'input_video', url: 'x' }])],
    }
    assert.deepEqual(encoded(decoded(odd)).body, odd)
  })

  test('reads the results that tools gave with an error, and writes them again', () => {
    const body = { ...base, input: [hello, call('c1', '{}'), output('c1', '[error] no such file')] }
    const result = decoded(body).messages.at(-1)
    assert.ok(result?.role === 'tool' && result.parts[0]?.isError === true)
    assert.deepEqual(
      (encoded(decoded(body)).body['input'] as JsonObject[]).at(-1),
      output('c1', '[error] no such file'),
    )
  })

  test('takes a call without arguments for one with none, and keeps broken ones', () => {
    const { messages } = decoded({ ...base, input: [hello, call('c1', ''), call('c2', '{"a":')] })
    const parts = messages[1]?.role === 'assistant' ? messages[1].parts : []
    assert.deepEqual(
      parts.map((part) => part.type === 'tool-call' && part.arguments),
      ['{}', '{"a":'],
    )
  })

  test('gives seals of other vendors back to those who made them', () => {
    const item = (value: string, summary: readonly unknown[] = []) => ({
      type: 'reasoning',
      id: 'rs_9',
      summary,
      encrypted_content: value,
    })
    const text = [{ type: 'summary_text', text: 'Hm.' }]
    const input = [hello, item('ferro1.anthropic.signed.c2ln', text), item('ferro1.gemini.call.Z2Vt'), call('c1', '{}')]
    const parts = decoded({ ...base, input }).messages[1]?.parts ?? []
    assert.deepEqual(
      parts.map((part) => 'signature' in part && part.signature),
      [
        { family: 'anthropic', value: 'c2ln' },
        { family: 'gemini', value: 'Z2Vt' },
      ],
    )
  })

  for (const [param, body] of [
    ['input', { input: undefined }],
    ['input', { input: [] }],
    ['input', { input: 3 }],
    ['input[0]', { input: [3] }],
    ['input[0].type', { input: [{ id: 'x' }] }],
    ['input[0].role', { input: [message('robot', 'x')] }],
    ['input[0].content', { input: [message('user', 7)] }],
    ['input[0].content[0].text', { input: [message('user', [{ type: 'input_text' }])] }],
    ['input[0].content[0].image_url', { input: [message('user', [{ type: 'input_image' }])] }],
    ['input[0].content[0].file_data', { input: [message('user', [{ type: 'input_file' }])] }],
    ['input[0].call_id', { input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }],
    ['input[0].name', { input: [{ type: 'function_call', call_id: 'c', arguments: '{}' }] }],
    ['input[1].call_id', { input: [hello, { type: 'function_call_output', output: '' }] }],
    ['input[1].output', { input: [hello, { type: 'function_call_output', call_id: 'c' }] }],
    ['input[0].id', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: 'conv_1' }],
    ['prompt', { prompt: { id: 'pmpt_1' } }],
    ['background', { background: true }],
    ['max_output_tokens', { max_output_tokens: 0 }],
    ['temperature', { temperature: 'hot' }],
    ['tools[0].name', { tools: [{ type: 'function' }] }],
    ['tool_choice', { tool_choice: 'perhaps' }],
    ['text.format.type', { text: { format: {} } }],
    ['text.verbosity', { text: { verbosity: 'loud' } }],
    ['reasoning.effort', { reasoning: { effort: 'huge' } }],
    ['stream', { stream: 'yes' }],
    ['model', { model: undefined }],
  ] as const) {
    test(`is refused by its member: ${param} (${JSON.stringify(body).slice(0, 60)})`, () => {
      assert.throws(
        () => decoded({ ...base, ...body }),
        (error) => error instanceof FieldProblem && error.param === param,
      )
    })
  }
})

const chatRequest: ModelRequest = {
  dialect: 'openai-chat',
  model: 'm',
  messages: [
    { role: 'system', authority: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
    { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'Hm.' },
        { type: 'text', text: 'I look.' },
        { type: 'refusal', text: 'Not that.' },
        { type: 'tool-call', id: 'c1', name: 'f', arguments: '' },
        { type: 'tool-call', id: 'c2', name: 'sql', arguments: 'x', custom: true },
      ],
    },
    {
      role: 'tool',
      parts: [
        { type: 'tool-result', callId: 'c1', content: [{ type: 'text', text: 'no' }], isError: true },
        { type: 'tool-result', callId: 'c2', content: [], isError: false },
      ],
    },
  ],
  tools: [
    { type: 'function', name: 'f' },
    { type: 'custom', name: 'sql', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'a' } } },
    { type: 'builtin', kind: 'web-search', definition: {} },
  ],
  toolChoice: { type: 'tool', name: 'f' },
  parameters: {},
  stream: false,
}

suite("another dialect's request", () => {
  test('is written as the vendor takes it', () => {
    const { body, losses } = encoded(chatRequest)
    assert.equal(checkResponsesBody(body), null)
    assert.equal(body['instructions'], 'Be brief.')
    assert.equal(body['store'], false)
    assert.deepEqual(body['input'], [
      hello,
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'I look.', annotations: [] },
          { type: 'refusal', refusal: 'Not that.' },
        ],
      },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { type: 'custom_tool_call', call_id: 'c2', name: 'sql', input: 'x' },
      output('c1', '[error] no'),
      { type: 'custom_tool_call_output', call_id: 'c2', output: '' },
    ])
    assert.deepEqual(body['tools'], [
      { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
      { type: 'custom', name: 'sql', format: { type: 'grammar', syntax: 'lark', definition: 'a' } },
      { type: 'web_search' },
    ])
    assert.deepEqual(losses.dropped, ['messages[].reasoning'])
    assert.deepEqual(losses.adapted, ['messages[].tool_result.is_error', 'tools[].web_search'])
  })

  test('has its sealed thoughts in one item, with the summaries that came before the seal', () => {
    const sealed = { family: 'openai', value: 'gAAA' } as const
    const parts = [
      { type: 'reasoning', text: 'one', summary: true },
      { type: 'reasoning', text: 'two', summary: true, sealed, itemId: 'rs_1' },
      { type: 'text', text: 'Hi' },
    ] as const
    const { body } = encoded({ ...chatRequest, messages: [{ role: 'assistant', parts }] })
    assert.deepEqual((body['input'] as JsonObject[])[0], {
      type: 'reasoning',
      id: 'rs_1',
      summary: [
        { type: 'summary_text', text: 'one' },
        { type: 'summary_text', text: 'two' },
      ],
      encrypted_content: 'gAAA',
    })
    assert.deepEqual(body['include'], ['reasoning.encrypted_content'])
  })

  test('asks for reasoning by an effort, and reports what had to give way', () => {
    const asked = (reasoning: ModelRequest['parameters']['reasoning'], more: Partial<Capabilities> = {}) => {
      const { body, losses } = encoded({ ...chatRequest, parameters: { reasoning } }, 'openai', more)
      return [body['reasoning'], losses.adapted.includes('reasoning'), losses.dropped.includes('reasoning')]
    }
    assert.deepEqual(asked({ effort: 'high' }), [{ effort: 'high' }, false, false])
    assert.deepEqual(asked({ budgetTokens: 9000, mode: 'enabled' }), [
      { effort: 'medium', summary: 'auto' },
      true,
      false,
    ])
    assert.deepEqual(asked({ mode: 'disabled' }), [{ effort: 'none' }, false, false])
    assert.deepEqual(asked({ effort: 'high', summary: 'none' }), [{ effort: 'high' }, false, false])
    assert.deepEqual(asked({ effort: 'high' }, { reasoning: 'none' }), [undefined, false, true])
  })

  test('keeps within the bounds of the vendor, and reports the parameters that it does not have', () => {
    const parameters = {
      maxOutputTokens: 3,
      temperature: 3,
      topK: 1,
      seed: 1,
      stop: ['x'],
      frequencyPenalty: 1,
      presencePenalty: 1,
      minP: 0.1,
      logitBias: {},
      prediction: 'x',
      choices: 1,
      serviceTier: 'standard_only',
      modalities: ['text', 'audio'],
      audioOutput: {},
      includeUsage: true,
      logprobs: { top: 0 },
    }
    const { body, losses } = encoded({ ...chatRequest, parameters })
    assert.equal(checkResponsesBody(body), null)
    assert.deepEqual([body['max_output_tokens'], body['temperature']], [16, 2])
    assert.deepEqual(losses.dropped, [
      'messages[].reasoning',
      'top_k',
      'min_p',
      'frequency_penalty',
      'presence_penalty',
      'seed',
      'stop',
      'logit_bias',
      'service_tier',
      'modalities',
      'audio',
      'prediction',
    ])
  })

  test('reports members and parts that only its own dialect knows', () => {
    const parts = [
      { type: 'video', source: { kind: 'url', url: 'https://x' } },
      { type: 'opaque', dialect: 'openai-chat', name: 'odd', value: {} },
      { type: 'document', source: { kind: 'text', text: 'T' }, name: 'N' },
      { type: 'text', text: 'x', extra: { y: 1 } },
    ] as const
    const messages = [{ role: 'user', parts, name: 'joe', extra: { z: 1 } }] as const
    const { body, losses } = encoded({ ...chatRequest, messages, tools: [], extra: { w: 1 } })
    assert.deepEqual(body['input'], [
      message('user', [
        { type: 'input_text', text: 'N\n\nT' },
        { type: 'input_text', text: 'x' },
      ]),
    ])
    assert.deepEqual(losses.dropped, [
      'messages[].name',
      'messages[].z',
      'messages[].video',
      'messages[].text.y',
      'w',
      'messages[].odd',
      'tool_choice',
    ])
  })

  test('does not crash with anything that lowering would have prepared', () => {
    const seal = { family: 'gemini', value: 'x' } as const
    const parts = [
      { type: 'tool-call', id: '', name: 'a b', arguments: '[', signature: seal },
      { type: 'audio', source: { kind: 'file', id: 'x' } },
      { type: 'image', source: { kind: 'file', id: 'x' } },
    ] as const
    assert.doesNotThrow(() => encoded({ ...chatRequest, messages: [{ role: 'assistant', parts }] }, 'other'))
  })
})

test('numbers that no double holds survive in schemas', () => {
  const text =
    '{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"maximum":9007199254740993}}]}'
  // Parsed from an object.
  const request = decoded(parseExact(text) as JsonObject)
  const body = upstream.encodeRequest(request, {
    model: 'm',
    capabilities: capabilities('openai'),
    losses: new Losses(),
  })
  assert.match(writeJson(body), /"maximum":9007199254740993/)
})
