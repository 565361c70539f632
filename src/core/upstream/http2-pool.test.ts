import assert from 'node:assert/strict'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { createAuthority } from '../../../test/harness/certificate.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { Recorder } from '../../../test/request-path/recorder.ts'
import { startRaw } from '../../../test/request-path/upstream.ts'
import type { BodySource, BodyWriter, DispatchController, UpstreamRequest } from '../phases.ts'
import type { ConnectionPoolOptions } from './connection-pool.ts'
import { faultOf } from './fault.ts'
import { Http2Pool } from './http2-pool.ts'

const GET: UpstreamRequest = { method: 'GET', path: '/', headers: [], body: null }
const authority = createAuthority()
const good = authority.issue({ names: ['localhost'] })

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

interface Far {
  readonly port: number
  readonly sessions: ServerHttp2Session[]
  readonly streams: ServerHttp2Stream[]
}

async function listen(t: TestContext, server: Http2Server, serve: Serve): Promise<Far> {
  const sessions: ServerHttp2Session[] = []
  const streams: ServerHttp2Stream[] = []
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  server.on('session', (session) => {
    sessions.push(session)
    session.on('error', () => undefined)
  })
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    streams.push(stream)
    stream.on('error', () => undefined)
    serve(stream, headers)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, sessions, streams }
}

const plain = (t: TestContext, serve: Serve, settings = {}) => listen(t, createServer({ settings }), serve)

function poolTo(t: TestContext, origin: string, options: Partial<ConnectionPoolOptions> = {}): Http2Pool {
  const pool = new Http2Pool({ origin, connectTimeoutMs: 2_000, maxConnections: 4, maxWaiting: 100, ...options })
  t.after(() => pool.close())
  return pool
}

function send(pool: Http2Pool, request: Partial<UpstreamRequest> = {}, recorder = new Recorder()): Recorder {
  assert.equal(pool.dispatch({ ...GET, ...request }, recorder), true)
  return recorder
}

/** Answers what it was asked. */
const mirror: Serve = (stream, headers) => {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'set-cookie': ['a', 'b'], 'x-one': '1' })
    stream.end(JSON.stringify({ ...headers, body: Buffer.concat(chunks).toString() }))
  })
}

const told = (recorder: Recorder) => JSON.parse(recorder.body.toString()) as Record<string, unknown>

test('sends requests with prior knowledge and reads answers', async (t) => {
  const far = await plain(t, mirror)
  const pool = poolTo(t, `http://127.0.0.1:${far.port}`)
  const recorder = await send(pool, {
    method: 'POST',
    path: '/a?b',
    fixed: 'authorization: Bearer x\r\nX-Fixed: y\r\n',
    headers: ['X-Own', 'z', 'connection', 'close', 'te', 'gzip'],
    body: Buffer.from('hello'),
  }).ended()
  assert.deepEqual([recorder.error, recorder.status, recorder.events], [null, 200, ['start', 'head', 'data', 'end']])
  assert.deepEqual(
    { ...recorder.headers, date: undefined },
    { 'set-cookie': ['a', 'b'], 'x-one': '1', date: undefined },
  )
  const asked = told(recorder)
  assert.deepEqual(
    [asked[':path'], asked[':scheme'], asked[':authority'], asked['x-fixed'], asked['x-own'], asked['connection']],
    ['/a?b', 'http', `127.0.0.1:${far.port}`, 'y', 'z', undefined],
  )
  assert.deepEqual([asked['content-length'], asked['body'], asked['te']], ['5', 'hello', undefined])
  const named = await send(pool, { host: 'named.example' }).ended()
  assert.equal(told(named)[':authority'], 'named.example')
  assert.equal(far.sessions.length, 1)
})

test('speaks TLS by ALPN, and gives up on servers without HTTP/2 or a name to trust', async (t) => {
  const far = await listen(t, createSecureServer(good), mirror)
  const tls = { ca: authority.cert }
  const recorder = await send(poolTo(t, `https://localhost:${far.port}`, { tls })).ended()
  assert.equal(told(recorder)[':scheme'], 'https')
  const untrusted = await send(poolTo(t, `https://localhost:${far.port}`)).ended()
  assert.equal(faultOf(untrusted.error as Error, 'far', false, false).code, 'upstream_tls')
  for (const ALPNProtocols of [['http/1.1'], []]) {
    const old = createTlsServer({ ...good, ALPNProtocols }, (socket) => socket.on('error', () => undefined))
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve))
    t.after(() => old.close())
    const { port } = old.address() as AddressInfo
    const refused = await send(poolTo(t, `https://localhost:${port}`, { tls })).ended()
    assert.deepEqual(refused.events, ['error'])
    assert.equal(faultOf(refused.error as Error, 'far', false, false).source, 'upstream')
  }
})

