import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ANSWERS, answer, chunk, failure } from '../../../../test/mocks/gemini/answers.ts'
import { GatewayError } from '../../../core/index.ts'
import type { AnswerFault, ModelAnswer, StreamEvent, TokenUsage } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import { FieldProblem } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { AnswerContext } from '../dialect.ts'
import { decodeContext } from '../testing/contexts.ts'
import { decodeCountAnswer, decodeCountRequest, encodeCountAnswer, geminiClient, geminiUpstream } from './index.ts'
import { decodeUsage, encodeUsage } from './usage.ts'

function whole(body: JsonObject): ModelAnswer {
  const decoded = geminiUpstream.decodeAnswer(body, decodeContext())
  assert.ok('choices' in decoded)
  return decoded
}

/** What a stream gives that closes after these chunks. */
function events(chunks: readonly JsonObject[]): readonly StreamEvent[] {
  const out: StreamEvent[] = []
  const decoder = geminiUpstream.streamDecoder(decodeContext())
  for (const item of chunks) decoder.push({ name: null, data: JSON.stringify(item) }, (event) => out.push(event))
  decoder.close((event) => out.push(event))
  return out
}

function assembled(all: readonly StreamEvent[]): ModelAnswer | AnswerFault | null {
  const assembler = new AnswerAssembler('gemini')
  for (const event of all) assembler.push(event)
  return assembler.answer()
}

const REQUEST: ModelRequest = {
  dialect: 'gemini',
  model: 'm',
  messages: [],
  tools: [],
  parameters: { reasoning: { summary: 'auto' } },
  stream: true,
}

function answering(more: Partial<AnswerContext> = {}): AnswerContext {
  return { id: 'id1', model: 'served', createdAt: 0, request: REQUEST, losses: new Losses(), ...more }
}

