import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { exchangeRaw, RawClient } from '../../../test/harness/raw-client.ts'
import { type EdgeOptions, planOf, type RouteParts, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { candidateOf } from '../../../test/request-path/upstream.ts'
import type { Exchange } from '../exchange.ts'
import { answer } from '../respond/answer.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const get = (query: string | number) => `GET /?${query} HTTP/1.1\r\nHost: a\r\n\r\n`
const post = (length: number) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`

/** Answers its query and its body. */
const echo = routeOf({
  bodyLimit: 1_000_000,
  inspect: (x) => {
    answer(x, 200, 'text/plain', x.query + (x.body?.toString() ?? ''))
    return null
  },
})

/** A route whose requests wait until the test answers them. */
function waitingRoute(parts: RouteParts = {}) {
  const waiting: Exchange[] = []
  const transport = { dispatch: () => true, close: () => Promise.resolve() }
  const route = routeOf({
    inspect: (x) => {
      waiting.push(x)
      x.candidates = [candidateOf({ transport })]
      return null
    },
    ...parts,
  })
  const next = async () => {
    await eventually(() => waiting.length > 0, { what: 'a request' })
    return waiting.shift() as Exchange // there is one: awaited above
  }
  return { route, waiting, next }
}

async function start(t: TestContext, route = echo, options: Partial<EdgeOptions> = {}) {
  const methods = { GET: route, HEAD: route, POST: route }
  const edge = await startEdge(t, { plan: planOf({ '/': methods }), ...options })
  const connect = async () => {
    const client = await RawClient.connect(edge.url)
    t.after(() => client.close())
    return client
  }
  return { edge, client: await connect(), connect }
}

const bodies = (client: RawClient) => client.responses().map(({ body }) => body.toString())

test('many small requests in one packet are answered in their order', async (t) => {
  const { client, edge } = await start(t)
  const count = 500
  await client.send(Array.from({ length: count }, (_v, index) => get(index)).join(''))
  await client.waitForResponses(count)
  assert.deepEqual(
    bodies(client),
    Array.from({ length: count }, (_v, index) => String(index)),
  )
  assert.equal(edge.endings.length, count)
})

test('requests with bodies of both framings follow each other, wherever they are cut', async (t) => {
  const { client } = await start(t)
  const chunked =
    'POST /?c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\na: b\r\n\r\n'
  const sized = 'POST /?l HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfghij'
  const all = `${chunked}${sized}\r\n\r\n${get('g')}${chunked}\r\n${GET}`
  const expected = ['cabcde', 'lfghij', 'g', 'cabcde', '']
  let rounds = 0
  for (let size = 1; size < all.length; size += size < 20 ? 1 : 13) {
    await client.sendSplit(all, size)
    rounds++
  }
  await client.waitForResponses(rounds * expected.length)
  const got = bodies(client)
  for (let at = 0; at < got.length; at += expected.length)
    assert.deepEqual(got.slice(at, at + expected.length), expected)
})

test('no request is begun before the one ahead of it is answered', async (t) => {
  const { route, waiting, next } = waitingRoute()
  const { client, edge } = await start(t, route)
  await client.send(get(1) + get(2) + get(3))
  for (const query of ['1', '2', '3']) {
    const x = await next()
    assert.equal(x.query, query)
    assert.deepEqual([edge.gateway.exchanges.size, waiting.length], [1, 0])
    answer(x, 200, 'text/plain', query)
  }
  await client.waitForResponses(3)
  assert.deepEqual(bodies(client), ['1', '2', '3'])
})

test('bytes that come before their turn are held up to a bound, then left to the kernel', async (t) => {
  const { route, next } = waitingRoute()
  const { client, edge } = await start(t, route)
  await client.send(GET)
  const first = await next()
  let sent = 0
  const block = Buffer.from(get('x'.repeat(1_000)).repeat(64))
  // The kernel takes some megabytes; then a send does not complete any more.
  const full = () => client.socket.writableLength > 0
  const before = process.memoryUsage().arrayBuffers
  while (!full() && sent < 64 * 1024 * 1024) {
    client.socket.write(block)
    sent += block.length
    await eventually(() => client.socket.writableLength === 0, { deadlineMs: 300 }).catch(() => undefined)
  }
  assert.ok(full(), `${sent} bytes were taken`)
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < 4 * 1024 * 1024, `${grown} of ${sent} bytes are held here`)
  assert.equal(edge.gateway.exchanges.size, 1)
  const count = sent / block.length
  answer(first, 200, 'text/plain', 'first')
  // Nothing is lost: all of them are served when it is their turn.
  for (let at = 0; at < Math.min(200, count * 64); at++) {
    const x = await next()
    assert.equal(x.query.length, 1_000)
    answer(x, 200, 'text/plain', 'y')
  }
})

test('a client that asks and asks but reads nothing is not served on; when it reads, it gets all', async (t) => {
  const size = 10_000
  const large = routeOf({
    inspect: (x) => {
      answer(x, 200, 'text/plain', x.query.padEnd(size, '.'))
      return null
    },
  })
  const { client, edge } = await start(t, large)
  client.setReading('paused')
  const count = 20_000
  const all = Buffer.from(Array.from({ length: count }, (_v, index) => get(index)).join(''))
  const before = process.memoryUsage().arrayBuffers
  client.socket.write(all)
  let seen = -1
  await eventually(
    () => {
      const still = edge.endings.length === seen
      seen = edge.endings.length
      return still && seen > 0
    },
    { everyMs: 200, deadlineMs: 20_000, what: 'the gateway to stop answering' },
  )
  // What was answered lies in the kernel's buffers and a little before them, not in ours.
  assert.ok(edge.endings.length < count, 'it answered everything')
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < 16 * 1024 * 1024, `${grown} bytes more`)
  client.setReading('flowing')
  const last = () => client.receivedBytes > count * size && client.received.includes(`\r\n\r\n${count - 1}.`)
  await eventually(last, { deadlineMs: 60_000, everyMs: 200, what: 'all answers' })
  assert.equal(edge.endings.length, count)
  const text = client.received.toString('latin1')
  let at = 0
  for (let index = 0; index < count; index += 97) {
    const found = text.indexOf(`\r\n\r\n${index}.`, at)
    assert.ok(found >= 0, `answer ${index} in its order`)
    at = found
  }
})

test('a body that somebody takes late is delivered then, however much of it came before', async (t) => {
  for (const length of [10, 200_000]) {
    const { route, next } = waitingRoute({ bodyLimit: -1 })
    const { client } = await start(t, route)
    await client.send(post(length))
    const x = await next()
    client.socket.write('b'.repeat(length) + get('after'))
    // Some turns of the loop that both sides share: what the gateway wants to read now, it has.
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    let got = 0
    let ended = 0
    x.client.readBody({
      onBody: (bytes) => {
        got += bytes.length
      },
      onBodyEnd: () => {
        ended++
      },
    })
    await eventually(() => ended === 1, { what: `the end of a body of ${length} bytes` })
    assert.equal(got, length)
    answer(x, 200, 'text/plain', 'done')
    answer(await next(), 200, 'text/plain', 'after')
    await client.waitForResponses(2)
    assert.deepEqual(bodies(client), ['done', 'after'])
  }
})

test('a body that is paused is not delivered before it is resumed, in pieces of any size', async (t) => {
  const { route, next } = waitingRoute({ bodyLimit: -1 })
  const { client } = await start(t, route)
  const length = 1_000_000
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  const x = await next()
  let got = 0
  let ended = false
  let paused = false
  x.client.readBody({
    onBody: (bytes) => {
      assert.equal(paused, false, 'a piece came while the body was paused')
      got += bytes.length
      paused = true
      x.client.pauseBody()
      setImmediate(() => {
        paused = false
        x.client.resumeBody()
      })
    },
    onBodyEnd: () => {
      assert.equal(paused, false)
      ended = true
    },
  })
  client.socket.write(`${'64\r\n'}${'b'.repeat(100)}\r\n`.repeat(length / 100))
  client.socket.write('0\r\n\r\n')
  await eventually(() => ended, { deadlineMs: 20_000 })
  assert.equal(got, length)
  answer(x, 200, 'text/plain', 'done')
  await client.waitForResponses()
})

test('an answer from within a large body ends the connection, and what is left of the body is no request', async (t) => {
  const { route, next } = waitingRoute({ bodyLimit: -1 })
  const { client, edge } = await start(t, route)
  await client.send(post(100_000))
  const x = await next()
  x.client.readBody({ onBody: () => answer(x, 200, 'text/plain', 'enough'), onBodyEnd: () => assert.fail('no end') })
  await client.send(GET)
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.body.toString(), response?.header('connection')], ['enough', 'close'])
  await client.send(GET.repeat(10))
  assert.equal(await client.waitForClose(), 'fin')
  assert.equal(client.responses().length, 1)
  assert.equal(edge.endings.length, 1)
})

test('an answer from the last piece of a body leaves the connection open, and is given once', async (t) => {
  const { route, next } = waitingRoute({ bodyLimit: -1 })
  const { client, edge } = await start(t, route)
  await client.send(post(3))
  const x = await next()
  let ends = 0
  x.client.readBody({ onBody: () => answer(x, 200, 'text/plain', 'last'), onBodyEnd: () => ends++ })
  await client.send(`abc${get('2')}`)
  answer(await next(), 200, 'text/plain', 'two')
  await client.waitForResponses(2)
  assert.deepEqual([bodies(client), ends, edge.endings.length], [['last', 'two'], 0, 2])
})

test('a request that says close is the last of its connection', async (t) => {
  const { client, edge } = await start(t)
  await client.send(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${get(2)}`)
  const [response] = await client.waitForResponses()
  assert.equal(response?.header('connection'), 'close')
  assert.equal(await client.waitForClose(), 'fin')
  assert.equal(edge.endings.length, 1)
})

