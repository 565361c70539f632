import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ChatClient, type ChatResult } from '../client.ts'
import { eventually } from '../eventually.ts'
import { at, parseJson } from '../json.ts'
import { RawClient } from '../raw-client.ts'
import { blackhole } from './blackhole.ts'
import { sentHeader, WALL_KEY, Wall } from './wall.ts'

async function rig(t: TestContext): Promise<{ wall: Wall; client: ChatClient }> {
  const wall = await Wall.start()
  const client = new ChatClient(() => `http://127.0.0.1:${wall.port}`, WALL_KEY)
  t.after(async () => {
    client.close()
    await wall.close()
  })
  return { wall, client }
}

function requestBytes(body: unknown, head: readonly string[] = []): string {
  const json = typeof body === 'string' ? body : JSON.stringify(body)
  const lines = ['POST /v1/chat/completions HTTP/1.1', 'host: wall', 'content-type: application/json']
  const framing = [`authorization: Bearer ${WALL_KEY}`, `content-length: ${Buffer.byteLength(json)}`]
  return `${[...lines, ...framing, ...head].join('\r\n')}\r\n\r\n${json}`
}

const chatOf = (model: string, stream = false) => ({ model, stream, messages: [{ role: 'user', content: 'a b c' }] })

/** Sends a chat to a fault by raw socket, waits until nothing more comes, returns what came. */
async function raw(wall: Wall, model: string, stream = false): Promise<RawClient> {
  const client = await RawClient.connect(wall.url)
  await client.send(requestBytes(chatOf(model, stream)))
  const entry = await eventually(() => wall.requests.findLast((request) => request.model === model))
  await eventually(() => entry.finishedAt !== null || entry.closedAt !== null)
  await eventually(() => client.receivedBytes >= entry.bytesSent)
  if (entry.cutBy === 'wall') await client.waitForClose()
  client.close()
  return client
}

const content = ({ events }: ChatResult) =>
  events
    .map((event) => at(parseJson(event), 'choices', 0, 'delta', 'content'))
    .filter((text) => typeof text === 'string')
    .join('')

test('answers a chat with a text and a usage that follow from the request', async (t) => {
  const { wall, client } = await rig(t)
  const answer = await client.chat({ nonce: 'n1', content: 'one two three' })
  assert.equal(answer.status, 200)
  assert.equal(at(answer.json, 'choices', 0, 'message', 'content'), 'n1 word1 word2 word3 word4 word5 word6 word7')
  assert.deepEqual(at(answer.json, 'usage'), { prompt_tokens: 3, completion_tokens: 8, total_tokens: 11 })
  const [entry] = wall.byNonce('n1')
  assert.deepEqual(entry?.usage, at(answer.json, 'usage'))
  assert.equal(entry?.refused, null)
  assert.ok(entry && entry.finishedAt !== null && entry.closedAt === null)
  assert.equal(sentHeader(entry, 'X-Request-Id'), 'n1')
  assert.deepEqual((await client.chat({ nonce: 'n1', content: 'one two three' })).text, answer.text)
})

test('streams one event per word, with usage only when it is asked for', async (t) => {
  const { wall, client } = await rig(t)
  const plain = await client.chat({ nonce: 'n1', stream: true })
  assert.equal(content(plain), 'n1 word1 word2 word3 word4 word5 word6 word7')
  assert.equal(plain.events.at(-1), '[DONE]')
  assert.equal(plain.events.length, 11)
  assert.ok(!plain.text.includes('usage'))
  assert.equal(wall.byNonce('n1')[0]?.usage, null)
  const asked = await client.chat({ stream: true, body: { stream_options: { include_usage: true } } })
  assert.deepEqual(at(parseJson(asked.events.at(-2) ?? ''), 'usage', 'total_tokens'), 11)
})

test('honours max_tokens, except in the model that does not', async (t) => {
  const { client } = await rig(t)
  const short = await client.chat({ model: 'ok-20', body: { max_tokens: 5 } })
  assert.equal(at(short.json, 'usage', 'completion_tokens'), 5)
  assert.equal(at(short.json, 'choices', 0, 'finish_reason'), 'length')
  const over = await client.chat({ model: 'over-20', body: { max_tokens: 5 } })
  assert.equal(at(over.json, 'usage', 'completion_tokens'), 20)
  assert.equal(
    at((await client.chat({ model: 'echo', content: 'say this' })).json, 'choices', 0, 'message', 'content'),
    'say this',
  )
})

