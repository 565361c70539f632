import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  ANSWER_NAMES,
  failingStream,
  responsesAnswer,
  responsesStream,
} from '../../../../test/mocks/openai-responses/answers.ts'
import { GatewayError } from '../../../core/index.ts'
import type { ModelAnswer, StreamEvent } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import { eventsOf as disassembled } from '../../ir/disassemble.ts'
import { isObject, type JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { AssistantPart } from '../../ir/parts.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { AnswerContext } from '../dialect.ts'
import { decodeContext } from '../testing/contexts.ts'
import { openaiResponsesClient as client, openaiResponsesUpstream as upstream } from './index.ts'

const REQUEST: ModelRequest = {
  dialect: 'openai-responses',
  model: 'm',
  messages: [],
  tools: [],
  parameters: {},
  stream: true,
}

function answerContext(request: Partial<ModelRequest> = {}): AnswerContext {
  return { id: 'abc', model: 'm', createdAt: 1_790_000_000, request: { ...REQUEST, ...request }, losses: new Losses() }
}

function decodedEvents(wire: readonly JsonObject[]): StreamEvent[] {
  const decoder = upstream.streamDecoder(decodeContext())
  const out: StreamEvent[] = []
  const emit = (event: StreamEvent) => void out.push(event)
  for (const event of wire) decoder.push({ name: String(event['type']), data: JSON.stringify(event) }, emit)
  decoder.close(emit)
  return out
}

function assembled(wire: readonly JsonObject[]): ModelAnswer {
  const assembler = new AnswerAssembler('openai-responses')
  for (const event of decodedEvents(wire)) assembler.push(event)
  const answer = assembler.answer()
  assert.ok(answer !== null && 'choices' in answer, JSON.stringify(answer))
  return answer
}

function decoded(body: JsonObject): ModelAnswer {
  const answer = upstream.decodeAnswer(body, decodeContext())
  assert.ok('choices' in answer, JSON.stringify(answer))
  return answer
}

/** Without members that are undefined: they are absent on the wire. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function encodedEvents(events: Iterable<StreamEvent>, context = answerContext()): JsonObject[] {
  const encoder = client.streamEncoder(context)
  let text = ''
  for (const event of events) text += encoder.push(event)
  return eventsIn(text)
}

/** Events of the wire; each has its type in its name and in its data, and the next number. */
function eventsIn(text: string): JsonObject[] {
  const blocks = text.split('\n\n')
  assert.equal(blocks.pop(), '', 'each event is ended')
  return blocks.map((block, number) => {
    const match = /^event: (.+)\ndata: (.+)$/.exec(block)
    assert.ok(match !== null, block)
    const event: unknown = JSON.parse(match[2] ?? '')
    assert.ok(isObject(event))
    assert.equal(event['type'], match[1])
    assert.equal(event['sequence_number'], number)
    return event
  })
}

/** What a client that reads deltas only puts together, item by item. */
function itemsOfDeltas(events: readonly JsonObject[]): string[] {
  const texts: string[] = []
  for (const event of events) {
    const at = Number(event['output_index'])
    if (event['type'] === 'response.output_item.added') texts[at] = ''
    else if (typeof event['delta'] === 'string') {
      assert.notEqual(texts[at], undefined, 'an item is there before its deltas')
      texts[at] += event['delta']
    }
  }
  return texts
}

/** The same of a finished output. */
function textsOf(output: unknown): string[] {
  return (output as readonly JsonObject[]).map((item) => {
    const parts = [...((item['summary'] as JsonObject[]) ?? []), ...((item['content'] as JsonObject[]) ?? [])]
    const prose = parts.map((part) => String(part['text'] ?? part['refusal'])).join('')
    const { arguments: text, input } = item
    return prose + (typeof text === 'string' ? text : typeof input === 'string' ? input : '')
  })
}

suite('an answer of an upstream', () => {
  for (const name of ANSWER_NAMES) {
    test(`streamed is the same as whole: ${name}`, () => {
      assert.deepEqual(plain(assembled(responsesStream(name))), plain(decoded(responsesAnswer(name))))
    })

    test(`with every event twice, or without the optional ones, is the same: ${name}`, () => {
      const stream = responsesStream(name)
      const expected = plain(assembled(stream))
      assert.deepEqual(plain(assembled(stream.flatMap((event) => [event, event]))), expected, 'twice')
      const without = (...words: readonly string[]) =>
        stream.filter((event) => !words.some((word) => String(event['type']).includes(word)))
      assert.deepEqual(
        plain(assembled(without('response.in_progress', 'part.added', 'item.added'))),
        expected,
        'no beginnings',
      )
      // What the vendor runs itself is known when it is done.
      if (name !== 'web-search') assert.deepEqual(plain(assembled(without('.done'))), expected, 'no ends of items')
      if (name !== 'logprobs') {
        assert.deepEqual(plain(assembled(without('.delta', 'annotation'))), expected, 'only .done')
        assert.deepEqual(plain(assembled(stream.slice(-1))), expected, 'only the last event')
      }
    })

    test(`cut after any event is a truncation, and never an end: ${name}`, () => {
      const stream = responsesStream(name)
      for (let length = 0; length < stream.length; length++) {
        const out = decodedEvents(stream.slice(0, length))
        const last = out.at(-1)
        assert.ok(last?.type === 'fault' && last.fault.kind === 'truncated', `after ${length}`)
        assert.ok(!out.some((event) => event.type === 'end' || event.type === 'stop'))
      }
    })

    test(`begins each part before it grows and ends it once: ${name}`, () => {
      const open = new Set<number>()
      for (const event of decodedEvents(responsesStream(name))) {
        if (event.type === 'part-start') open.add(event.index)
        if (event.type === 'part-delta' || event.type === 'part-note') assert.ok(open.has(event.index))
        if (event.type === 'part-end') assert.ok(open.delete(event.index))
        if (event.type === 'stop') assert.equal(open.size, 0)
      }
    })
  }

  test('says why it stopped', () => {
    const reasons = (['text', 'tool-call', 'refusal', 'filter', 'length'] as const).map(
      (name) => decoded(responsesAnswer(name)).choices[0]?.stop.reason,
    )
    assert.deepEqual(reasons, ['end', 'tool-calls', 'refusal', 'content-filter', 'length'])
  })

  test('keeps a number of a call that no double holds, and the two names of a call', () => {
    const [part] = decoded(responsesAnswer('tool-call')).choices[0]?.parts ?? []
    assert.ok(part?.type === 'tool-call')
    assert.equal(part.arguments, '{"city":"Oslo","station":9007199254740993}')
    assert.deepEqual([part.id, part.itemId], ['call_w1', 'fc_w1'])
  })

  test('keeps each summary apart, and seals the last', () => {
    const parts = decoded(responsesAnswer('sealed-reasoning')).choices[0]?.parts ?? []
    const thoughts = parts.filter((part) => part.type === 'reasoning')
    assert.deepEqual(
      thoughts.map(({ summary, sealed, itemId }) => [summary, sealed?.family, itemId]),
      [
        [true, undefined, 'rs_1'],
        [true, 'openai', 'rs_1'],
      ],
    )
  })

  test('divides its usage into counters that add up to what the vendor says', () => {
    const usage = decoded(responsesAnswer('cached-usage')).usage
    assert.deepEqual(plain(usage), {
      input: 264,
      cacheRead: 1536,
      cacheWrite: 200,
      output: 108,
      reasoning: 192,
      tier: 'default',
    })
    assert.equal(decoded(responsesAnswer('web-search')).usage?.webSearches, 1)
  })

  test('has counters that are never negative and always add up, whatever the details claim', () => {
    let seed = 7
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % 5000
    }
    for (let round = 0; round < 300; round++) {
      const [input, output] = [random(), random()]
      const usage = {
        input_tokens: input,
        input_tokens_details: { cached_tokens: random(), cache_write_tokens: random() },
        output_tokens: output,
        output_tokens_details: { reasoning_tokens: random() },
      }
      const told = decoded({ ...responsesAnswer('text'), usage }).usage
      assert.ok(told !== undefined)
      const { input: rest, cacheRead = 0, cacheWrite = 0, output: text, reasoning = 0 } = told
      for (const count of [rest, cacheRead, cacheWrite, text, reasoning]) assert.ok(count >= 0)
      assert.equal(rest + cacheRead + cacheWrite, input)
      assert.equal(text + reasoning, output)
    }
  })

  for (const kind of ['failed', 'error'] as const) {
    test(`that fails within its stream (${kind}) is a fault, and nothing after it`, () => {
      const out = decodedEvents([...failingStream(kind), ...responsesStream('text')])
      assert.deepEqual(out.at(-1), {
        type: 'fault',
        fault: { message: 'The server had an error while processing your request.', kind: 'server_error' },
      })
      assert.equal(out.filter((event) => event.type === 'fault' || event.type === 'end').length, 1)
    })
  }

  test('that failed, or is not made yet, is a fault also when it is whole', () => {
    const error = { code: 'server_error', message: 'It broke.' }
    const failed = upstream.decodeAnswer({ ...responsesAnswer('text'), status: 'failed', error }, decodeContext())
    assert.deepEqual(failed, { message: 'It broke.', kind: 'server_error' })
    const queued = upstream.decodeAnswer({ ...responsesAnswer('text'), status: 'queued' }, decodeContext())
    assert.ok(!('choices' in queued) && queued.kind === 'queued')
    assert.throws(() => upstream.decodeAnswer({ id: 'x' }, decodeContext()), /array/)
  })

  for (const data of [
    '<html>502</html>',
    '[1]',
    '{"type":"response.output_item.done","item":{"type":"function_call"}}',
  ]) {
    test(`whose stream holds ${data.slice(0, 30)} is a fault`, () => {
      const decoder = upstream.streamDecoder(decodeContext())
      const out: StreamEvent[] = []
      decoder.push({ name: null, data }, (event) => out.push(event))
      const last = out.at(-1)
      assert.ok(last?.type === 'fault' && last.fault.kind === 'malformed')
    })
  }
})