test('HTTP/1.0 keeps its connection only when it asks for it', async (t) => {
  const { edge } = await start(t)
  const plain = await exchangeRaw(edge.url, `GET /?1 HTTP/1.0\r\n\r\n${get(2)}`)
  assert.deepEqual(bodies(plain), ['1'])
  assert.equal(plain.responses()[0]?.header('connection'), 'close')
  const kept = await RawClient.connect(edge.url)
  t.after(() => kept.close())
  await kept.send('GET /?1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  await kept.waitForResponses()
  assert.equal(kept.responses()[0]?.header('connection'), 'keep-alive')
  await kept.send('GET /?2 HTTP/1.0\r\n\r\n')
  assert.equal(await kept.waitForClose(), 'fin')
  assert.deepEqual(bodies(kept), ['1', '2'])
})

test('when the gateway leaves, the next answer is the last of its connection', async (t) => {
  const { client, edge } = await start(t)
  await client.send(GET)
  await client.waitForResponses()
  edge.gateway.leaving = true
  await client.send(GET + GET)
  await client.waitForClose()
  assert.deepEqual(
    client.responses().map((response) => response.header('connection')),
    [undefined, 'close'],
  )
})

test('a head that has not arrived in time is answered with 408, also after a first request', async (t) => {
  const { client, connect } = await start(t, echo, { listener: { headerTimeoutMs: 200 } })
  const slow = await connect()
  await client.send(GET)
  await client.waitForResponses()
  await client.send('G')
  await slow.send('GET / HTTP/1.1\r\nHo')
  for (const [it, count] of [
    [client, 2],
    [slow, 1],
  ] as const) {
    const responses = await it.waitForResponses(count)
    assert.deepEqual([responses.at(-1)?.status, responses.at(-1)?.header('connection')], [408, 'close'])
    assert.equal(await it.waitForClose(), 'fin')
  }
})

test('a body that has not arrived in time is answered with 408', async (t) => {
  const { client, edge } = await start(t, echo, { listener: { requestTimeoutMs: 200 } })
  await client.send(`${post(100)}abc`)
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.status, response?.header('connection')], [408, 'close'])
  assert.equal(await client.waitForClose(), 'fin')
  assert.equal((await edge.settled()).length, 1)
})

