import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { RawClient } from '../../../test/harness/raw-client.ts'
import { planOf, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { GatewayError } from '../errors.ts'
import type { ListenerOptions } from '../listen/listener.ts'
import { answer } from '../respond/answer.ts'
import { DEFAULT_HEAD_LIMITS } from './head-limits.ts'

const plan = planOf({
  '/early': {
    POST: routeOf({ bodyLimit: 1_000_000, admit: [() => new GatewayError('rate_limit_exceeded', 'Slower.')] }),
    GET: routeOf({
      inspect: (x) => {
        answer(x, 200, 'text/plain', 'early')
        return null
      },
    }),
  },
})

const SMUGGLED = 'GET /early HTTP/1.1\r\nHost: a\r\n\r\n'
const get = (query: number) => `GET /early?${query} HTTP/1.1\r\nHost: a\r\n\r\n`

async function connect(t: TestContext, listener: Partial<ListenerOptions> = {}) {
  const edge = await startEdge(t, { plan, listener })
  const client = await RawClient.connect(edge.url)
  t.after(() => client.close())
  return { edge, client }
}

const tooManyHeaders = 'a: b\r\n'.repeat(DEFAULT_HEAD_LIMITS.headers)

/** Requests that are answered before their body is read, after which nothing can be read on the connection. */
const CLOSING: readonly (readonly [what: string, request: string, status: number])[] = [
  ['large', 'POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n', 429],
  ['malformed', `POST /early HTTP/1.1\r\nHost: a/b\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`, 400],
  [
    'too many headers',
    `POST /early HTTP/1.1\r\nHost: a\r\n${tooManyHeaders}Content-Length: ${SMUGGLED.length}\r\n\r\n`,
    431,
  ],
  [
    'expecting',
    `POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`,
    429,
  ],
]

test('an answer that comes before a body that is not waited for is whole, and closes the connection', async (t) => {
  for (const [what, request, status] of CLOSING) {
    const { edge, client } = await connect(t)
    await client.send(request)
    const [response] = await client.waitForResponses()
    assert.equal(response?.status, status, what)
    assert.equal(response?.header('connection'), 'close', what)
    assert.doesNotMatch(client.received.toString('latin1'), /100 Continue/, what)
    assert.notEqual(await client.waitForClose(), 'rst', what)
    assert.equal(edge.endings.length, 1, what)
  }
})

test('what is left of a body is never taken for a request, whenever it arrives', async (t) => {
  for (const [what, request] of CLOSING) {
    for (const when of ['with the head', 'after the answer'] as const) {
      const { edge, client } = await connect(t)
      if (when === 'with the head') await client.send(request + SMUGGLED.repeat(3))
      else {
        await client.send(request)
        await client.waitForResponses()
        await client.send(SMUGGLED.repeat(3))
      }
      await client.waitForClose()
      assert.equal(client.responses().length, 1, `${what}, ${when}`)
      assert.equal(edge.endings.length, 1, `${what}, ${when}`)
    }
  }
})

const chunked = (text: string) => `${text.length.toString(16)};x=y\r\n${text}\r\n0\r\nx-trailer: GET / HTTP/1.1\r\n\r\n`

/** Requests whose body nobody reads and which is small: it is a request by itself. */
const DROPPED: readonly (readonly [what: string, head: string, body: string, status: number])[] = [
  ['refused', `POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`, SMUGGLED, 429],
  ['refused, chunked', 'POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', chunked(SMUGGLED), 429],
  ['answered', `GET /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`, SMUGGLED, 200],
  ['not found', `POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`, SMUGGLED, 404],
  ['the largest', 'POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n', 'x'.repeat(65_536), 404],
]

test('a small body that nobody reads is read over to its very end, and the next request is the one behind it', async (t) => {
  for (const [what, head, body, status] of DROPPED) {
    const whole = head + body + get(1) + get(2)
    for (const pieces of [
      [whole],
      [head, body + get(1), get(2)],
      [head + body.slice(0, 5), body.slice(5, -1), body.slice(-1) + get(1).slice(0, 3), get(1).slice(3) + get(2)],
    ]) {
      const { edge, client } = await connect(t)
      for (const [at, piece] of pieces.entries()) {
        await client.send(piece)
        if (at === 0) await client.waitForResponses()
      }
      const responses = await client.waitForResponses(3)
      assert.deepEqual(
        responses.map((response) => response.status),
        [status, 200, 200],
        what,
      )
      assert.ok(responses.every((response) => response.header('connection') === undefined))
      assert.equal(edge.endings.length, 3, what)
      assert.deepEqual(
        edge.endings.slice(1).map(({ x }) => x.query),
        ['1', '2'],
        what,
      )
      assert.equal(client.closeKind, 'open', what)
      client.close()
    }
  }
})

test('a chunked body that nobody reads ends the connection when it is none, or grows large, and nothing in it is a request', async (t) => {
  const head = 'POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  for (const [what, body] of [
    ['no chunks', SMUGGLED.repeat(3)],
    ['a size that lies', `1\r\n${SMUGGLED}`],
    ['large', `fffff\r\n${SMUGGLED.repeat(3_000)}`],
    ['extensions', `1;${'x'.repeat(20_000)}\r\n`],
  ] as const) {
    const { edge, client } = await connect(t)
    await client.send(head)
    await client.waitForResponses()
    await client.send(body)
    await client.waitForClose()
    assert.equal(client.responses().length, 1, what)
    assert.equal(edge.endings.length, 1, what)
  }
})

test('a small body that does not come ends the connection after a bounded time', async (t) => {
  const { client } = await connect(t, { requestTimeoutMs: 200 })
  await client.send('POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.status, response?.header('connection')], [429, undefined])
  assert.equal(await client.waitForClose(), 'fin')
})

test('a client that sends on is cut off after a bounded time', async (t) => {
  const { client } = await connect(t)
  await client.send('POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n')
  await client.waitForResponses()
  // The server has ended its side; ours is cut by a reset.
  const sendOn = async () => {
    await client.send('x'.repeat(1_000))
    return client.socket.destroyed
  }
  await eventually(sendOn, { what: 'the end of a connection whose client sends on', everyMs: 10, deadlineMs: 3_000 })
})
