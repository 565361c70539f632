import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answers, errorAnswer, failingStream, tokenCount } from '../../../../test/mocks/anthropic-messages/answers.ts'
import type { Members } from '../../../../test/mocks/shape.ts'
import { GatewayError } from '../../../core/index.ts'
import type { ModelAnswer, StopReason, StreamEvent } from '../../ir/answer.ts'
import { FieldProblem } from '../../ir/fields.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { answerContext, assembled, asWire, decodeContext, decoded, wireEvents } from '../testing/contexts.ts'
import { decodeTokenCount, encodeTokenCount, messagesClient, messagesUpstream } from './index.ts'

const toWire = (events: readonly Members[]) => {
  return events.map((event) => ({ name: String(event['type']), data: JSON.stringify(event) }))
}
const decodeStream = (events: readonly Members[]) =>
  decoded(messagesUpstream.streamDecoder(decodeContext()), toWire(events))
const decodeWhole = (body: Members) => messagesUpstream.decodeAnswer(body, decodeContext())

/** A decoded answer that must be one. */
function answerIn(body: Members): ModelAnswer {
  const answer = decodeWhole(body)
  assert.ok('choices' in answer)
  return answer
}

function encodeStream(events: readonly StreamEvent[]): string {
  const encoder = messagesClient.streamEncoder(answerContext())
  return events.map((event) => encoder.push(event)).join('')
}

for (const [name, { body, events }] of Object.entries(answers)) {
  test(`${name}: its stream, assembled, is the whole answer`, () => {
    assert.deepEqual(asWire(assembled(decodeStream(events), 'anthropic-messages')), asWire(decodeWhole(body)))
  })

  test(`${name}: encoded again it is the vendor's answer`, () => {
    assert.deepEqual(asWire(messagesClient.encodeAnswer(answerIn(body), answerContext())), body)
  })

  test(`${name}: its stream, encoded and read again, gives the same answer`, () => {
    const neutral = decodeStream(events)
    const again = decoded(messagesUpstream.streamDecoder(decodeContext()), wireEvents(encodeStream(neutral)))
    assert.deepEqual(asWire(assembled(again, 'anthropic-messages')), asWire(assembled(neutral, 'anthropic-messages')))
  })

  test(`${name}: cut after any of its events it is truncated, and never ends`, () => {
    for (let length = 0; length < events.length; length += 1) {
      const out = decodeStream(events.slice(0, length))
      const last = out.at(-1)
      assert.equal(last?.type === 'fault' ? last.fault.kind : last?.type, 'truncated')
      assert.equal(out.filter(({ type }) => type === 'end').length, 0)
    }
  })

  test(`${name}: optional events that are missing or come twice change nothing`, () => {
    const whole = asWire(assembled(decodeStream(events), 'anthropic-messages'))
    const repeated = new Set(['message_start', 'ping', 'content_block_start', 'content_block_stop', 'message_stop'])
    const twice = events.flatMap((event) => (repeated.has(String(event['type'])) ? [event, event] : [event]))
    assert.deepEqual(asWire(assembled(decodeStream(twice), 'anthropic-messages')), whole)
    const fewer = events.filter(({ type }) => type !== 'ping' && type !== 'content_block_stop')
    assert.deepEqual(asWire(assembled(decodeStream(fewer), 'anthropic-messages')), whole)
  })
}

test('an answer holds its parts in the model’s order', () => {
  const types = (name: string) => answerIn(answers[name]?.body ?? {}).choices[0]?.parts.map(({ type }) => type)
  assert.deepEqual(types('interleavedThinking'), ['reasoning', 'tool-call', 'reasoning', 'tool-call'])
  assert.deepEqual(types('webSearch'), ['opaque', 'opaque', 'text'])
  assert.deepEqual(types('thinkingAnswer'), ['reasoning', 'reasoning', 'text'])
})

/** Stop reasons of the wire. */
const STOPS: readonly (readonly [string, StopReason])[] = [
  ['end_turn', 'end'],
  ['stop_sequence', 'stop-sequence'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'context-length'],
  ['tool_use', 'tool-calls'],
  ['refusal', 'refusal'],
  ['pause_turn', 'pause'],
  ['compaction', 'pause'],
  ['something_new', 'other'],
]

