import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ANSWERS, failure } from '../../../../test/mocks/ollama/answers.ts'
import { checkRequest } from '../../../../test/mocks/ollama/check-request.ts'
import type { ModelAnswer, StreamEvent } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import { FieldProblem } from '../../ir/fields.ts'
import { isObject, type JsonObject, parseExact, writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { Message, ModelRequest, Parameters } from '../../ir/request.ts'
import type { Capabilities } from '../dialect.ts'
import { capabilitiesOf, decodeContext } from '../testing/contexts.ts'
import { ollamaUpstream } from './index.ts'

const CAPABILITIES = capabilitiesOf('other')

function events(items: readonly JsonObject[]): readonly StreamEvent[] {
  const out: StreamEvent[] = []
  const decoder = ollamaUpstream.streamDecoder(decodeContext())
  for (const item of items) decoder.push({ name: null, data: JSON.stringify(item) }, (event) => out.push(event))
  decoder.close((event) => out.push(event))
  return out
}

function assembled(items: readonly JsonObject[]): unknown {
  const assembler = new AnswerAssembler('ollama')
  for (const event of events(items)) assembler.push(event)
  return plain(assembler.answer())
}

/** Without members that are undefined. */
function plain(value: unknown): unknown {
  return value === null ? null : JSON.parse(writeJson(value))
}

function whole(body: JsonObject): ModelAnswer {
  const decoded = ollamaUpstream.decodeAnswer(body, decodeContext())
  assert.ok('choices' in decoded)
  return decoded
}

function chat(messages: readonly Message[], more: Partial<ModelRequest> = {}): ModelRequest {
  return { dialect: 'openai-chat', model: 'm', messages, tools: [], parameters: {}, stream: false, ...more }
}

function encode(request: ModelRequest, losses = new Losses(), capabilities = CAPABILITIES, model = 'm'): JsonObject {
  const text = writeJson(ollamaUpstream.encodeRequest(request, { model, capabilities, losses }))
  const body: unknown = JSON.parse(text)
  assert.ok(isObject(body))
  assert.equal(checkRequest({ method: 'POST', path: '/api/chat', body }), null, 'the vendor takes it')
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

describe('an answer of Ollama', () => {
  for (const [name, { whole: body, lines: list }] of Object.entries(ANSWERS)) {
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
      const decoder = ollamaUpstream.streamDecoder(decodeContext())
      decoder.push({ name: null, data }, (event) => out.push(event))
      decoder.close((event) => out.push(event))
      assert.deepEqual(
        out.map(({ type }) => type),
        ['fault'],
      )
    }
    assert.throws(() => ollamaUpstream.decodeAnswer({}, decodeContext()), FieldProblem)
  })

  test('that failed is a fault, whole and within a stream', () => {
    const fault = { message: 'model not found' }
    assert.deepEqual(ollamaUpstream.decodeAnswer(failure('model not found'), decodeContext()), fault)
    assert.deepEqual(ollamaUpstream.decodeError(failure('model not found')), fault)
    assert.equal(ollamaUpstream.decodeError({ error: {} }), null)
    const { lines: list } = ANSWERS['several text deltas'] ?? assert.fail()
    assert.deepEqual(events([...list.slice(0, 2), failure('model not found')]).at(-1), { type: 'fault', fault })
  })

  test('gets ids for calls that have none, and keeps every digit of their arguments', () => {
    const out: StreamEvent[] = []
    const decoder = ollamaUpstream.streamDecoder(decodeContext())
    const data =
      '{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"a","arguments":{"n":9007199254740993}}}]},"done":true}'
    decoder.push({ name: null, data }, (event) => out.push(event))
    assert.ok(out.some((event) => event.type === 'part-delta' && event.text === '{"n":9007199254740993}'))
    assert.ok(
      out.some((event) => event.type === 'part-start' && event.part.type === 'tool-call' && event.part.id === 'call_1'),
    )
  })

  test('counts what it is told, and never less than nothing', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (input, output) => {
        const line = { message: {}, done: true, prompt_eval_count: input, eval_count: output }
        const usage = whole(line).usage ?? { input: -1, output: -1 }
        // What cannot be true is told as such, for whoever charges.
        const sound = (value: number) => Math.min(Math.max(0, value), 1_000_000_000)
        assert.deepEqual(usage, { input: sound(input), output: sound(output) })
      }),
    )
  })
})

