import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { eventually } from '../harness/eventually.ts'
import { at } from '../harness/json.ts'
import { useSdkHouse } from './sdk-house.ts'

const house = useSdkHouse()

/** An upstream learns of it within this time after the client has left. */
const CANCEL_MS = 250

const chat = (model: string, nonce: string) => ({
  model,
  user: nonce,
  messages: [{ role: 'user' as const, content: 'one two three' }],
})

/** Milliseconds from `since` until the upstream saw the gateway close the request's connection. */
async function upstreamClosed(nonce: string, since: number): Promise<number> {
  const closed = await eventually(() => house().wall.byNonce(nonce)[0]?.closedAt, { what: 'the upstream to see it' })
  assert.equal(house().wall.byNonce(nonce)[0]?.cutBy, 'gateway')
  return closed - since
}

test('aborting a pending request closes it at the upstream, and it is recorded as cancelled', async () => {
  const controller = new AbortController()
  const call = house()
    .client()
    .chat.completions.create(chat('wall/hang-head', 'pending'), { signal: controller.signal })
  await house().wall.waitForRequests(1, { nonce: 'pending' })
  const left = performance.now()
  controller.abort()
  await assert.rejects(call, OpenAI.APIUserAbortError)
  const tookMs = await upstreamClosed('pending', left)
  assert.ok(tookMs < CANCEL_MS, `it took ${tookMs} ms`)
  const record = await house().newest('wall/hang-head', 'cancelled')
  assert.deepEqual([at(record, 'status'), at(record, 'error_code'), at(record, 'cancelled')], [499, 'client_closed', 1])
})

test('aborting a stream closes it at the upstream, and what was delivered is charged as an estimate', async () => {
  const stream = await house()
    .client()
    .chat.completions.create({ ...chat('wall/barrier-mid', 'streaming'), stream: true })
  let left = 0
  for await (const { choices } of stream) {
    // The upstream waits now, in the middle of its answer.
    if (choices[0]?.delta.content !== '') {
      left = performance.now()
      stream.controller.abort()
    }
  }
  const tookMs = await upstreamClosed('streaming', left)
  assert.ok(tookMs < CANCEL_MS, `it took ${tookMs} ms`)
  const record = await house().newest('wall/barrier-mid', 'cancelled')
  assert.deepEqual([at(record, 'status'), at(record, 'usage_source')], [200, 'estimated'])
  assert.ok(Number(at(record, 'output_tokens')) > 0)
})

test('leaving the loop over a stream ends it at the upstream', async () => {
  const stream = await house()
    .client()
    .chat.completions.create({ ...chat('wall/barrier-mid', 'loop'), stream: true })
  for await (const { choices } of stream) if (choices[0]?.delta.content !== '') break
  const tookMs = await upstreamClosed('loop', performance.now())
  assert.ok(tookMs < CANCEL_MS, `it took ${tookMs} ms`)
})

test('the abort of the stream helper cancels, inside the gateway too', async () => {
  for (const model of ['demo/demo-chat-slow', 'strict/demo-chat-slow']) {
    const stream = house().client().chat.completions.stream(chat(model, 'helper'))
    stream.once('content', () => stream.abort())
    await assert.rejects(stream.finalChatCompletion(), OpenAI.APIUserAbortError)
    const record = await house().newest(model, 'cancelled')
    assert.equal(at(record, 'error_code'), 'client_closed')
  }
})

test("the client's own timeout raises APIConnectionTimeoutError and cancels the upstream", async () => {
  const client = house().client({ timeout: 300 })
  await assert.rejects(
    client.chat.completions.create(chat('wall/hang-head', 'timeout')),
    OpenAI.APIConnectionTimeoutError,
  )
  const tookMs = await upstreamClosed('timeout', performance.now())
  assert.ok(tookMs < CANCEL_MS, `it took ${tookMs} ms`)
})

test('after many aborts the same client is answered, and the gateway holds no connection to the upstream for them', async () => {
  const client = house().client()
  const open = house().wall.openConnections
  const calls = Array.from({ length: 20 }, async (_unused, index) => {
    const controller = new AbortController()
    const call = client.chat.completions.create(chat('wall/hang-head', `many-${index}`), { signal: controller.signal })
    await house().wall.waitForRequests(1, { nonce: `many-${index}` })
    controller.abort()
    await assert.rejects(call, OpenAI.APIUserAbortError)
  })
  await Promise.all(calls)
  await eventually(() => house().wall.openConnections <= open, { what: 'the connections to be closed' })
  const answer = await client.chat.completions.create(chat('wall/ok', 'afterwards'))
  assert.match(answer.choices[0]?.message.content ?? '', /^afterwards word1/)
})