/** Answers of other dialects, in the neutral form. */
const seal = (family: 'anthropic' | 'gemini', value: string) => ({ family, value }) as const
const FOREIGN: Readonly<Record<string, readonly AssistantPart[]>> = {
  'a signed thought and a call': [
    { type: 'reasoning', text: 'I need the tool.', signature: seal('anthropic', 'c2ln') },
    { type: 'tool-call', id: 'toolu_1', name: 'f', arguments: '{"a":1}' },
  ],
  'a redacted thought': [
    { type: 'reasoning', text: '', sealed: seal('anthropic', 'cmVk') },
    { type: 'text', text: 'Hi' },
  ],
  'a signed call': [
    { type: 'tool-call', id: 'c1', name: 'f', arguments: '{}', signature: seal('gemini', 'Z2Vt') },
    { type: 'tool-call', id: 'c2', name: 'g', arguments: '{}' },
  ],
  'a signed text': [{ type: 'text', text: 'Hi', signature: seal('gemini', 'Z2Vt') }],
  'texts around a call': [
    { type: 'text', text: 'One' },
    { type: 'tool-call', id: 'c1', name: 'f', arguments: '{}' },
    { type: 'text', text: 'Two' },
  ],
  'free text for a tool': [{ type: 'tool-call', id: 'c1', name: 'f', arguments: 'x = 1', custom: true }],
  'a picture': [{ type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'iVBO' } }],
}

