import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { exchangeRaw, RawClient } from '../../../test/harness/raw-client.ts'
import { planOf, type RouteParts, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { candidateOf } from '../../../test/request-path/upstream.ts'
import type { Exchange } from '../exchange.ts'
import { answer } from '../respond/answer.ts'
import { settle } from '../settle.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const CLOSING = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const OLD = 'GET / HTTP/1.0\r\n\r\n'

/** A listener whose requests are answered by `serve` on their own stream. */
async function start(t: TestContext, serve: (x: Exchange) => void, parts: RouteParts = {}) {
  const transport = { dispatch: () => true, close: () => Promise.resolve() }
  const candidates = [candidateOf({ transport })]
  const route = routeOf({
    inspect: (x) => {
      serve(x)
      x.candidates = candidates
      return null
    },
    ...parts,
  })
  const edge = await startEdge(t, { plan: planOf({ '/': { GET: route, HEAD: route } }) })
  const connect = async () => {
    const client = await RawClient.connect(edge.url)
    t.after(() => client.close())
    return client
  }
  return { edge, connect }
}

const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0

test('pieces of every size arrive as they were sent, in chunks, by length and by the end of the connection', async (t) => {
  const pieces = [0, 1, 15, 16, 16_384, 16_385, 1_048_576].map((length, index) => Buffer.alloc(length, 97 + index))
  const whole = Buffer.concat(pieces)
  for (const [what, request, headers, last] of [
    ['chunked', CLOSING, [], null],
    ['chunked, the end with a piece', CLOSING, [], Buffer.from('end')],
    ['by length', CLOSING, ['content-length', String(whole.length)], null],
    ['by length, the end with a piece', CLOSING, ['content-length', String(whole.length + 3)], Buffer.from('end')],
    ['HTTP/1.0', OLD, [], Buffer.from('end')],
  ] as const) {
    const { edge } = await start(t, (x) => {
      x.client.start(200, [...headers])
      for (const piece of pieces) x.client.write(piece)
      x.client.end(last)
      settle(x)
    })
    const client = await exchangeRaw(edge.url, request)
    const [response] = client.responses()
    assert.equal(response?.complete, true, what)
    assert.ok(response.body.equals(Buffer.concat([whole, last ?? Buffer.alloc(0)])), what)
    assert.equal(response.header('transfer-encoding'), what.startsWith('chunked') ? 'chunked' : undefined, what)
    assert.equal(client.closeKind, 'fin', what)
  }
})

test('HEAD, 204 and 304 have no body, whole or streamed, and the connection goes on', async (t) => {
  for (const how of ['whole', 'streamed'] as const) {
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ] as const) {
      const { connect } = await start(t, (x) => {
        if (how === 'whole') x.client.answer(status, ['content-type', 'text/plain'], 'body')
        else {
          x.client.start(status, [])
          x.client.write(Buffer.from('bo'))
          x.client.end(Buffer.from('dy'))
        }
        settle(x)
      })
      const client = await connect()
      await client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(2))
      await eventually(() => count(client.received.toString(), /\r\n\r\n/g) === 2)
      const text = client.received.toString()
      assert.match(text, /^HTTP\/1\.1 \d+ .*\r\n\r\nHTTP\/1\.1 \d+ .*\r\n\r\n$/s, `${method} ${status} ${how}`)
      assert.doesNotMatch(text, /body|transfer-encoding/)
      assert.equal(count(text, /content-length/g), method === 'HEAD' && how === 'whole' ? 2 : 0)
    }
  }
})

test('a length that a route gives with 204 is not sent', async (t) => {
  const { edge } = await start(t, (x) => answer(x, 204, 'text/plain', ''))
  assert.doesNotMatch((await exchangeRaw(edge.url, CLOSING)).received.toString(), /content-length/)
})

test('Date is there exactly once, and what frames the message is the stream’s to say', async (t) => {
  const own = ['date', 'Sat, 21 Nov 2026 00:00:00 GMT', 'connection', 'x-a', 'transfer-encoding', 'gzip']
  for (const headers of [[], own, [...own, ...own]]) {
    const { edge } = await start(t, (x) => {
      x.client.answer(200, headers, 'ok')
      settle(x)
    })
    const text = (await exchangeRaw(edge.url, CLOSING)).received.toString()
    assert.equal(count(text, /^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/gim), 1, text)
    assert.equal(count(text, /^connection: close\r$/gim), 1)
    assert.doesNotMatch(text, /transfer-encoding|x-a/)
  }
})

