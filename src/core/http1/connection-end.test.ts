import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { RawClient } from '../../../test/harness/raw-client.ts'
import { planOf, type RouteParts, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { candidateOf } from '../../../test/request-path/upstream.ts'
import type { Exchange } from '../exchange.ts'
import { answer } from '../respond/answer.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

async function start(t: TestContext, parts: RouteParts = {}) {
  const begun: Exchange[] = []
  const aborts: Error[] = []
  const transport = { dispatch: () => true, close: () => Promise.resolve() }
  const waiting = routeOf({
    inspect: (x) => {
      begun.push(x)
      x.candidates = [candidateOf({ transport })]
      return null
    },
    ...parts,
  })
  const plan = planOf({ '/': { GET: waiting, POST: { ...waiting, bodyLimit: 1_000_000 } } })
  const edge = await startEdge(t, { plan })
  const client = await RawClient.connect(edge.url)
  t.after(() => client.close())
  return { edge, client, begun, aborts }
}

/** Brings a connection into a state; how many requests are then under way. */
const MOMENTS: Readonly<Record<string, (client: RawClient, begun: readonly Exchange[]) => Promise<number>>> = {
  'before a byte': async () => 0,
  'within a head': async (client) => {
    await client.send('GET / HTTP/1.1\r\nHos')
    return 0
  },
  'within a body': async (client) => {
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
    return 1
  },
  'within an upload that nobody takes': async (client, begun) => {
    await client.send('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n')
    await eventually(() => begun.length === 1)
    const stream = begun[0]?.client
    stream?.readBody({ onBody: () => stream.pauseBody(), onBodyEnd: () => undefined })
    for (let at = 0; at < 3; at++) await client.send(Buffer.alloc(20_000))
    return 1
  },
  'within a chunk': async (client) => {
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc')
    return 1
  },
  'within the trailers': async (client) => {
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y')
    return 1
  },
  'before the answer': async (client, begun) => {
    await client.send(GET)
    await eventually(() => begun.length === 1)
    return 1
  },
  'before the answer, with another request behind it': async (client, begun) => {
    await client.send(GET + GET)
    await eventually(() => begun.length === 1)
    return 1
  },
  'before the answer, with more behind it than is read': async (client, begun) => {
    await client.send(GET)
    await eventually(() => begun.length === 1)
    for (let at = 0; at < 4; at++) await client.send(Buffer.alloc(40_000, GET))
    return 1
  },
  'within the answer': async (client, begun) => {
    await client.send(GET)
    await eventually(() => begun.length === 1)
    begun[0]?.client.start(200, [])
    begun[0]?.client.write(Buffer.from('half'))
    await eventually(() => client.receivedBytes > 0)
    return 1
  },
  'within an answer that it does not read': async (client, begun) => {
    client.setReading('paused')
    await client.send(GET)
    await eventually(() => begun.length === 1)
    begun[0]?.client.start(200, [])
    begun[0]?.client.write(Buffer.alloc(16 * 1024 * 1024))
    return 1
  },
  'after the answer': async (client, begun) => {
    await client.send(GET)
    await eventually(() => begun.length === 1)
    const [x] = begun
    assert.ok(x)
    answer(x, 200, 'text/plain', 'ok')
    await client.waitForResponses()
    return 1
  },
  'after a refusal': async (client) => {
    await client.send('nonsense\r\n\r\n')
    await client.waitForResponses()
    return 0
  },
}

for (const [moment, arrive] of Object.entries(MOMENTS)) {
  for (const how of ['FIN', 'RST'] as const) {
    // An orderly end stands behind what is not read.
    if (how === 'FIN' && moment.endsWith('more behind it than is read')) continue
    test(`a client that leaves ${moment} with ${how} leaves nothing behind`, async (t) => {
      const { edge, client, begun } = await start(t)
      const requests = await arrive(client, begun)
      await eventually(() => edge.gateway.exchanges.size + edge.endings.length === requests)
      if (how === 'FIN') client.finish()
      else client.abort()
      const from = performance.now()
      await eventually(() => edge.listener.connections === 0, { what: 'the connection to be given back' })
      const tookMs = performance.now() - from
      assert.ok(tookMs < 3_000, `${tookMs} ms`)
      assert.deepEqual([edge.endings.length, edge.gateway.exchanges.size, edge.gateway.bodyBytes], [requests, 0, 0])
      assert.deepEqual(edge.faults, [])
      const [ending] = edge.endings
      if (requests > 0) assert.equal(ending?.cancelled, moment !== 'after the answer')
      assert.ok(begun.length <= requests, 'what came behind is not begun for a client that has left')
    })
  }
}

test('a client that closes its side behind a request gets nothing, behind an answer all that is on the way', async (t) => {
  const size = 8 * 1024 * 1024
  for (const connection of ['close', 'keep-alive']) {
    const { edge, client } = await start(t, {
      inspect: (x) => {
        answer(x, 200, 'text/plain', Buffer.alloc(size, 97))
        return null
      },
    })
    client.setReading('paused')
    await client.send(`GET / HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n\r\n`)
    await edge.settled()
    client.finish()
    // The server must see the FIN while most of the answer still waits.
    await eventually(() => client.socket.writableFinished)
    client.setReading('flowing')
    const [response] = await client.waitForResponses(1, 10_000)
    assert.equal(response?.body.length, size, connection)
    await client.waitForClose()
    await eventually(() => edge.listener.connections === 0)
  }
})

test('an exception in whoever takes the body costs its connection, and nothing else', async (t) => {
  const { edge, client, begun } = await start(t)
  const route = edge.gateway.plan.paths.get('/')?.GET
  assert.ok(route)
  await client.send('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n')
  await eventually(() => begun.length === 1)
  begun[0]?.client.readBody({
    onBody: () => {
      throw new Error('boom')
    },
    onBodyEnd: () => undefined,
  })
  await client.send('abc')
  await client.waitForClose()
  await eventually(() => edge.listener.connections === 0)
  assert.deepEqual([edge.endings.length, edge.faults.length, edge.gateway.exchanges.size], [1, 1, 0])
})
