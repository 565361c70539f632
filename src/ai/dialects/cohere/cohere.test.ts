import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ANSWERS, FAILED_END, failure, STREAM_START } from '../../../../test/mocks/cohere/answers.ts'
import { checkRequest } from '../../../../test/mocks/cohere/check-request.ts'
import type { ModelAnswer, StreamEvent } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { Message, ModelRequest, Parameters } from '../../ir/request.ts'
import { capabilitiesOf, decodeContext } from '../testing/contexts.ts'
import { cohereUpstream } from './index.ts'

const CAPABILITIES = capabilitiesOf('other')

function events(items: readonly JsonObject[]): readonly StreamEvent[] {
  const out: StreamEvent[] = []
  const decoder = cohereUpstream.streamDecoder(decodeContext())
  for (const item of items) decoder.push({ name: null, data: JSON.stringify(item) }, (event) => out.push(event))
  decoder.close((event) => out.push(event))
  return out
}

function assembled(items: readonly JsonObject[]): unknown {
  const assembler = new AnswerAssembler('cohere')
  for (const event of events(items)) assembler.push(event)
  return plain(assembler.answer())
}

/** Without members that are undefined. */
function plain(value: unknown): unknown {
  return value === null ? null : JSON.parse(writeJson(value))
}

function whole(body: JsonObject): ModelAnswer {
  const decoded = cohereUpstream.decodeAnswer(body, decodeContext())
  assert.ok('choices' in decoded)
  return decoded
}

function chat(messages: readonly Message[], more: Partial<ModelRequest> = {}): ModelRequest {
  return { dialect: 'openai-chat', model: 'm', messages, tools: [], parameters: {}, stream: false, ...more }
}

function encode(request: ModelRequest, losses = new Losses(), capabilities = CAPABILITIES, model = 'm'): JsonObject {
  const text = writeJson(cohereUpstream.encodeRequest(request, { model, capabilities, losses }))
  const body: unknown = JSON.parse(text)
  assert.ok(isObject(body))
  assert.equal(
    checkRequest({ method: 'POST', path: '/v2/chat', headers: { authorization: 'Bearer k' }, body }, 'k'),
    null,
    'the vendor takes it',
  )
  const exact = parseExact(text)
  assert.ok(isObject(exact))
  return exact
}

const HELLO: Message = { role: 'user', parts: [{ type: 'text', text: 'Hello' }] }
const call = (id: string, text: string): Message => ({
  role: 'assistant',
  parts: [
    { type: 'reasoning', text: 'Hm', signature: { family: 'gemini', value: 'x' } },
    { type: 'text', text: 'Look.' },
    { type: 'tool-call', id, name: 'a', arguments: text },
  ],
})
const result = (id: string, text: string, isError = false): Message => ({
  role: 'tool',
  parts: [{ type: 'tool-result', callId: id, content: [{ type: 'text', text }], isError }],
})

const ALL: Parameters = {
  maxOutputTokens: 9,
  temperature: 1.5,
  topP: 1,
  topK: 5,
  minP: 0.1,
  frequencyPenalty: 0.5,
  presencePenalty: 0.5,
  seed: 1,
  stop: ['a'],
  choices: 2,
  logprobs: { top: 2 },
  logitBias: { 1: 1 },
  parallelToolCalls: false,
  reasoning: { effort: 'high' },
  output: { type: 'json-schema', name: 'n', schema: { type: 'object' } },
  verbosity: 'low',
  user: 'u',
  metadata: { a: 'b' },
  serviceTier: 'flex',
  store: true,
  promptCacheKey: 'k',
  modalities: ['text', 'audio'],
  audioOutput: { voice: 'v' },
  prediction: 'p',
  includeUsage: true,
}

describe('an answer of Cohere', () => {
  for (const [name, { whole: body, events: list }] of Object.entries(ANSWERS)) {
    test(`is the same, streamed or not: ${name}`, () => {
      assert.deepEqual(assembled(list), plain(whole(body)))
    })

    test(`ends only when the upstream said so: ${name}`, () => {
      for (let cut = 0; cut < list.length; cut++) {
        const last = events(list.slice(0, cut)).at(-1)
        assert.ok(last?.type === 'fault' && last.fault.kind === 'truncated', `after ${cut}`)
      }
    })

    test(`is not changed by what comes after its end: ${name}`, () => {
      assert.deepEqual(assembled([...list, ...list, failure('late')]), plain(whole(body)))
    })
  }

  test('that cannot be read is a fault, and never an end', () => {
    for (const data of ['<html>', '[]', '"x"']) {
      const out: StreamEvent[] = []
      const decoder = cohereUpstream.streamDecoder(decodeContext())
      decoder.push({ name: null, data }, (event) => out.push(event))
      decoder.close((event) => out.push(event))
      assert.deepEqual(
        out.map(({ type }) => type),
        ['fault'],
      )
    }
    assert.throws(() => cohereUpstream.decodeAnswer({}, decodeContext()), FieldProblem)
  })

  test('that failed is a fault, whole, within a stream and at its end', () => {
    const fault = { message: 'broken' }
    assert.deepEqual(cohereUpstream.decodeAnswer(failure('broken'), decodeContext()), fault)
    assert.deepEqual(cohereUpstream.decodeError(failure('broken')), fault)
    assert.equal(cohereUpstream.decodeError({ error: 'x' }), null)
    assert.deepEqual(events([STREAM_START, failure('broken')]).at(-1), { type: 'fault', fault })
    const failed = { message: 'internal error', kind: 'ERROR' }
    assert.deepEqual(events([STREAM_START, FAILED_END]).at(-1), { type: 'fault', fault: failed })
    const timeout = { id: 'x', finish_reason: 'TIMEOUT', message: { role: 'assistant' } }
    assert.deepEqual(cohereUpstream.decodeAnswer(timeout, decodeContext()), {
      message: 'The model failed to answer.',
      kind: 'TIMEOUT',
    })
  })

  test('may leave out every optional event', () => {
    const { events: list, whole: body } = ANSWERS['several text deltas'] ?? assert.fail()
    const needed = list.filter(({ type }) => type === 'content-delta' || type === 'message-end')
    const { id: _, ...same } = whole(body)
    assert.deepEqual(assembled(needed), plain(same))
  })

  test('counts what is billed, and never less than nothing', () => {
    const number = fc.integer({ min: 0, max: 100_000 })
    fc.assert(
      fc.property(number, number, number, (input, output, cached) => {
        const usage = { billed_units: { input_tokens: input, output_tokens: output }, cached_tokens: cached }
        const answer = whole({ id: 'x', finish_reason: 'COMPLETE', message: { content: [] }, usage })
        const { input: uncached = -1, cacheRead = 0, output: out = -1 } = answer.usage ?? {}
        assert.equal(uncached + cacheRead + out, input + output)
        assert.ok(uncached >= 0 && cacheRead >= 0 && out >= 0)
      }),
    )
  })
})

