import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answers, errorAnswer, failingStream, type MockEvent } from '../../../../test/mocks/bedrock-converse/answers.ts'
import type { Members } from '../../../../test/mocks/shape.ts'
import type { ModelAnswer, StopReason, StreamEvent, TokenUsage } from '../../ir/answer.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { assembled, asWire, decodeContext, decoded } from '../testing/contexts.ts'
import { converseUpstream, errorKind } from './index.ts'
import { decodeUsage } from './usage.ts'

const decodeWhole = (body: Members) => converseUpstream.decodeAnswer(body, decodeContext())

function decodeStream(events: readonly MockEvent[]): StreamEvent[] {
  const wire = events.map(({ name, data }) => ({ name, data: JSON.stringify(data) }))
  return decoded(converseUpstream.streamDecoder(decodeContext()), wire)
}

function answerIn(body: Members): ModelAnswer {
  const answer = decodeWhole(body)
  assert.ok('choices' in answer)
  return answer
}

function assembledOf(events: readonly MockEvent[]): unknown {
  return asWire(assembled(decodeStream(events), 'bedrock-converse'))
}

for (const [name, { body, events }] of Object.entries(answers)) {
  test(`${name}: its stream, assembled, is the whole answer`, () => {
    assert.deepEqual(assembledOf(events), asWire(decodeWhole(body)))
  })

  test(`${name}: cut before its message ends it is truncated, and never ends`, () => {
    const stop = events.findIndex((event) => event.name === 'messageStop')
    for (let length = 0; length <= stop; length += 1) {
      const out = decodeStream(events.slice(0, length))
      const last = out.at(-1)
      assert.equal(last?.type === 'fault' ? last.fault.kind : last?.type, 'truncated')
      assert.equal(out.filter(({ type }) => type === 'end').length, 0)
    }
  })

  test(`${name}: optional events that are missing or come twice change nothing`, () => {
    const whole = assembledOf(events)
    const repeated = new Set(['messageStart', 'contentBlockStart', 'contentBlockStop', 'messageStop', 'metadata'])
    const twice = events.flatMap((event) => (repeated.has(event.name) ? [event, event] : [event]))
    assert.deepEqual(assembledOf(twice), whole)
    const fewer = events.filter((event) => event.name !== 'messageStart' && event.name !== 'contentBlockStop')
    assert.deepEqual(assembledOf(fewer), whole)
  })
}

test('an answer whose message ended is complete without its usage', () => {
  const events = answers['textAnswer']?.events.filter(({ name }) => name !== 'metadata') ?? []
  assert.deepEqual(
    decodeStream(events)
      .slice(-2)
      .map(({ type }) => type),
    ['stop', 'end'],
  )
})

const STOPS: readonly (readonly [string, StopReason])[] = [
  ['end_turn', 'end'],
  ['stop_sequence', 'stop-sequence'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'context-length'],
  ['tool_use', 'tool-calls'],
  ['content_filtered', 'content-filter'],
  ['guardrail_intervened', 'content-filter'],
  ['malformed_model_output', 'malformed'],
  ['malformed_tool_use', 'malformed'],
  ['something_new', 'other'],
]

for (const [raw, reason] of STOPS) {
  test(`${raw} is ${reason}`, () => {
    const answer = answerIn({ output: { message: { role: 'assistant', content: [] } }, stopReason: raw })
    assert.deepEqual(answer.choices[0]?.stop, { reason, raw, sequence: undefined })
  })
}

test('a stop sequence is told where the model’s own fields tell it', () => {
  assert.equal(answerIn(answers['stopSequenceAnswer']?.body ?? {}).choices[0]?.stop.sequence, 'three')
})

test('exceptions within a stream are faults by their names, and nothing follows', () => {
  const out = decodeStream([...failingStream, { name: 'messageStop', data: { stopReason: 'end_turn' } }])
  assert.deepEqual(out.at(-1), {
    type: 'fault',
    fault: { kind: 'modelStreamErrorException', message: 'The model failed.' },
  })
  for (const name of ['throttlingException', 'validationException', 'serviceUnavailableException']) {
    const [fault] = decodeStream([{ name, data: { message: 'm' } }])
    assert.deepEqual(fault, { type: 'fault', fault: { kind: name, message: 'm' } })
  }
})