test('a streamed answer to HTTP/1.0 ends with the connection, even if the client wanted to keep it', async (t) => {
  const { edge } = await start(t, (x) => {
    x.client.start(200, [])
    x.client.write(Buffer.from('ab'))
    x.client.end(Buffer.from('c'))
    settle(x)
  })
  const client = await exchangeRaw(edge.url, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  const [response] = client.responses()
  assert.deepEqual([response?.body.toString(), response?.header('connection')], ['abc', 'close'])
})

test('a client of HTTP/1.0 that does not read its answer is given up by a reset, however far the answer is', async (t) => {
  const { edge, connect } = await start(t, (x) => {
    x.client.start(200, [])
    x.client.end(Buffer.alloc(x.query === 'long' ? 32 * 1024 * 1024 : 1))
    settle(x)
  })
  // The first answer of a thread goes through the stream, those behind it to the handle itself.
  await exchangeRaw(edge.url, OLD)
  const client = await connect()
  client.setReading('paused')
  await client.send(OLD.replace('/', '/?long'))
  await edge.settled(2)
  edge.listener.destroy()
  client.setReading('flowing')
  assert.equal(await client.waitForClose(), 'rst')
})

test('an answer that is cut is visibly no whole one', async (t) => {
  for (const [what, headers] of [
    ['chunked', []],
    ['by length', ['content-length', '10']],
  ] as const) {
    const { edge } = await start(t, (x) => {
      x.client.start(200, [...headers])
      x.client.write(Buffer.from('half'))
      setImmediate(() => {
        x.client.cut()
        settle(x)
      })
    })
    const client = await exchangeRaw(edge.url, GET)
    assert.deepEqual([client.responses()[0]?.body.toString(), client.responses()[0]?.complete], ['half', false], what)
    assert.equal(edge.endings.length, 1)
  }
})

test('an answer that is shorter or longer than its head says is cut, and never runs into the next one', async (t) => {
  for (const body of ['short', 'much longer than that']) {
    const { edge, connect } = await start(t, (x) => {
      x.client.start(200, ['content-length', '10'])
      x.client.write(Buffer.from(body))
      x.client.end(null)
      settle(x)
    })
    const client = await connect()
    await client.send(GET + GET)
    await client.waitForClose()
    assert.ok(
      client.responses().every((response) => !response.complete),
      client.received.toString(),
    )
    assert.equal(edge.endings.length, 1)
  }
})

test('a whole answer with a wrong length becomes a 500', async (t) => {
  const { edge } = await start(t, (x) => x.client.answer(200, ['content-length', '10'], 'short'))
  const client = await exchangeRaw(edge.url, CLOSING)
  assert.equal(client.responses()[0]?.status, 500)
  assert.equal(edge.endings.length, 1)
})

/** What no header may hold; the first would begin a header of its own. */
const IMPOSSIBLE = [
  'a\r\nx-evil: 1',
  'a\r\n\r\n<script>',
  'a\nb',
  'a\rb',
  'a\0b',
  'a\x7f',
  'ł',
  '\u{10d}\u{10a}x-evil: 1',
]

test('a header that no answer may have never reaches the wire: the request ends once, with 500', async (t) => {
  for (const value of IMPOSSIBLE) {
    for (const how of ['whole', 'streamed'] as const) {
      for (const headers of [
        ['x-a', value],
        [`x${value}`, 'a'],
      ]) {
        const { edge } = await start(t, (x) => {
          if (how === 'whole') x.client.answer(200, headers, 'ok')
          else x.client.start(200, headers)
        })
        const client = await exchangeRaw(edge.url, CLOSING)
        const statuses = client.responses().map((response) => response.status)
        assert.deepEqual(statuses, [500], `${JSON.stringify(headers)} ${how}`)
        assert.doesNotMatch(client.received.toString('latin1'), /x-evil|script/)
        assert.deepEqual([edge.endings.length, edge.faults.length, edge.gateway.exchanges.size], [1, 1, 0])
      }
    }
  }
})

test('a header that is impossible in the error too costs the connection, not the thread', async (t) => {
  const { edge, connect } = await start(t, (x) => answer(x, 200, 'text/plain', 'ok'), {
    editAnswer: (_x, _status, headers) => {
      headers.push('x-a', 'a\r\nx-evil: 1')
    },
  })
  const client = await connect()
  await client.send(GET + GET)
  await client.waitForClose()
  assert.equal(client.receivedBytes, 0)
  assert.deepEqual([edge.endings.length, edge.gateway.exchanges.size], [1, 0])
})

test('an answer that is begun says when the client is slow, and how much waits', async (t) => {
  const size = 32 * 1024 * 1024
  let x: Exchange | null = null
  const { edge, connect } = await start(t, (started) => {
    started.client.start(200, [])
    assert.equal(started.client.write(Buffer.alloc(100)), true)
    assert.equal(started.client.write(Buffer.alloc(size)), false)
    x = started
  })
  const client = await connect()
  client.setReading('paused')
  await client.send(CLOSING)
  const begun = await eventually<Exchange | null>(() => x)
  const stream = begun.client
  assert.ok(stream.unsentBytes > 0)
  client.setReading('flowing')
  await eventually(() => stream.unsentBytes === 0, { deadlineMs: 20_000 })
  stream.end(null)
  settle(begun)
  await client.waitForClose()
  const [response] = client.responses()
  assert.deepEqual([response?.complete, response?.body.length], [true, size + 100])
  assert.equal(edge.endings.length, 1)
})

test('a stream that has ended takes no more calls', async (t) => {
  const { edge, connect } = await start(t, (x) => {
    answer(x, 200, 'text/plain', 'first')
    x.client.answer(200, [], 'second')
    x.client.start(200, [])
    x.client.write(Buffer.from('third'))
    x.client.end(Buffer.from('fourth'))
    x.client.pauseBody()
    x.client.resumeBody()
    x.client.readBody({ onBody: () => assert.fail(), onBodyEnd: () => assert.fail() })
    x.client.cut()
    x.client.closeAfterAnswer()
  })
  const client = await connect()
  await client.send(GET + GET)
  await client.waitForResponses(2)
  assert.deepEqual(
    client.responses().map(({ body }) => body.toString()),
    ['first', 'first'],
  )
  assert.equal(edge.endings.length, 2)
})
