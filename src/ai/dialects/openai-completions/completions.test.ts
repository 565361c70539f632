import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import OpenAI from 'openai'
import { chatStream } from '../../../../test/mocks/openai-chat/answers.ts'
import { checkChatBody } from '../../../../test/mocks/openai-chat/check-request.ts'
import {
  COMPLETION_NAMES,
  completionAnswer,
  completionStream,
  textChunkSchema,
  textCompletionSchema,
} from '../../../../test/mocks/openai-completions/answers.ts'
import { checkCompletionBody } from '../../../../test/mocks/openai-completions/check-request.ts'
import { GatewayError } from '../../../core/index.ts'
import type { ModelAnswer, StreamEvent } from '../../ir/answer.ts'
import { AnswerAssembler } from '../../ir/assemble.ts'
import { FieldProblem } from '../../ir/fields.ts'
import type { JsonObject } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { UpstreamDialect } from '../dialect.ts'
import { openaiChatUpstream } from '../openai-chat/index.ts'
import { openaiCompletionsClient, openaiCompletionsUpstream } from './index.ts'

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))
const base = { model: 'm', prompt: 'Once upon a time' } as const

function decoded(body: JsonObject): ModelRequest {
  return openaiCompletionsClient.decodeRequest(body, { model: null, stream: false, losses: new Losses() })
}

function encodedFor(upstream: UpstreamDialect, request: ModelRequest) {
  const losses = new Losses()
  const capabilities = {
    maxOutputTokens: null,
    contextTokens: null,
    refuses: new Set<string>(),
    structuredOutput: null,
    tools: null,
    vision: null,
    reasoning: null,
    family: 'openai',
  } as const
  const body = upstream.encodeRequest(request, { model: 'm', capabilities, losses })
  return { body: plain(body) as JsonObject, losses }
}

function eventsOf(wire: readonly string[], upstream = openaiCompletionsUpstream): StreamEvent[] {
  const decoder = upstream.streamDecoder({ losses: new Losses(), ids: { next: (prefix) => `${prefix}_1` } })
  const out: StreamEvent[] = []
  for (const data of wire) decoder.push({ name: null, data }, (event) => out.push(event))
  decoder.close((event) => out.push(event))
  return out
}

function assembled(events: readonly StreamEvent[]) {
  const assembler = new AnswerAssembler('openai-completions')
  for (const event of events) assembler.push(event)
  return assembler.answer()
}

function answerContext(body: JsonObject = {}) {
  const request = decoded({ ...base, stream: true, stream_options: { include_usage: true }, logprobs: 1, ...body })
  return { id: 'abc', model: 'm', createdAt: 5, request, losses: new Losses() }
}

function encoded(events: readonly StreamEvent[], context = answerContext()): string {
  const encoder = openaiCompletionsClient.streamEncoder(context)
  return events.map((event) => encoder.push(event)).join('')
}

const dataOf = (text: string) =>
  text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => event.slice('data: '.length))

