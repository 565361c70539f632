import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CHAT, chatBody, chatRequestOf, chatScene, SECRET, targetOf } from '../../../test/request-path/chat.ts'
import { GatewayError, type UpstreamRequest } from '../../core/index.ts'
import { ConversationState } from '../conversation/conversation-state.ts'
import { loadDialects } from '../dialects/tables.ts'
import type { ModelTarget } from './target.ts'

/** The body that is sent for a client's. */
function sentFor(body: Buffer, target: ModelTarget = targetOf()): Buffer {
  const { x } = chatScene()
  const request = chatRequestOf(body)
  const prepared = target.prepare(x, new ConversationState(CHAT, request), body, request)
  assert.ok(!(prepared instanceof GatewayError))
  return prepared.body
}

const prepare = (body: Buffer, target?: ModelTarget) => sentFor(body, target).toString()

test('a request that needs no change is the very same bytes', () => {
  for (const fields of [
    {},
    { stream: false, stream_options: { include_usage: false } },
    { stream: true, stream_options: { include_usage: true } },
  ]) {
    const body = chatBody(fields)
    assert.equal(sentFor(body), body)
  }
})

test('changes the model and nothing else', () => {
  const rows = [
    ['{"model":"fast","messages":[]}', '{"model":"small","messages":[]}'],
    [' { "messages" : [ ] ,\n"model" : "fa\\u0073t" } ', ' { "messages" : [ ] ,\n"model" : "small" } '],
    [
      '{"x":{"model":"fast"},"messages":[],"m\\u006fdel":"fast","n":1.0}',
      '{"x":{"model":"fast"},"messages":[],"m\\u006fdel":"small","n":1.0}',
    ],
    [
      '{"model":"fast","messages":["ü\\u0000","model"],"seed":12345678901234567890}',
      '{"model":"small","messages":["ü\\u0000","model"],"seed":12345678901234567890}',
    ],
  ] as const
  for (const [body, expected] of rows) assert.equal(prepare(Buffer.from(body)), expected)
})

test('writes names of models as JSON', () => {
  const name = 'a"b\\c\n'
  const body = JSON.parse(prepare(chatBody(), targetOf({ model: name }))) as { model: string }
  assert.equal(body.model, name)
})

test('asks for the usage of a stream, beside what the client asked', () => {
  const rows = [
    [{ stream: true }, { include_usage: true }],
    [{ stream: true, stream_options: null }, { include_usage: true }],
    [{ stream: true, stream_options: {} }, { include_usage: true }],
    [{ stream: true, stream_options: { include_usage: false } }, { include_usage: true }],
    [
      { stream: true, stream_options: { include_usage: null, other: [1] } },
      { include_usage: true, other: [1] },
    ],
    [
      { stream: true, stream_options: { include_usage: true, other: 1 } },
      { include_usage: true, other: 1 },
    ],
    [{ stream: false }, undefined],
    [{}, undefined],
  ] as const
  for (const [fields, options] of rows) {
    const sent = JSON.parse(prepare(chatBody(fields))) as Record<string, unknown>
    assert.deepEqual(sent['stream_options'], options, JSON.stringify(fields))
  }
})

test('of the stream options only the one member changes, every other byte stays', () => {
  const rows = [
    ['{"max":12345678901234567890}', '{"include_usage":true,"max":12345678901234567890}'],
    [
      '{ "a" : 1.0e2 , "include_usage" :false, "b":"ü\\u0000" }',
      '{ "a" : 1.0e2 , "include_usage" :true, "b":"ü\\u0000" }',
    ],
    ['{"x":1,"x":2,"include\\u005fusage":null}', '{"x":1,"x":2,"include\\u005fusage":true}'],
    [' { } ', ' {"include_usage":true } '],
  ] as const
  for (const [options, expected] of rows) {
    const text = (of: string) => `{"model":"small","messages":[],"stream":true,"stream_options":${of}}`
    assert.equal(prepare(Buffer.from(text(options))), text(expected))
  }
})