test('an idle connection is closed when its time is up, without a word', async (t) => {
  const { client, edge } = await start(t, echo, { listener: { keepAliveMs: 200 } })
  await client.send(GET)
  await client.waitForResponses()
  assert.equal(await client.waitForClose(), 'fin')
  assert.equal(client.responses().length, 1)
  await eventually(() => edge.listener.connections === 0)
})

test('a connection is not idle as long as its last answer is on the way', async (t) => {
  const size = 32 * 1024 * 1024
  const large = routeOf({
    inspect: (x) => {
      answer(x, 200, 'text/plain', Buffer.alloc(size, 97))
      return null
    },
  })
  const { client, connect, edge } = await start(t, large, { listener: { keepAliveMs: 100, headerTimeoutMs: 100 } })
  client.setReading('paused')
  await client.send(GET)
  await edge.settled()
  // Others see the sweeps that this one survives.
  for (let sweeps = 0; sweeps < 2; sweeps++) await (await connect()).waitForClose()
  client.setReading('flowing')
  const [response] = await client.waitForResponses(1, 20_000)
  assert.equal(response?.body.length, size)
  assert.equal(await client.waitForClose(), 'fin')
})

test('a request in flight is not ended by the times for heads, bodies and idle connections', async (t) => {
  const { route, next } = waitingRoute()
  const times = { headerTimeoutMs: 50, requestTimeoutMs: 50, keepAliveMs: 50 }
  const { client, connect, edge } = await start(t, route, { listener: times })
  await client.send(GET)
  const x = await next()
  // One that is idle sees the sweep that this one survives.
  const idle = await connect()
  await idle.waitForClose()
  assert.equal(edge.endings.length, 0)
  answer(x, 200, 'text/plain', 'late')
  assert.equal((await client.waitForResponses())[0]?.body.toString(), 'late')
})