suite('an answer for a client', () => {
  for (const name of ANSWER_NAMES) {
    test(`is the upstream's own again, whole and streamed: ${name}`, () => {
      // A call without arguments is told with an empty object.
      if (name === 'empty-arguments') return
      const answer = decoded(responsesAnswer(name))
      const whole = client.encodeAnswer(answer, answerContext())
      assert.deepEqual(plain(decoded(whole)), plain(answer))
      const events = encodedEvents(decodedEvents(responsesStream(name)))
      assert.deepEqual(plain(assembled(events)), plain(answer))
      assert.deepEqual(plain(events.at(-1)?.['response']), plain(whole))
    })

    test(`has the items that were streamed, with the same ids and texts: ${name}`, () => {
      const events = encodedEvents(decodedEvents(responsesStream(name)))
      const response = events.at(-1)?.['response'] as JsonObject
      const done = events.filter((event) => event['type'] === 'response.output_item.done')
      const inOrder = done.sort((a, b) => Number(a['output_index']) - Number(b['output_index']))
      assert.deepEqual(
        inOrder.map((event) => event['item']),
        response['output'],
      )
      assert.deepEqual(itemsOfDeltas(events), textsOf(response['output']))
    })
  }

  for (const [name, parts] of Object.entries(FOREIGN)) {
    const answer: ModelAnswer = {
      dialect: 'anthropic-messages',
      choices: [{ index: 0, parts, stop: { reason: 'end' } }],
      usage: { input: 3, output: 4 },
    }
    test(`of another dialect is read again as it was, whole and streamed: ${name}`, () => {
      const whole = client.encodeAnswer(answer, answerContext())
      const bare = (all: readonly AssistantPart[] | undefined) =>
        all?.map((part) => plain({ ...part, itemId: undefined, extra: undefined }))
      assert.deepEqual(bare(decoded(whole).choices[0]?.parts), bare(parts))
      const events = encodedEvents(disassembled(answer))
      assert.deepEqual(plain(events.at(-1)?.['response']), plain(whole))
      assert.deepEqual(bare(assembled(events).choices[0]?.parts), bare(parts))
    })
  }

  test('has every member that strict clients look for, from the first event on', () => {
    const [created] = encodedEvents(decodedEvents(responsesStream('text')))
    const response = created?.['response'] as JsonObject
    const needed = [
      'id object created_at status background completed_at error incomplete_details instructions max_output_tokens',
      'max_tool_calls metadata model output parallel_tool_calls previous_response_id prompt_cache_key reasoning',
      'safety_identifier service_tier store temperature text tool_choice tools top_logprobs top_p truncation usage user',
    ]
    for (const name of needed.join(' ').split(' ')) assert.notEqual(response[name], undefined, name)
  })

  test('repeats what was asked for', () => {
    const body = {
      model: 'm',
      instructions: 'Be brief.',
      input: 'Hi',
      temperature: 0.5,
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: false }],
      tool_choice: { type: 'function', name: 'f' },
      text: { format: { type: 'json_schema', name: 'n', schema: {} }, verbosity: 'low' },
      reasoning: { effort: 'low', summary: 'auto' },
      metadata: { a: 'b' },
    }
    const request = client.decodeRequest(body, { model: null, stream: false, losses: new Losses() })
    const said = client.encodeAnswer(decoded(responsesAnswer('text')), answerContext(request))
    for (const name of ['instructions', 'temperature', 'tool_choice', 'text', 'reasoning', 'metadata'] as const) {
      assert.deepEqual(said[name], body[name], name)
    }
    assert.deepEqual(said['tools'], [{ ...body.tools[0], description: null }])
  })

  test('shows thoughts as a summary to a client that asks for one', () => {
    const answer: ModelAnswer = {
      dialect: 'anthropic-messages',
      choices: [{ index: 0, parts: [{ type: 'reasoning', text: 'Hm.' }], stop: { reason: 'end' } }],
    }
    const parameters = { reasoning: { summary: 'auto' } } as const
    const [item] = client.encodeAnswer(answer, answerContext({ parameters }))['output'] as JsonObject[]
    assert.deepEqual(item?.['summary'], [{ type: 'summary_text', text: 'Hm.' }])
  })

  test('gives a call without arguments an empty object, and marks one that was cut', () => {
    const call = (text: string): AssistantPart => ({ type: 'tool-call', id: 'c', name: 'f', arguments: text })
    const answer = (text: string, reason: 'tool-calls' | 'length'): JsonObject => {
      const choices = [{ index: 0, parts: [call(text)], stop: { reason } }]
      return client.encodeAnswer({ dialect: 'gemini', choices }, answerContext())
    }
    const item = (body: JsonObject) => (body['output'] as JsonObject[])[0]
    assert.equal(item(answer('', 'tool-calls'))?.['arguments'], '{}')
    const cut = answer('{"a":', 'length')
    assert.deepEqual(
      [item(cut)?.['arguments'], item(cut)?.['status'], cut['status']],
      ['{"a":', 'incomplete', 'incomplete'],
    )
    assert.equal(item(answer('', 'length'))?.['arguments'], '')
  })

  test('ends a stream that failed with response.failed, once, and never with response.completed', () => {
    const encoder = client.streamEncoder(answerContext())
    let text = ''
    for (const event of decodedEvents(responsesStream('text')).slice(0, 4)) text += encoder.push(event)
    text += encoder.fail(new GatewayError('upstream_truncated', 'It ended early.'), 'req')
    text += encoder.push({ type: 'end' })
    const events = eventsIn(text)
    const last = events.at(-1)
    assert.equal(last?.['type'], 'response.failed')
    const response = last?.['response'] as JsonObject
    assert.deepEqual(response['error'], { code: 'server_error', message: 'It ended early.' })
    assert.equal(events.filter((event) => /completed|incomplete|failed/.test(String(event['type']))).length, 1)
  })

  test('keeps parallel calls apart when their arguments come mixed', () => {
    const start = (index: number): StreamEvent => {
      return {
        type: 'part-start',
        choice: 0,
        index,
        part: { type: 'tool-call', id: `c${index}`, name: 'f', arguments: '' },
      }
    }
    const delta = (index: number, text: string): StreamEvent => ({ type: 'part-delta', choice: 0, index, text })
    const end = (index: number): StreamEvent => ({ type: 'part-end', choice: 0, index })
    const mixed = [
      start(0),
      start(1),
      delta(0, '{"a"'),
      delta(1, '{"b"'),
      delta(0, ':1}'),
      delta(1, ':2}'),
      end(1),
      end(0),
    ]
    const stop: StreamEvent = { type: 'stop', choice: 0, stop: { reason: 'tool-calls' } }
    const events = encodedEvents([{ type: 'start' }, ...mixed, stop, { type: 'end' }])
    const response = events.at(-1)?.['response'] as JsonObject
    assert.deepEqual(
      (response['output'] as JsonObject[]).map((item) => item['arguments']),
      ['{"a":1}', '{"b":2}'],
    )
    assert.deepEqual(itemsOfDeltas(events), ['{"a":1}', '{"b":2}'])
  })

  test('reports what the dialect has no place for', () => {
    const context = answerContext()
    const parts: readonly AssistantPart[] = [
      { type: 'opaque', dialect: 'anthropic-messages', name: 'server_tool_use', value: { type: 'server_tool_use' } },
      { type: 'audio', source: { kind: 'data', mediaType: 'audio/wav', base64: '' } },
    ]
    const stop = { reason: 'stop-sequence', sequence: 'x' } as const
    client.encodeAnswer({ dialect: 'anthropic-messages', choices: [{ index: 0, parts, stop }] }, context)
    assert.deepEqual(context.losses.dropped, ['message.audio', 'message.server_tool_use', 'stop_sequence'])
  })

  test('has an error object of the dialect', () => {
    const error = new GatewayError('invalid_request', 'No.', { param: 'input' })
    assert.deepEqual(client.encodeError(error, 'r'), {
      error: { message: 'No.', type: 'invalid_request_error', param: 'input', code: 'invalid_request' },
    })
  })
})
