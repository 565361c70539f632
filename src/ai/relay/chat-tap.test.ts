import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatScene } from '../../../test/request-path/chat.ts'
import { type AnswerHeaders, GatewayError } from '../../core/index.ts'
import { ChatTap } from './chat-tap.ts'

const JSON_HEADERS = { 'content-type': 'application/json' }
const ANSWER = { id: 'c-1', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' } }] }
const USAGE = { prompt_tokens: 7, completion_tokens: 3 }

function tapOf(fields = {}) {
  const { x, state, target } = chatScene(fields)
  return { tap: new ChatTap(x, target, state), state, x }
}

/** A whole answer, as an attempt gives it to the tap. */
function answered(body: string, headers: AnswerHeaders = JSON_HEADERS, status = 200) {
  const { tap, state } = tapOf()
  const plan = tap.start(status, headers)
  const result = plan === 'buffer' ? tap.complete(Buffer.from(body)) : plan
  return { plan, result, state }
}

function refusalOf(result: unknown): GatewayError {
  assert.ok(result instanceof GatewayError, String(result))
  return result
}

test('relays a whole answer byte for byte and reads its usage', () => {
  const body = ` ${JSON.stringify({ ...ANSWER, usage: USAGE, extra: 1.5e300 })}\n`
  const { result, state } = answered(body, { 'content-type': 'Application/JSON; charset=utf-8' })
  assert.equal(String(result), body)
  assert.deepEqual([state.usage?.inputTokens, state.usage?.outputTokens, state.answered], [7, 3, true])
})

test('refuses a stream of events that nobody asked for: the client would not know what to do with it', () => {
  const events = { 'content-type': 'text/event-stream' }
  const asked = tapOf({ stream: true })
  assert.equal(asked.tap.start(200, events), 'stream')
  const { tap, state } = tapOf()
  const refusal = refusalOf(tap.start(200, events))
  assert.equal(refusal.code, 'upstream_invalid_response')
  assert.match(refusal.message, /though none was asked for/)
  assert.equal(state.answered, false)
})

test('takes an answer without usage, or with one that cannot be believed, and estimates what came', () => {
  for (const usage of [undefined, null, { prompt_tokens: -1, completion_tokens: 1 }, 'x', []]) {
    const { result, state } = answered(JSON.stringify({ ...ANSWER, usage }))
    assert.ok(Buffer.isBuffer(result))
    assert.equal(state.usage, null)
    assert.ok(state.deliveredTokens > 0)
  }
})

test('refuses what is no answer to a chat request', () => {
  const rows: readonly (readonly [what: string, body: string, headers: AnswerHeaders, status: number])[] = [
    ['an empty body', '', JSON_HEADERS, 200],
    ['a cut body', '{"id":"c-1","choices":[', JSON_HEADERS, 200],
    ['a list', '[]', JSON_HEADERS, 200],
    ['a text', '"hello"', JSON_HEADERS, 200],
    ['two objects', '{}{}', JSON_HEADERS, 200],
    ['HTML', '<html>', { 'content-type': 'text/html' }, 200],
    ['no content type', '{}', {}, 200],
    ['a compressed body', '{}', { ...JSON_HEADERS, 'content-encoding': 'gzip' }, 200],
    ['a compressed stream', '', { 'content-type': 'text/event-stream', 'content-encoding': 'br' }, 200],
    ['no content', '', {}, 204],
    ['another success', '{}', JSON_HEADERS, 201],
    ['a redirect', '', { location: 'http://elsewhere' }, 302],
    ['not modified', '', {}, 304],
  ]
  for (const [what, body, headers, status] of rows) {
    const { result, state } = answered(body, headers, status)
    const error = refusalOf(result)
    assert.deepEqual([error.code, error.status], ['upstream_invalid_response', 502], what)
    assert.ok(!error.message.includes('elsewhere'), what)
    assert.equal(state.usage, null, what)
  }
})

test('takes other types of JSON, and identity as an encoding', () => {
  for (const headers of [
    { 'content-type': 'application/vnd.far+json' },
    { ...JSON_HEADERS, 'content-encoding': 'identity' },
  ]) {
    assert.ok(Buffer.isBuffer(answered(JSON.stringify(ANSWER), headers).result))
  }
})

test('an error that is dressed as a success is an error', () => {
  const { result, state } = answered('{"error":{"message":"too busy"}}')
  const error = refusalOf(result)
  assert.deepEqual([error.status, error.code, state.answered], [502, 'upstream_error', false])
  assert.match(error.message, /too busy/)
  assert.doesNotMatch(error.message, /answered 502/, 'the upstream did not answer so')
})

test('an error answer is read whole and becomes an error', () => {
  const { plan, result, state } = answered('{"error":{"message":"no such thing"}}', JSON_HEADERS, 404)
  assert.equal(plan, 'buffer')
  assert.deepEqual([refusalOf(result).status, state.answered], [404, false])
  const html = answered('<html>', { 'content-type': 'text/html' }, 503)
  assert.equal(refusalOf(html.result).code, 'upstream_overloaded')
})

test('an error answer that never ends is given up', () => {
  const { tap } = tapOf()
  assert.equal(tap.start(500, JSON_HEADERS), 'buffer')
  assert.equal(refusalOf(tap.push(Buffer.alloc(300_000))).code, 'upstream_error')
})

test('a long answer passes as it comes, and its usage is found at its end', () => {
  const body = Buffer.from(JSON.stringify({ ...ANSWER, filler: 'ü'.repeat(300_000), usage: USAGE }))
  for (const piece of [1_000, 65_536, body.length]) {
    const { tap, state } = tapOf()
    assert.equal(tap.start(200, JSON_HEADERS), 'buffer')
    const out: Buffer[] = []
    for (let at = 0; at < body.length; at += piece) out.push(tap.push(body.subarray(at, at + piece)) as Buffer)
    assert.equal(tap.end(), null)
    assert.ok(Buffer.concat(out).equals(body))
    assert.equal(state.usage?.inputTokens, 7)
    assert.ok(state.deliveredTokens > 100_000)
  }
})

test('a stream is relayed as a stream', () => {
  const { tap, state } = tapOf({ stream: true })
  assert.equal(tap.start(200, { 'content-type': 'text/event-stream; charset=utf-8' }), 'stream')
  assert.equal(state.answered, true)
  const event = 'data: {"choices":[]}\n\n'
  assert.equal(String(tap.push(Buffer.from(event))), event)
  assert.equal(String(tap.push(Buffer.from('data: [DONE]\n\n'))), 'data: [DONE]\n\n')
  assert.equal(tap.end(), null)
  const headers = tap.headers({ 'content-type': 'text/event-stream' }, null)
  assert.equal(headers[headers.indexOf('x-accel-buffering') + 1], 'no')
})

test('hands on the headers of the answer, less those of the connection and of the account', () => {
  const { tap, x } = tapOf()
  tap.start(200, JSON_HEADERS)
  const flat = tap.headers(
    {
      ...JSON_HEADERS,
      'content-length': '999',
      'transfer-encoding': 'chunked',
      connection: 'keep-alive, X-Hop',
      'x-hop': 'hop',
      'keep-alive': 'timeout=5',
      'set-cookie': ['a=b', 'c=d'],
      'openai-organization': 'org-1',
      'strict-transport-security': 'max-age=1',
      'alt-svc': 'h3',
      'x-request-id': 'far-1',
      'x-ferro-model': 'forged',
      'x-ratelimit-remaining-requests': '5',
      'anthropic-organization-id': 'org-2',
      'x-ms-region': 'East US',
      'anthropic-ratelimit-tokens-remaining': ['1', '2'],
      'x-none': undefined,
    },
    Buffer.from('12345'),
  )
  const pairs = Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2], flat[at * 2 + 1]])
  assert.deepEqual(pairs, [
    ['content-type', 'application/json'],
    ['x-ratelimit-remaining-requests', '5'],
    ['anthropic-ratelimit-tokens-remaining', '1'],
    ['anthropic-ratelimit-tokens-remaining', '2'],
    ['x-upstream-request-id', 'far-1'],
    ['content-length', '5'],
    ['x-request-id', x.id],
    ['x-ferro-request-id', x.id],
    ['x-ferro-model', 'far/small'],
    ['x-ferro-translation', 'exact'],
  ])
})