test('refuses what the vendor refuses', async (t) => {
  const { wall, client } = await rig(t)
  const statusOf = async (bytes: string) => {
    const socket = await RawClient.connect(wall.url)
    await socket.send(bytes)
    const [response] = await socket.waitForResponses()
    socket.close()
    return response?.status
  }
  const good = requestBytes(chatOf('ok'))
  assert.equal(await statusOf(good), 200)
  assert.equal(await statusOf(good.replace('/v1/chat', '/v2/chat')), 404)
  assert.equal(await statusOf(good.replace('POST', 'PUT')), 405)
  assert.equal(await statusOf(good.replace(WALL_KEY, 'x')), 401)
  assert.equal(await statusOf(good.replace('application/json', 'text/plain')), 400)
  assert.equal(await statusOf(requestBytes(chatOf('ok'), ['host: twice'])), 400)
  const badBodies = [
    '{',
    '[]',
    '{}',
    { ...chatOf('ok'), model: 1 },
    { ...chatOf('ok'), messages: [] },
    { ...chatOf('ok'), stream: 'yes' },
  ]
  for (const body of badBodies) assert.equal(await statusOf(requestBytes(body)), 400, JSON.stringify(body))
  assert.equal((await client.chat({ model: 'no-such' })).status, 404)
  assert.equal(await statusOf(`GET / HTTP/1.1\r\nbad header: x\r\n\r\n`), 400)
  assert.equal(wall.malformed.length, 1)
})

test('cuts and resets where the fault says, and notes that it was the wall', async (t) => {
  const { wall } = await rig(t)
  const rows = [
    ['reset-before', false, 'rst', 0],
    ['fin-before', false, 'fin', 0],
    ['reset-mid-body', false, 'rst', 1],
    ['fin-mid-body', false, 'fin', 1],
    ['reset-mid-stream', true, 'rst', 1],
    ['fin-mid-stream', true, 'fin', 1],
    ['half-event', true, 'fin', 1],
    ['length-long', false, 'fin', 1],
  ] as const
  for (const [model, stream, kind, responses] of rows) {
    const client = await raw(wall, model, stream)
    const seen = client.responses()
    assert.deepEqual([client.closeKind, seen.length, seen[0]?.complete ?? false], [kind, responses, false], model)
    assert.equal(wall.requests.at(-1)?.cutBy, 'wall', model)
    assert.ok(!client.received.includes('[DONE]'))
  }
})

test('hangs until the client leaves, and notes that and when', async (t) => {
  const { wall, client } = await rig(t)
  for (const [model, stream, head] of [
    ['hang-head', false, false],
    ['hang-body', false, true],
    ['hang-body', true, true],
  ] as const) {
    const call = client.start({ model, stream })
    const [entry] = await wall.waitForRequests(1, { nonce: call.entry.nonce })
    if (head) assert.equal(await call.head, true)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(entry?.closedAt, null)
    const left = performance.now()
    call.leave()
    await eventually(() => entry?.closedAt != null)
    assert.equal(entry?.cutBy, 'gateway')
    assert.ok((entry?.closedAt ?? 0) >= left)
    assert.equal((await call.result).entry.outcome, 'aborted')
  }
})

test('notes the end of a client that had stopped reading', async (t) => {
  const { wall } = await rig(t)
  const client = await RawClient.connect(wall.url)
  await client.send(requestBytes(chatOf('huge-67108864', true)))
  await eventually(() => client.receivedBytes > 0)
  client.setReading('paused')
  client.abort()
  await eventually(() => wall.requests[0]?.closedAt != null)
  assert.equal(wall.requests[0]?.cutBy, 'gateway')
  assert.ok((wall.requests[0]?.bytesSent ?? 0) < 67_108_864)
})

test('waits at its barriers until released', async (t) => {
  const { wall, client } = await rig(t)
  const whole = client.start({ model: 'barrier' })
  const stream = client.start({ model: 'barrier-mid', stream: true })
  const over = client.start({ model: 'barrier-over-20', body: { max_tokens: 1 } })
  await wall.waitForRequests(3)
  await eventually(() => stream.received().split('\n\n').length === 4)
  assert.equal(whole.entry.status, null)
  wall.release()
  assert.equal((await whole.result).status, 200)
  assert.equal(at((await over.result).json, 'usage', 'completion_tokens'), 20)
  assert.equal((await stream.result).events.at(-1), '[DONE]')
})