/** The chunks of an encoded stream of server-sent events. */
function chunksOf(text: string): JsonObject[] {
  return text
    .split('\r\n\r\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => JSON.parse(event.slice(6)))
}

function encoded(all: readonly StreamEvent[], context = answering()): string {
  const encoder = geminiClient.streamEncoder(context)
  return all.map((event) => encoder.push(event)).join('')
}

describe('an answer of Gemini', () => {
  for (const [name, { whole: body, chunks }] of Object.entries(ANSWERS)) {
    test(`is the same, streamed or not: ${name}`, () => {
      assert.deepEqual(assembled(events(chunks)), whole(body))
    })

    test(`ends only when the upstream said so: ${name}`, () => {
      for (let cut = 0; cut < chunks.length; cut++) {
        const last = events(chunks.slice(0, cut)).at(-1)
        assert.ok(last?.type === 'fault' && last.fault.kind === 'truncated', `after ${cut}`)
      }
    })

    test(`reads empty and repeated last chunks as nothing more: ${name}`, () => {
      const { usageMetadata } = body
      const noise = [{}, { usageMetadata }, { candidates: [] }, { candidates: [{ index: 0 }] }]
      const noisy = body['candidates'] === undefined ? noise.slice(0, 3) : noise
      const some = chunks.flatMap((item) => [item, { usageMetadata: item['usageMetadata'] }])
      assert.deepEqual(assembled(events([...some, ...noisy])), whole(body))
    })

    test(`is the same again for a client: ${name}`, () => {
      const decoded = whole(body)
      const again = whole(geminiClient.encodeAnswer(decoded, answering()))
      assert.deepEqual({ ...again, id: 0, model: 0 }, { ...decoded, id: 0, model: 0 })
      const streamed = assembled(events(chunksOf(encoded(events(chunks)))))
      assert.ok(streamed !== null && 'choices' in streamed)
      assert.deepEqual({ ...streamed, id: 0, model: 0 }, { ...decoded, id: 0, model: 0 })
    })
  }

  test('keeps what only it knows for its own clients', () => {
    const ratings = { safetyRatings: [{ category: 'HARM', probability: 'LOW' }], avgLogprobs: -0.1 }
    const body = { ...answer([{ text: 'Hi' }], { candidate: ratings }), modelStatus: { modelStage: 'STABLE' } }
    assert.deepEqual(geminiClient.encodeAnswer(whole(body), answering()), body)
    const losses = new Losses()
    geminiClient.encodeAnswer({ ...whole(body), dialect: 'cohere' }, answering({ losses }))
    assert.deepEqual(losses.dropped, ['modelStatus', 'candidates[].safetyRatings', 'candidates[].avgLogprobs'])
  })

  test('stops for tools when it calls one', () => {
    const { whole: body } = ANSWERS['tool call'] ?? assert.fail()
    assert.deepEqual(whole(body).choices[0]?.stop, { reason: 'tool-calls', raw: 'STOP' })
  })

  test('reads a refused prompt as filtered, not as a failure', () => {
    const { whole: body } = ANSWERS['blocked prompt'] ?? assert.fail()
    assert.equal(whole(body).choices.length, 0 + 1)
    assert.deepEqual(whole(body).choices[0]?.stop, { reason: 'content-filter', raw: 'PROHIBITED_CONTENT' })
  })

  test('keeps every digit of arguments in streams', () => {
    const out: StreamEvent[] = []
    const decoder = geminiUpstream.streamDecoder(decodeContext())
    const data =
      '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"a","args":{"id":9007199254740993}}}]},"finishReason":"STOP"}]}'
    decoder.push({ name: null, data }, (event) => out.push(event))
    assert.ok(out.some((event) => event.type === 'part-delta' && event.text === '{"id":9007199254740993}'))
  })

  test('places sources in characters, though the vendor counts bytes', () => {
    const text = 'Grüße aus Köln. Ja.'
    const grounding = {
      groundingMetadata: {
        groundingChunks: [{ web: { uri: 'https://k.example', title: 'K' } }],
        groundingSupports: [
          { segment: { startIndex: 0, endIndex: 18, text: 'Grüße aus Köln.' }, groundingChunkIndices: [0] },
        ],
        webSearchQueries: ['a', 'b'],
      },
    }
    const decoded = whole(answer([{ text }], { candidate: grounding }))
    const [part] = decoded.choices[0]?.parts ?? []
    assert.ok(part?.type === 'text')
    assert.deepEqual(part.citations, [
      { url: 'https://k.example', title: 'K', quote: 'Grüße aus Köln.', start: 0, end: 15 },
    ])
    assert.equal(decoded.usage?.webSearches, 2)
  })

  test('tells the probabilities of its tokens in the words of OpenAI', () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'Hi', tokenId: 1, logProbability: -0.5 }],
      topCandidates: [{ candidates: [{ token: 'Hi', logProbability: -0.5 }] }],
    }
    const decoded = whole(answer([{ text: 'Hi' }], { candidate: { logprobsResult } }))
    const token = { token: 'Hi', logprob: -0.5, bytes: null }
    assert.deepEqual(decoded.choices[0]?.logprobs, { content: [{ ...token, top_logprobs: [token] }] })
    const { candidates } = geminiClient.encodeAnswer(decoded, answering())
    assert.ok(JSON.stringify(candidates).includes('"chosenCandidates":[{"token":"Hi","logProbability":-0.5}]'))
  })

  test('that is none is refused', () => {
    for (const body of [{}, { choices: [] }, { usageMetadata: {} }, { candidates: [] }]) {
      assert.throws(() => geminiUpstream.decodeAnswer(body, decodeContext()), FieldProblem)
    }
  })

  test('that is an error is a fault, whole and within a stream', () => {
    const body = failure(503, 'UNAVAILABLE', 'The model is overloaded.')
    const fault = { message: 'The model is overloaded.', kind: 'UNAVAILABLE' }
    assert.deepEqual(geminiUpstream.decodeAnswer(body, decodeContext()), fault)
    assert.deepEqual(geminiUpstream.decodeError(body), fault)
    assert.equal(geminiUpstream.decodeError({ message: 'no' }), null)
    const all = events([chunk([{ text: 'Hi' }]), body, chunk([{ text: 'more' }], { finishReason: 'STOP' })])
    assert.deepEqual(all.at(-1), { type: 'fault', fault })
  })

  test('that cannot be read is a fault, and never an end', () => {
    for (const data of ['<html>', '[]', '{"candidates":[{"content":{"parts":[{"text":1}]}}]}']) {
      const out: StreamEvent[] = []
      const decoder = geminiUpstream.streamDecoder(decodeContext())
      decoder.push({ name: null, data }, (event) => out.push(event))
      decoder.close((event) => out.push(event))
      assert.equal(out.at(-1)?.type, 'fault')
    }
  })
})

