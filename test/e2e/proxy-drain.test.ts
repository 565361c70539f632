/* Section 4.10 for routes of the configuration. D5 and D6 are in drain.test.ts, D7 to D9 need stores and replicas. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Asked, ask, startAsking } from '../harness/ask.ts'
import { eventually } from '../harness/eventually.ts'
import { RawClient } from '../harness/raw-client.ts'
import { acceptLines, frameOf, onFrames } from '../harness/web-socket-server.ts'
import { scaled } from './house.ts'
import { ProxyHouse, type ProxyHouseOptions } from './proxy-house.ts'

async function build(lag: string, grace: string, options: ProxyHouseOptions = {}): Promise<ProxyHouse> {
  const house = await ProxyHouse.build({
    workers: 2,
    route: { upgrade: ['websocket'] },
    more: { drain: { lag, grace } },
    ...options,
  })
  house.origin.on('/stream', async (request, response) => {
    const events = Number(request.url?.split('?')[1] ?? 20)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let at = 0; at < events && !response.destroyed; at++) {
      response.write(`data: ${at}\n\n`)
      await delay(50)
    }
    response.end('data: end\n\n')
  })
  house.origin.on('/ws', ({ socket, headers }) => {
    onFrames(socket, ({ payload }) => socket.write(frameOf(payload)))
    socket.on('end', () => socket.end())
    socket.write(acceptLines(String(headers['sec-websocket-key'])))
  })
  return house
}

async function webSocket(house: ProxyHouse): Promise<RawClient> {
  const client = await house.connect()
  const lines = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
  ]
  await client.send(`GET /ws HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n`)
  await eventually(() => client.received.includes('101 Switching'))
  return client
}

test('D1 D2 after SIGTERM readiness turns first, and every accepted request is answered whole', {
  timeout: 60_000,
}, async (t) => {
  const house = await build('400ms', '10s')
  try {
    const { url, controlUrl } = house.gateway
    const streams = Array.from({ length: scaled(40) }, () => startAsking(`${url}/stream?60`))
    await Promise.all(streams.map(({ head }) => head))
    const answers: Asked[] = []
    let running = true
    const load = async () => {
      while (running) {
        const answer = await house.ask('/plain', { method: 'POST', body: 'x' })
        answers.push(answer)
        if (answer.status === null) return
      }
    }
    const loads = Array.from({ length: 8 }, load)
    await eventually(() => answers.length > 50)
    const signalled = performance.now()
    house.gateway.signal('SIGTERM')
    await eventually(async () => (await fetch(`${controlUrl}/readyz`).catch(() => null))?.status === 503, {
      everyMs: 2,
    })
    const unreadyMs = performance.now() - signalled
    const beforeEnd = answers.length
    const exit = await house.gateway.exited
    running = false
    await Promise.all(loads)
    assert.deepEqual(exit, { code: 0, signal: null })
    t.diagnostic(
      `unready after ${unreadyMs.toFixed(0)} ms; ${answers.length - beforeEnd} requests were served in the lag`,
    )
    assert.ok(unreadyMs <= 250, `${unreadyMs} ms`)
    for (const { answer } of streams) assert.ok((await answer).text.endsWith('data: end\n\n'))
    const broken = answers.filter(({ status, complete }) => (status !== 200 || !complete) && status !== null)
    assert.deepEqual(
      broken.map(({ status, text }) => [status, text]),
      [],
    )
    // One per connection: refused at accept, which is what the end of the lag is.
    assert.ok(answers.filter(({ status }) => status === null).length <= loads.length)
    assert.ok(answers.length > beforeEnd)
  } finally {
    await house.close()
  }
})

test('D3 what is longer than the grace period is cut, visibly, and the end comes in time', {
  timeout: 60_000,
}, async () => {
  const house = await build('0s', '1s')
  try {
    const stream = startAsking(`${house.gateway.url}/stream?1000`)
    await stream.head
    house.origin.on('/silent', () => undefined)
    const silent = ask(`${house.gateway.url}/silent`)
    const socket = await webSocket(house)
    await eventually(() => house.origin.seen('/silent').length === 1)
    const signalled = performance.now()
    const exit = await house.gateway.stop()
    const tookMs = performance.now() - signalled
    assert.deepEqual(exit, { code: 0, signal: null })
    assert.ok(tookMs >= 900 && tookMs <= 4_000, `${tookMs} ms`)
    const cut = await stream.answer
    assert.deepEqual([cut.status, cut.complete], [200, false])
    const refused = await silent
    assert.deepEqual([refused.status, Object(refused.json).code], [503, 'draining'])
    assert.notEqual(socket.closeKind, 'open')
    socket.close()
    await eventually(() => house.origin.seen('/stream')[0]?.cutAt, { what: 'the server to be told' })
  } finally {
    await house.close()
  }
})

test('D4 idle connections are closed at once, a WebSocket goes on within the grace period', {
  timeout: 60_000,
}, async () => {
  const house = await build('0s', '20s')
  try {
    const idle = await house.connect()
    await idle.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
    await idle.waitForResponses()
    const socket = await webSocket(house)
    const { url } = house.gateway
    house.gateway.signal('SIGTERM')
    assert.equal(await idle.waitForClose(2_000), 'fin')
    await eventually(
      () =>
        RawClient.connect(url).then(
          (client) => client.close(),
          () => true,
        ),
      { what: 'new connections to be refused' },
    )
    const from = socket.receivedBytes
    await socket.send(frameOf('hello'))
    await eventually(() => socket.receivedBytes > from)
    socket.finish()
    assert.deepEqual(await house.gateway.exited, { code: 0, signal: null })
    idle.close()
    socket.close()
  } finally {
    await house.close()
  }
})
