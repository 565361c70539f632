import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chatScene, targetOf } from '../../../test/request-path/chat.ts'
import { offlineExchange } from '../../../test/request-path/offline.ts'
import { ChatTap } from '../relay/chat-tap.ts'
import { EventStream } from '../relay/event-stream.ts'
import { conversationTraffic } from './conversation-traffic.ts'

const PRICES = {
  rule: 'test:small',
  input: 1_000_000,
  output: 2_000_000,
  cacheRead: 500_000,
  cacheWrite: 0,
  request: 100,
}
const priced = targetOf({ prices: PRICES })
const JSON_HEADERS = { 'content-type': 'application/json' }
const ANSWER = '{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":10,"completion_tokens":5}}'

interface Ending {
  readonly attempts?: number
  readonly sent?: boolean
  readonly answer?: string
  readonly status?: number
  readonly end?: 'success' | 'upstream_error' | 'timeout' | 'cancelled' | 'drained' | 'refused' | 'gateway_error'
  readonly cancelled?: boolean
}

/** The traffic of a request that ended so. */
function trafficOf(ending: Ending) {
  const { x, state } = chatScene({}, priced)
  x.attempts = ending.attempts ?? 1
  x.sent = ending.sent ?? x.attempts > 0
  x.end = ending.end ?? 'success'
  x.cancelled = ending.cancelled ?? false
  if (ending.answer !== undefined) {
    const tap = new ChatTap(x, priced, state)
    if (tap.start(ending.status ?? 200, JSON_HEADERS) === 'buffer') tap.complete(Buffer.from(ending.answer))
  }
  const traffic = conversationTraffic.traffic(x)
  assert.ok(traffic !== null)
  return traffic
}

test('charges what the upstream reported, an estimate where it may have worked, and nothing where it did not', () => {
  const rows: readonly (readonly [what: string, ending: Ending, source: string])[] = [
    ['a reported answer', { answer: ANSWER }, 'reported'],
    ['a reported answer whose client left', { answer: ANSWER, end: 'cancelled', cancelled: true }, 'reported'],
    ['an answer without usage', { answer: '{"choices":[]}' }, 'estimated'],
    ['never dispatched', { attempts: 0, end: 'refused' }, 'none'],
    ['left before the dispatch', { attempts: 0, end: 'cancelled', cancelled: true }, 'none'],
    ['left while it waited for a connection', { sent: false, end: 'cancelled', cancelled: true }, 'none'],
    ['timed out while it waited for a connection', { sent: false, end: 'timeout' }, 'none'],
    ['left while waiting', { end: 'cancelled', cancelled: true }, 'estimated'],
    ['timed out', { end: 'timeout' }, 'estimated'],
    ['drained', { end: 'drained' }, 'estimated'],
    ['refused by the upstream', { answer: '{"error":{"message":"x"}}', status: 400, end: 'upstream_error' }, 'none'],
    ['failed by the upstream', { answer: 'x', status: 500, end: 'upstream_error' }, 'none'],
    ['an error dressed as a success', { answer: '{"error":{"message":"x"}}', end: 'upstream_error' }, 'none'],
    ['never reached', { end: 'upstream_error' }, 'none'],
  ]
  for (const [what, ending, source] of rows) {
    const traffic = trafficOf(ending)
    assert.equal(traffic.usageSource, source, what)
    const { inputTokens, outputTokens, costNanos } = traffic
    if (source === 'reported') assert.deepEqual([inputTokens, outputTokens, costNanos], [10, 5, 10 + 10 + 100], what)
    if (source === 'none') assert.deepEqual([inputTokens, outputTokens, costNanos], [0, 0, 0], what)
    if (source === 'estimated') assert.ok(inputTokens > 0 && (costNanos ?? 0) > 100, what)
  }
})

test('estimates what an absurd report would cost, which must not use up a budget', () => {
  for (const tokens of ['1e308', '9007199254740993', '1000000000', '100000001']) {
    const traffic = trafficOf({
      answer: `{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":${tokens},"completion_tokens":5}}`,
    })
    assert.equal(traffic.usageSource, 'estimated', tokens)
    assert.ok((traffic.costNanos ?? 0) < 10_000, tokens)
  }
})

test('believes a report of zero', () => {
  const traffic = trafficOf({ answer: '{"choices":[{}],"usage":{"prompt_tokens":0,"completion_tokens":0}}' })
  assert.deepEqual([traffic.usageSource, traffic.inputTokens, traffic.costNanos], ['reported', 0, 100])
})