test('answers that are slow, huge, long, split or in CRLF are still right', async (t) => {
  const { client } = await rig(t)
  const started = performance.now()
  await client.chat({ model: 'slow-50' })
  assert.ok(performance.now() - started >= 49)
  assert.ok((await client.chat({ model: 'huge-300000' })).text.length > 300_000)
  assert.ok((await client.chat({ model: 'huge-300000', stream: true })).text.length > 300_000)
  assert.equal((await client.chat({ model: 'long-stream-500', stream: true })).events.length, 503)
  for (const stream of [false, true]) {
    assert.equal((await client.chat({ model: 'one-byte', stream })).status, 200)
    assert.match((await client.chat({ model: 'unicode', stream })).text, /👩‍🚀/)
  }
  const crlf = await client.chat({ model: 'crlf', stream: true })
  assert.match(crlf.text, /\[DONE\]\r\n\r\n$/)
  assert.equal(crlf.events.length, 11)
})

test('breaks framing, JSON and events where the fault says', async (t) => {
  const { wall, client } = await rig(t)
  const [short] = (await raw(wall, 'length-short')).responses()
  assert.equal(short?.complete, true)
  assert.equal(parseJson(short?.body.toString() ?? ''), undefined)
  const conflict = await raw(wall, 'cl-and-te')
  assert.throws(() => conflict.responses(), /more than one framing header/)
  assert.equal((await raw(wall, 'extra-bytes')).responses()[1]?.body.toString(), '{"poison":"never-sent"}')
  for (const model of ['bad-header-cr', 'bad-header-lf', 'bad-header-nul', 'bad-header-status']) {
    const client = await raw(wall, model)
    assert.throws(() => client.responses(), /illegal character|status line/, model)
  }
  assert.ok(((await raw(wall, 'bad-header-big')).responses()[0]?.header('x-big')?.length ?? 0) > 70_000)
  assert.equal((await client.chat({ model: 'bad-json' })).json, undefined)
  assert.equal((await client.chat({ model: 'empty-200' })).text, '')
  assert.match((await client.chat({ model: 'html-200' })).text, /^<!doctype html>/)
  const badEvent = await client.chat({ model: 'bad-sse', stream: true })
  assert.equal(parseJson(badEvent.events[4] ?? ''), undefined)
  assert.equal(badEvent.events.at(-1), '[DONE]')
  assert.notEqual((await client.chat({ model: 'no-done', stream: true })).events.at(-1), '[DONE]')
  for (const [model, index] of [
    ['error-event-first', 0],
    ['error-event-5', 4],
  ] as const) {
    const { events } = await client.chat({ model, stream: true })
    assert.equal(events.length, index + 1)
    assert.equal(at(parseJson(events[index] ?? ''), 'error', 'type'), 'server_error')
  }
})

test('answers error statuses, and quotes the key when asked to', async (t) => {
  const { client } = await rig(t)
  assert.equal((await client.chat({ model: 'status-503' })).status, 503)
  assert.equal((await client.chat({ model: 'status-429-retry-after' })).headers['retry-after'], '2')
  const echo = await client.chat({ model: 'echo-key-401' })
  assert.equal(echo.status, 401)
  assert.ok(echo.text.includes(WALL_KEY))
})

test('tells usage as wrongly as the variant says', async (t) => {
  const { client } = await rig(t)
  const usageOf = async (model: string) => at((await client.chat({ model })).json, 'usage')
  assert.equal(await usageOf('no-usage'), undefined)
  assert.equal(at(await usageOf('usage-negative'), 'prompt_tokens'), -1_000_000)
  assert.equal(at(await usageOf('usage-string'), 'prompt_tokens'), '12')
  assert.equal(at(await usageOf('usage-huge'), 'prompt_tokens'), 1e308)
  assert.equal(at(await usageOf('usage-zero'), 'total_tokens'), 0)
  const ask = { stream: true, body: { stream_options: { include_usage: true } } }
  assert.equal(
    at(parseJson((await client.chat({ model: 'usage-zero', ...ask })).events.at(-2) ?? ''), 'usage', 'total_tokens'),
    0,
  )
  assert.ok(!(await client.chat({ model: 'no-usage', ...ask })).text.includes('prompt_tokens'))
})

test('a blackhole leaves every connect waiting', async (t) => {
  const hole = await blackhole()
  t.after(() => hole.close())
  let connected = false
  const attempt = RawClient.connect(hole.url).then(
    () => {
      connected = true
    },
    () => undefined,
  )
  await assert.rejects(eventually(() => connected, { deadlineMs: 300 }))
  await hole.close()
  await attempt
})