test('a long text that looks like a picture is reserved for as text', () => {
  const long = 'A'.repeat(1_000_000)
  const estimate = (content: unknown) =>
    targetOf().estimate(
      new ConversationState(CHAT, chatRequestOf(chatBody({ messages: [{ role: 'user', content }], max_tokens: 1 }))),
    )
  assert.ok(estimate(`;base64,${long}`).tokens > 1_000_000)
  assert.ok(estimate([{ type: 'text', text: `data:image/png;base64,${long}` }]).tokens > 1_000_000)
  const url = `data:image/png;base64,${long}`
  assert.ok(estimate([{ type: 'image_url', image_url: { url } }]).tokens < 3_000)
})

test('for any request only the model and stream_options differ', () => {
  const extra = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { maxKeys: 6 })
  const governed = new Set([
    'model',
    'messages',
    'stream',
    'stream_options',
    'max_tokens',
    'max_completion_tokens',
    'n',
  ])
  fc.assert(
    fc.property(
      extra,
      fc.boolean(),
      fc.constantFrom('small', 'fast'),
      fc.integer({ min: 0, max: 3 }),
      (fields, stream, model, space) => {
        const others = Object.fromEntries(Object.entries(fields).filter(([name]) => !governed.has(name)))
        const value = { ...others, messages: ['m'], stream, model }
        const body = Buffer.from(JSON.stringify(value, null, space))
        const sent = JSON.parse(prepare(body)) as Record<string, unknown>
        const expected = { ...value, model: 'small', ...(stream ? { stream_options: { include_usage: true } } : {}) }
        assert.deepEqual(sent, JSON.parse(JSON.stringify(expected)))
      },
    ),
  )
})

/** The header lines that an upstream would get, names in lower case. */
function linesOf(request: UpstreamRequest): [string, string][] {
  const fixed = (request.fixed ?? '').split('\r\n').filter((line) => line !== '')
  const lines = fixed.map((line): [string, string] => [
    line.slice(0, line.indexOf(':')),
    line.slice(line.indexOf(':') + 2),
  ])
  for (let at = 0; at < request.headers.length; at += 2)
    lines.push([request.headers[at] ?? '', request.headers[at + 1] ?? ''])
  return lines.map(([name, value]) => [name.toLowerCase(), value])
}

