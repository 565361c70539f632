import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { RawClient } from '../../../test/harness/raw-client.ts'
import { planOf, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { GatewayError } from '../errors.ts'
import { answer } from '../respond/answer.ts'
import { MAX_HEADER_COUNT } from './request-head.ts'

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

async function connect(t: TestContext) {
  const edge = await startEdge(t, { plan })
  const client = await RawClient.connect(edge.url)
  t.after(() => client.close())
  return { edge, client }
}

const tooManyHeaders = 'a: b\r\n'.repeat(MAX_HEADER_COUNT)

/** Requests that are answered before their body is read; the body is a request by itself. */
const EARLY: readonly (readonly [what: string, request: string, status: number])[] = [
  ['refused', `POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`, 429],
  ['refused, chunked', 'POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', 429],
  ['answered', `GET /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`, 200],
  ['not found', `POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`, 404],
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

test('an answer that comes before the body is whole, and closes the connection', async (t) => {
  for (const [what, request, status] of EARLY) {
    const { edge, client } = await connect(t)
    await client.send(request)
    const [response] = await client.waitForResponses()
    assert.equal(response?.status, status, what)
    assert.equal(response?.header('connection'), 'close', what)
    assert.notEqual(await client.waitForClose(), 'rst', what)
    assert.equal(edge.endings.length, 1, what)
  }
})

test('what is left of a body is never taken for a request, whenever it arrives', async (t) => {
  for (const [what, request] of EARLY) {
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
