import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../test/harness/eventually.ts'
import { RawClient } from '../../test/harness/raw-client.ts'
import { planOf, routeOf, startEdge } from '../../test/request-path/edge.ts'
import { candidateOf, poolTo, relayTap, startHttp } from '../../test/request-path/upstream.ts'
import { NO_MORE } from './attempting.ts'
import type { Failure } from './balance/outcome.ts'
import type { Route } from './phases.ts'
import { RelayedBody } from './proxy/relayed-body.ts'
import type { Timeouts } from './upstream/timeouts.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A gateway that relays to one server over one connection, and what it holds against the server. */
async function relay(t: TestContext, origin: string, timeouts: Partial<Timeouts>) {
  const blamed: Failure[] = []
  const transport = poolTo(t, origin, { connections: 1 })
  const inspect: Route['inspect'] = (x) => {
    const body = x.method === 'POST' ? new RelayedBody(x, 1_000) : null
    x.upload = body
    const candidate = candidateOf({
      transport,
      timeouts,
      tap: () => relayTap('stream'),
      encode: () => ({ method: x.method, path: '/far', headers: [], body: null, source: body }),
    })
    x.attempting = {
      next: () => candidate,
      onFailure: (_x, { failure }) => {
        blamed.push(failure)
        return NO_MORE
      },
      onHead: () => NO_MORE,
      onBroken: (_x, failure) => blamed.push(failure),
      onEnd: () => undefined,
    }
    if (body !== null) x.client.readBody(body)
    return null
  }
  const route = routeOf({ bodyLimit: 1_000, relayAbove: 0, inspect })
  const edge = await startEdge(t, { plan: planOf({ '/': { POST: route, GET: { ...route, bodyLimit: -1 } } }) })
  const connect = async () => {
    const client = await RawClient.connect(edge.url)
    t.after(() => client.close())
    return client
  }
  return { edge, blamed, connect }
}

test('a request that waits too long for one of our own connections is refused, and no server is blamed', async (t) => {
  const upstream = await startHttp(t, () => undefined)
  const { edge, blamed, connect } = await relay(t, upstream.origin, { pendingMs: 120 })
  const [first, second] = [await connect(), await connect()]
  await first.send(GET)
  await eventually(() => upstream.accepted === 1)
  await second.send(GET)
  const [refused] = await second.waitForResponses()
  assert.deepEqual([refused?.status, refused?.header('retry-after')], [503, '1'])
  assert.equal((await edge.settled())[0]?.error?.code, 'saturated')
  assert.deepEqual(blamed, ['saturated'])
})

test('a server has its whole time for the first byte, however long the request waited for a connection', async (t) => {
  const pending: ServerResponse[] = []
  const upstream = await startHttp(t, (_req, res) => pending.push(res))
  const { edge, connect } = await relay(t, upstream.origin, { pendingMs: 30_000, firstByteMs: 1_000 })
  const [first, second] = [await connect(), await connect()]
  await first.send(GET)
  await eventually(() => pending.length === 1)
  await second.send(GET)
  await eventually(() => edge.gateway.exchanges.size === 2)
  await delay(700)
  pending[0]?.end('one')
  await eventually(() => pending.length === 2)
  await delay(700)
  pending[1]?.end('two')
  assert.equal((await second.waitForResponses())[0]?.body.toString(), 'two')
})

/** An upload of ten bytes to a server that sends the head of its answer first and then reads. */
async function earlyHead(t: TestContext) {
  const upstream = await startHttp(t, (req, res) => {
    res.flushHeaders()
    let read = ''
    req.setEncoding('utf8').on('data', (text: string) => {
      read += text
    })
    req.on('end', () => res.end(read))
  })
  const to = await relay(t, upstream.origin, { idleMs: 500 })
  const client = await to.connect()
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n')
  return { ...to, client }
}

test('an upload that moves is not idle, however early the head of its answer came', async (t) => {
  const { client, blamed } = await earlyHead(t)
  for (const byte of '0123456789') {
    await delay(120)
    await client.send(byte)
  }
  assert.equal((await client.waitForResponses())[0]?.body.toString(), '0123456789')
  assert.deepEqual(blamed, [])
})

test('a client that stalls its upload is at fault, also when the head of the answer is there', async (t) => {
  const { edge, client, blamed } = await earlyHead(t)
  await client.send('01')
  assert.equal((await edge.settled())[0]?.error?.code, 'request_timeout')
  assert.deepEqual(blamed, [])
})
