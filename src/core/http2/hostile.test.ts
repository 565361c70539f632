import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createAuthority } from '../../../test/harness/certificate.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { block, CODE, FLAG, FRAME, frame, GET, RawHttp2, request } from '../../../test/harness/raw-http2.ts'
import { planOf, routeOf, startEdge } from '../../../test/request-path/edge.ts'
import { candidateOf } from '../../../test/request-path/upstream.ts'
import { answer } from '../respond/answer.ts'

const authority = createAuthority()
const { cert, key } = authority.issue({ names: ['localhost'] })
const tls = { certificates: [{ cert: { file: 'c', pem: cert }, key: { file: 'k', pem: key } }] }

const quick = routeOf({
  bodyLimit: 1_000_000,
  inspect: (x) => {
    answer(x, 200, 'text/plain', x.body ?? 'quick')
    return null
  },
})
const never = routeOf({
  inspect: (x) => {
    x.candidates = [candidateOf({ transport: { dispatch: () => true, close: () => Promise.resolve() } })]
    return null
  },
})
const plan = planOf({ '/': { GET: quick, POST: quick, OPTIONS: quick }, '/never': { GET: never } })

async function start(t: TestContext) {
  const edge = await startEdge(t, { plan, listener: { tls } })
  return { edge, client: () => RawHttp2.connect(t, edge.port, authority.cert) }
}

/** A request for which pseudo headers are replaced, or left out (null), and others follow. */
function fields(replace: Readonly<Record<string, string | null>>, ...more: readonly string[]): string[] {
  const list: string[] = []
  for (let at = 0; at < GET.length; at += 2) {
    const name = GET[at] as string // in range
    const value = name in replace ? replace[name] : GET[at + 1]
    if (value !== null && value !== undefined) list.push(name, value)
  }
  return [...list, ...more]
}

const POST = (...more: readonly string[]) => fields({ ':method': 'POST' }, ...more)

test('H28 a request that can be read in two ways is never served', async (t) => {
  const { edge, client } = await start(t)
  const rows: readonly (readonly [what: string, list: readonly string[]])[] = [
    ['transfer-encoding', POST('transfer-encoding', 'chunked')],
    ['connection', fields({}, 'connection', 'close')],
    ['keep-alive', fields({}, 'keep-alive', 'timeout=5')],
    ['proxy-connection', fields({}, 'proxy-connection', 'close')],
    ['upgrade', fields({}, 'upgrade', 'websocket')],
    ['http2-settings', fields({}, 'http2-settings', 'AAA')],
    ['te', fields({}, 'te', 'gzip')],
    ['CRLF in a path', fields({ ':path': '/ HTTP/1.1\r\nhost: b' })],
    ['a space in a path', fields({ ':path': '/a b' })],
    ['CRLF in a method', fields({ ':method': 'GET / HTTP/1.1\r\n' })],
    ['upper case in a name', fields({}, 'Abc', 'd')],
    ['two methods', [...GET.slice(0, 2), ...GET]],
    ['two paths', [':path', '/other', ...GET]],
    ['two schemes', [':scheme', 'http', ...GET]],
    ['two authorities', [':authority', 'b', ...GET]],
    ['no method', fields({ ':method': null })],
    ['no path', fields({ ':path': null })],
    ['no scheme', fields({ ':scheme': null })],
    ['no authority', fields({ ':authority': null })],
    ['an empty path', fields({ ':path': '' })],
    ['an unknown pseudo header', [':other', 'x', ...GET]],
    ['one of answers', [':status', '200', ...GET]],
    ['one behind a header', [...GET.slice(2), 'a', 'b', ':method', 'GET']],
    ['a path without a slash', fields({ ':path': 'index' })],
    ['a path that is a URL', fields({ ':path': 'https://b/' })],
    ['an asterisk', fields({ ':path': '*' })],
    ['another scheme', fields({ ':scheme': 'http' })],
    ['CONNECT', [':method', 'CONNECT', ':authority', 'a:443']],
    ['extended CONNECT', [...fields({ ':method': 'CONNECT' }), ':protocol', 'websocket']],
    ['a user in the authority', fields({ ':authority': 'user@a' })],
    ['a list of authorities', fields({ ':authority': 'a, b' })],
    ['an empty authority', fields({ ':authority': '' })],
    ['Host that differs', fields({}, 'host', 'b')],
    ['two Hosts', fields({ ':authority': null }, 'host', 'a', 'host', 'a')],
    ['two lengths', POST('content-length', '1', 'content-length', '1')],
    ['a length with a sign', POST('content-length', '+1')],
    ['two content types', POST('content-type', 'a/b', 'content-type', 'a/b')],
    ['a length without a body', POST('content-length', '5')],
    ['too many headers', fields({}, ...Array<string[]>(101).fill(['a', 'b']).flat())],
    ['many too many', fields({}, ...Array<string[]>(1_000).fill(['a', 'b']).flat())],
    ['a header that is too long', fields({}, 'a', 'x'.repeat(8_193))],
    ['a list that is too long', fields({}, 'a', 'x'.repeat(8_000), 'b', 'x'.repeat(8_000), 'c', 'x'.repeat(500))],
  ]
  for (const [what, list] of rows) {
    const connected = await client()
    connected.send(request(1, list))
    const outcome = await connected.outcome(1)
    if (outcome === 'answer') await edge.settled(edge.endings.length)
    const served = edge.endings.filter(({ status }) => status < 400)
    assert.equal(served.length, 0, what)
    connected.socket.destroy()
  }
  assert.deepEqual(edge.faults, [])
})