test('sends the credential of the provider and none of the client, and only headers that are meant for it', () => {
  const headers = [
    ['Authorization', 'Bearer client-secret'],
    ['X-Api-Key', 'client-secret'],
    ['Cookie', 'a=client-secret'],
    ['X-Forwarded-For', '10.0.0.1'],
    ['X-Anything', 'x'],
    ['User-Agent', 'client/1'],
    ['user-agent', 'client/2'],
    ['OpenAI-Beta', 'x=1'],
    ['Idempotency-Key', 'k-1'],
    ['Traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
    ['Tracestate', 'a=b'],
    ['Content-Type', 'application/json'],
    ['Content-Length', '9'],
  ].flat()
  const { x, target } = chatScene({}, targetOf(), { headers })
  const request = target.encode(x)
  const lines = linesOf(request)
  assert.ok(!JSON.stringify(lines).includes('client-secret'))
  const trace = lines.find(([name]) => name === 'traceparent')?.[1] ?? ''
  assert.match(trace, /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
  assert.ok(!trace.includes('00f067aa0ba902b7'), 'the span is our own')
  assert.deepEqual(Object.fromEntries(lines.filter(([name]) => name !== 'traceparent')), {
    'content-type': 'application/json',
    authorization: `Bearer ${SECRET}`,
    'user-agent': 'client/1',
    'openai-beta': 'x=1',
    'idempotency-key': 'k-1',
    tracestate: 'a=b',
  })
  assert.equal(new Set(lines.map(([name]) => name)).size, lines.length, 'each header once')
  assert.deepEqual([request.method, request.path], ['POST', '/v1/chat/completions'])
})

test('the state of a trace goes with a valid parent only, all of it as one list', () => {
  const parent = ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01']
  const states = ['tracestate', 'a=b', 'tracestate', 'c=d']
  const sent = (headers: string[]) => {
    const { x, target } = chatScene({}, targetOf(), { headers })
    return linesOf(target.encode(x)).filter(([name]) => name === 'tracestate')
  }
  assert.deepEqual(sent([...parent, ...states]), [['tracestate', 'a=b,c=d']])
  assert.deepEqual(sent(states), [])
  assert.deepEqual(sent(['traceparent', '00-0-0-01', ...states]), [])
})

test('no trace is begun for a client that has none: the provider decides itself what it samples', () => {
  const sent = (headers: string[]) => {
    const { x, target } = chatScene({}, targetOf(), { headers })
    return linesOf(target.encode(x)).filter(([name]) => name === 'traceparent')
  }
  assert.deepEqual(sent([]), [])
  assert.deepEqual(sent(['traceparent', '00-0-0-01']), [])
  const [line] = sent(['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'])
  assert.match(String(line), /-00$/)
})

test('a header that the provider is configured with stands alone, whatever the client sends', () => {
  const own = targetOf({ headers: ['content-type', 'application/json', 'User-Agent', 'house/1'] })
  const { x, target } = chatScene({}, own, { headers: ['User-Agent', 'client/1', 'Accept', '*/*'] })
  const lines = linesOf(target.encode(x)).filter(([name]) => name !== 'traceparent')
  assert.deepEqual(lines, [
    ['content-type', 'application/json'],
    ['user-agent', 'house/1'],
    ['accept', '*/*'],
  ])
})

test('prepares the body anew for a further attempt', async () => {
  await loadDialects(['openai-chat'])
  const { x, state, target, body } = chatScene({ model: 'fast' })
  const prepared = target.prepare(x, state, body, chatRequestOf(body))
  assert.ok(!(prepared instanceof GatewayError))
  state.prepared = prepared
  const first = target.encode(x).body
  target.open(x)
  assert.equal(state.prepared, null)
  assert.deepEqual(target.encode(x).body, first)
  const other = targetOf({ model: 'other' })
  assert.match(other.encode(x).body?.toString() ?? '', /"model":"other"/)
})

const estimateOf = (fields: object, differences = {}) =>
  targetOf({ reservation: { bytesPerToken: 2, outputTokens: 100, webSearches: 5 }, ...differences }).estimate(
    new ConversationState(CHAT, chatRequestOf(chatBody({ ...fields }))),
  )

test('estimates the most that a request may use', () => {
  const bytes = (fields: object) => Math.ceil(chatBody({ ...fields }).length / 2)
  const rows = [
    [{}, {}, 100],
    [{}, { maxOutputTokens: 30 }, 30],
    [{}, { maxOutputTokens: 500 }, 100],
    [{ max_tokens: 7 }, { maxOutputTokens: 3 }, 7],
    [{ max_tokens: 7, max_completion_tokens: 9 }, {}, 9],
    [{ max_tokens: 7, n: 3 }, {}, 21],
    [{ n: 2 }, {}, 200],
  ] as const
  for (const [fields, differences, output] of rows) {
    assert.equal(estimateOf(fields, differences).tokens, bytes(fields) + output, JSON.stringify(fields))
  }
})

test('an estimate counts exactly, whatever the client asks for', () => {
  const prices = { rule: 'test', input: 1e12, output: 1e12, cacheRead: 1e12, cacheWrite: 1e12, request: 1e12 }
  const { tokens, nanos } = estimateOf({ max_tokens: 1e9, n: 1e9 }, { prices })
  assert.equal(tokens, Number.MAX_SAFE_INTEGER)
  assert.equal(nanos, Number.MAX_SAFE_INTEGER)
})

test('without prices an estimate has no cost', () => {
  assert.equal(estimateOf({}).nanos, null)
})

test('an estimate has the searches that a vendor may make, at their price', () => {
  const rates = { rule: 'test', input: 0, output: 0, cacheRead: 0, cacheWrite: 0, request: 0 }
  const nanosOf = (fields: object, prices: object) => {
    const body = chatBody({ ...fields })
    const state = new ConversationState(CHAT, chatRequestOf(body))
    const reservation = { bytesPerToken: 1, outputTokens: 100, webSearches: 5 }
    return targetOf({ reservation, prices: { ...rates, ...prices } }).estimate(state, body).nanos
  }
  const each = { webSearch: 10_000_000_000_000 }
  assert.equal(nanosOf({}, each), 0)
  assert.equal(nanosOf({ tools: [{ type: 'web_search', max_uses: 3 }], n: 2 }, each), 60_000_000)
  assert.equal(nanosOf({ web_search_options: {} }, each), 50_000_000)
  assert.equal(nanosOf({ web_search_options: {}, n: 2 }, { searchedAnswer: 35_000_000_000_000 }), 70_000_000)
  assert.equal(nanosOf({ web_search_options: {} }, {}), 0)
})
