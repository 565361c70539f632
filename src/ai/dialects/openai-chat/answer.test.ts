import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { completionSchema, errorSchema } from '../../../../test/mocks/openai-chat/answer-schema.ts'
import { ANSWER_NAMES, chatAnswer, chatError } from '../../../../test/mocks/openai-chat/answers.ts'
import { GatewayError } from '../../../core/index.ts'
import type { AnswerFault, ModelAnswer, StopReason, TokenUsage } from '../../ir/answer.ts'
import { FieldProblem } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import { openaiChatClient, openaiChatUpstream } from './index.ts'
import { decodeUsage, encodeUsage } from './usage.ts'

function decoded(body: JsonObject, losses = new Losses()): ModelAnswer | AnswerFault {
  let count = 0
  return openaiChatUpstream.decodeAnswer(body, { losses, ids: { next: (prefix) => `${prefix}_${++count}` } })
}

function answerContext(losses = new Losses()) {
  const request = {
    dialect: 'openai-chat',
    model: 'm',
    messages: [],
    tools: [],
    parameters: {},
    stream: false,
  } as const
  return { id: 'abc', model: 'm', createdAt: 1_790_000_000, request, losses }
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))
const whole = (message: object, choice: object = {}, more: object = {}): JsonObject => ({
  choices: [{ index: 0, message, finish_reason: 'stop', ...choice }],
  ...more,
})
const firstParts = (body: JsonObject) => plain((decoded(body) as ModelAnswer).choices[0]?.parts)

const PREDICTED = ['accepted', 'rejected'].map((kind) => `usage.completion_tokens_details.${kind}_prediction_tokens`)

