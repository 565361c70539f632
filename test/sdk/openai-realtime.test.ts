import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { adminOf } from '../harness/admin.ts'
import { keyPair } from '../harness/config.ts'
import { at } from '../harness/json.ts'
import { acceptLines, CLOSE, frameOf, onFrames, TEXT } from '../harness/web-socket-server.ts'
import { UPSTREAM_KEY, useOperationsHouse } from './operations-house.ts'

const poor = keyPair('poor')
const MODELS = {
  talking: {
    targets: [
      { provider: 'vendor', model: 'gone' },
      { provider: 'vendor', model: 'gpt-realtime' },
    ],
  },
}
const house = useOperationsHouse({ realtime: { reserve_tokens: 100 }, models: MODELS }, [
  { key: poor, budgets: [{ tokens: 1_000, per: 'month' }] },
])

const DONE = (tokens: number) =>
  JSON.stringify({
    type: 'response.done',
    event_id: 'event_1',
    response: {
      id: 'resp_1',
      output: [],
      usage: {
        total_tokens: tokens + 10,
        input_tokens: 10,
        output_tokens: tokens,
        input_token_details: { text_tokens: 4, audio_tokens: 6, cached_tokens: 0 },
        output_token_details: { text_tokens: 2, audio_tokens: tokens - 2 },
      },
    },
  })

const GONE = JSON.stringify({ error: { message: 'The model `gone` does not exist', code: 'model_not_found' } })

/** Answers each event with one that tells of usage; notes the head. */
function answerWith(tokens: number): { heads: IncomingMessage[] } {
  const heads: IncomingMessage[] = []
  house().upstream.upgrading = (request, socket) => {
    heads.push(request)
    if (request.url?.endsWith('=gone') === true) {
      socket.end(
        `HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: ${GONE.length}\r\n\r\n${GONE}`,
      )
      return
    }
    const key = request.headers['sec-websocket-key'] ?? ''
    socket.write(acceptLines(key, ['Sec-WebSocket-Protocol: realtime']))
    onFrames(socket, ({ opcode, payload }) => {
      if (opcode === TEXT) {
        const done = frameOf(DONE(tokens))
        // Cut within: what is read of a frame does not hang on how it arrives.
        socket.write(done.subarray(0, 50))
        setImmediate(() => socket.write(done.subarray(50)))
      }
      if (opcode === CLOSE) socket.end(frameOf(payload, CLOSE))
    })
  }
  return { heads }
}

/**
 * A session as the official client opens it in browsers, up to its first event. (That client insists on TLS, and can
 * set no header: its key is one of the subprotocols.)
 */
async function firstEvent(
  apiKey: string,
  model = 'vendor/gpt-realtime',
): Promise<{ socket: WebSocket; type: unknown }> {
  const url = `${house().gateway.url.replace('http', 'ws')}/v1/realtime?model=${model}`
  const socket = new WebSocket(url, ['realtime', `openai-insecure-api-key.${apiKey}`])
  const event = new Promise<unknown>((resolve, reject) => {
    socket.addEventListener('message', ({ data }) => resolve(at(JSON.parse(String(data)), 'type')), { once: true })
    socket.addEventListener('error', () => reject(new Error('the session could not be opened')))
  })
  socket.addEventListener('open', () => socket.send('{"type":"response.create"}'))
  return { socket, type: await event }
}

test('a browser holds a realtime session, with the key of the provider in place of its own, and it is metered', async () => {
  const { key, recorded } = house()
  const { heads } = answerWith(40)
  const { socket, type } = await firstEvent(key.secret)
  assert.equal(type, 'response.done')
  const [head] = heads
  assert.equal(head?.url, '/v1/realtime?model=gpt-realtime')
  assert.equal(head?.headers.authorization, `Bearer ${UPSTREAM_KEY}`)
  assert.equal(head?.headers['sec-websocket-protocol'], 'realtime')
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve))
  socket.close()
  await closed
  await recorded('realtime', { output_tokens: 2, audio_output_tokens: 38, audio_input_tokens: 6, status: 101 })
})

