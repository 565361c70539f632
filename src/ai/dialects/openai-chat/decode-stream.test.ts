import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  ANSWER_NAMES,
  chatAnswer,
  chatStream,
  chatStreamWithError,
} from '../../../../test/mocks/openai-chat/answers.ts'
import type { AnswerFault, ModelAnswer, StreamEvent } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import { decodeContext } from '../testing/contexts.ts'
import { openaiChatUpstream } from './index.ts'

function eventsOf(events: readonly string[]): StreamEvent[] {
  const decoder = openaiChatUpstream.streamDecoder(decodeContext())
  const out: StreamEvent[] = []
  for (const data of events) decoder.push({ name: null, data }, (event) => out.push(event))
  decoder.close((event) => out.push(event))
  return out
}

function assembled(events: readonly string[]): ModelAnswer | AnswerFault | null {
  const assembler = new AnswerAssembler('openai-chat')
  for (const event of eventsOf(events)) assembler.push(event)
  return assembler.answer()
}

/** Without members that are undefined, and without what a stream does not tell. */
function comparable(answer: ModelAnswer | AnswerFault | null): unknown {
  return JSON.parse(JSON.stringify(answer === null ? null : { ...answer, extra: undefined }))
}

const chunk = (choice: object, more: object = {}) =>
  JSON.stringify({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 5,
    model: 'm',
    choices: [{ index: 0, ...choice }],
    ...more,
  })
const partsOf = (events: readonly string[]) => {
  const answer = assembled(events)
  assert.ok(answer !== null && 'choices' in answer, `no answer: ${JSON.stringify(answer)}`)
  return JSON.parse(JSON.stringify(answer.choices[0]?.parts)) as unknown[]
}

suite('a stream of chat completions', () => {
  for (const name of ANSWER_NAMES) {
    test(`assembled, is the whole answer: ${name}`, () => {
      const whole = openaiChatUpstream.decodeAnswer(chatAnswer(name), decodeContext())
      assert.deepEqual(comparable(assembled(chatStream(name))), comparable(whole as ModelAnswer))
    })

    test(`cut after any event, is a truncation and never an end: ${name}`, () => {
      const events = chatStream(name)
      const finish = events.findIndex((data) => /"finish_reason":"/.test(data))
      for (let length = 0; length <= finish; length++) {
        const out = eventsOf(events.slice(0, length))
        const last = out.at(-1)
        assert.equal(last?.type, 'fault', `after ${length} events`)
        assert.equal(last.type === 'fault' && last.fault.kind, 'truncated')
        assert.ok(!out.some((event) => event.type === 'end' || event.type === 'stop'))
      }
    })

    test(`without its last event or with comments between, is the same answer: ${name}`, () => {
      const events = chatStream(name)
      const expected = comparable(assembled(events))
      assert.deepEqual(comparable(assembled(events.slice(0, -1))), expected, 'no [DONE]')
      assert.deepEqual(comparable(assembled(events.flatMap((data) => ['', data]))), expected, 'empty events')
      assert.deepEqual(comparable(assembled([...events, ...events])), expected, 'events after the end')
    })
  }

  test('begins each part before it grows, ends each part once, and before its choice stops', () => {
    for (const name of ANSWER_NAMES) {
      const open = new Set<number>()
      let stopped = false
      for (const event of eventsOf(chatStream(name))) {
        if (event.type === 'part-start') open.add(event.index)
        if (event.type === 'part-delta') assert.ok(open.has(event.index), name)
        if (event.type === 'part-end') assert.ok(open.delete(event.index), name)
        if (event.type === 'stop') {
          stopped = true
          assert.equal(open.size, 0, name)
        }
      }
      assert.ok(stopped)
    }
  })

  test('tells an error within it as a fault, and nothing after it', () => {
    const out = eventsOf([...chatStreamWithError(), '[DONE]'])
    assert.deepEqual(out.at(-1), {
      type: 'fault',
      fault: { message: 'The server had an error while processing your request.', kind: 'server_error' },
    })
    assert.equal(out.filter((event) => event.type === 'fault').length, 1)
  })

  for (const [what, data, message] of [
    ['a text as error', '{"error":"overloaded","error_type":"overloaded"}', 'overloaded'],
    ['an error without its envelope', '{"object":"error","message":"too long","code":400}', 'too long'],
    [
      'a choice that failed',
      '{"id":"x","choices":[{"index":0,"delta":{},"error":{"message":"gone","code":502}}]}',
      'gone',
    ],
    ['an HTML page', '<html>502</html>', 'The upstream sent an event that is no JSON object.'],
    ['a list', '[1]', 'The upstream sent an event that is no JSON object.'],
  ] as const) {
    test(`with ${what} is a fault`, () => {
      const fault = assembled([chatStream('text')[1] ?? '', data])
      assert.equal(fault !== null && 'message' in fault && fault.message, message)
    })
  }

  test('that ends before any answer is a fault', () => {
    assert.equal((assembled(['[DONE]']) as AnswerFault).kind, 'empty')
    assert.equal(
      (assembled(['{"id":"","choices":[],"prompt_filter_results":[]}', '[DONE]']) as AnswerFault).kind,
      'empty',
    )
  })
})

test('a decoder of streams never throws, and ends or fails once, whatever the upstream sends', () => {
  const word = fc.constantFrom(
    'content',
    'reasoning_content',
    'reasoning_details',
    'thinking_blocks',
    'refusal',
    'audio',
  )
  const more = fc.constantFrom('tool_calls', 'function_call', 'images', 'annotations', 'role')
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constant([{ index: 0, id: 'a', function: { name: 'f', arguments: {} } }]),
  )
  const delta = fc.dictionary(fc.oneof(word, more), value)
  const choice = fc.oneof(
    fc.jsonValue(),
    fc.record({ index: fc.nat(2), delta, finish_reason: fc.constantFrom(null, '', 'stop', 5) }),
  )
  const event = fc.oneof(fc.jsonValue(), fc.record({ choices: fc.array(choice), usage: fc.jsonValue() }))
  const wire = fc.array(
    fc.oneof(
      { arbitrary: event.map((each) => JSON.stringify(each)), weight: 9 },
      { arbitrary: fc.string(), weight: 1 },
    ),
  )
  fc.assert(
    fc.property(wire, (events) => {
      const ends = eventsOf(events).filter(({ type }) => type === 'end' || type === 'fault')
      assert.equal(ends.length, 1)
    }),
  )
})

