import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { blackhole } from '../../../test/harness/wall/blackhole.ts'
import { clientTo, send } from '../../../test/request-path/client.ts'
import { Recorder } from '../../../test/request-path/recorder.ts'
import { startRaw } from '../../../test/request-path/upstream.ts'
import { Connector } from '../connect/connector.ts'
import { Resolver } from '../connect/resolve.ts'
import { endpointOf } from './open-socket.ts'

const MEBIBYTE = 1_048_576

test('sends the head as it was made, and says how long the body is', async (t) => {
  let sent = ''
  const upstream = await startRaw(t, (socket) =>
    socket.setEncoding('latin1').on('data', (text: string) => {
      sent += text
      if (text.endsWith('!')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      if (text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    }),
  )
  const client = clientTo(t, upstream.origin)
  const head = (method: string) =>
    `${method} /a?b HTTP/1.1\r\nhost: 127.0.0.1:${upstream.port}\r\nconnection: keep-alive\r\n`
  const large = 'x'.repeat(3 * MEBIBYTE)
  const rows: readonly (readonly [method: string, body: string | null, rest: string])[] = [
    ['GET', null, 'fixed: 1\r\na: b\r\n\r\n'],
    ['POST', null, 'fixed: 1\r\na: b\r\ncontent-length: 0\r\n\r\n'],
    ['POST', '', 'fixed: 1\r\na: b\r\ncontent-length: 0\r\n\r\n'],
    ['POST', 'ü!', 'fixed: 1\r\na: b\r\ncontent-length: 2\r\n\r\nü!'],
    ['PUT', `${large}!`, `fixed: 1\r\na: b\r\ncontent-length: ${large.length + 1}\r\n\r\n${large}!`],
  ]
  for (const [method, text, rest] of rows) {
    sent = ''
    const body = text === null ? null : Buffer.from(text, 'latin1')
    const recorder = send(client, new Recorder(), {
      method,
      path: '/a?b',
      fixed: 'fixed: 1\r\n',
      headers: ['a', 'b'],
      body,
    })
    assert.equal((await recorder.ended()).error, null)
    assert.ok(sent === head(method) + rest, `${method} ${sent.slice(0, 200)}`)
  }
  assert.equal(upstream.accepted, 1)
})

test('a body in pieces leaves as they are, and is not joined', async (t) => {
  let sent = ''
  const upstream = await startRaw(t, (socket) =>
    socket.setEncoding('latin1').on('data', (text: string) => {
      sent += text
      if (text.endsWith('!')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    }),
  )
  const client = clientTo(t, upstream.origin)
  const pieces = ['a'.repeat(MEBIBYTE), 'b', '\xfc!'].map((text) => Buffer.from(text, 'latin1'))
  for (let times = 0; times < 2; times++) {
    sent = ''
    const recorder = send(client, new Recorder(), {
      method: 'POST',
      path: '/',
      headers: [],
      pieces,
      get body() {
        return assert.fail('it is joined')
      },
    })
    assert.equal((await recorder.ended()).error, null)
    assert.match(sent, /\r\ncontent-length: 1048579\r\n\r\naaa/)
    assert.ok(sent.endsWith('aab\xfc!'))
  }
  assert.equal(upstream.accepted, 1)
})

/** What an upstream does after a request, and what the handler hears; then the connection is of no more use. */
const ENDS: readonly (readonly [what: string, serve: (socket: Socket) => void, events: string, code: string | null])[] =
  [
    ['FIN', (socket) => socket.end(), 'start error', 'connection_closed'],
    ['RST', (socket) => socket.resetAndDestroy(), 'start error', 'ECONNRESET'],
    ['FIN in the head', (socket) => socket.end('HTTP/1.1 200'), 'start error', 'connection_closed'],
    [
      'FIN behind the head',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'),
      'start head error',
      'connection_closed',
    ],
    [
      'FIN in the body',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour'),
      'start head data error',
      'connection_closed',
    ],
    [
      'FIN in a chunk',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfour'),
      'start head data error',
      'connection_closed',
    ],
    [
      'FIN before the last chunk',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n'),
      'start head data error',
      'connection_closed',
    ],
    [
      'FIN in the trailer',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n'),
      'start head data error',
      'connection_closed',
    ],
    [
      'FIN at the end of a body without length',
      (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nfour'),
      'start head data end',
      null,
    ],
    [
      'RST in a body without length',
      (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nfour', () => socket.resetAndDestroy()),
      'start head data error',
      'ECONNRESET',
    ],
    [
      'RST in the body',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour', () => socket.resetAndDestroy()),
      'start head data error',
      'ECONNRESET',
    ],
    [
      'FIN with a whole answer',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour'),
      'start head data end',
      null,
    ],
    ['nonsense', (socket) => socket.write('nonsense'), 'start error', 'invalid_answer'],
    [
      'nonsense in the body',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour!'),
      'start head data error',
      'invalid_answer',
    ],
  ]

test('tells each end of a connection once, with its code, and serves the next request over a new one', async (t) => {
  for (const [what, serve, events, code] of ENDS) {
    const upstream = await startRaw(t, (socket) => socket.once('data', () => serve(socket)))
    const client = clientTo(t, upstream.origin)
    for (let round = 1; round <= 2; round++) {
      const recorder = await send(client).ended()
      assert.equal(recorder.events.join(' '), events, what)
      assert.equal(recorder.error?.code ?? null, code, what)
      assert.ok(
        recorder.chunks.length === 0 || recorder.body.toString().startsWith('four'.slice(0, recorder.received)),
        what,
      )
      await eventually(() => !client.idle && upstream.open.size === 0, { what: `the end of the connection: ${what}` })
      assert.equal(upstream.accepted, round, what)
    }
  }
})

test('an upstream that resets connections before any request is unreachable, and may be asked again', async (t) => {
  const upstream = await startRaw(t, (socket) => socket.resetAndDestroy())
  const client = clientTo(t, upstream.origin)
  for (let round = 0; round < 3; round++) {
    const recorder = await send(client).ended()
    assert.match(recorder.error?.code ?? '', /^(?:ECONNRESET|connection_closed|EPIPE)$/)
  }
})

test('reads answers that come byte by byte', async (t) => {
  const bytes =
    'HTTP/1.1 103 Hint\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\na: b\r\n\r\n'
  const upstream = await startRaw(t, (socket) => {
    socket.setNoDelay(true)
    socket.on('data', () => {
      const writeFrom = (at: number): void => {
        if (at < bytes.length) socket.write(bytes.slice(at, at + 1), () => setImmediate(writeFrom, at + 1))
      }
      writeFrom(0)
    })
  })
  const client = clientTo(t, upstream.origin)
  for (let round = 0; round < 3; round++) assert.equal((await send(client).ended()).body.toString(), 'hello')
  assert.equal(upstream.accepted, 1)
})

test('gives up a connect that hangs at its deadline', async (t) => {
  const hole = await blackhole()
  t.after(() => hole.close())
  const origin = `http://127.0.0.1:${hole.port}`
  const started = performance.now()
  const recorder = await send(clientTo(t, origin, endpointOf(origin, 200))).ended()
  const tookMs = performance.now() - started
  assert.deepEqual([recorder.events, recorder.error?.code], [['error'], 'connect_timeout'])
  assert.ok(tookMs >= 190 && tookMs < 1_500, `${tookMs} ms`)
})

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))

test('reaches IPv6 addresses', { skip: !hasIpv6 }, async (t) => {
  const origin = await listenOn(t, '::1')
  const client = clientTo(t, `http://[::1]:${origin.port}`)
  assert.equal((await send(client).ended()).body.toString(), `[::1]:${origin.port}`)
})

test('reaches a name by whichever of its addresses answers', { skip: !hasIpv6 }, async (t) => {
  const both = ['::1', '127.0.0.1']
  // No name of every machine has two addresses.
  const resolver = new Resolver({ source: async () => both.map((address) => ({ address, ttlSeconds: null })) })
  const connector = new Connector({ resolver })
  const clientOf = (origin: string) => clientTo(t, origin, endpointOf(origin, 2_000, { connector }))
  for (const address of both) {
    const { port } = await listenOn(t, address)
    const recorder = await send(clientOf(`http://two.invalid:${port}`)).ended()
    assert.deepEqual([recorder.body.toString(), recorder.error], [`two.invalid:${port}`, null], address)
  }
  const nowhere = await send(clientOf('http://two.invalid:1')).ended()
  assert.equal(nowhere.error?.code, 'ECONNREFUSED')
})

test('a name that does not exist, and a port where nobody listens, are told by their codes', async (t) => {
  const none = await send(clientTo(t, 'http://does-not-exist.invalid')).ended()
  assert.match(none.error?.code ?? '', /^(?:ENOTFOUND|EAI_AGAIN)$/)
  assert.equal((await send(clientTo(t, 'http://localhost:1')).ended()).error?.code, 'ECONNREFUSED')
})

/** An upstream at one address that answers with the Host it was asked for. */
async function listenOn(t: TestContext, host: string): Promise<{ port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {
      // The client closes as it likes.
    })
    socket.on('data', (bytes: Buffer) => {
      const name = /host: (\S+)/.exec(bytes.toString())?.[1] ?? ''
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  t.after(() => server.close())
  return server.address() as AddressInfo
}

test('an idle connection is as old as its last answer, and the upstream says how old it may be', async (t) => {
  const rows = [
    ['', 55_000],
    ['Keep-Alive: timeout=5\r\n', 4_000],
    ['Keep-Alive: timeout=5, max=100\r\n', 4_000],
    ['keep-alive: max=9,TIMEOUT=30\r\n', 29_000],
    ['Keep-Alive: timeout=1\r\n', 0],
    ['Keep-Alive: timeout=999999\r\n', 599_000],
    ['Keep-Alive: timeout=soon\r\n', 55_000],
  ] as const
  for (const [header, idleMs] of rows) {
    const upstream = await startRaw(t, (socket) =>
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\n${header}Content-Length: 0\r\n\r\n`)),
    )
    const client = clientTo(t, upstream.origin)
    const from = performance.now()
    await send(client).ended()
    const to = performance.now()
    assert.equal(client.isStale(from + idleMs), false, header)
    assert.equal(client.isStale(to + idleMs + 1), true, header)
  }
})
