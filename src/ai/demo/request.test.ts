import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DemoUpstream } from './demo-upstream.ts'
import { readRequest } from './request.ts'
import { chatRequest, exchange } from './testing/exchange.ts'

const hello = { role: 'user', content: 'Hello' }
const called = {
  role: 'assistant',
  content: null,
  tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }],
}
const tool = { type: 'function', function: { name: 'f' } }
const base = { model: 'demo-chat', messages: [hello] }

/** A body that is refused, with the parameter, the code and a part of the message. */
const REFUSED: readonly (readonly [body: unknown, param: string | null, code: string | null, message: RegExp])[] = [
  ['', null, null, /could not parse the JSON body/],
  ['{', null, null, /could not parse the JSON body/],
  ['[]', null, null, /must be a JSON object/],
  [{ messages: [hello] }, null, null, /you must provide a model parameter/],
  [{ ...base, model: 5 }, 'model', 'invalid_type', /expected a string, but got an integer/],
  [{ model: 'demo-chat' }, 'messages', 'missing_required_parameter', /Missing required parameter: 'messages'/],
  [{ ...base, messages: [] }, 'messages', 'empty_array', /empty array/],
  [{ ...base, messages: 'x' }, 'messages', 'invalid_type', /expected an array, but got a string/],
  [{ ...base, messages: ['x'] }, 'messages[0]', 'invalid_type', /expected an object/],
  [{ ...base, messages: [{ role: 'robot', content: '' }] }, 'messages[0].role', 'invalid_value', /'robot'. Supported/],
  [{ ...base, messages: [{ role: 'user' }] }, 'messages[0].content', 'missing_required_parameter', /content/],
  [{ ...base, messages: [{ role: 'user', content: null }] }, 'messages[0].content', 'invalid_type', /got null/],
  [{ ...base, messages: [{ role: 'user', content: [] }] }, 'messages[0].content', 'empty_array', /empty array/],
  [
    { ...base, messages: [{ role: 'user', content: [{ type: 'text' }] }] },
    'messages[0].content[0].text',
    'missing_required_parameter',
    /text/,
  ],
  [{ ...base, messages: [{ ...hello, extra: 1 }] }, 'messages[0].extra', 'unknown_parameter', /Unknown parameter/],
  [{ ...base, messages: [{ role: 'assistant' }] }, 'messages[0].content', 'invalid_type', /got null/],
  [{ ...base, extra: 1 }, null, null, /Unrecognized request argument supplied: extra/],
  [{ ...base, stream: 'yes' }, 'stream', 'invalid_type', /expected a boolean/],
  [{ ...base, temperature: 2.1 }, 'temperature', 'decimal_above_max_value', /<= 2, but got 2.1/],
  [{ ...base, temperature: '1' }, 'temperature', 'invalid_type', /expected a decimal/],
  [{ ...base, top_p: -1 }, 'top_p', 'decimal_below_min_value', />= 0, but got -1/],
  [{ ...base, n: 0 }, 'n', 'integer_below_min_value', />= 1, but got 0/],
  [{ ...base, n: 17 }, 'n', 'integer_above_max_value', /<= 16/],
  [{ ...base, max_tokens: 1.5 }, 'max_tokens', 'invalid_type', /expected an integer, but got a decimal/],
  [{ ...base, max_tokens: 0 }, 'max_tokens', 'integer_below_min_value', />= 1/],
  [{ ...base, max_tokens: 1, max_completion_tokens: 1 }, 'max_tokens', 'invalid_parameter_combination', /same time/],
  [{ ...base, stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop', 'array_above_max_length', /maximum length 4/],
  [{ ...base, stop: 5 }, 'stop', 'invalid_type', /a string or an array/],
  [{ ...base, stream_options: { include_usage: true } }, 'stream_options', null, /only allowed when 'stream'/],
  [{ ...base, logprobs: true }, 'logprobs', 'unsupported_parameter', /not supported/],
  [{ ...base, functions: [] }, 'functions', 'unsupported_parameter', /not supported/],
  [{ ...base, tools: [] }, 'tools', 'empty_array', /empty array/],
  [
    { ...base, tools: [{ type: 'function', function: { name: 'a b' } }] },
    'tools[0].function.name',
    'invalid_value',
    /pattern/,
  ],
  [
    { ...base, tools: [{ type: 'function', function: { name: 'x'.repeat(65) } }] },
    'tools[0].function.name',
    'string_above_max_length',
    /maximum length 64/,
  ],
  [{ ...base, tool_choice: 'auto' }, 'tool_choice', null, /only allowed when 'tools'/],
  [
    { ...base, tools: [tool], tool_choice: 'sometimes' },
    'tool_choice',
    'invalid_value',
    /'none', 'auto' and 'required'/,
  ],
  [
    { ...base, tools: [tool], tool_choice: { type: 'function', function: { name: 'g' } } },
    'tool_choice',
    null,
    /Tool choice 'g' not found/,
  ],
  [{ ...base, parallel_tool_calls: true }, 'parallel_tool_calls', null, /only allowed when 'tools'/],
  [{ ...base, response_format: { type: 'xml' } }, 'response_format.type', 'invalid_value', /'xml'/],
  [{ ...base, response_format: { type: 'json_object' } }, 'messages', null, /must contain the word 'json'/],
  [
    { ...base, response_format: { type: 'json_schema' } },
    'response_format.json_schema',
    'missing_required_parameter',
    /json_schema/,
  ],
  [
    { ...base, messages: [hello, { role: 'tool', tool_call_id: 'call_1', content: 'x' }] },
    'messages[1].role',
    null,
    /must be a response to a preceding message with 'tool_calls'/,
  ],
  [{ ...base, messages: [hello, called] }, 'messages[1].role', null, /did not have response messages: call_1/],
  [{ ...base, messages: [hello, called, hello] }, 'messages[1].role', null, /did not have response messages: call_1/],
  [
    { ...base, messages: [hello, called, { role: 'tool', tool_call_id: 'call_2', content: 'x' }] },
    'messages[2].tool_call_id',
    null,
    /'call_2' not found/,
  ],
]
for (const [body, param, code, message] of REFUSED) {
  test(`refuses ${JSON.stringify(body).slice(0, 110)}`, async () => {
    const { status, text } = await exchange(new DemoUpstream(), chatRequest(body))
    const { error } = JSON.parse(text) as { error: Record<string, unknown> }
    assert.equal(status, 400)
    assert.equal(error['type'], 'invalid_request_error')
    assert.equal(error['param'], param)
    assert.equal(error['code'], code)
    assert.match(String(error['message']), message)
  })
}

test('a model that does not exist is 404', async () => {
  const { status, text } = await exchange(new DemoUpstream(), chatRequest({ ...base, model: 'gone' }))
  assert.equal(status, 404)
  assert.equal((JSON.parse(text) as { error: { code: string } }).error.code, 'model_not_found')
})

test('takes every optional parameter as null', () => {
  const optional = ['temperature', 'top_p', 'n', 'stop', 'stream', 'stream_options', 'tools', 'tool_choice', 'user']
  const body = { ...base, ...Object.fromEntries(optional.map((name) => [name, null])) }
  assert.equal(readRequest(Buffer.from(JSON.stringify(body))).ok, true)
})

test('takes every role and part that the API has', () => {
  const body = {
    ...base,
    messages: [
      { role: 'system', content: 'a' },
      { role: 'developer', content: [{ type: 'text', text: 'b' }] },
      {
        role: 'user',
        name: 'n',
        content: [
          { type: 'image_url', image_url: { url: 'data:' } },
          { type: 'text', text: 'c' },
        ],
      },
      called,
      { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'd' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'e' }], refusal: null },
    ],
  }
  assert.deepEqual(readRequest(Buffer.from(JSON.stringify(body))), readRequest(Buffer.from(JSON.stringify(body))))
  assert.equal(readRequest(Buffer.from(JSON.stringify(body))).ok, true)
})

test('never throws, whatever it is sent', () => {
  const names = [
    'model',
    'messages',
    'tools',
    'stop',
    'n',
    'response_format',
    'tool_choice',
    '__proto__',
    'constructor',
  ]
  const value = fc.jsonValue({ maxDepth: 4 })
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value), (body) => {
      const result = readRequest(Buffer.from(JSON.stringify({ ...base, ...body })))
      if (!result.ok) assert.ok(result.error.status >= 400 && result.error.message.length < 1_000)
    }),
    { numRuns: 500 },
  )
})