suite('an answer of chat completions', () => {
  for (const name of ANSWER_NAMES) {
    test(`goes to a client as it came, within the vendor's schema: ${name}`, () => {
      const losses = new Losses()
      const answer = decoded(chatAnswer(name), losses) as ModelAnswer
      // How much of a prediction was taken has no counter: it is output as any other.
      assert.deepEqual(losses.dropped, name === 'cached-usage' ? PREDICTED : [])
      const out = plain(openaiChatClient.encodeAnswer(answer, answerContext())) as JsonObject
      completionSchema.parse(out)
      assert.deepEqual(plain(decoded(out)), plain(withoutSequence(answer)))
    })
  }

  test('that is an error is a fault, in all the forms in which upstreams tell it', () => {
    const filter = { message: 'filtered', code: 'content_filter', innererror: { code: 'ResponsibleAIPolicyViolation' } }
    for (const [body, fault] of [
      [
        chatError(429, 'slow down', { code: 'rate_limit_exceeded' }).body,
        { message: 'slow down', kind: 'rate_limit_exceeded' },
      ],
      [{ error: filter }, { message: 'filtered', kind: 'ResponsibleAIPolicyViolation' }],
      [
        { error: { message: 'gone', code: 502 }, choices: [] },
        { message: 'gone', kind: '502' },
      ],
      [{ detail: 'Not Found' }, { message: 'Not Found' }],
      [{ detail: [{ msg: 'field required', type: 'missing' }] }, { message: 'field required', kind: 'missing' }],
      [
        { error: 'busy', error_type: 'overloaded' },
        { message: 'busy', kind: 'overloaded' },
      ],
      [whole({ content: null }, { error: { message: 'cut off', code: 502 } }), { message: 'cut off', kind: '502' }],
    ] as const) {
      assert.deepEqual(plain(decoded(body)), fault)
    }
    assert.equal(openaiChatUpstream.decodeError({ choices: [] }), null)
  })

  for (const [what, body, param] of [
    ['no choices', {}, 'choices'],
    ['choices that are null', { choices: null }, 'choices'],
    ['no message', { choices: [{ index: 0 }] }, 'choices[0].message'],
    ['content of the wrong type', whole({ content: 5 }), 'choices[0].message.content'],
    [
      'a call without a name',
      whole({ tool_calls: [{ id: 'a', function: {} }] }),
      'choices[0].message.tool_calls[0].function.name',
    ],
  ] as const) {
    test(`with ${what} is none`, () => {
      assert.throws(
        () => decoded(body),
        (error) => error instanceof FieldProblem && error.param === param,
      )
    })
  }

  test('may have thoughts in any of the members that upstreams use', () => {
    const text = { type: 'text', text: 'a' }
    assert.deepEqual(firstParts(whole({ content: 'a', reasoning: 't' })), [{ type: 'reasoning', text: 't' }, text])
    assert.deepEqual(
      firstParts(whole({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 't' }] }, text] })),
      [{ type: 'reasoning', text: 't' }, text],
    )
    const blocks = [
      { type: 'thinking', thinking: 't', signature: 's' },
      { type: 'redacted_thinking', data: 'r' },
    ]
    assert.deepEqual(firstParts(whole({ content: 'a', reasoning_content: 't', thinking_blocks: blocks })), [
      { type: 'reasoning', text: 't', signature: { family: 'anthropic', value: 's' } },
      { type: 'reasoning', text: '', sealed: { family: 'anthropic', value: 'r' } },
      text,
    ])
  })

  test('keeps a format of seals that only its router knows', () => {
    const details = [{ type: 'reasoning.encrypted', data: 'x', id: 'rs', format: 'xai-responses-v1', index: 0 }]
    const answer = decoded(whole({ content: 'a', reasoning_details: details })) as ModelAnswer
    const out = openaiChatClient.encodeAnswer(answer, answerContext())
    assert.deepEqual(completionSchema.parse(plain(out)).choices[0]?.message.reasoning_details, details)
  })

  test('whose model calls a tool stops for it, whatever the upstream says', () => {
    const calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: { x: 1 } } }]
    const [choice] = (decoded(whole({ content: '', tool_calls: calls })) as ModelAnswer).choices
    assert.equal(choice?.stop.reason, 'tool-calls')
    assert.deepEqual(plain(choice?.parts), [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{"x":1}' }])
  })

  test('reports members that nobody reads, but not those about how the upstream ran', () => {
    const losses = new Losses()
    decoded(whole({ content: 'a', mood: 'good' }, { content_filter_results: {}, native_finish_reason: 'x' }), losses)
    assert.deepEqual(losses.dropped, ['choices[].message.mood'])
  })

  const parts: readonly AssistantPart[] = [
    { type: 'text', text: 'ab', citations: [{ url: 'https://a.example', title: 'A', start: 0, end: 2 }] },
    { type: 'text', text: 'cd', citations: [{ url: 'https://b.example', start: 0, end: 2 }, { quote: 'q' }] },
    { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AA==' } },
    { type: 'tool-call', id: 'toolu_1', name: 'f', arguments: '' },
  ]

  test('of another dialect has one text, citations at their places in it, and whole arguments', () => {
    const losses = new Losses()
    const answer: ModelAnswer = {
      dialect: 'anthropic-messages',
      id: 'msg_1',
      choices: [{ index: 0, parts, stop: { reason: 'tool-calls' } }],
      extra: { container: {} },
    }
    const out = plain(openaiChatClient.encodeAnswer(answer, answerContext(losses)))
    const [choice] = completionSchema.parse(out).choices
    assert.equal(choice?.message.content, 'abcd')
    assert.deepEqual(
      choice?.message.annotations?.map(({ url_citation: { start_index, end_index, title } }) => [
        start_index,
        end_index,
        title,
      ]),
      [
        [0, 2, 'A'],
        [2, 4, 'https://b.example'],
      ],
    )
    assert.deepEqual(choice?.message.images, [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }])
    assert.deepEqual(choice?.message.tool_calls, [
      { id: 'toolu_1', type: 'function', function: { name: 'f', arguments: '{}' } },
    ])
    assert.deepEqual(losses.dropped.toSorted(), ['annotations', 'container'])
  })

  test('keeps thoughts between calls in their places for those who send them back', () => {
    const losses = new Losses()
    const call = (id: string) => ({ type: 'tool-call', id, name: 'f', arguments: '{}' }) as const
    const thought = (text: string) =>
      ({ type: 'reasoning', text, signature: { family: 'anthropic', value: text } }) as const
    const parts = [thought('1'), call('a'), thought('2'), call('b'), thought('3')]
    const answer: ModelAnswer = { dialect: 'gemini', choices: [{ index: 0, parts, stop: { reason: 'tool-calls' } }] }
    const out = plain(openaiChatClient.encodeAnswer(answer, answerContext(losses))) as JsonObject
    completionSchema.parse(out)
    assert.equal(losses.header(), 'exact')
    assert.deepEqual(plain((decoded(out) as ModelAnswer).choices[0]?.parts), parts)
  })

  test('reports that a text behind a call loses its place', () => {
    const losses = new Losses()
    const parts = [
      { type: 'tool-call', id: 'a', name: 'f', arguments: '{}' },
      { type: 'text', text: 'x' },
    ] as const
    const answer: ModelAnswer = { dialect: 'gemini', choices: [{ index: 0, parts, stop: { reason: 'tool-calls' } }] }
    openaiChatClient.encodeAnswer(answer, answerContext(losses))
    assert.equal(losses.header(), 'adapted; adapted=message.content')
  })

  test('stops with the word that is nearest', () => {
    const words: Readonly<Record<StopReason, string>> = {
      end: 'stop',
      'stop-sequence': 'stop',
      length: 'length',
      'context-length': 'length',
      'tool-calls': 'tool_calls',
      'content-filter': 'content_filter',
      refusal: 'content_filter',
      pause: 'stop',
      malformed: 'stop',
      other: 'stop',
    }
    // The keys of the table are the reasons.
    for (const reason of Object.keys(words) as StopReason[]) {
      const answer: ModelAnswer = { dialect: 'gemini', choices: [{ index: 0, parts: [], stop: { reason } }] }
      const out = completionSchema.parse(plain(openaiChatClient.encodeAnswer(answer, answerContext())))
      assert.equal(out.choices[0]?.finish_reason, words[reason])
    }
  })
})