suite('a request of text completions', () => {
  const bodies: Readonly<Record<string, JsonObject>> = {
    'one prompt': base,
    'several prompts': { ...base, prompt: ['a', 'b'] },
    tokens: { ...base, prompt: [1, 2, 3] },
    'several prompts of tokens': { ...base, prompt: [[1, 2], [3]] },
    'all parameters': {
      ...base,
      best_of: 3,
      echo: true,
      frequency_penalty: 1,
      logit_bias: { '5': 1 },
      logprobs: 2,
      max_tokens: 7,
      n: 2,
      presence_penalty: -1,
      seed: 3,
      stop: ['a'],
      suffix: 'end',
      temperature: 0.5,
      top_p: 0.5,
      user: 'u',
    },
    'a stream': { ...base, stream: true, stream_options: { include_usage: true } },
  }
  for (const [name, body] of Object.entries(bodies)) {
    test(`goes out as it came, exactly: ${name}`, () => {
      const { body: out, losses } = encodedFor(openaiCompletionsUpstream, decoded(body))
      assert.deepEqual(out, body)
      assert.equal(losses.header(), 'exact')
      assert.equal(checkCompletionBody(out), null)
    })
  }

  test('reaches an upstream of conversations as the user who speaks, with a report of what has no equal there', () => {
    const { body, losses } = encodedFor(openaiChatUpstream, decoded({ ...bodies['all parameters'], prompt: ['a'] }))
    assert.deepEqual(body['messages'], [{ role: 'user', content: 'a' }])
    assert.equal(body['max_completion_tokens'], 7)
    assert.deepEqual(losses.dropped.toSorted(), ['best_of', 'echo', 'suffix'])
    assert.equal(checkChatBody(body), null)
  })

  test('says nothing of members that have the meaning of their absence', () => {
    const { losses } = encodedFor(openaiChatUpstream, decoded({ ...base, echo: false, best_of: 1, suffix: '' }))
    assert.equal(losses.header(), 'exact')
  })

  test('with several prompts, or with tokens, is refused by an upstream of conversations', () => {
    for (const prompt of [
      ['a', 'b'],
      [1, 2],
    ]) {
      assert.throws(
        () => encodedFor(openaiChatUpstream, decoded({ ...base, prompt })),
        (error) => error instanceof FieldProblem && error.param === 'prompt',
      )
    }
  })

  for (const [body, param] of [
    [{ prompt: 'x' }, 'model'],
    [{ model: 'm' }, 'prompt'],
    [{ model: 'm', prompt: [] }, 'prompt'],
    [{ model: 'm', prompt: ['a', {}] }, 'prompt[1]'],
    [{ ...base, max_tokens: 'x' }, 'max_tokens'],
    [{ ...base, logprobs: true }, 'logprobs'],
  ] as const) {
    test(`that is wrong is refused at ${param}: ${JSON.stringify(body)}`, () => {
      assert.throws(
        () => decoded(body),
        (error) => error instanceof FieldProblem && error.param === param,
      )
    })
  }

  test('is made of a conversation of another dialect, which has no tools then', () => {
    const request: ModelRequest = {
      dialect: 'openai-chat',
      model: 'm',
      messages: [
        { role: 'system', authority: 'system', parts: [{ type: 'text', text: 'Be short.' }] },
        { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
      ],
      tools: [],
      parameters: { reasoning: { effort: 'low' }, maxOutputTokens: 5 },
      stream: false,
    }
    const { body, losses } = encodedFor(openaiCompletionsUpstream, request)
    assert.equal(body['prompt'], 'Be short.\n\nUser: Hi\n\nAssistant:')
    assert.equal(losses.header(), 'lossy; dropped=reasoning; adapted=messages')
    assert.equal(checkCompletionBody(body), null)
    assert.throws(
      () => encodedFor(openaiCompletionsUpstream, { ...request, tools: [{ type: 'function', name: 'f' }] }),
      FieldProblem,
    )
  })
})

suite('an answer of text completions', () => {
  for (const name of COMPLETION_NAMES) {
    test(`streamed, is the whole one, and is encoded as the client knows it: ${name}`, async () => {
      const context = { losses: new Losses(), ids: { next: (prefix: string) => prefix } }
      const whole = openaiCompletionsUpstream.decodeAnswer(completionAnswer(name), context) as ModelAnswer
      const events = eventsOf(completionStream(name))
      const bySort = (answer: ModelAnswer) =>
        plain({ ...answer, choices: answer.choices.toSorted((a, b) => a.index - b.index) })
      const streamed = assembled(events) as ModelAnswer
      assert.deepEqual(bySort(streamed), bySort(whole))
      const expected = textCompletionSchema.parse(plain(openaiCompletionsClient.encodeAnswer(whole, answerContext())))

      const wire = dataOf(encoded(events))
      assert.equal(wire.at(-1), '[DONE]')
      for (const data of wire.slice(0, -1)) textChunkSchema.parse(JSON.parse(data))
      assert.deepEqual(plain(assembled(eventsOf(wire))), plain({ ...streamed, dialect: 'openai-completions' }))

      const fetch = () =>
        Promise.resolve(new Response(encoded(events), { headers: { 'content-type': 'text/event-stream' } }))
      const client = new OpenAI({ apiKey: 'none', baseURL: 'http://127.0.0.1:1/v1', fetch, maxRetries: 0 })
      const texts: string[] = expected.choices.map(() => '')
      for await (const chunk of await client.completions.create({ model: 'm', prompt: 'x', stream: true })) {
        for (const choice of chunk.choices) texts[choice.index] += choice.text
      }
      assert.deepEqual(
        texts,
        expected.choices.map((choice) => choice.text),
      )
    })

    test(`cut after any event is a truncation: ${name}`, () => {
      const wire = completionStream(name)
      const first = wire.findIndex((data) => /"finish_reason":"/.test(data))
      for (let length = 0; length <= first; length++) {
        const last = eventsOf(wire.slice(0, length)).at(-1)
        assert.equal(last?.type === 'fault' && last.fault.kind, 'truncated')
      }
    })
  }

  test('that comes from a conversation has its probabilities in the older form, and reports what is no text', () => {
    const context = answerContext()
    const wire = dataOf(encoded(eventsOf(chatStream('logprobs'), openaiChatUpstream), context)).slice(0, -1)
    const chunks = wire.map((data) => textChunkSchema.parse(JSON.parse(data)))
    assert.deepEqual(
      chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.tokens ?? []),
      ['Yes'],
    )
    encoded(eventsOf(chatStream('reasoning'), openaiChatUpstream), context)
    assert.deepEqual(context.losses.dropped, ['logprobs.bytes', 'choices[].reasoning'])
  })

  test('that fails ends with an error and without [DONE]', () => {
    const encoder = openaiCompletionsClient.streamEncoder(answerContext())
    const text = encoder.fail(new GatewayError('upstream_truncated', 'cut'), 'r') + encoder.push({ type: 'end' })
    assert.deepEqual(
      dataOf(text).map((data) => Object.keys(JSON.parse(data) as object)),
      [['error']],
    )
  })
})