test('empty lines before a request are read over, two at most, wherever they are cut', async (t) => {
  const { edge } = await start(t)
  for (const [lines, status] of [
    [1, 200],
    [2, 200],
    [3, 400],
  ] as const) {
    const bytes = '\r\n'.repeat(lines) + GET.replace('Host', 'Connection: close\r\nHost')
    for (const size of [1, 2, 3, 5, bytes.length]) {
      const client = await RawClient.connect(edge.url)
      t.after(() => client.close())
      await client.sendSplit(bytes, size, 1)
      await client.waitForClose()
      assert.deepEqual(
        client.responses().map((response) => response.status),
        [status],
        `${lines} lines in pieces of ${size}`,
      )
    }
  }
})

test('a head may be as long as the limit and no longer, in one piece and byte by byte', async (t) => {
  const { edge } = await start(t)
  const head = (length: number) => {
    const start = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
    const filler = `${'x: '.padEnd(6_000, 'y')}\r\n`.repeat(2)
    return `${`${start}${filler}z: `.padEnd(length, 'y')}\r\n\r\n`
  }
  for (const [length, status] of [
    [16_384, 200],
    [16_385, 431],
  ] as const) {
    const bytes = head(length)
    assert.equal(bytes.length, length + 4)
    for (const size of [1, 1_000, bytes.length]) {
      const client = await RawClient.connect(edge.url)
      t.after(() => client.close())
      await client.sendSplit(bytes, size)
      await client.waitForClose()
      assert.equal(client.responses()[0]?.status, status, `${length} bytes in pieces of ${size}`)
    }
  }
})