describe('a request to Ollama', () => {
  test('carries calls with their arguments as objects, and results with the name of their tool', () => {
    const losses = new Losses()
    const body = encode(
      chat([
        HELLO,
        call('c1', '{"n":9007199254740993}'),
        result('c1', 'cold'),
        call('c2', '{"a'),
        result('c2', 'no', true),
      ]),
      losses,
    )
    assert.ok(writeJson(body).includes('"arguments":{"n":9007199254740993}'))
    assert.ok(writeJson(body).includes('"arguments":{"invalid_arguments":"{\\"a"}'))
    const { messages } = body
    assert.ok(Array.isArray(messages))
    assert.deepEqual(messages[2], { role: 'tool', content: 'cold', tool_name: 'a', tool_call_id: 'c1' })
    assert.deepEqual(messages[4], { role: 'tool', content: 'Error: no', tool_name: 'a', tool_call_id: 'c2' })
    assert.equal(messages[1].thinking, 'Hm')
    assert.deepEqual(losses.dropped, ['messages[].reasoning.signature'])
    assert.deepEqual(losses.adapted, ['messages[].tool_call.arguments', 'messages[].tool_result.is_error'])
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
    assert.deepEqual(messages, [{ role: 'user', content: 'a.txt\n\nGröße\nGröße' }])
    assert.deepEqual(losses.dropped, [])
  })

  test('carries images as bytes only', () => {
    const losses = new Losses()
    const body = encode(
      chat([
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'See' },
            { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'aGk=' } },
            { type: 'image', source: { kind: 'url', url: 'https://a.example/x.png' } },
          ],
        },
      ]),
      losses,
    )
    assert.deepEqual(body['messages'], [{ role: 'user', content: 'See', images: ['aGk='] }])
    assert.deepEqual(losses.dropped, ['messages[].image.source'])
  })

  test('says what becomes of every parameter', () => {
    const losses = new Losses()
    const { model: _, stream: __, messages: ___, ...parameters } = encode(chat([HELLO], { parameters: ALL }), losses)
    assert.deepEqual(parameters, {
      logprobs: true,
      top_logprobs: 2,
      think: true,
      format: { type: 'object' },
      options: {
        num_predict: 9,
        temperature: 1.5,
        top_p: 1,
        top_k: 5,
        min_p: 0.1,
        frequency_penalty: 0.5,
        presence_penalty: 0.5,
        seed: 1,
        stop: ['a'],
      },
    })
    assert.deepEqual(losses.adapted, ['reasoning'])
    assert.equal(losses.dropped.length, 12)
  })

  test('asks to think by a level, or yes and no, as the model takes it', () => {
    const think = (reasoning: Parameters['reasoning'], way: Capabilities['reasoning'], model = 'm') =>
      encode(chat([HELLO], { parameters: { reasoning } }), new Losses(), { ...CAPABILITIES, reasoning: way }, model)[
        'think'
      ]
    assert.equal(think({ effort: 'medium' }, null), true)
    assert.equal(think({ effort: 'medium' }, 'effort'), 'medium')
    assert.equal(think({ effort: 'max' }, null, 'gpt-oss:20b'), 'high')
    assert.equal(think({ effort: 'none' }, null), false)
    assert.equal(think({ mode: 'disabled' }, 'level'), 'low')
    assert.equal(think({ mode: 'enabled', budgetTokens: 100 }, null), true)
    assert.equal(think({ effort: 'high' }, 'none'), undefined)
  })

  test("takes the server's own words from a client of another dialect", () => {
    const extra = { keep_alive: '5m', options: { num_ctx: 8192, top_k: 1 }, other: 1 }
    const losses = new Losses()
    const body = encode(chat([HELLO], { extra, parameters: { topK: 7 } }), losses)
    assert.deepEqual([body['keep_alive'], body['options']], ['5m', { num_ctx: 8192, top_k: 7 }])
    assert.deepEqual(losses.dropped, ['other'])
  })

  test('offers no tools to a model that must not call', () => {
    const tools = [{ type: 'function', name: 'a' }] as const
    assert.equal(encode(chat([HELLO], { tools, toolChoice: { type: 'none' } }))['tools'], undefined)
    const losses = new Losses()
    assert.deepEqual(encode(chat([HELLO], { tools, toolChoice: { type: 'required' } }), losses)['tools'], [
      { type: 'function', function: { name: 'a', parameters: { type: 'object', properties: {} } } },
    ])
    assert.deepEqual(losses.dropped, ['tool_choice'])
  })
})