test('what is no request is counted, though the library answers it by itself', async (t) => {
  const noPath = fields({ ':path': null })
  const rows: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['a head that is not valid', request(1, noPath)],
    ['one behind a request that was served', Buffer.concat([request(1), request(3, noPath)])],
    ['a frame where none may be', frame(FRAME.data, 0, 0, 'abc')],
    ['a header block that cannot be read', frame(FRAME.headers, FLAG.endHeaders, 1, Buffer.alloc(8, 0xff))],
  ]
  for (const [what, bytes] of rows) {
    const { edge, client } = await start(t)
    const connected = await client()
    connected.send(bytes)
    await eventually(() => edge.unreadable.length > 0, { what })
    assert.deepEqual(edge.unreadable, ['malformed_request'], what)
    connected.socket.destroy()
  }
  const { edge, client } = await start(t)
  const connected = await client()
  connected.send(request(1), request(13))
  await connected.outcome(13)
  connected.socket.end()
  await eventually(() => edge.listener.connections === 0)
  assert.deepEqual(edge.unreadable, [], 'ids may be left out')
})

/** nghttp2 takes these headers out of a request before anybody sees them (seen with 1.70). */
const DROPPED: readonly (readonly [what: string, list: readonly string[]])[] = [
  ['CRLF in a value', fields({}, 'a', 'b\r\nc: d')],
  ['LF in a value', fields({}, 'a', 'b\nc')],
  ['NUL in a value', fields({}, 'a', 'b\0c')],
  ['a space before a value', fields({}, 'a', ' b')],
  ['a space after a value', fields({}, 'a', 'b ')],
  ['a space in a name', fields({}, 'a b', 'c')],
  ['a colon in a name', fields({}, 'a:b', 'c')],
  ['an empty name', fields({}, '', 'c')],
  ['CRLF in a name', fields({}, 'a\r\nb', 'c')],
]

test('H28 a header with characters that none may have is refused, or never seen', async (t) => {
  const { edge, client } = await start(t)
  for (const [what, list] of DROPPED) {
    const connected = await client()
    const before = edge.endings.length
    connected.send(request(1, list))
    if ((await connected.outcome(1)) !== 'answer') continue
    const { x, status } = (await edge.settled(before + 1))[before] ?? {}
    if (status === 200) assert.deepEqual(x?.head.names, ['host'], what)
    connected.socket.destroy()
  }
})

test('H28 a body that is not as long as its Content-Length says is never served', async (t) => {
  const { edge, client } = await start(t)
  for (const [what, sent] of [
    ['shorter', 'abc'],
    ['longer', 'abcdefg'],
  ] as const) {
    const connected = await client()
    connected.send(request(1, POST('content-length', '5'), FLAG.endHeaders), frame(FRAME.data, FLAG.endStream, 1, sent))
    assert.notEqual(await connected.outcome(1), 'answer', what)
  }
  await eventually(() => edge.gateway.exchanges.size === 0)
  assert.deepEqual(
    edge.endings.filter(({ cancelled }) => !cancelled),
    [],
  )
})

test('a request with trailers is served without them', async (t) => {
  const { edge, client } = await start(t)
  const connected = await client()
  const body = frame(FRAME.data, 0, 1, 'abc')
  const trailers = frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, block(['x-after', 'y']))
  connected.send(request(1, POST(), FLAG.endHeaders), body, trailers)
  assert.equal(await connected.outcome(1), 'answer')
  assert.equal((await edge.settled())[0]?.body?.toString(), 'abc')
})

