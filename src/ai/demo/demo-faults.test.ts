import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, ask, body, events, stream, streamed, textOf, upstream } from './testing/answers.ts'
import { chatRequest, exchange } from './testing/exchange.ts'

test('demo-error gives the status that its name says, in the shape of the API', async () => {
  for (const status of [400, 401, 418, 429, 500, 503, 599]) {
    for (const streaming of [false, true]) {
      const answer = await exchange(
        upstream(),
        chatRequest(body('x', { model: `demo-error-${status}`, stream: streaming })),
      )
      assert.equal(answer.status, status)
      const { error } = JSON.parse(answer.text) as Answer
      assert.deepEqual(Object.keys(error ?? {}), ['message', 'type', 'param', 'code'])
      assert.equal(answer.headers['retry-after'], status === 429 || status === 503 ? '1' : undefined)
    }
  }
})

test('demo-reset breaks before the head', async () => {
  const { calls, error } = await exchange(upstream(), chatRequest(body('x', { model: 'demo-reset' })))
  assert.deepEqual(calls, ['start', 'error'])
  assert.equal(Reflect.get(error ?? {}, 'code'), 'ECONNRESET')
})

test('demo-cut breaks half way, streamed and not', async () => {
  const cut = await stream('Tell me about foxes', { model: 'demo-cut' })
  assert.equal(Reflect.get(cut.error ?? {}, 'code'), 'ECONNRESET')
  const { chunks, done } = events(cut.text)
  assert.equal(done, false)
  const whole = await textOf('Tell me about foxes')
  assert.ok(streamed(chunks) !== '' && whole.startsWith(streamed(chunks)) && streamed(chunks) !== whole)

  const part = await exchange(upstream(), chatRequest(body('Tell me about foxes', { model: 'demo-cut' })))
  assert.deepEqual(part.calls, ['start', 'head', 'data', 'error'])
  assert.ok(Number(part.headers['content-length']) > Buffer.byteLength(part.text))
})

test('demo-error-event ends a stream with an error event and nothing after it', async () => {
  const { text, error } = await stream('Tell me about foxes', { model: 'demo-error-event' })
  assert.equal(error, null)
  const { chunks, done } = events(text)
  assert.equal(done, false)
  assert.equal(chunks.at(-1)?.error?.type, 'server_error')
  assert.notEqual(streamed(chunks.slice(0, -1)), '')
})

test('a fault that is to come half way also comes to an answer without parts', async () => {
  const { text, error } = await stream('Say x', { model: 'demo-cut', stop: 'x' })
  assert.equal(Reflect.get(error ?? {}, 'code'), 'ECONNRESET')
  assert.ok(!text.includes('[DONE]'))
})

test('demo-bad-json gives JSON that is not valid', async () => {
  const whole = await exchange(upstream(), chatRequest(body('x', { model: 'demo-bad-json' })))
  assert.equal(whole.status, 200)
  assert.throws(() => JSON.parse(whole.text), SyntaxError)
  const { text } = await stream('Tell me about foxes', { model: 'demo-bad-json' })
  const bad = text.split('\n\n').filter((block) => {
    try {
      JSON.parse(block.slice(6))
      return false
    } catch {
      return block !== '' && block !== 'data: [DONE]'
    }
  })
  assert.equal(bad.length, 1)
})

test('demo-no-usage says nothing of what was used', async () => {
  assert.equal((await ask('x', { model: 'demo-no-usage' })).usage, undefined)
  const { text } = await stream('x', { model: 'demo-no-usage', stream_options: { include_usage: true } })
  assert.ok(!text.includes('"usage"') && text.includes('[DONE]'))
})
