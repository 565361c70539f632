import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { answers } from '../../../../test/mocks/anthropic-messages/answers.ts'
import { checkRequest } from '../../../../test/mocks/anthropic-messages/check-request.ts'
import { GatewayError } from '../../../core/index.ts'
import type { StreamEvent } from '../../ir/answer.ts'
import { writeJson } from '../../ir/json.ts'
import { answerContext, assembled, asWire, decodeContext, decoded } from '../testing/contexts.ts'
import { messagesClient, messagesUpstream } from './index.ts'

/** The official client, which is answered with this text and asks no network. */
function clientFor(text: string, contentType: string, seen?: (body: unknown) => void, status = 200): Anthropic {
  return new Anthropic({
    apiKey: 'none',
    baseURL: 'http://127.0.0.1:1',
    maxRetries: 0,
    fetch: async (url, init) => {
      assert.ok(typeof init?.body === 'string' && typeof url === 'string')
      const body: unknown = JSON.parse(init.body)
      const headers = Object.fromEntries(new Headers(init.headers))
      const { pathname: path } = new URL(url)
      assert.equal(checkRequest({ method: init.method ?? '', path, headers, body }), null)
      seen?.(body)
      return new Response(text, { status, headers: { 'content-type': contentType } })
    },
  })
}

const ASK = {
  model: 'm',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hi' }],
} satisfies Anthropic.MessageCreateParams

function neutral(name: string): StreamEvent[] {
  const events = (answers[name]?.events ?? []).map((event) => ({ name: null, data: JSON.stringify(event) }))
  return decoded(messagesUpstream.streamDecoder(decodeContext()), events)
}

for (const name of Object.keys(answers)) {
  test(`the official client's stream helper assembles our stream of ${name} to our whole answer`, async () => {
    const events = neutral(name)
    const encoder = messagesClient.streamEncoder(answerContext())
    const text = events.map((event) => encoder.push(event)).join('')
    const message = await clientFor(text, 'text/event-stream').messages.stream(ASK).finalMessage()
    const answer = assembled(events, 'anthropic-messages')
    assert.ok(answer !== null && 'choices' in answer)
    const whole = asWire(messagesClient.encodeAnswer(answer, answerContext()))
    const { usage: _usage, parsed_output: _parsed, ...said } = JSON.parse(JSON.stringify(message))
    // This version's stream helper does not know `stop_details` yet.
    const { usage: _own, stop_details: _details, ...expected } = JSON.parse(writeJson(whole))
    assert.deepEqual(said, expected)
    assert.equal(
      message.usage.output_tokens,
      answer.usage === undefined ? 0 : answer.usage.output + (answer.usage.reasoning ?? 0),
    )
  })
}

test('the official client takes whole answers', async () => {
  const body = answers['toolAnswer']?.body
  const answer = messagesUpstream.decodeAnswer(body ?? {}, decodeContext())
  assert.ok('choices' in answer)
  const text = writeJson(messagesClient.encodeAnswer(answer, answerContext()))
  const message = await clientFor(text, 'application/json').messages.create(ASK)
  assert.equal(message.stop_reason, 'tool_use')
  assert.deepEqual(message.content[1], {
    type: 'tool_use',
    id: 'toolu_01A',
    name: 'get_weather',
    input: { location: 'Paris', unit: 'celsius' },
  })
})

test('the official client raises an error that comes within a stream', async () => {
  const encoder = messagesClient.streamEncoder(answerContext())
  const text =
    encoder.push({ type: 'start' }) +
    encoder.push({ type: 'part-start', choice: 0, index: 0, part: { type: 'text', text: 'a' } }) +
    encoder.fail(new GatewayError('upstream_truncated', 'it broke'), 'req_1')
  const stream = clientFor(text, 'text/event-stream').messages.stream(ASK)
  await assert.rejects(stream.finalMessage(), /it broke/)
})

test('the official client knows our errors by their type', async () => {
  const error = new GatewayError('rate_limit_exceeded', 'slow down')
  const client = clientFor(writeJson(messagesClient.encodeError(error, 'req_1')), 'application/json', undefined, 429)
  await assert.rejects(client.messages.create(ASK), Anthropic.RateLimitError)
})

test('a stream that stops short is an error for the official client, and no answer', async () => {
  const encoder = messagesClient.streamEncoder(answerContext())
  const text = neutral('textAnswer')
    .slice(0, 4)
    .map((event) => encoder.push(event))
    .join('')
  await assert.rejects(clientFor(text, 'text/event-stream').messages.stream(ASK).finalMessage())
})
