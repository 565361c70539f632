import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { RawClient } from '../../../test/harness/raw-client.ts'
import { type EdgeOptions, planOf, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { answer } from '../respond/answer.ts'

const LIMIT = 100
const echo = routeOf({
  bodyLimit: LIMIT,
  inspect: (x) => {
    answer(x, 200, 'text/plain', x.body ?? 'no body')
    return null
  },
})

async function startEcho(t: TestContext, options: Partial<EdgeOptions> = {}) {
  const edge = await startEdge(t, { plan: planOf({ '/echo': { POST: echo } }), ...options })
  const client = await RawClient.connect(edge.url)
  t.after(() => client.close())
  return { edge, client }
}

const post = (fields: string) => `POST /echo HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

test('takes a body of any framing, up to the limit', async (t) => {
  const full = 'x'.repeat(LIMIT)
  const rows: readonly (readonly [request: string, body: string])[] = [
    [`${post('Content-Length: 5\r\n')}hello`, 'hello'],
    [post('Content-Length: 0\r\n'), ''],
    [post(''), ''],
    [`${post('Transfer-Encoding: chunked\r\n')}0\r\n\r\n`, ''],
    [`${post('Transfer-Encoding: chunked\r\n')}${chunk('hel')}${chunk('lo')}0\r\n\r\n`, 'hello'],
    [`${post('Transfer-Encoding: chunked\r\n')}${chunk('hello')}0\r\nTrailer-Field: x\r\n\r\n`, 'hello'],
    [`${post(`Content-Length: ${LIMIT}\r\n`)}${full}`, full],
    [`${post('Transfer-Encoding: chunked\r\n')}${chunk(full)}0\r\n\r\n`, full],
    [`${post('Content-Length: 5\r\nContent-Encoding: Identity\r\n')}hello`, 'hello'],
  ]
  // One connection for all: each body ends exactly where the next request begins.
  const { client } = await startEcho(t)
  for (const [at, [request, body]] of rows.entries()) {
    await client.send(request)
    const response = (await client.waitForResponses(at + 1))[at]
    assert.deepEqual([response?.status, response?.body.toString()], [200, body], request)
  }
})

test('puts together a body that comes byte by byte', async (t) => {
  const { client } = await startEcho(t)
  await client.sendSplit(`${post('Transfer-Encoding: chunked\r\n')}${chunk('hel')}${chunk('lo')}0\r\n\r\n`, 1)
  assert.equal((await client.waitForResponses())[0]?.body.toString(), 'hello')
})

test('refuses what it does not take, and closes the connection where much of it may come', async (t) => {
  // More than is read over.
  const beyond = 65_537
  const rows: readonly (readonly [what: string, request: string, status: number])[] = [
    ['an announced body beyond the limit', post(`Content-Length: ${beyond}\r\n`), 413],
    ['another expectation', post('Content-Length: 5\r\nExpect: 200-ok\r\n'), 417],
    [
      'an announced body beyond the limit with an expectation',
      post(`Content-Length: ${beyond}\r\nExpect: 100-continue\r\n`),
      413,
    ],
  ]
  for (const [what, request, status] of rows) {
    const { edge, client } = await startEcho(t)
    await client.send(request)
    const [response] = await client.waitForResponses()
    assert.equal(response?.status, status, what)
    assert.equal(response?.header('connection'), 'close', what)
    assert.ok(!client.received.includes('100 Continue'), what)
    await client.waitForClose()
    assert.equal((await edge.settled())[0]?.end, 'refused', what)
  }
})

test('reads over what little it does not take, and serves the next request', async (t) => {
  const rows: readonly (readonly [what: string, request: string, status: number])[] = [
    ['a body beyond the limit', `${post(`Content-Length: ${LIMIT + 1}\r\n`)}${'x'.repeat(LIMIT + 1)}`, 413],
    ['a chunked one', `${post('Transfer-Encoding: chunked\r\n')}${chunk('x'.repeat(LIMIT + 1))}0\r\n\r\n`, 413],
    ['a compressed body', `${post('Content-Length: 5\r\nContent-Encoding: gzip\r\n')}hello`, 415],
  ]
  for (const [what, request, status] of rows) {
    const { client } = await startEcho(t)
    await client.send(`${request}${post('Content-Length: 5\r\n')}hello`)
    const [refused, served] = await client.waitForResponses(2)
    assert.deepEqual([refused?.status, refused?.header('connection')], [status, undefined], what)
    assert.deepEqual([served?.status, served?.body.toString()], [200, 'hello'], what)
  }
})

test('sends an interim answer to who waits for one, and then reads the body', async (t) => {
  const { client } = await startEcho(t)
  await client.send(post('Content-Length: 5\r\nExpect: 100-Continue\r\n'))
  await eventually(() => client.received.includes('HTTP/1.1 100 Continue\r\n\r\n'))
  await client.send('hello')
  assert.equal((await client.waitForResponses())[0]?.body.toString(), 'hello')
})

test('sends HTTP/1.0 no interim answer', async (t) => {
  const { client } = await startEcho(t)
  await client.send('POST /echo HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello')
  assert.equal((await client.waitForResponses())[0]?.body.toString(), 'hello')
  assert.ok(!client.received.includes('100 Continue'))
})

test('ends a silence within a body with 408, and none of a body that keeps coming', async (t) => {
  const { edge, client } = await startEcho(t, { bodyIdleMs: 300 })
  const bytes = 20
  await client.sendSplit(`${post(`Content-Length: ${bytes}\r\n`)}${'y'.repeat(bytes)}`, 1, 20)
  assert.equal((await client.waitForResponses())[0]?.status, 200)
  const began = performance.now()
  await client.send(`${post('Content-Length: 5\r\n')}hel`)
  const response = (await client.waitForResponses(2))[1]
  assert.equal(response?.status, 408)
  assert.ok(performance.now() - began >= 250, 'not before the silence has lasted')
  const ending = (await edge.settled(2))[1]
  assert.equal(ending?.error?.code, 'request_timeout')
})

test('a client that leaves within its body is settled as cancelled, once', async (t) => {
  for (const leave of ['abort', 'finish', 'close'] as const) {
    const { edge, client } = await startEcho(t)
    await client.send(`${post('Content-Length: 50\r\n')}hel`)
    await eventually(() => edge.gateway.bodyBytes === 3)
    client[leave]()
    const [ending] = await edge.settled()
    assert.deepEqual([ending?.end, ending?.cancelled, ending?.status], ['cancelled', true, 0], leave)
    assert.equal(edge.gateway.exchanges.size, 0)
    assert.equal(edge.gateway.bodyBytes, 0)
    assert.equal(edge.endings.length, 1)
  }
})

test('refuses bodies beyond the memory for all of them, and counts back to zero', async (t) => {
  const { edge, client } = await startEcho(t, { bodyMemoryBytes: 120 })
  await client.send(`${post('Content-Length: 100\r\n')}${'x'.repeat(90)}`)
  await eventually(() => edge.gateway.bodyBytes === 90)
  const other = await RawClient.connect(edge.url)
  t.after(() => other.close())
  await other.send(`${post('Content-Length: 100\r\n')}${'x'.repeat(40)}`)
  const [refused] = await other.waitForResponses()
  assert.equal(refused?.status, 503)
  assert.equal(refused?.header('retry-after'), '1')
  await client.send('x'.repeat(10))
  assert.equal((await client.waitForResponses())[0]?.status, 200)
  assert.equal(edge.gateway.bodyBytes, 0)
})

test('an exception behind the body is confined to its request', async (t) => {
  const broken = new Error('broken')
  const route = routeOf({
    bodyLimit: LIMIT,
    inspect: () => {
      throw broken
    },
  })
  const edge = await startEdge(t, { plan: planOf({ '/echo': { POST: route } }) })
  const client = await RawClient.connect(edge.url)
  t.after(() => client.close())
  await client.send(`${post('Content-Length: 5\r\n')}hello`)
  const [response] = await client.waitForResponses()
  assert.equal(response?.status, 500)
  assert.ok(!response?.body.includes('broken'))
  assert.deepEqual(edge.faults, [broken])
  await client.send(`${post('Content-Length: 5\r\n')}hello`)
  assert.equal((await client.waitForResponses(2))[1]?.status, 500, 'the connection lives on')
})