for (const [raw, reason] of STOPS) {
  test(`${raw} is ${reason}`, () => {
    const answer = answerIn({ content: [], stop_reason: raw, usage: {} })
    assert.deepEqual(answer.choices[0]?.stop, { reason, raw, sequence: undefined })
    if (raw === 'something_new') return
    assert.equal(messagesClient.encodeAnswer(answer, answerContext())['stop_reason'], raw)
  })
}

test('an answer without content, or with content of another form, is no answer of this dialect', () => {
  for (const body of [{}, { content: 'Hi' }, { content: [{ text: 'x' }] }]) {
    assert.throws(() => decodeWhole(body), FieldProblem)
  }
})

test('an error with status 200 is a fault, whole and within a stream', () => {
  const fault = { message: 'Overloaded', kind: 'overloaded_error' }
  assert.deepEqual(decodeWhole(errorAnswer('overloaded_error', 'Overloaded')), fault)
  const out = decodeStream(failingStream)
  assert.deepEqual(out.at(-1), { type: 'fault', fault })
  assert.match(
    encodeStream(out),
    /event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error","message":"Overloaded"\}\}\n\n$/,
  )
})

test('events that cannot be read are a fault, and nothing follows it', () => {
  const decoder = messagesUpstream.streamDecoder(decodeContext())
  const stop = { name: 'message_stop', data: '{"type":"message_stop"}' }
  for (const data of [
    '{"type":',
    '[]',
    '{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta"}}',
  ]) {
    const out = decoded(data === '[]' ? messagesUpstream.streamDecoder(decodeContext()) : decoder, [
      { name: null, data },
      stop,
    ])
    if (data === '{"type":' || data === '[]')
      assert.deepEqual(
        out.map(({ type }) => type),
        ['fault'],
      )
    else assert.deepEqual(out, [])
  }
})

test('arguments that come with the start, in deltas, or not at all', () => {
  const start = (input: unknown) => ({
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'tool_use', id: 'a', name: 'f', input },
  })
  const delta = { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"b":2}' } }
  const rest = [{ type: 'content_block_stop', index: 0 }, { type: 'message_stop' }]
  const argumentsOf = (events: readonly Members[]) => {
    const answer = assembled(decodeStream([...events, ...rest]), 'anthropic-messages')
    const part = answer !== null && 'choices' in answer ? answer.choices[0]?.parts[0] : undefined
    return part?.type === 'tool-call' ? part.arguments : undefined
  }
  assert.equal(argumentsOf([start({ a: 1 })]), '{"a":1}')
  assert.equal(argumentsOf([start({}), delta]), '{"b":2}')
  assert.equal(argumentsOf([start({ a: 1 }), delta]), '{"b":2}')
  assert.equal(argumentsOf([start({})]), '{}')
})

test('a text whose start the upstream left out is a text all the same', () => {
  const events = answers['textAnswer']?.events.filter(({ type }) => type !== 'content_block_start') ?? []
  const answer = assembled(decodeStream(events), 'anthropic-messages')
  assert.ok(answer !== null && 'choices' in answer)
  assert.deepEqual(
    answer.choices[0]?.parts.map((part) => part.type === 'text' && part.text),
    ['Hello! How can I help you today?'],
  )
})

const start: StreamEvent = { type: 'start' }
const stop: StreamEvent = { type: 'stop', choice: 0, stop: { reason: 'tool-calls' } }
const end: StreamEvent = { type: 'end' }

function partStart(index: number, part: AssistantPart): StreamEvent {
  return { type: 'part-start', choice: 0, index, part }
}

function partDelta(index: number, text: string): StreamEvent {
  return { type: 'part-delta', choice: 0, index, text }
}

function partEnd(index: number): StreamEvent {
  return { type: 'part-end', choice: 0, index }
}

const call = (id: string): AssistantPart => ({ type: 'tool-call', id, name: 'f', arguments: '' })

/** Events of a stream, as `type index` where they have one. */
function outline(text: string): string[] {
  return wireEvents(text).map(({ data }) => {
    const event: unknown = JSON.parse(data)
    assert.ok(typeof event === 'object' && event !== null && 'type' in event)
    return 'index' in event ? `${String(event.type)} ${String(event.index)}` : String(event.type)
  })
}

