import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chatBody, chatRequestOf } from '../../../test/request-path/chat.ts'
import { GatewayError } from '../../core/index.ts'
import { READERS } from './readers.ts'

const MESSAGES = '"messages":[]'

function refusal(text: string | Buffer): GatewayError {
  const request = READERS['openai-chat'].read(Buffer.from(text as string))
  assert.ok(request instanceof GatewayError, String(text))
  return request
}

test('reads what it needs, whatever else is there and however it is written', () => {
  const request = chatRequestOf(
    Buffer.from(
      ' {"x":{"model":"no"}, "\\u006dodel" : "sm\\u0061ll" ,"messages":\n[{"role":"user"}],"stream":true,' +
        '"stream_options":{"include_usage":true,"other":1},"max_tokens":7,"max_completion_tokens":5,"n":2}\n',
    ),
  )
  assert.equal(request.model, 'small')
  assert.equal(request.stream, true)
  assert.equal(request.asksUsage, true)
  assert.equal(request.usageOptions, '{"include_usage":true,"other":1}')
  assert.equal(request.maxOutputTokens, 7)
  assert.equal(request.choices, 2)
  assert.equal(request.contentBytes, '[{"role":"user"}]'.length)
})

test('of two maxima the larger one counts: which of them a provider follows is not known', () => {
  const maximumOf = (fields: object) => chatRequestOf(chatBody({ ...fields })).maxOutputTokens
  assert.equal(maximumOf({ max_tokens: 9_000, max_completion_tokens: 1 }), 9_000)
  assert.equal(maximumOf({ max_tokens: 1, max_completion_tokens: 9_000 }), 9_000)
  assert.equal(maximumOf({ max_tokens: 3, max_completion_tokens: null }), 3)
  assert.equal(maximumOf({ max_tokens: null, max_completion_tokens: 4 }), 4)
})

test('each prompt of a text completion has answers of its own, and those that are made to choose from are made as well', () => {
  const choicesOf = (fields: object) => {
    const request = READERS['openai-completions'].read(Buffer.from(JSON.stringify({ model: 'm', ...fields })))
    return request instanceof GatewayError ? request.param : request.choices
  }
  const rows: readonly (readonly [fields: object, choices: number | string])[] = [
    [{ prompt: 'one' }, 1],
    [{ prompt: [] }, 1],
    [{ prompt: ['one'] }, 1],
    [{ prompt: [1, 2, 3] }, 1],
    [{ prompt: ['one', 'two', 'three'] }, 3],
    [{ prompt: [[1, 2], [3]], n: 2 }, 4],
    [{ prompt: 'one', n: 2, best_of: 5 }, 5],
    [{ prompt: 'one', n: 2, best_of: null }, 2],
    [{ prompt: ['one', 'two'], best_of: 20 }, 40],
    [{ prompt: 'one', best_of: '20' }, 'best_of'],
  ]
  for (const [fields, choices] of rows) assert.equal(choicesOf(fields), choices, JSON.stringify(fields))
  assert.equal(chatRequestOf(chatBody({ best_of: 20 })).choices, 1, 'other dialects have no such member')
})

test('takes null for absent where the dialect does', () => {
  const nothing = { stream: null, stream_options: null, max_tokens: null, max_completion_tokens: null, n: null }
  for (const fields of [{}, nothing]) {
    const request = chatRequestOf(chatBody(fields))
    assert.deepEqual(
      [request.stream, request.asksUsage, request.usageOptions, request.maxOutputTokens, request.choices],
      [false, false, '{"include_usage":true}', null, 1],
    )
  }
})

test('refuses every wrong type with 400 and the name of the field', () => {
  const rows: readonly (readonly [param: string, values: readonly string[]])[] = [
    ['model', ['""', 'null', '1', 'true', '["a"]', '{}', `"${'m'.repeat(257)}"`]],
    ['messages', ['null', '"text"', '{}', '1', 'true']],
    ['stream', ['"true"', '1', '0', '[]', '{}']],
    ['stream_options', ['true', '1', '"x"', '[]', '[1]']],
    ['max_tokens', ['0', '-1', '1.5', '"5"', '[]', '{}', 'true', '1e10', '9007199254740993', '1e400', '-0', '0.1']],
    ['max_completion_tokens', ['0', '-1', '1.5', '"5"', 'false', '1000000001']],
    ['n', ['0', '-1', '1.5', '"1"', 'false', '1e10']],
  ]
  for (const [param, values] of rows) {
    for (const value of values) {
      const others = param === 'model' ? MESSAGES : param === 'messages' ? '"model":"m"' : `"model":"m",${MESSAGES}`
      const error = refusal(`{${others},"${param}":${value}}`)
      assert.deepEqual([error.status, error.code, error.param], [400, 'invalid_request', param], `${param}: ${value}`)
      assert.ok(error.message.includes(`"${param}"`))
    }
  }
  assert.equal(refusal(`{${MESSAGES}}`).param, 'model')
  assert.equal(refusal('{"model":"m"}').param, 'messages')
  const asked = refusal(`{"model":"m",${MESSAGES},"stream_options":{"include_usage":1}}`)
  assert.equal(asked.param, 'stream_options.include_usage')
})