/** Sends until the connection is closed, at most `times`; gives how often it did. */
async function flood(connected: RawHttp2, times: number, make: (at: number) => Buffer): Promise<number> {
  let at = 0
  for (; at < times && !connected.closed; at++) {
    if (!connected.send(make(at))) await new Promise<void>((resolve) => setImmediate(resolve))
    if (at % 64 === 0) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return at
}

test('H28 rapid resets end the connection with ENHANCE_YOUR_CALM, after few of them (CVE-2023-44487)', async (t) => {
  const { edge, client } = await start(t)
  const cancel = Buffer.of(0, 0, 0, CODE.cancel)
  const path = fields({ ':path': '/never' })
  for (let round = 0; round < 5; round++) {
    const connected = await client()
    await flood(connected, 10_000, (at) =>
      Buffer.concat([request(2 * at + 1, path), frame(FRAME.reset, 0, 2 * at + 1, cancel)]),
    )
    const goaway = await connected.next(FRAME.goaway)
    assert.equal(goaway?.payload.readUInt32BE(4), CODE.calm)
  }
  await eventually(() => edge.gateway.exchanges.size === 0 && edge.listener.connections === 0)
  assert.ok(edge.endings.length < 5 * 300, `${edge.endings.length} requests were begun`)
})

test('resets that the client makes us send count as well (CVE-2025-8671)', async (t) => {
  const { edge, client } = await start(t)
  const connected = await client()
  await flood(connected, 2_000, (at) => {
    const id = 2 * at + 1
    // A window that grows beyond its limit is an error of the stream.
    return Buffer.concat([
      request(id, fields({ ':path': '/never' })),
      frame(FRAME.window, 0, id, Buffer.from('7fffffff', 'hex')),
    ])
  })
  assert.notEqual(await connected.next(FRAME.goaway), null)
  await eventually(() => edge.gateway.exchanges.size === 0 && edge.listener.connections === 0)
  assert.ok(edge.endings.length < 300, `${edge.endings.length} requests were begun`)
})

test('who cancels now and then is served on', async (t) => {
  const { client } = await start(t)
  const connected = await client()
  for (let at = 0; at < 300; at++) {
    const id = 4 * at + 1
    connected.send(
      request(id, fields({ ':path': '/never' })),
      frame(FRAME.reset, 0, id, Buffer.of(0, 0, 0, CODE.cancel)),
      request(id + 2),
    )
    assert.equal(await connected.outcome(id + 2), 'answer')
    connected.frames.length = 0
  }
})

test('H28 floods of frames that carry nothing end the connection', async (t) => {
  const rows: readonly (readonly [what: string, one: Buffer])[] = [
    ['WINDOW_UPDATE', frame(FRAME.window, 0, 0, Buffer.of(0, 0, 0, 1))],
    ['PING', frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
    ['SETTINGS', frame(FRAME.settings, 0, 0)],
    ['PRIORITY', frame(FRAME.priority, 0, 3, Buffer.of(0, 0, 0, 0, 1))],
    ['unknown ones', frame(0x77, 0, 0, Buffer.alloc(8))],
  ]
  for (const [what, one] of rows) {
    const { edge, client } = await start(t)
    const connected = await client()
    const many = Buffer.concat(Array.from({ length: 500 }, () => one))
    await flood(connected, 1_000, () => many)
    await eventually(() => edge.listener.connections === 0, { what: `the end of a flood of ${what}` })
  }
})

test('H28 header blocks without end cost the connection, and nothing is served of them', async (t) => {
  const { edge, client } = await start(t)
  const connected = await client()
  connected.send(frame(FRAME.headers, FLAG.endStream, 1, block(GET)))
  const sent = await flood(connected, 10_000, () => frame(FRAME.continuation, 0, 1, block(['a', 'x'.repeat(1_000)])))
  assert.ok(sent < 10_000)
  await eventually(() => edge.listener.connections === 0)
  assert.equal(edge.endings.length, 0)
})

test('more streams than are offered are refused, the others are served', async (t) => {
  const { edge, client } = await start(t)
  const connected = await client()
  await connected.next(FRAME.settings)
  const ids = Array.from({ length: 130 }, (_, at) => 2 * at + 1)
  connected.send(...ids.map((id) => request(id, fields({ ':path': '/never' }))))
  const last = await connected.outcome(259)
  assert.deepEqual(last, { reset: CODE.refused })
  await eventually(() => edge.gateway.exchanges.size === 100)
})

test('a client that takes nothing of its answer is given up, with what is held for it', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const large = routeOf({
    inspect: (x) => {
      answer(x, 200, 'text/plain', Buffer.alloc(200_000))
      return null
    },
  })
  const edge = await startEdge(t, { plan: planOf({ '/': { GET: large } }), listener: { tls } })
  const connected = await RawHttp2.connect(t, edge.port, authority.cert)
  // Its window lets 64 KiB through; it never says that it takes more.
  connected.send(request(1))
  await connected.next(FRAME.data, 1)
  const now = performance.now()
  const later = (ms: number) => {
    t.mock.method(performance, 'now', () => now + ms)
    t.mock.timers.tick(1_000)
  }
  later(1_000)
  later(60_000)
  assert.equal(
    connected.frames.some(({ type }) => type === FRAME.reset),
    false,
  )
  later(200_000)
  const reset = await connected.next(FRAME.reset, 1)
  assert.equal(reset?.payload.readUInt32BE(0), 2)
})

test('noise behind the preface ends the connection, and the process lives', async (t) => {
  const { edge, client } = await start(t)
  let seed = 7
  const next = () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
    return seed
  }
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => next() >> 16))
  for (let round = 0; round < 100; round++) {
    const connected = await client()
    const type = round % 10
    connected.send(frame(type, round, round % 3, noise(round)), noise(100))
    connected.socket.end()
    await eventually(() => connected.closed)
  }
  await eventually(() => edge.listener.connections === 0)
  assert.deepEqual(edge.faults, [])
})