test('blocks never overlap: a part that begins within another is held back', () => {
  const text = encodeStream([
    start,
    partStart(0, call('a')),
    partStart(1, call('b')),
    partDelta(1, '{"x"'),
    partDelta(0, '{}'),
    partDelta(1, ':1}'),
    partEnd(1),
    partEnd(0),
    stop,
    end,
  ])
  assert.deepEqual(outline(text), [
    'message_start',
    'content_block_start 0',
    'content_block_delta 0',
    'content_block_stop 0',
    'content_block_start 1',
    'content_block_delta 1',
    'content_block_stop 1',
    'message_delta',
    'message_stop',
  ])
  const again = assembled(
    decoded(messagesUpstream.streamDecoder(decodeContext()), wireEvents(text)),
    'anthropic-messages',
  )
  assert.ok(again !== null && 'choices' in again)
  assert.deepEqual(
    again.choices[0]?.parts.map((part) => part.type === 'tool-call' && [part.id, part.arguments]),
    [
      ['a', '{}'],
      ['b', '{"x":1}'],
    ],
  )
})

test('no block of text opens when the first thing is a call', () => {
  const text = encodeStream([
    start,
    partStart(0, { type: 'text', text: '' }),
    partEnd(0),
    partStart(1, call('a')),
    partEnd(1),
    stop,
    end,
  ])
  assert.deepEqual(outline(text), [
    'message_start',
    'content_block_start 0',
    'content_block_stop 0',
    'message_delta',
    'message_stop',
  ])
  assert.match(text, /"content_block":\{"type":"tool_use"/)
})

test('usage that is known early stands in the first event, and the last one corrects it', () => {
  const usage = (output: number): StreamEvent => ({ type: 'usage', usage: { input: 7, cacheRead: 3, output } })
  const [first, , , , last] = wireEvents(
    encodeStream([start, usage(1), partStart(0, { type: 'text', text: 'a' }), partEnd(0), usage(5), stop, end]),
  )
  assert.match(
    first?.data ?? '',
    /"usage":\{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":1\}/,
  )
  assert.match(
    last?.data ?? '',
    /"usage":\{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":5\}/,
  )
})

test('seals of other families reach the client as thoughts, streamed or not', () => {
  const parts: AssistantPart[] = [
    { type: 'reasoning', text: 'sum', summary: true, sealed: { family: 'openai', value: 'enc' }, itemId: 'rs_1' },
    { type: 'reasoning', text: '', sealed: { family: 'openai', value: 'enc2' } },
    { type: 'tool-call', id: 'a', name: 'f', arguments: '{}', signature: { family: 'gemini', value: 'sig' } },
  ]
  const answer: ModelAnswer = {
    dialect: 'openai-responses',
    choices: [{ index: 0, parts, stop: { reason: 'tool-calls' } }],
  }
  const whole = asWire(messagesClient.encodeAnswer(answer, answerContext()))
  assert.deepEqual((whole as Members)['content'], [
    // an answer is an object
    { type: 'thinking', thinking: 'sum', signature: 'ferro1.openai.sealed.rs_1.enc' },
    { type: 'redacted_thinking', data: 'ferro1.openai.sealed..enc2' },
    { type: 'thinking', thinking: '', signature: 'ferro1.gemini.call..sig' },
    { type: 'tool_use', id: 'a', name: 'f', input: {} },
  ])
  const events = parts.flatMap((part, index) => [partStart(index, part), partEnd(index)])
  const streamed = assembledContent(encodeStream([start, ...events, stop, end]))
  assert.deepEqual(streamed, (whole as Members)['content']) // as above
})

/** The content that a client puts together from a stream. */
function assembledContent(text: string): unknown {
  const answer = assembled(
    decoded(messagesUpstream.streamDecoder(decodeContext()), wireEvents(text)),
    'anthropic-messages',
  )
  assert.ok(answer !== null && 'choices' in answer)
  return (asWire(messagesClient.encodeAnswer(answer, answerContext())) as Members)['content'] // an answer is an object
}

test('a refusal of another vendor says why in its details', () => {
  const parts: AssistantPart[] = [{ type: 'refusal', text: 'No.' }]
  const answer: ModelAnswer = { dialect: 'openai-chat', choices: [{ index: 0, parts, stop: { reason: 'refusal' } }] }
  const whole = messagesClient.encodeAnswer(answer, answerContext())
  const details = { type: 'refusal', category: null, explanation: 'No.' }
  assert.deepEqual([whole['content'], whole['stop_reason'], whole['stop_details']], [[], 'refusal', details])
  const text = encodeStream([
    start,
    partStart(0, { type: 'refusal', text: '' }),
    partDelta(0, 'No.'),
    partEnd(0),
    { type: 'stop', choice: 0, stop: { reason: 'refusal' } },
    end,
  ])
  assert.match(text, /"stop_details":\{"type":"refusal","category":null,"explanation":"No\."\}/)
})

test('an answer that only calls tools stops for them, also where the upstream said otherwise', () => {
  const choice = { index: 0, parts: [call('a')], stop: { reason: 'end' } } as const
  const encoded = messagesClient.encodeAnswer({ dialect: 'openai-chat', choices: [choice] }, answerContext())
  assert.equal(encoded['stop_reason'], 'tool_use')
  assert.equal(encoded['id'], 'msg_own1')
  assert.equal(encoded['model'], 'served-model')
})

test('a citation of another vendor names its page, or is reported', () => {
  const context = answerContext()
  const citations = [{ url: 'https://a.b', title: 'T' }, { quote: 'x' }]
  const choice = { index: 0, parts: [{ type: 'text', text: 'a', citations }], stop: { reason: 'end' } } as const
  const encoded = asWire(messagesClient.encodeAnswer({ dialect: 'gemini', choices: [choice] }, context)) as Members // an object
  const location = {
    type: 'web_search_result_location',
    url: 'https://a.b',
    title: 'T',
    cited_text: '',
    encrypted_index: '',
  }
  assert.deepEqual(encoded['content'], [{ type: 'text', text: 'a', citations: [location] }])
  assert.equal(context.losses.header(), 'lossy; dropped=messages[].text.citations')
})

test('a stream that fails ends with an error event, once, and with nothing behind it', () => {
  const encoder = messagesClient.streamEncoder(answerContext())
  encoder.push(start)
  encoder.push(partStart(0, { type: 'text', text: 'a' }))
  const text = encoder.fail(new GatewayError('upstream_truncated', 'it broke'), 'req_1')
  assert.equal(
    text,
    'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"it broke","code":"upstream_truncated"},"request_id":"req_1"}\n\n',
  )
  assert.equal(encoder.push(end) + encoder.fail(new GatewayError('internal_error', 'x'), 'req_1'), '')
})

/** Codes and the type that their status has. */
const TYPES = [
  ['invalid_request', 'invalid_request_error'],
  ['invalid_api_key', 'authentication_error'],
  ['budget_exceeded', 'billing_error'],
  ['insufficient_scope', 'permission_error'],
  ['resource_not_found', 'not_found_error'],
  ['request_too_large', 'request_too_large'],
  ['rate_limit_exceeded', 'rate_limit_error'],
  ['upstream_timeout', 'timeout_error'],
  ['upstream_overloaded', 'overloaded_error'],
  ['upstream_closed', 'api_error'],
] as const

for (const [code, type] of TYPES) {
  test(`${code} is told as ${type}`, () => {
    const error = messagesClient.encodeError(new GatewayError(code, 'why', { param: 'a.b' }), 'req_1')
    assert.equal((error['error'] as Members)['type'], type) // an error object
    assert.equal((error['error'] as Members)['message'], 'a.b: why') // as above
    assert.deepEqual(messagesUpstream.decodeError(error), { kind: type, message: 'a.b: why' })
  })
}

test('what is no error object of this dialect is none', () => {
  for (const body of [{}, { error: 'x' }, { error: {} }]) assert.equal(messagesUpstream.decodeError(body), null)
})

test('a count of tokens is read and told', () => {
  assert.equal(decodeTokenCount(tokenCount), 2095)
  assert.deepEqual(encodeTokenCount(2095), tokenCount)
  assert.throws(() => decodeTokenCount({}), FieldProblem)
})