test('refuses usage that is asked for twice: which of the two an upstream follows is not known', () => {
  for (const other of ['include_usage', 'include\\u005fusage']) {
    const error = refusal(`{"model":"m",${MESSAGES},"stream_options":{"include_usage":true,"${other}":false}}`)
    assert.deepEqual([error.code, error.param], ['invalid_request', 'stream_options'], other)
  }
})

test('takes whole numbers in any spelling of JSON', () => {
  for (const [text, value] of [
    ['1', 1],
    ['7', 7],
    ['999999999', 999_999_999],
    ['1000000000', 1_000_000_000],
    ['1e3', 1_000],
    ['1E+3', 1_000],
    ['5.0', 5],
    ['50e-1', 5],
  ] as const) {
    assert.equal(
      chatRequestOf(Buffer.from(`{"model":"m",${MESSAGES},"max_tokens":${text}}`)).maxOutputTokens,
      value,
      text,
    )
  }
})

test('refuses what is not one JSON object, and says at which byte', () => {
  const rows: readonly (readonly [text: string | Buffer, code: string, message: RegExp])[] = [
    ['', 'invalid_json', /no body/],
    ['{', 'invalid_json', /at byte 1/],
    ['{"model":"m",}', 'invalid_json', /at byte 13/],
    ["{'model':'m'}", 'invalid_json', /at byte 1/],
    ['{"model":"m"} x', 'invalid_json', /more follows/],
    ['{"model":"m"}{"model":"m"}', 'invalid_json', /more follows/],
    ['[]', 'invalid_request', /must be a JSON object/],
    ['"text"', 'invalid_request', /must be a JSON object/],
    ['null', 'invalid_request', /must be a JSON object/],
    ['\ufeff{}', 'invalid_json', /byte order mark/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'invalid_json', /not valid UTF-8 at byte 2/],
    [`{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'invalid_request', /too deeply/],
    ['{"model":"m\n"}', 'invalid_json', /at byte/],
    ['{"n":01}', 'invalid_json', /at byte/],
    ['{"n":NaN}', 'invalid_json', /at byte/],
  ]
  for (const [text, code, message] of rows) {
    const error = refusal(text)
    assert.deepEqual([error.code, error.status], [code, 400], String(text))
    assert.match(error.message, message)
  }
})

test('refuses a governed key given twice, however it is escaped; others may repeat', () => {
  const governed = ['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'n']
  const escaped = (key: string) => `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`
  for (const key of governed) {
    for (const other of [
      key,
      escaped(key),
      escaped(key).toUpperCase().replace('\\U', '\\u').slice(0, 6) + key.slice(1),
    ]) {
      const error = refusal(`{"${key}":null,"x":1,"${other}":null}`)
      assert.deepEqual([error.code, error.param], ['invalid_request', key], other)
    }
  }
  chatRequestOf(Buffer.from(`{"model":"m",${MESSAGES},"temperature":1,"temperature":2}`))
})

test('any JSON value in any governed field is either taken or refused with 400', () => {
  const key = fc.constantFrom(
    'model',
    'messages',
    'stream',
    'stream_options',
    'max_tokens',
    'max_completion_tokens',
    'n',
  )
  fc.assert(
    fc.property(key, fc.jsonValue(), (name, value) => {
      const request = READERS['openai-chat'].read(chatBody({ [name]: value }))
      if (request instanceof GatewayError) assert.deepEqual([request.status, request.param], [400, name])
    }),
    { numRuns: 1_000 },
  )
})

test('counts the bytes of pictures apart from those of text', () => {
  const data = 'A'.repeat(10_000)
  const picture = (url: string) => [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }]
  const small = chatRequestOf(chatBody({ messages: picture('data:image/png;base64,') }))
  const large = chatRequestOf(chatBody({ messages: picture(`data:image/png;base64,${data}`) }))
  assert.deepEqual([large.mediaItems, large.textBytes], [1, small.textBytes])
  assert.equal(large.contentBytes, small.contentBytes)
})

test('base64 that stands in no media part is text, wherever it is', () => {
  const url = `data:image/png;base64,${'A'.repeat(10_000)}`
  for (const fields of [
    { metadata: { logo: url } },
    { messages: [{ role: 'user', content: `${url}` }] },
    { messages: [{ role: 'user', content: [{ type: 'text', text: url }] }] },
    { tools: [{ type: 'function', function: { name: 'f', parameters: { image_url: { url } } } }] },
  ]) {
    const body = chatBody(fields)
    const request = chatRequestOf(body)
    assert.deepEqual([request.mediaItems, request.textBytes], [0, body.length], JSON.stringify(fields).slice(0, 60))
  }
})
