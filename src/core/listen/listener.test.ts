import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { exchangeRaw, RawClient } from '../../../test/harness/raw-client.ts'
import { type EdgeOptions, planOf, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { candidateOf } from '../../../test/request-path/upstream.ts'
import type { Exchange } from '../exchange.ts'
import { answer } from '../respond/answer.ts'

const quick = routeOf({
  inspect: (x) => {
    answer(x, 200, 'text/plain', x.query)
    return null
  },
})

/** A route whose requests wait until the test answers them. */
function slowRoute() {
  const waiting: Exchange[] = []
  const transport = { dispatch: () => true, close: () => Promise.resolve() }
  const route = routeOf({
    inspect: (x) => {
      waiting.push(x)
      x.candidates = [candidateOf({ transport })]
      return null
    },
  })
  return { route, waiting }
}

async function start(t: TestContext, options: Partial<EdgeOptions> = {}) {
  const edge = await startEdge(t, { plan: planOf({ '/': { GET: quick, HEAD: quick } }), ...options })
  const client = async () => {
    const connected = await RawClient.connect(edge.url)
    t.after(() => connected.close())
    return connected
  }
  return { edge, client }
}

test('answers what is no HTTP with a plain error, closes, and dispatches nothing', async (t) => {
  const rows: readonly (readonly [what: string, bytes: string, status: number, code: string])[] = [
    ['garbage', 'hello\r\n\r\n', 400, 'malformed_request'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 400, 'malformed_request'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400, 'malformed_request'],
    ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n', 400, 'malformed_request'],
    ['a bare carriage return', 'GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n', 400, 'malformed_request'],
    ['NUL in a header', 'GET / HTTP/1.1\r\nHost: a\r\nA: b\x00c\r\n\r\n', 400, 'malformed_request'],
    [
      'both framings',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'malformed_request',
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'malformed_request',
    ],
    [
      'a head that is too large',
      `GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(5_000)}\r\n`,
      431,
      'headers_too_large',
    ],
    ['a later version', 'GET / HTTP/3.0\r\nHost: a\r\n\r\n', 505, 'version_not_supported'],
  ]
  const { edge } = await start(t)
  for (const [what, bytes, status, code] of rows) {
    const client = await exchangeRaw(edge.url, bytes)
    const [response] = client.responses()
    assert.equal(response?.status, status, what)
    const told = JSON.parse(response?.body.toString() ?? '') as { code?: string; error?: { code: string } }
    // Some are found by the parser, some when the head is read.
    assert.equal(told.error?.code ?? told.code, code, what)
    assert.notEqual(client.closeKind, 'open', what)
  }
  assert.equal(edge.gateway.exchanges.size, 0)
})

test('serves requests of one connection in order, HEAD without a body', async (t) => {
  const { client } = await start(t)
  const connected = await client()
  await connected.send('GET /?1 HTTP/1.1\r\nHost: a\r\n\r\nGET /?2 HTTP/1.1\r\nHost: a\r\n\r\n')
  const responses = await connected.waitForResponses(2)
  assert.deepEqual(
    responses.map(({ body }) => body.toString()),
    ['1', '2'],
  )
  const head = await exchangeRaw(
    `http://127.0.0.1:${new URL(connectedUrl(connected)).port}`,
    'HEAD /?123 HTTP/1.0\r\n\r\n',
  )
  assert.match(head.received.toString(), /content-length: 3\r\n/)
  assert.ok(head.received.toString().endsWith('\r\n\r\n'))
})

const connectedUrl = (client: RawClient) => `http://127.0.0.1:${client.socket.remotePort}`

test('sends its own id with every answer, and the one of the client back', async (t) => {
  const { client } = await start(t)
  const connected = await client()
  await connected.send('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n')
  const [own, given] = await connected.waitForResponses(2)
  assert.match(own?.header('x-ferro-request-id') ?? '', /^[0-9a-f-]{36}$/)
  assert.equal(own?.header('x-request-id'), own?.header('x-ferro-request-id'))
  assert.equal(given?.status, 404)
  assert.equal(given?.header('x-request-id'), 'mine')
  assert.notEqual(given?.header('x-ferro-request-id'), own?.header('x-ferro-request-id'))
})

test('garbage behind a request that is being served is looked at when the request is answered', async (t) => {
  const { route, waiting } = slowRoute()
  const { edge, client } = await start(t, { plan: planOf({ '/': { GET: route } }) })
  const connected = await client()
  await connected.send('GET / HTTP/1.1\r\nHost: a\r\n\r\ngarbage\r\n\r\n')
  await eventually(() => waiting.length === 1)
  assert.equal(connected.receivedBytes, 0)
  const first = waiting[0]
  assert.ok(first !== undefined)
  answer(first, 200, 'text/plain', 'done')
  const responses = await connected.waitForResponses(2)
  assert.deepEqual(
    responses.map(({ status }) => status),
    [200, 400],
  )
  await connected.waitForClose()
  assert.equal((await edge.settled()).length, 1)
})

test('answers a head that does not arrive in time with 408', async (t) => {
  const { client } = await start(t, { listener: { headerTimeoutMs: 300 } })
  const connected = await client()
  await connected.send('GET / HT')
  const [response] = await connected.waitForResponses(1, 10_000)
  assert.equal(response?.status, 408)
})

test('stops accepting, and goes on with the connections that stand', async (t) => {
  const { edge, client } = await start(t)
  const connected = await client()
  await connected.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await connected.waitForResponses()
  await edge.listener.stopAccepting()
  const refused = new Promise((resolve) => connect(edge.port, '127.0.0.1').once('error', resolve))
  assert.equal(((await refused) as NodeJS.ErrnoException).code, 'ECONNREFUSED')
  await connected.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal((await connected.waitForResponses(2)).length, 2)
  assert.equal(edge.listener.connections, 1)
  await edge.listener.closeGently(0)
  await connected.waitForClose()
  await edge.listener.closed(5_000)
  assert.equal(edge.listener.connections, 0)
})

test('leaves a connection with a request in flight alone when idle ones are closed', async (t) => {
  const { route, waiting } = slowRoute()
  const { edge, client } = await start(t, { plan: planOf({ '/': { GET: route } }) })
  const connected = await client()
  await connected.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await eventually(() => waiting.length === 1)
  edge.listener.closeIdle()
  const [x] = waiting
  assert.ok(x !== undefined)
  answer(x, 200, 'text/plain', 'late')
  assert.equal((await connected.waitForResponses())[0]?.body.toString(), 'late')
})

test('tells that its port is taken', async (t) => {
  const { edge } = await start(t)
  await assert.rejects(
    startEdge(t, { plan: planOf({}), listener: { port: edge.port } }),
    (error: NodeJS.ErrnoException) => error.code === 'EADDRINUSE',
  )
})

test('L4 connections that hold a full listener without asking anything give way, and those at work stay', async (t) => {
  const { route } = slowRoute()
  const plan = planOf({ '/': { GET: quick, HEAD: quick }, '/slow': { GET: route } })
  const { client } = await start(t, { plan, listener: { maxConnections: 4 } })
  const busy = await client()
  await busy.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  const [first, second, third] = [await client(), await client(), await client()]
  await first.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await first.waitForResponses()
  const newcomer = await client()
  await newcomer.send('GET /?in HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal((await newcomer.waitForResponses())[0]?.body.toString(), 'in')
  const closed = () => [first, second, third].filter(({ closeKind }) => closeKind !== 'open')
  await eventually(() => closed().length === 1, { what: 'an idle one to be closed' })
  assert.equal(busy.closeKind, 'open')
})

test('a full listener on which every connection is at work refuses the next one', async (t) => {
  const { route } = slowRoute()
  const refused: string[] = []
  const { edge, client } = await start(t, { plan: planOf({ '/': { GET: route } }), listener: { maxConnections: 2 } })
  Object.assign(edge.gateway, { onRefusedConnection: (reason: string) => void refused.push(reason) })
  for (let at = 0; at < 2; at++) await (await client()).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await eventually(() => edge.gateway.exchanges.size === 2)
  const late = await client().catch(() => null)
  await eventually(() => late === null || late.closeKind !== 'open')
  assert.deepEqual(refused, ['listener'])
})
