import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answers, failingStream, sseText } from '../../../test/mocks/anthropic-messages/answers.ts'
import { SECRET, targetOf } from '../../../test/request-path/chat.ts'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { GatewayError } from '../../core/index.ts'
import { ConversationState } from '../conversation/conversation-state.ts'
import { READERS } from '../conversation/readers.ts'
import { messagesClient } from '../dialects/anthropic-messages/index.ts'
import { messagesMeter } from '../dialects/anthropic-messages/meter.ts'
import { MeteredTap } from './metered-tap.ts'

const SURFACE = {
  name: 'messages',
  dialect: 'anthropic-messages',
  client: messagesClient,
  reader: READERS['anthropic-messages'],
} as const
const EVENTS = { 'content-type': 'text/event-stream' }

function tapOf(stream = true) {
  const body = Buffer.from(JSON.stringify({ model: 'small', max_tokens: 9, stream, messages: [] }))
  const request = SURFACE.reader.read(body)
  assert.ok(!(request instanceof GatewayError))
  const state = new ConversationState(SURFACE, request)
  const x = offlineExchange({ path: '/v1/messages' })
  x.wantsStream = stream
  return { tap: new MeteredTap(x, targetOf(), state, messagesMeter), state }
}

/** Everything that a client gets of a stream that is cut at these places. */
function relayed(text: string, cuts: readonly number[]) {
  const { tap, state } = tapOf()
  assert.equal(tap.start(200, EVENTS), 'stream')
  const bytes = Buffer.from(text)
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  const out: Buffer[] = []
  let from = 0
  for (const at of [...places, bytes.length]) {
    const sent = tap.push(Buffer.from(bytes.subarray(from, at)))
    from = at
    if (sent instanceof GatewayError) return { out: Buffer.concat(out).toString(), error: sent, state }
    if (sent !== null) out.push(sent)
  }
  const last = tap.end()
  if (last instanceof GatewayError) return { out: Buffer.concat(out).toString(), error: last, state }
  if (last !== null) out.push(last)
  return { out: Buffer.concat(out).toString(), error: null, state }
}

test('a stream is relayed byte for byte and its usage is read, wherever it is cut', () => {
  const cached = answers['cachedAnswer']
  assert.ok(cached)
  const text = sseText(cached.events)
  const whole = relayed(text, []).state.usage
  assert.ok(whole !== null && whole.cacheReadTokens > 0 && whole.outputTokens > 0)
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 30 }), (cuts) => {
      const { out, error, state } = relayed(text, cuts)
      assert.deepEqual([out, error, state.usage], [text, null, whole])
    }),
    { numRuns: 60 },
  )
})

test('a stream and a whole answer tell the same usage', () => {
  for (const [name, { body, events }] of Object.entries(answers)) {
    const { tap, state } = tapOf(false)
    assert.equal(tap.start(200, { 'content-type': 'application/json' }), 'buffer')
    const text = Buffer.from(JSON.stringify(body))
    assert.equal(tap.complete(text), text)
    assert.deepEqual(relayed(sseText(events), []).state.usage, state.usage, name)
  }
})

test('a stream that is cut is told as such, whatever came of it', () => {
  const text = answers['textAnswer']
  assert.ok(text)
  for (let events = 0; events < text.events.length; events++) {
    const { error } = relayed(sseText(text.events.slice(0, events)), [])
    assert.equal(error?.code, 'upstream_truncated', `after ${events} events`)
  }
})

test('what came before an error of the upstream goes on, and the error is told in our words', () => {
  const { out, error } = relayed(sseText(failingStream), [])
  assert.ok(error !== null && error.source === 'upstream')
  assert.match(out, /message_start/)
  assert.doesNotMatch(out, /"type":"error"/)
})

test('a secret in an error event is not repeated', () => {
  const event = { type: 'error', error: { type: 'api_error', message: `key ${SECRET} is bad` } }
  const { error } = relayed(sseText([event]), [])
  assert.doesNotMatch(error?.message ?? '', new RegExp(SECRET))
})

test('what is no answer to the request is refused: a stream that nobody asked for, a page, another status', () => {
  const rows = [
    [false, 200, EVENTS],
    [true, 200, { 'content-type': 'text/html' }],
    [true, 204, {}],
    [true, 200, { ...EVENTS, 'content-encoding': 'gzip' }],
  ] as const
  for (const [stream, status, headers] of rows) {
    const { tap, state } = tapOf(stream)
    const plan = tap.start(status, headers)
    assert.ok(plan instanceof GatewayError && plan.code === 'upstream_invalid_response')
    assert.equal(state.answered, false)
  }
})

test('an event that is no JSON is an error as in a translation, and what stood before it goes on', () => {
  const whole = answers['cachedAnswer']
  assert.ok(whole)
  const text = sseText(whole.events)
  const [first = '', ...rest] = text.split(/(?<=\n\n)/)
  for (const garbage of ['{"type":"content_block_delta","index":1,"del', '<html>', '{"type":"ping"}}', '[]']) {
    const event = `event: content_block_delta\ndata: ${garbage}\n\n`
    const { out, error } = relayed(first + event + rest.join(''), [])
    assert.deepEqual([out, error?.code], [first, 'upstream_invalid_response'], garbage)
  }
  assert.equal(relayed(`${first}: a comment\n\n${rest.join('')}`, []).error, null)
})