describe('what a client of Gemini gets of another answer', () => {
  const parts: readonly AssistantPart[] = [
    { type: 'reasoning', text: 'Hm', signature: { family: 'anthropic', value: 'abc/+=' } },
    { type: 'reasoning', text: '', sealed: { family: 'openai', value: 'xyz' }, itemId: 'rs_1' },
    { type: 'text', text: 'Hi' },
    { type: 'tool-call', id: 'toolu_1', name: 'a', arguments: '{"city":"Par' },
    { type: 'refusal', text: 'No' },
  ]
  const other: ModelAnswer = {
    dialect: 'anthropic-messages',
    choices: [{ index: 0, parts, stop: { reason: 'length' } }],
  }

  test("carries other families' seals there and back", () => {
    const body = geminiClient.encodeAnswer(other, answering())
    const [candidate] = body['candidates'] as JsonObject[]
    const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }, candidate?.['content']]
    const request = geminiClient.decodeRequest({ contents }, { model: 'm', stream: false, losses: new Losses() })
    assert.deepEqual(request.messages[1]?.parts.slice(0, 2), [
      { type: 'reasoning', text: 'Hm', summary: true, signature: { family: 'anthropic', value: 'abc/+=' } },
      { type: 'reasoning', text: '', summary: true, sealed: { family: 'openai', value: 'xyz' }, itemId: 'rs_1' },
    ])
  })

  test('shows a cut call as what it is, and stops with the limit', () => {
    const text = JSON.stringify(geminiClient.encodeAnswer(other, answering()))
    assert.ok(text.includes('{"invalid_arguments":"{\\"city\\":\\"Par"}'))
    assert.ok(text.includes('"finishReason":"MAX_TOKENS"'))
  })

  test('hides thoughts that it did not ask for, and keeps their seals', () => {
    const hidden = answering({ request: { ...REQUEST, parameters: {} } })
    const text = JSON.stringify(geminiClient.encodeAnswer(other, hidden))
    assert.ok(!text.includes('"Hm"') && text.includes('thoughtSignature'))
    const all: StreamEvent[] = [
      { type: 'start' },
      { type: 'part-start', choice: 0, index: 0, part: { type: 'reasoning', text: '' } },
      { type: 'part-delta', choice: 0, index: 0, text: 'Hm' },
      { type: 'part-end', choice: 0, index: 0 },
      { type: 'stop', choice: 0, stop: { reason: 'end' } },
      { type: 'end' },
    ]
    assert.ok(!encoded(all, hidden).includes('Hm') && encoded(all).includes('Hm'))
  })

  test('keeps the order of parts that overlap', () => {
    const text = (index: number, part: string): StreamEvent => ({ type: 'part-delta', choice: 0, index, text: part })
    const all: StreamEvent[] = [
      { type: 'start', id: 'r' },
      { type: 'part-start', choice: 0, index: 0, part: { type: 'text', text: '' } },
      { type: 'part-start', choice: 0, index: 1, part: { type: 'tool-call', id: '1', name: 'a', arguments: '' } },
      text(1, '{"a"'),
      text(0, 'Hel'),
      text(1, ':1}'),
      { type: 'part-end', choice: 0, index: 1 },
      text(0, 'lo'),
      { type: 'part-end', choice: 0, index: 0 },
      { type: 'usage', usage: { input: 1, output: 2 } },
      { type: 'stop', choice: 0, stop: { reason: 'tool-calls' } },
      { type: 'end' },
    ]
    const answered = assembled(events(chunksOf(encoded(all))))
    assert.ok(answered !== null && 'choices' in answered)
    assert.deepEqual(answered.choices[0]?.parts, [
      { type: 'text', text: 'Hello' },
      { type: 'tool-call', id: '1', name: 'a', arguments: '{"a":1}' },
    ])
    assert.deepEqual(answered.usage, { input: 1, output: 2 })
  })

  test('is one array of JSON for a client that did not ask for events', () => {
    const { chunks } = ANSWERS['several text deltas'] ?? assert.fail()
    const text = encoded(events(chunks), answering({ streamFraming: 'json-array' }))
    const list: unknown = JSON.parse(text)
    assert.ok(Array.isArray(list))
    assert.deepEqual(list, chunksOf(encoded(events(chunks))))
  })

  test('that breaks ends with an error that no reader overlooks', () => {
    const broken = new GatewayError('upstream_truncated', 'It broke.')
    const { chunks } = ANSWERS['text'] ?? assert.fail()
    for (const begun of [[], events(chunks).slice(0, 3)]) {
      const encoder = geminiClient.streamEncoder(answering({ streamFraming: 'json-array' }))
      const text = begun.map((event) => encoder.push(event)).join('') + encoder.fail(broken, 'r1')
      const list: unknown = JSON.parse(text)
      assert.ok(Array.isArray(list))
      assert.deepEqual(list.at(-1), geminiClient.encodeError(broken, 'r1'))
      assert.equal(encoder.push({ type: 'end' }), '')
    }
  })
})