suite('oddities of compatible upstreams', () => {
  test('arguments that are an object keep numbers that a double cannot hold', () => {
    const data =
      '{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{"n":9007199254740993}}}]},"finish_reason":"stop"}]}'
    assert.deepEqual(partsOf([data]), [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{"n":9007199254740993}' }])
  })

  const call = (members: object, inner: object) => chunk({ delta: { tool_calls: [{ ...members, function: inner }] } })
  const end = chunk({ delta: {}, finish_reason: 'tool_calls' })

  test('usage is read with choices, without them, in x_groq, and the last report counts', () => {
    const usage = (prompt: number) => ({ prompt_tokens: prompt, completion_tokens: 2, total_tokens: prompt + 2 })
    for (const last of [
      chunk({ delta: {}, finish_reason: 'stop' }, { usage: usage(7) }),
      JSON.stringify({ id: 'c1', choices: [], usage: usage(7) }),
      JSON.stringify({ id: 'c1', choices: null, usage: usage(7) }),
      chunk({ delta: {}, finish_reason: 'stop' }, { x_groq: { id: 'r', usage: usage(7) } }),
    ]) {
      const answer = assembled([
        chunk({ delta: { content: 'a' } }, { usage: usage(3) }),
        chunk({ delta: {}, finish_reason: 'stop' }, { usage: null }),
        last,
      ]) as ModelAnswer
      assert.equal(answer.usage?.input, 7)
      assert.equal(answer.usage?.output, 2)
    }
  })

  test('a call whose id and name come with each delta is one call', () => {
    const events = ['{"a"', ':1}'].map((text) =>
      call({ index: 0, id: 'x', type: 'function' }, { name: 'f', arguments: text }),
    )
    assert.deepEqual(partsOf([...events, end]), [{ type: 'tool-call', id: 'x', name: 'f', arguments: '{"a":1}' }])
  })

  test('a second call with the index of the first and another id is a second call', () => {
    const events = [
      call({ index: 0, id: 'x' }, { name: 'f', arguments: '{"a":1}' }),
      call({ index: 0, id: 'y' }, { name: 'f', arguments: '{"a":' }),
      call({ index: 0 }, { arguments: '2}' }),
      end,
    ]
    assert.deepEqual(
      partsOf(events).map((part) => (part as { arguments: string }).arguments),
      ['{"a":1}', '{"a":2}'],
    )
  })

  test('calls without any id or index are told apart by their names', () => {
    const events = [call({}, { name: 'f', arguments: '{"a":1}' }), call({}, { name: 'g', arguments: '{}' }), end]
    assert.deepEqual(partsOf(events), [
      { type: 'tool-call', id: 'call_1', name: 'f', arguments: '{"a":1}' },
      { type: 'tool-call', id: 'call_2', name: 'g', arguments: '{}' },
    ])
  })

  test('interleaved deltas of two calls go to their calls', () => {
    const events = [
      call({ index: 0, id: 'x' }, { name: 'f', arguments: '{"a' }),
      call({ index: 1, id: 'y' }, { name: 'g', arguments: '{"b' }),
      call({ index: 0 }, { arguments: '":1}' }),
      call({ index: 1 }, { arguments: '":2}' }),
      end,
    ]
    assert.deepEqual(
      partsOf(events).map((part) => (part as { arguments: string }).arguments),
      ['{"a":1}', '{"b":2}'],
    )
  })

  test('arguments may be an object, be sent twice, or follow an empty object', () => {
    const one = (...texts: unknown[]) =>
      (
        partsOf([...texts.map((text) => call({ index: 0, id: 'x' }, { name: 'f', arguments: text })), end])[0] as {
          arguments: string
        }
      ).arguments
    assert.equal(one({ a: 1 }), '{"a":1}')
    assert.equal(one('{"a":1}', '{"a":1}'), '{"a":1}')
    assert.equal(one('{}', '{"a"', ':1}'), '{"a":1}')
    assert.equal(one('', '', ''), '{}')
    assert.equal(one('{"a":"}"', ',"b":"\\""}'), '{"a":"}","b":"\\""}')
  })

  test('a call that is cut by the limit keeps its broken arguments and stops with length', () => {
    const answer = assembled([
      call({ index: 0, id: 'x' }, { name: 'f', arguments: '{"a' }),
      chunk({ delta: {}, finish_reason: 'length' }),
    ])
    assert.ok(answer !== null && 'choices' in answer)
    assert.equal(answer.choices[0]?.stop.reason, 'length')
    assert.deepEqual(
      partsOf([
        call({ index: 0, id: 'x' }, { name: 'f', arguments: '{"a' }),
        chunk({ delta: {}, finish_reason: 'length' }),
      ]),
      [{ type: 'tool-call', id: 'x', name: 'f', arguments: '{"a' }],
    )
  })

  test('stop with a call is the stop of a call; an empty finish reason is none; content after it counts', () => {
    const answer = assembled([
      chunk({ delta: { content: 'a' }, finish_reason: '' }),
      call({ index: 0, id: 'x' }, { name: 'f', arguments: '{}' }),
      chunk({ delta: {}, finish_reason: 'stop' }),
      chunk({ delta: { content: 'b' } }),
      '[DONE]',
    ]) as ModelAnswer
    assert.equal(answer.choices[0]?.stop.reason, 'tool-calls')
    assert.deepEqual(
      answer.choices[0]?.parts.map((part) => (part.type === 'text' ? part.text : part.type)),
      ['a', 'tool-call', 'b'],
    )
  })

  test('content that is an array holds thoughts and texts', () => {
    const thought = { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }
    const events = [
      chunk({ delta: { content: [thought] } }),
      chunk({ delta: { content: [{ type: 'text', text: 'a' }] } }),
      chunk({ delta: { content: 'b' }, finish_reason: 'stop' }),
    ]
    assert.deepEqual(partsOf(events), [
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'ab' },
    ])
  })

  test('thinking blocks carry the signature of Claude, and repeat the text beside them', () => {
    const block = (members: object, text?: string) =>
      chunk({ delta: { reasoning_content: text, thinking_blocks: [{ type: 'thinking', ...members }] } })
    const events = [
      block({ thinking: 'a' }, 'a'),
      block({ thinking: 'b' }, 'b'),
      block({ thinking: '', signature: 's' }),
      chunk({ delta: { content: 'c' }, finish_reason: 'stop' }),
    ]
    assert.deepEqual(partsOf(events), [
      { type: 'reasoning', text: 'ab', signature: { family: 'anthropic', value: 's' } },
      { type: 'text', text: 'c' },
    ])
  })

  test("a signature beside a call, as Google's endpoint sends it, stays with the call", () => {
    const signed = { index: 0, id: 'x', extra_content: { google: { thought_signature: 's' } } }
    assert.deepEqual(partsOf([call(signed, { name: 'f', arguments: '{}' }), end]), [
      { type: 'tool-call', id: 'x', name: 'f', arguments: '{}', signature: { family: 'gemini', value: 's' } },
    ])
  })

  test('several answers keep their numbers, however they are mixed', () => {
    const answer = assembled([
      JSON.stringify({
        id: 'c',
        choices: [
          { index: 1, delta: { content: 'b' } },
          { index: 0, delta: { content: 'a' } },
        ],
      }),
      JSON.stringify({ id: 'c', choices: [{ index: 1, delta: {}, finish_reason: 'stop' }] }),
      JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'length' }] }),
    ]) as ModelAnswer
    assert.deepEqual(
      answer.choices.map(({ index, parts, stop }) => [index, parts[0]?.type === 'text' && parts[0].text, stop.reason]),
      [
        [0, 'aa', 'length'],
        [1, 'b', 'end'],
      ],
    )
  })

  test('sources that a search model lists beside its answer are citations', () => {
    const answer = assembled([
      chunk({ delta: { content: 'a' } }, { citations: ['https://a.example'] }),
      chunk({ delta: {}, finish_reason: 'stop' }, { citations: ['https://a.example', 'https://b.example'] }),
    ]) as ModelAnswer
    const [part] = answer.choices[0]?.parts ?? []
    assert.deepEqual(part?.type === 'text' && part.citations?.map(({ url }) => url), [
      'https://a.example',
      'https://b.example',
    ])
  })

  test('a whole message as the only chunk is the answer', () => {
    assert.deepEqual(partsOf([chunk({ message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' })]), [
      { type: 'text', text: 'a' },
    ])
  })
})
