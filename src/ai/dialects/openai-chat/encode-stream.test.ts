import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import OpenAI from 'openai'
import { chunkSchema, completionSchema, errorSchema } from '../../../../test/mocks/openai-chat/answer-schema.ts'
import { ANSWER_NAMES, chatAnswer, chatStream } from '../../../../test/mocks/openai-chat/answers.ts'
import { GatewayError } from '../../../core/index.ts'
import type { ModelAnswer, StreamEvent } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import type { JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { AnswerContext } from '../dialect.ts'
import { decodeContext } from '../testing/contexts.ts'
import { openaiChatClient, openaiChatUpstream } from './index.ts'

const REQUEST: ModelRequest = {
  dialect: 'openai-chat',
  model: 'm',
  messages: [],
  tools: [],
  parameters: { includeUsage: true },
  stream: true,
}

function answerContext(request: Partial<ModelRequest> = {}): AnswerContext {
  return { id: 'abc', model: 'm', createdAt: 1_790_000_000, request: { ...REQUEST, ...request }, losses: new Losses() }
}

function eventsOf(wire: readonly string[]): StreamEvent[] {
  const decoder = openaiChatUpstream.streamDecoder(decodeContext())
  const out: StreamEvent[] = []
  for (const data of wire) decoder.push({ name: null, data }, (event) => out.push(event))
  decoder.close((event) => out.push(event))
  return out
}

function encoded(events: readonly StreamEvent[], context = answerContext()): string {
  const encoder = openaiChatClient.streamEncoder(context)
  return events.map((event) => encoder.push(event)).join('')
}

function dataOf(text: string): string[] {
  const events = text.split('\n\n')
  assert.equal(events.pop(), '', 'each event is ended')
  return events.map((event) => {
    assert.ok(event.startsWith('data: '))
    return event.slice(6)
  })
}

function answerOf(events: readonly StreamEvent[]): ModelAnswer {
  const assembler = new AnswerAssembler('openai-chat')
  for (const event of events) assembler.push(event)
  const answer = assembler.answer()
  assert.ok(answer !== null && 'choices' in answer)
  return answer
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const sourceEvents: readonly StreamEvent[] = [
  { type: 'start', id: 'msg_1', model: 'claude' },
  { type: 'part-start', choice: 0, index: 0, part: { type: 'reasoning', text: '' } },
  { type: 'part-delta', choice: 0, index: 0, text: 'hm' },
  { type: 'part-note', choice: 0, index: 0, signature: { family: 'anthropic', value: 's' } },
  { type: 'part-end', choice: 0, index: 0 },
  {
    type: 'part-start',
    choice: 0,
    index: 1,
    part: { type: 'reasoning', text: '', sealed: { family: 'anthropic', value: 'r' } },
  },
  { type: 'part-end', choice: 0, index: 1 },
  { type: 'part-start', choice: 0, index: 2, part: { type: 'text', text: '' } },
  { type: 'part-delta', choice: 0, index: 2, text: 'a' },
  { type: 'part-end', choice: 0, index: 2 },
  { type: 'part-start', choice: 0, index: 3, part: { type: 'tool-call', id: 'toolu_1', name: 'f', arguments: '' } },
  { type: 'part-start', choice: 0, index: 4, part: { type: 'tool-call', id: 'toolu_2', name: 'g', arguments: '' } },
  { type: 'part-delta', choice: 0, index: 4, text: '{"a":9007199254740993}' },
  { type: 'part-end', choice: 0, index: 3 },
  { type: 'part-end', choice: 0, index: 4 },
  { type: 'stop', choice: 0, stop: { reason: 'tool-calls' } },
  { type: 'usage', usage: { input: 3, cacheRead: 2, cacheWrite1h: 4, output: 5, reasoning: 6 } },
  { type: 'end' },
]

suite('a stream for a client of chat completions', () => {
  for (const name of ANSWER_NAMES) {
    test(`passes a strict schema and, read again, is the same answer: ${name}`, () => {
      const events = eventsOf(chatStream(name))
      const wire = dataOf(encoded(events))
      assert.equal(wire.at(-1), '[DONE]')
      const chunks = wire.slice(0, -1).map((data) => chunkSchema.parse(JSON.parse(data)))
      assert.deepEqual(chunks[0]?.choices[0]?.delta.role, 'assistant')
      assert.equal(chunks.filter((chunk) => chunk.choices[0]?.finish_reason).length, 1)
      assert.deepEqual(chunks.at(-1)?.choices, [])
      const [before, after] = [answerOf(events), answerOf(eventsOf(wire))]
      // The dialect has no place for the sequence that matched.
      const unmatched = (answer: ModelAnswer) =>
        answer.choices.map(({ stop, ...choice }) => ({
          ...choice,
          reason: stop.reason.replace('stop-sequence', 'end'),
        }))
      assert.deepEqual(plain(unmatched(after)), plain(unmatched(before)))
      assert.deepEqual(plain(after.usage), plain(before.usage))
    })

    test(`assembled by the official client, is the answer that is given whole: ${name}`, async () => {
      const wire = encoded(eventsOf(chatStream(name)))
      const fetch = () => Promise.resolve(new Response(wire, { headers: { 'content-type': 'text/event-stream' } }))
      const client = new OpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1:1/v1', fetch, maxRetries: 0 })
      const stream = client.chat.completions.stream({ model: 'm', messages: [{ role: 'user', content: 'x' }] })
      const assembled = await stream.finalChatCompletion()
      const whole = openaiChatUpstream.decodeAnswer(chatAnswer(name), decodeContext())
      const expected = openaiChatClient.encodeAnswer(whole as ModelAnswer, answerContext())
      completionSchema.parse(expected)
      const [choice] = (expected as unknown as OpenAI.ChatCompletion).choices
      const message = assembled.choices[0]?.message
      assert.equal(message?.content, choice?.message.content)
      assert.equal(message?.refusal ?? null, choice?.message.refusal)
      const callsOf = (of: typeof message) =>
        of?.tool_calls?.map((call) =>
          call.type === 'function' ? [call.id, call.function.name, call.function.arguments] : [call],
        )
      assert.deepEqual(callsOf(message), callsOf(choice?.message as typeof message))
      assert.equal(assembled.choices[0]?.finish_reason, choice?.finish_reason)
      assert.deepEqual(assembled.usage, (expected as unknown as OpenAI.ChatCompletion).usage)
    })
  }

  test('shows thoughts as reasoning_content, and whole with their seals as reasoning_details', () => {
    const chunks = dataOf(encoded(sourceEvents))
      .slice(0, -1)
      .map((data) => chunkSchema.parse(JSON.parse(data)))
    const deltas = chunks.map((chunk) => chunk.choices[0]?.delta)
    assert.equal(deltas.map((delta) => delta?.reasoning_content ?? '').join(''), 'hm')
    const details = deltas.flatMap((delta) => delta?.reasoning_details ?? [])
    assert.deepEqual(
      details.map(({ type, index, signature, data }) => [type, index, signature ?? data ?? null]),
      [
        ['reasoning.text', 0, null],
        ['reasoning.text', 0, 's'],
        ['reasoning.encrypted', 1, 'r'],
      ],
    )
    const again = answerOf(eventsOf(dataOf(encoded(sourceEvents))))
    assert.deepEqual(
      plain(again.choices[0]?.parts),
      plain([
        { type: 'reasoning', text: 'hm', signature: { family: 'anthropic', value: 's' } },
        { type: 'reasoning', text: '', sealed: { family: 'anthropic', value: 'r' } },
        { type: 'text', text: 'a' },
        { type: 'tool-call', id: 'toolu_1', name: 'f', arguments: '{}' },
        { type: 'tool-call', id: 'toolu_2', name: 'g', arguments: '{"a":9007199254740993}' },
      ]),
    )
  })

  test('counts usage as the vendor does, and tells it only to those who asked', () => {
    const usage = dataOf(encoded(sourceEvents))
      .slice(0, -1)
      .map((data) => chunkSchema.parse(JSON.parse(data)))
      .at(-1)?.usage
    assert.equal(usage?.prompt_tokens, 9)
    assert.equal(usage?.completion_tokens, 11)
    assert.equal(usage?.total_tokens, 20)
    assert.deepEqual(usage?.prompt_tokens_details, { cached_tokens: 2, audio_tokens: 0, cache_write_tokens: 4 })
    const silent = encoded(sourceEvents, answerContext({ parameters: {} }))
    assert.ok(!silent.includes('usage'))
  })

  test('with an own id of another dialect gets one of this dialect, and the time of the context', () => {
    const [first] = dataOf(encoded(sourceEvents)).map(
      (data) => JSON.parse(data === '[DONE]' ? '{}' : data) as JsonObject,
    )
    assert.equal(first?.['id'], 'chatcmpl-abc')
    assert.equal(first?.['created'], 1_790_000_000)
    assert.equal(first?.['model'], 'claude')
  })

  test('for a client of functions calls them by function_call', () => {
    const chunks = dataOf(encoded(sourceEvents, answerContext({ legacyFunctions: true })))
      .slice(0, -1)
      .map((data) => chunkSchema.parse(JSON.parse(data)))
    const calls = chunks.flatMap((chunk) => chunk.choices[0]?.delta.function_call ?? [])
    assert.deepEqual(calls, [{ name: 'f', arguments: '' }, { arguments: '{}' }])
    assert.ok(chunks.some((chunk) => chunk.choices[0]?.finish_reason === 'function_call'))
  })

  test('that fails at any point ends with an error and without [DONE]', () => {
    for (let length = 0; length < sourceEvents.length; length++) {
      const encoder = openaiChatClient.streamEncoder(answerContext())
      let text = sourceEvents
        .slice(0, length)
        .map((event) => encoder.push(event))
        .join('')
      text += encoder.fail(new GatewayError('upstream_truncated', 'cut'), 'req_1')
      text += encoder.push({ type: 'end' })
      const wire = dataOf(text)
      errorSchema.parse(JSON.parse(wire.at(-1) ?? ''))
      assert.ok(!wire.includes('[DONE]'))
    }
  })

  test('whose call is cut keeps its arguments as they are', () => {
    const events: StreamEvent[] = [
      { type: 'start' },
      { type: 'part-start', choice: 0, index: 0, part: { type: 'tool-call', id: 'x', name: 'f', arguments: '' } },
      { type: 'part-end', choice: 0, index: 0 },
      { type: 'stop', choice: 0, stop: { reason: 'length' } },
      { type: 'end' },
    ]
    assert.ok(!encoded(events).includes('{}"'))
    assert.ok(encoded(events).includes('"finish_reason":"length"'))
  })
})