/** The dialect says `stop` for it, and not which one. */
function withoutSequence(answer: ModelAnswer): ModelAnswer {
  const choices = answer.choices.map((choice) => {
    return choice.stop.reason === 'stop-sequence'
      ? { ...choice, stop: { reason: 'end', raw: 'stop' } as const }
      : choice
  })
  return { ...answer, choices }
}

suite('usage of chat completions', () => {
  // Reports of tokens alone: nothing else is among the counters.
  const sum = (usage: TokenUsage) => Object.values(usage).reduce((total: number, count) => total + (count ?? 0), 0)
  const tokens = fc.nat(1_000_000)

  test('is divided so that its counters are never negative and add up to the total, whatever the details claim', () => {
    const report = fc.record({
      prompt_tokens: tokens,
      completion_tokens: tokens,
      prompt_tokens_details: fc.record(
        { cached_tokens: tokens, audio_tokens: tokens, cache_write_tokens: tokens },
        { requiredKeys: [] },
      ),
      completion_tokens_details: fc.record({ reasoning_tokens: tokens, audio_tokens: tokens }, { requiredKeys: [] }),
    })
    fc.assert(
      fc.property(report, (usage) => {
        const read = decodeUsage({ ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens })
        assert.ok(read !== null)
        assert.equal(sum(read), usage.prompt_tokens + usage.completion_tokens)
        assert.ok(Object.values(read).every((count) => count === undefined || count >= 0))
        const again = encodeUsage(read, new Losses())
        assert.equal(again['prompt_tokens'], usage.prompt_tokens)
        assert.equal(again['completion_tokens'], usage.completion_tokens)
        assert.deepEqual(plain(decodeUsage(again)), plain(read))
      }),
    )
  })

  test('counts reasoning that an upstream keeps beside the completion', () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 45,
      completion_tokens_details: { reasoning_tokens: 30 },
    }
    assert.deepEqual(plain(decodeUsage(usage)), { input: 10, output: 5, reasoning: 30 })
    assert.deepEqual(plain(decodeUsage({ ...usage, completion_tokens_details: null })), {
      input: 10,
      output: 5,
      reasoning: 30,
    })
  })

  test('knows the names that other upstreams have for cached tokens, searches and prices', () => {
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
    assert.equal(decodeUsage({ ...usage, prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 6 })?.cacheRead, 4)
    assert.equal(decodeUsage({ ...usage, cached_tokens: 4 })?.cacheRead, 4)
    assert.equal(decodeUsage({ ...usage, num_search_queries: 3 })?.webSearches, 3)
    assert.equal(decodeUsage({ ...usage, cost: 0.00125 })?.costNanos, 1_250_000)
  })

  test('that cannot be believed is none', () => {
    for (const value of [null, 5, {}, { prompt_tokens: -1 }, { prompt_tokens: '5' }]) {
      assert.equal(decodeUsage(value), null)
    }
  })
})

test('an error is told in the envelope of the dialect, with the public name of its code', () => {
  const error = new GatewayError('resource_not_found', 'There is no model "x".', { param: 'model' })
  assert.deepEqual(errorSchema.parse(openaiChatClient.encodeError(error, 'req_1')), {
    error: {
      message: 'There is no model "x".',
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_not_found',
    },
  })
})