test('a whole answer that was cut before it came is estimated by the time it was worked on', () => {
  const waited = (ms: number, ending: Partial<Ending>, fields: Readonly<Record<string, unknown>> = {}) => {
    const { x, state } = chatScene(fields, priced)
    x.attempts = 1
    x.sent = ending.sent ?? true
    x.end = ending.end ?? 'cancelled'
    x.dispatchedAt = 1_000
    x.endedAt = 1_000 + ms
    if (ending.answer !== undefined) state.deliveredTokens = 12
    const traffic = conversationTraffic.traffic(x)
    return [traffic?.outputTokens, traffic?.usageSource, (traffic?.costNanos ?? 0) > 0]
  }
  const rows: readonly (readonly [ms: number, ending: Partial<Ending>, fields: object, output: number])[] = [
    [0, {}, {}, 0],
    [2_000, {}, {}, 100],
    [2_000, { end: 'drained' }, {}, 100],
    [2_000, {}, { n: 3 }, 300],
    [60_000, {}, { max_tokens: 200 }, 200],
    [60_000, {}, { max_tokens: 200, n: 2 }, 400],
    [3_600_000, {}, {}, 4_096],
    [2_000, { end: 'timeout' }, {}, 0],
    [2_000, { answer: 'it began' }, { stream: true }, 12],
  ]
  for (const [ms, ending, fields, output] of rows) {
    const what = `${ms} ms ${JSON.stringify(ending)} ${JSON.stringify(fields)}`
    assert.deepEqual(waited(ms, ending, { ...fields }), [output, 'estimated', true], what)
  }
  assert.deepEqual(waited(2_000, { sent: false }), [0, 'none', false])
})

test('a report that came before the end of a cut answer does not hide what came after it', () => {
  const event = (fields: object) =>
    `data: ${JSON.stringify({ choices: [{ delta: { content: 'word' } }], ...fields })}\n\n`
  const early = { usage: { prompt_tokens: 10, completion_tokens: 0 } }
  const late = { usage: { prompt_tokens: 10, completion_tokens: 5 } }
  const rows = [
    [[early, {}, {}, {}], 'cancelled', 'estimated', 3],
    [[early, {}, {}, {}], 'upstream_error', 'estimated', 3],
    [[early, {}, {}, {}], 'success', 'reported', 0],
    [[early, {}, {}, late], 'cancelled', 'reported', 5],
    [[{}, {}, late, {}], 'timeout', 'estimated', 6],
  ] as const
  for (const [events, end, source, output] of rows) {
    const { x, state } = chatScene({ stream: true }, priced)
    x.end = end
    state.answered = true
    const stream = new EventStream(x, priced, state)
    for (const fields of events) stream.push(Buffer.from(event(fields)))
    const traffic = conversationTraffic.traffic(x)
    assert.deepEqual([traffic?.usageSource, traffic?.outputTokens, traffic?.inputTokens], [source, output, 10], end)
  }
})

test('an estimate counts what was delivered before the end, and pictures by the piece', () => {
  const { x, state } = chatScene({ stream: true }, priced)
  state.answered = true
  state.deliveredTokens = 12
  x.end = 'upstream_error'
  assert.equal(conversationTraffic.traffic(x)?.outputTokens, 12)
  const picture = (bytes: number) => [
    { content: [{ image_url: { url: `data:image/png;base64,${'A'.repeat(bytes)}` } }] },
  ]
  const inputs = [10, 100_000].map((bytes) => {
    const { x: seen } = chatScene({ messages: picture(bytes) })
    seen.end = 'timeout'
    return conversationTraffic.traffic(seen)?.inputTokens
  })
  assert.equal(inputs[0], inputs[1])
  assert.ok((inputs[0] ?? 0) > 2_000)
})

test('an estimate is never negative, wherever data stands', () => {
  const { x } = chatScene({ metadata: { logo: `data:image/png;base64,${'A'.repeat(100_000)}` } }, priced)
  x.end = 'timeout'
  const traffic = conversationTraffic.traffic(x)
  assert.ok((traffic?.inputTokens ?? -1) > 0)
  assert.ok((traffic?.costNanos ?? -1) > 0)
})

test('names what was asked for and what served it', () => {
  const traffic = trafficOf({ answer: ANSWER })
  assert.deepEqual(
    [traffic.modelRequested, traffic.modelServed, traffic.provider, traffic.upstream, traffic.priceRule],
    ['small', 'small', 'far', 'http://far.example', 'test:small'],
  )
  assert.equal(traffic.series, priced.series('chat.completions'))
})

test('without prices nothing is costed, and without a chat request nothing is told', () => {
  const { x } = chatScene()
  assert.equal(conversationTraffic.traffic(x)?.costNanos, null)
  assert.equal(conversationTraffic.traffic(offlineExchange()), null)
})

test('an attempt that gives way is charged only where it may have worked, and leaves nothing to the next one', () => {
  const rows = [
    ['its connection was refused', 'unreachable', false, 'none'],
    ['it was closed before an answer', 'closed', true, 'none'],
    ['it answered an error status', null, true, 'none'],
    ['it did not begin to answer in time', 'first_byte_timeout', true, 'estimated'],
    ['it had no connection in time', 'first_byte_timeout', false, 'none'],
  ] as const
  for (const [what, failure, sent, source] of rows) {
    const { x } = chatScene({}, priced)
    x.attempts = 1
    x.sent = sent
    assert.equal(conversationTraffic.abandon(x, failure)?.usageSource, source, what)
  }
  const { x, state } = chatScene({}, priced)
  x.attempts = 1
  const tap = new ChatTap(x, priced, state)
  tap.start(200, JSON_HEADERS)
  tap.complete(Buffer.from(ANSWER))
  assert.equal(conversationTraffic.abandon(x, 'truncated')?.outputTokens, 5, 'what was reported was used')
  x.end = 'upstream_error'
  assert.equal(conversationTraffic.traffic(x)?.usageSource, 'none')
})