test('requests share a connection, up to what the upstream takes; others wait or get one of their own', async (t) => {
  const far = await plain(t, () => undefined, { maxConcurrentStreams: 3 })
  const pool = poolTo(t, `http://127.0.0.1:${far.port}`, { maxConnections: 2, maxWaiting: 2 })
  send(pool)
  await eventually(() => far.streams.length === 1)
  const others = Array.from({ length: 3 }, () => send(pool))
  await eventually(() => far.streams.length === 4 && far.sessions[1]?.pendingSettingsAck === false)
  others.push(...Array.from({ length: 4 }, () => send(pool)))
  await eventually(() => far.streams.length === 6)
  assert.equal(far.sessions.length, 2)
  assert.equal(pool.dispatch(GET, new Recorder()), false)
  for (const stream of far.streams.slice(0, 6)) {
    stream.respond()
    stream.end()
  }
  await eventually(() => far.streams.length === 8)
  for (const stream of far.streams.slice(6)) {
    stream.respond()
    stream.end()
  }
  for (const recorder of others) assert.equal((await recorder.ended()).error, null)
})

test('more requests than the upstream turns out to take are sent one after the other, none is refused', async (t) => {
  const far = await plain(t, mirror, { maxConcurrentStreams: 2 })
  const pool = poolTo(t, `http://127.0.0.1:${far.port}`, { maxConnections: 1 })
  const recorders = Array.from({ length: 50 }, () => send(pool))
  for (const recorder of recorders) assert.equal((await recorder.ended()).error, null)
  assert.equal(far.sessions.length, 1)
})

test('a refused stream, and one beyond a GOAWAY, say that nobody looked at the request', async (t) => {
  const far = await plain(t, (stream, headers) => {
    if (headers[':path'] === '/refuse') stream.close(7)
    else if (headers[':path'] === '/leave') stream.session?.goaway(0, 1)
    else if (headers[':path'] === '/fail') stream.session?.goaway(2, 1)
  })
  for (const path of ['/refuse', '/leave', '/fail']) {
    const pool = poolTo(t, `http://127.0.0.1:${far.port}`)
    const first = send(pool)
    await eventually(() => first.events.includes('start'))
    const recorder = await send(pool, { method: 'POST', path, body: Buffer.from('x') }).ended()
    assert.deepEqual([recorder.events, recorder.error?.code], [['start', 'error'], 'refused_stream'], path)
    if (path === '/leave') {
      // The stream that it has looked at ends well, and new requests find a new connection.
      assert.equal(first.over, false)
      const stream = far.streams.at(-2)
      stream?.respond()
      stream?.end('late')
      assert.equal((await first.ended()).body.toString(), 'late')
      assert.equal(pool.size, 0)
    }
    if (path === '/fail') assert.notEqual((await first.ended()).error?.code, 'refused_stream')
  }
})

test('an answer that is not whole is an error, however the stream ends', async (t) => {
  const rows: readonly (readonly [what: string, serve: Serve])[] = [
    ['reset', (stream) => stream.destroy(new Error('broken'))],
    ['closed', (stream) => stream.session?.socket.destroy()],
    ['destroyed', (stream) => stream.session?.destroy()],
  ]
  for (const [what, end] of rows) {
    for (const began of [false, true]) {
      const far = await plain(t, (stream, headers) => {
        if (!began) return end(stream, headers)
        stream.respond()
        stream.write('four')
        setTimeout(() => end(stream, headers), 20)
      })
      const recorder = await send(poolTo(t, `http://127.0.0.1:${far.port}`)).ended()
      assert.notEqual(recorder.error, null, `${what}, ${began}`)
      assert.deepEqual(recorder.events, began ? ['start', 'head', 'data', 'error'] : ['start', 'error'], what)
    }
  }
})

test('an answer shorter than its length is an error', async (t) => {
  const far = await plain(t, (stream) => {
    stream.respond({ ':status': 200, 'content-length': '10' })
    stream.end('four')
  })
  const recorder = await send(poolTo(t, `http://127.0.0.1:${far.port}`)).ended()
  assert.equal(recorder.error?.code, 'invalid_answer')
})