test('events that cannot be read are a fault', () => {
  for (const data of ['{"role":', '[]']) {
    const out = decoded(converseUpstream.streamDecoder(decodeContext()), [{ name: 'messageStart', data }])
    assert.deepEqual(
      out.map((event) => event.type === 'fault' && event.fault.kind),
      ['malformed'],
    )
  }
})

test('errors say their message, and their kind where the body has it', () => {
  assert.deepEqual(converseUpstream.decodeError(errorAnswer('no')), { message: 'no', kind: undefined })
  const typed = { __type: 'com.amazon.coral.service#ThrottlingException', Message: 'slow' }
  assert.deepEqual(converseUpstream.decodeError(typed), { message: 'slow', kind: 'ThrottlingException' })
  assert.equal(converseUpstream.decodeError({ error: 'x' }), null)
  assert.equal(errorKind('ValidationException:http://internal.amazon.com/coral/'), 'ValidationException')
})

test('an error with status 200 is a fault, and anything else without an output is no answer', () => {
  assert.deepEqual(decodeWhole({ message: 'no' }), { message: 'no', kind: undefined })
  assert.throws(() => decodeWhole({}), FieldProblem)
  assert.throws(() => decodeWhole({ output: { message: {} } }), FieldProblem)
})

test('a text with citations, a picture, and what nobody knows', () => {
  const cited = {
    citationsContent: {
      content: [{ text: 'Green.' }],
      citations: [{ title: 'T', sourceContent: [{ text: 'g' }], location: { web: { url: 'https://a.b' } } }],
    },
  }
  const image = { image: { format: 'png', source: { bytes: 'AAAA' } } }
  const content = [cited, image, { novelty: { a: 1 } }]
  const parts = answerIn({ output: { message: { content } }, stopReason: 'end_turn' }).choices[0]?.parts
  assert.deepEqual(asWire(parts), [
    {
      type: 'text',
      text: 'Green.',
      citations: [
        {
          url: 'https://a.b',
          title: 'T',
          quote: 'g',
          raw: { dialect: 'bedrock-converse', value: cited.citationsContent.citations[0] },
        },
      ],
    },
    { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AAAA' } },
    { type: 'opaque', dialect: 'bedrock-converse', name: 'novelty', value: { a: 1 } },
  ])
})

test('the counters share nothing: their sum is the service’s total', () => {
  const count = fc.nat(1_000_000)
  const usage = fc.record({
    inputTokens: count,
    outputTokens: count,
    cacheReadInputTokens: count,
    cacheWriteInputTokens: count,
    cacheDetails: fc.array(fc.record({ ttl: fc.constantFrom('5m', '1h'), inputTokens: count })),
  })
  fc.assert(
    fc.property(usage, (raw) => {
      const total = raw.inputTokens + raw.outputTokens + raw.cacheReadInputTokens + raw.cacheWriteInputTokens
      assert.equal(sum(decodeUsage(raw)), total)
    }),
  )
  assert.equal(sum(decodeUsage(answers['cachedAnswer']?.body['usage'] as Members)), 2171) // it is an object there
})

function sum({ input, cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0, output }: TokenUsage): number {
  const counters = [input, cacheRead, cacheWrite, cacheWrite1h, output]
  assert.ok(counters.every((counter) => counter >= 0))
  return counters.reduce((all, counter) => all + counter, 0)
}

test('a decoder never throws, whatever it is fed, and says nothing behind its end', () => {
  const name = fc.constantFrom(
    'messageStart',
    'contentBlockStart',
    'contentBlockDelta',
    'contentBlockStop',
    'messageStop',
    'metadata',
    'throttlingException',
  )
  const data = fc.record({
    contentBlockIndex: fc.oneof(fc.nat(2), fc.jsonValue()),
    start: fc.oneof(fc.jsonValue(), fc.record({ toolUse: fc.jsonValue() })),
    delta: fc.oneof(fc.jsonValue(), fc.record({ text: fc.string() }), fc.record({ reasoningContent: fc.jsonValue() })),
    stopReason: fc.jsonValue(),
    usage: fc.jsonValue(),
    message: fc.jsonValue(),
  })
  fc.assert(
    fc.property(fc.array(fc.record({ name, data: data.map((value) => JSON.stringify(value)) })), (events) => {
      const out = decoded(converseUpstream.streamDecoder(decodeContext()), events)
      const ends = out.filter(({ type }) => type === 'end' || type === 'fault')
      assert.equal(ends.length, 1)
      assert.equal(out.at(-1), ends[0])
    }),
  )
})