test('a session is opened with the next target of its model when the first has none', async () => {
  const { heads } = answerWith(40)
  const { socket, type } = await firstEvent(house().key.secret, 'talking')
  assert.equal(type, 'response.done')
  assert.deepEqual(
    heads.map(({ url }) => url),
    ['/v1/realtime?model=gone', '/v1/realtime?model=gpt-realtime'],
  )
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve))
  socket.close()
  await closed
  await house().recorded('realtime', { model_requested: 'talking', model_served: 'gpt-realtime', status: 101 })
  using database = house().gateway.db()
  const row = database.prepare("SELECT attempt_history FROM requests WHERE model_requested = 'talking'").get()
  assert.match(String(row?.['attempt_history']), /^vendor\/gone=withdrawn\(.*, vendor\/gpt-realtime=ok\(/)
})

test('a session of a key with a budget ends when what was reserved for it is used', async () => {
  answerWith(200)
  const { socket } = await firstEvent(poor.secret)
  const closed = await new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
  assert.equal(closed.code, 1008)
  await house().recorded('realtime', { audio_output_tokens: 198, error_code: 'insufficient_quota' })
})

test('what an unfinished answer has used is charged to a client that leaves before its end', async () => {
  const { key, recorded, upstream } = house()
  upstream.upgrading = (request, socket) => {
    socket.write(acceptLines(request.headers['sec-websocket-key'] ?? '', ['Sec-WebSocket-Protocol: realtime']))
    onFrames(socket, ({ opcode, payload }) => {
      if (opcode === CLOSE) socket.end(frameOf(payload, CLOSE))
      if (opcode !== TEXT) return
      const events = [
        { type: 'session.created', session: { audio: { output: { format: { type: 'audio/pcm' } } } } },
        { type: 'response.created', response: { id: 'resp_1', usage: null } },
        // A second of sound.
        { type: 'response.output_audio.delta', delta: 'A'.repeat(64_000) },
      ]
      for (const event of events) socket.write(frameOf(JSON.stringify(event)))
    })
  }
  const socket = new WebSocket(`${house().gateway.url.replace('http', 'ws')}/v1/realtime?model=vendor/gpt-realtime`, [
    'realtime',
    `openai-insecure-api-key.${key.secret}`,
  ])
  await new Promise<void>((resolve) => {
    socket.addEventListener('message', ({ data }) => String(data).includes('audio.delta') && resolve())
    socket.addEventListener('open', () => socket.send('{"type":"response.create"}'))
  })
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve))
  socket.close()
  await closed
  await recorded('realtime', { audio_output_tokens: 20, usage_source: 'estimated', status: 101 })
})

test('a session ends when its key is revoked, also when the key was changed meanwhile', async () => {
  answerWith(4)
  const ask = adminOf(house().gateway)
  const { json } = await ask('POST', 'api-keys', { id: 'talker' })
  const secret = String(json['secret'])
  const { socket } = await firstEvent(secret)
  assert.equal((await ask('POST', 'api-keys/talker/rotate', { grace: '1h' })).status, 200)
  const answered = new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
  socket.send('{"type":"response.create"}')
  await answered
  assert.equal((await ask('DELETE', 'api-keys/talker')).status, 200)
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
  // The worker may hear of the key in its next turn.
  socket.addEventListener('message', () => socket.send('{"type":"response.create"}'))
  socket.send('{"type":"response.create"}')
  const { code, reason } = await closed
  assert.deepEqual([code, reason], [1008, 'The key of this session is not valid any more.'])
})

test('a session without a key, without a model or without a WebSocket is refused', async () => {
  const { gateway, key } = house()
  const headers = { authorization: `Bearer ${key.secret}` }
  assert.equal((await fetch(`${gateway.url}/v1/realtime?model=x`)).status, 401)
  assert.equal((await fetch(`${gateway.url}/v1/realtime?model=x`, { headers })).status, 400)
})