test('answers without bodies, interim answers and trailers are read', async (t) => {
  const far = await plain(t, (stream, headers) => {
    if (headers[':path'] === '/none') stream.respond({ ':status': 204 }, { endStream: true })
    else if (headers[':path'] === '/head')
      stream.respond({ ':status': 200, 'content-length': '9' }, { endStream: true })
    else {
      stream.additionalHeaders({ ':status': 103, link: 'x' })
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-after': 'y' }))
      stream.end('whole')
    }
  })
  const pool = poolTo(t, `http://127.0.0.1:${far.port}`)
  assert.equal((await send(pool, { path: '/none' }).ended()).status, 204)
  const head = await send(pool, { method: 'HEAD', path: '/head' }).ended()
  assert.deepEqual([head.status, head.headers['content-length'], head.error], [200, '9', null])
  const recorder = new Recorder()
  const heard: unknown[] = []
  const onResponseEnd = (controller: DispatchController, trailers: unknown) => {
    heard.push(trailers)
    Recorder.prototype.onResponseEnd.call(recorder, controller)
  }
  const whole = await send(pool, { takesTrailers: true }, Object.assign(recorder, { onResponseEnd })).ended()
  assert.deepEqual(heard, [['x-after', 'y']])
  assert.deepEqual(
    [whole.status, whole.body.toString(), whole.events],
    [200, 'whole', ['start', 'head', 'data', 'end']],
  )
})

test('trailers of a request follow its body, and none where there are none', async (t) => {
  const heard: unknown[] = []
  const far = await plain(t, (stream) => {
    let trailers: unknown = null
    let body = ''
    stream.on('trailers', (_fields, _flags, list) => (trailers = list))
    stream.on('data', (chunk: Buffer) => (body += chunk))
    stream.on('end', () => {
      heard.push([body, trailers])
      stream.respond({ ':status': 200 }, { endStream: true })
    })
  })
  const pool = poolTo(t, `http://127.0.0.1:${far.port}`)
  const ends: ((writer: BodyWriter) => void)[] = [
    (writer) => writer.end(['x-sum', 'abc', 'x-sum', 'def', 'x-empty', '']),
    (writer) => writer.end(null),
    (writer) => writer.end(),
  ]
  for (const end of ends) {
    const source: BodySource = {
      length: -1,
      onDrain: () => undefined,
      open: (writer) => {
        writer.write(Buffer.from('body'))
        end(writer)
      },
    }
    const recorder = await send(pool, { method: 'POST', source }).ended()
    assert.deepEqual([recorder.error, recorder.status], [null, 200])
  }
  assert.deepEqual(heard, [
    ['body', ['x-sum', 'abc', 'x-sum', 'def', 'x-empty', '']],
    ['body', null],
    ['body', null],
  ])
  assert.equal(far.sessions.length, 1)
})

test('a paused answer comes to a halt, and comes whole after it is resumed', async (t) => {
  const whole = Buffer.alloc(8_000_000, 'x')
  const far = await plain(t, (stream) => {
    stream.respond()
    stream.end(whole)
  })
  const recorder = send(
    poolTo(t, `http://127.0.0.1:${far.port}`),
    {},
    new Recorder({ onHead: (controller) => controller.pause() }),
  )
  await eventually(() => recorder.status === 200)
  await eventually(() => (far.streams[0]?.writableLength ?? 0) > 0)
  assert.ok(recorder.received < 1_000_000, `${recorder.received}`)
  recorder.controller?.resume()
  assert.ok((await recorder.ended()).body.equals(whole))
})

/** A body that is written as long as the upstream takes it. */
class Endless implements BodySource {
  readonly length: number
  sent = 0
  writer: BodyWriter | null = null
  readonly #total: number

  constructor(total: number, length = -1) {
    this.#total = total
    this.length = length
  }

  open(writer: BodyWriter): void {
    this.writer = writer
    this.onDrain()
  }

  onDrain(): void {
    const piece = Buffer.alloc(10_000, 'x')
    while (this.sent < this.#total) {
      this.sent += piece.length
      if (this.writer?.write(piece) === false) return
    }
    this.writer?.end()
  }
}