describe('a request to Cohere', () => {
  test('tells the plan before the calls, and gives results as documents', () => {
    const losses = new Losses()
    const body = encode(
      chat([
        HELLO,
        call('c1', '{"n":9007199254740993}'),
        result('c1', 'cold'),
        call('c2', ''),
        result('c2', 'no', true),
      ]),
      losses,
    )
    const asked = (id: string, text: string) => ({
      role: 'assistant',
      content: [{ type: 'thinking', thinking: 'Hm' }],
      tool_plan: 'Look.',
      tool_calls: [{ id, type: 'function', function: { name: 'a', arguments: text } }],
    })
    const told = (id: string, data: JsonObject) => ({
      role: 'tool',
      tool_call_id: id,
      content: [{ type: 'document', document: { data } }],
    })
    assert.deepEqual(body['messages'], [
      { role: 'user', content: 'Hello' },
      asked('c1', '{"n":9007199254740993}'),
      told('c1', { data: 'cold' }),
      asked('c2', '{}'),
      told('c2', { error: 'no' }),
    ])
    assert.deepEqual(losses.dropped, ['messages[].reasoning.signature'])
  })

  test('carries images and texts, and says what it cannot', () => {
    const losses = new Losses()
    const body = encode(
      chat([
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'See' },
            { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'aGk=' }, detail: 'low' },
            { type: 'image', source: { kind: 'url', url: 'https://a.example/x.png' } },
            { type: 'document', source: { kind: 'data', mediaType: 'application/pdf', base64: 'aGk=' } },
            { type: 'audio', source: { kind: 'url', url: 'https://a.example/x.mp3' } },
          ],
        },
      ]),
      losses,
    )
    assert.deepEqual(body['messages'], [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=', detail: 'low' } },
          { type: 'image_url', image_url: { url: 'https://a.example/x.png' } },
        ],
      },
    ])
    assert.deepEqual(losses.dropped, ['messages[].audio', 'messages[].document'])
  })

  test('reads documents of text, however they are held', () => {
    const base64 = Buffer.from('Größe').toString('base64')
    const losses = new Losses()
    const { messages } = encode(
      chat([
        {
          role: 'user',
          parts: [
            { type: 'document', source: { kind: 'data', mediaType: 'text/plain', base64 }, name: 'a.txt' },
            { type: 'document', source: { kind: 'data', mediaType: 'application/json', base64 } },
          ],
        },
      ]),
      losses,
    )
    assert.deepEqual(messages, [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a.txt\n\nGröße' },
          { type: 'text', text: 'Größe' },
        ],
      },
    ])
    assert.deepEqual(losses.dropped, [])
  })

  test('says what becomes of every parameter', () => {
    const losses = new Losses()
    const { model: _, stream: __, messages: ___, ...parameters } = encode(chat([HELLO], { parameters: ALL }), losses)
    assert.deepEqual(parameters, {
      max_tokens: 9,
      temperature: 1,
      p: 0.99,
      k: 5,
      frequency_penalty: 0.5,
      presence_penalty: 0.5,
      seed: 1,
      stop_sequences: ['a'],
      logprobs: true,
      thinking: { type: 'enabled', token_budget: 16_384 },
      response_format: { type: 'json_object', json_schema: { type: 'object' } },
    })
    assert.deepEqual(losses.adapted.toSorted(), ['reasoning', 'temperature', 'top_p'])
    assert.equal(losses.dropped.length, 14)
  })

  test('leaves out the tools that must not be called, for a choice of some', () => {
    const tools = [
      { type: 'function', name: 'a', strict: true },
      { type: 'function', name: 'b', parameters: { type: 'object' }, strict: true },
    ] as const
    const encoded = (toolChoice: ModelRequest['toolChoice']) => {
      const { tools: list, tool_choice: choice, strict_tools: strict } = encode(chat([HELLO], { tools, toolChoice }))
      return [JSON.stringify(list).match(/"name":"."/g)?.length, choice, strict]
    }
    assert.deepEqual(encoded({ type: 'tool', name: 'b' }), [1, 'REQUIRED', true])
    assert.deepEqual(encoded({ type: 'required' }), [2, 'REQUIRED', true])
    assert.deepEqual(encoded({ type: 'none' }), [2, 'NONE', true])
    assert.deepEqual(encoded({ type: 'auto' }), [2, undefined, true])
  })

  test('without anything to say is refused', () => {
    assert.throws(() => encode(chat([{ role: 'user', parts: [] }])), FieldProblem)
  })
})