describe('an error for a client of Gemini', () => {
  test('is a google.rpc.Status with the member, the wait and the request', () => {
    const error = new GatewayError('rate_limit_exceeded', 'Too many.', { retryAfterSeconds: 3, param: 'contents' })
    assert.deepEqual(geminiClient.encodeError(error, 'req-1'), {
      error: {
        code: 429,
        message: 'Too many.',
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'RATE_LIMIT_EXCEEDED',
            domain: 'ferro-gateway',
          },
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field: 'contents', description: 'Too many.' }],
          },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '3s' },
          { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId: 'req-1' },
        ],
      },
    })
  })
})

describe('usage of Gemini', () => {
  const sum = (usage: TokenUsage) => {
    const { webSearches: _, costNanos: __, tier: ___, speed: ____, region: _____, ...counters } = usage
    return Object.values(counters).reduce((total: number, value) => total + (value ?? 0), 0)
  }
  const count = fc.integer({ min: 0, max: 100_000 })

  test('sums up to the total of the vendor, whatever contains what', () => {
    fc.assert(
      fc.property(
        fc.record({
          prompt: count,
          cached: count,
          tools: count,
          out: count,
          thoughts: count,
          audio: count,
          image: count,
        }),
        fc.boolean(),
        ({ prompt, cached, tools, out, thoughts, audio, image }, beside) => {
          const all = prompt + (beside ? cached : 0)
          const usage = decodeUsage(
            {
              promptTokenCount: beside ? prompt : prompt + cached,
              cachedContentTokenCount: cached,
              toolUsePromptTokenCount: tools,
              candidatesTokenCount: out,
              thoughtsTokenCount: thoughts,
              totalTokenCount: (beside ? all : prompt + cached) + tools + out + thoughts,
              promptTokensDetails: [
                { modality: 'AUDIO', tokenCount: audio },
                { modality: 'IMAGE', tokenCount: image },
              ],
              candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: audio }],
            },
            0,
          )
          assert.equal(sum(usage), (beside ? all : prompt + cached) + tools + out + thoughts)
          assert.ok(Object.values(usage).every((value) => value >= 0))
        },
      ),
    )
  })

  test('comes back as it was from what a client is told', () => {
    fc.assert(
      fc.property(
        count,
        count,
        count,
        count,
        count,
        count,
        (input, cacheRead, output, reasoning, audioInput, imageOutput) => {
          const usage: TokenUsage = {
            input,
            output,
            ...(cacheRead > 0 && { cacheRead }),
            ...(reasoning > 0 && { reasoning }),
            ...(audioInput > 0 && { audioInput }),
            ...(imageOutput > 0 && { imageOutput }),
          }
          assert.deepEqual(decodeUsage(encodeUsage(usage), 0), usage)
        },
      ),
    )
  })

  test('tells nothing where it cannot be, and what is absurd stays so, for whoever charges it', () => {
    const usage = decodeUsage({ promptTokenCount: -5, candidatesTokenCount: 1e300, cachedContentTokenCount: 'x' }, 0)
    assert.deepEqual(usage, { input: 0, output: 1_000_000_000 })
  })
})

describe('counting tokens', () => {
  const context = { model: 'm', stream: false, losses: new Losses() }
  const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }]

  test('reads contents alone, or a whole request', () => {
    assert.deepEqual(
      decodeCountRequest({ contents }, context),
      decodeCountRequest({ generateContentRequest: { contents } }, context),
    )
    assert.throws(() => decodeCountRequest({ contents, generateContentRequest: {} }, context), FieldProblem)
  })

  test('tells the number both ways', () => {
    assert.equal(decodeCountAnswer(encodeCountAnswer(31)), 31)
    assert.equal(decodeCountAnswer({ totalTokens: 'x' }), null)
  })
})