test('a body that follows piece by piece is held back by a slow upstream, and comes whole', async (t) => {
  let received = 0
  const far = await plain(t, (stream) => {
    stream.on('end', () => {
      stream.respond()
      stream.end(String(received))
    })
  })
  const source = new Endless(3_000_000)
  const recorder = send(poolTo(t, `http://127.0.0.1:${far.port}`), { method: 'POST', source })
  await eventually(() => far.streams.length === 1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.ok(source.sent < 1_000_000, `${source.sent}`)
  far.streams[0]?.on('data', (chunk: Buffer) => (received += chunk.length))
  assert.equal((await recorder.ended()).body.toString(), '3000000')
})

test('an answer that comes before the body ends the exchange well', async (t) => {
  const far = await plain(t, (stream) => {
    stream.respond({ ':status': 413 })
    stream.end('no')
  })
  const recorder = send(poolTo(t, `http://127.0.0.1:${far.port}`), { method: 'POST', source: new Endless(3_000_000) })
  await recorder.ended()
  assert.deepEqual([recorder.status, recorder.body.toString(), recorder.error], [413, 'no', null])
  await eventually(() => far.streams[0]?.destroyed)
})

test('an abort resets its stream alone, and an upload that was cut never looks whole', async (t) => {
  const ended: string[] = []
  const far = await plain(t, (stream, headers) => {
    stream.resume()
    stream.on('end', () => {
      if (!stream.aborted) ended.push(String(headers[':path']))
    })
  })
  const pool = poolTo(t, `http://127.0.0.1:${far.port}`)
  const other = send(pool, { path: '/other' })
  const source: BodySource = {
    length: -1,
    open: (writer) => void writer.write(Buffer.from('half')),
    onDrain: () => undefined,
  }
  const upload = send(pool, { method: 'POST', path: '/upload', source })
  const plainOne = send(pool, { path: '/plain' })
  await eventually(() => far.streams.length === 3)
  await eventually(() => far.streams[1]?.readableFlowing && far.streams[1].readableDidRead)
  upload.controller?.abort(new Error('enough'))
  plainOne.controller?.abort(new Error('enough'))
  assert.deepEqual([upload.error?.message, plainOne.error?.message], ['enough', 'enough'])
  await eventually(() => far.streams[1]?.destroyed && far.streams[2]?.destroyed)
  assert.equal(far.streams[2]?.rstCode, 8)
  assert.ok(!ended.includes('/upload'))
  const [stream] = far.streams
  stream?.respond()
  stream?.end('ok')
  assert.equal((await other.ended()).body.toString(), 'ok')
})

test('what cannot be connected, or is no HTTP/2, is told before anything was sent', async (t) => {
  const closed = await startRaw(t, (socket) => socket.destroy())
  const other = await startRaw(t, (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  const silent = await send(poolTo(t, 'http://127.0.0.1:1')).ended()
  assert.deepEqual([silent.events, silent.error?.code], [['error'], 'ECONNREFUSED'])
  for (const { origin } of [closed, other]) {
    const recorder = await send(poolTo(t, origin)).ended()
    assert.notEqual(recorder.error, null)
  }
  const far = await plain(t, mirror)
  const pool = poolTo(t, `http://127.0.0.1:${far.port}`)
  const upgrade = await send(pool, { upgrade: 'websocket' }).ended()
  assert.deepEqual([upgrade.events, upgrade.error?.code], [['error'], 'no_upgrade'])
  assert.throws(() => pool.dispatch({ ...GET, path: '/a b' }, new Recorder()), RangeError)
})

test('what a handler throws ends its own answer, and no other', async (t) => {
  const far = await plain(t, mirror)
  const pool = poolTo(t, `http://127.0.0.1:${far.port}`)
  const fail = () => {
    throw new Error('thrown')
  }
  for (const hooks of [{ onStart: fail }, { onHead: fail }, { onData: fail }]) {
    const recorder = await send(pool, {}, new Recorder(hooks)).ended()
    assert.equal(recorder.error?.message, 'thrown', Object.keys(hooks).join())
  }
  assert.equal((await send(pool).ended()).status, 200)
})

test('a closed pool takes no more, and ends what it has', async (t) => {
  const far = await plain(t, () => undefined)
  const pool = poolTo(t, `http://127.0.0.1:${far.port}`)
  const recorder = send(pool)
  await eventually(() => far.streams.length === 1)
  await pool.close()
  assert.equal(pool.dispatch(GET, new Recorder()), false)
  const [session] = far.sessions
  assert.ok(session !== undefined)
  const over = new Promise<void>((resolve) => session.once('close', () => resolve()))
  far.streams[0]?.respond()
  far.streams[0]?.end('last')
  assert.equal((await recorder.ended()).body.toString(), 'last')
  await over
})
