import assert from 'node:assert/strict'
import dns from 'node:dns'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { blackhole } from '../../../test/harness/wall/blackhole.ts'
import { Recorder } from '../../../test/request-path/recorder.ts'
import { startHttp, startRaw } from '../../../test/request-path/upstream.ts'
import type { DispatchController, UpstreamRequest } from '../phases.ts'
import { Http1Client } from './http1-client.ts'
import { endpointOf } from './open-socket.ts'

const GET: UpstreamRequest = { method: 'GET', path: '/', headers: [], body: null }
const MEBIBYTE = 1_048_576
const ENOUGH = new Error('enough')

function clientTo(t: TestContext, origin: string, connectTimeoutMs = 2_000): Http1Client {
  const client = new Http1Client(endpointOf(origin, connectTimeoutMs))
  t.after(() => client.destroy())
  return client
}

function send(client: Http1Client, recorder: Recorder = new Recorder(), request: UpstreamRequest = GET): Recorder {
  client.dispatch(request, recorder)
  return recorder
}

/** A raw upstream that answers every read with these bytes. */
const answering = (t: TestContext, bytes: string) =>
  startRaw(t, (socket) => socket.on('data', () => socket.write(bytes, 'latin1')))

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
    socket.on('data', async () => {
      for (const byte of Buffer.from(bytes)) {
        await new Promise<void>((resolve) => void socket.write(Buffer.of(byte), () => resolve()))
      }
    })
  })
  const client = clientTo(t, upstream.origin)
  for (let round = 0; round < 3; round++) assert.equal((await send(client).ended()).body.toString(), 'hello')
  assert.equal(upstream.accepted, 1)
})

test('gives up a connect that hangs at its deadline', async (t) => {
  const hole = await blackhole()
  t.after(() => hole.close())
  const started = performance.now()
  const recorder = await send(clientTo(t, `http://127.0.0.1:${hole.port}`, 200)).ended()
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
  const both = [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]
  // No name of every machine has two addresses.
  t.mock.method(dns, 'lookup', (_name: string, _options: unknown, tell: (error: null, found: typeof both) => void) =>
    process.nextTick(tell, null, both),
  )
  for (const { address } of both) {
    const { port } = await listenOn(t, address)
    const recorder = await send(clientTo(t, `http://two.invalid:${port}`)).ended()
    assert.deepEqual([recorder.body.toString(), recorder.error], [`two.invalid:${port}`, null], address)
  }
  const nowhere = await send(clientTo(t, 'http://two.invalid:1')).ended()
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

test('an abort closes the connection at once, whatever stage it is in, and nothing is told after it', async (t) => {
  const stages = {
    start: 'onStart',
    head: 'onHead',
    body: 'onData',
  } as const
  for (const [stage, hook] of Object.entries(stages)) {
    const upstream = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfour')
    const client = clientTo(t, upstream.origin)
    const recorder = send(client, new Recorder({ [hook]: (turn: DispatchController) => turn.abort(ENOUGH) }))
    await recorder.ended()
    assert.equal(recorder.error, ENOUGH, stage)
    recorder.controller?.abort(new Error('again'))
    await eventually(() => upstream.open.size === 0, { what: `the end of the connection at ${stage}`, deadlineMs: 500 })
  }
  // From outside, while the upstream says nothing, and while it pours.
  for (const serve of [() => undefined, pour]) {
    const upstream = await startRaw(t, (socket) => socket.once('data', () => serve(socket)))
    const recorder = send(clientTo(t, upstream.origin))
    await eventually(() =>
      serve === pour ? recorder.received > MEBIBYTE : upstream.open.size === 1 && recorder.controller,
    )
    recorder.controller?.abort(ENOUGH)
    assert.equal(recorder.error, ENOUGH)
    await eventually(() => upstream.open.size === 0, { deadlineMs: 500 })
  }
})

/** Writes an answer without end for as long as somebody takes it. */
function pour(socket: Socket): void {
  const piece = Buffer.alloc(65_536, 'x')
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.write('HTTP/1.1 200 OK\r\n\r\n')
  socket.on('drain', more)
  more()
}

test('a paused answer stops the upstream, and comes whole after it is resumed', async (t) => {
  const whole = Buffer.from(Uint32Array.from({ length: 8 * MEBIBYTE }, (_, at) => at).buffer)
  const upstream = await startHttp(t, (_req, res) => {
    res.setHeader('content-length', whole.length)
    res.end(whole)
  })
  const manners: Readonly<Record<string, (turn: DispatchController) => void>> = {
    'at once': (turn) => turn.pause(),
    'after a moment of doubt': (turn) => {
      turn.pause()
      turn.resume()
      turn.pause()
    },
    'in a later turn': (turn) => void setImmediate(() => turn.pause()),
  }
  for (const [what, pause] of Object.entries(manners)) {
    const recorder = send(clientTo(t, upstream.origin), new Recorder({ onHead: pause }))
    await eventually(() => recorder.status === 200)
    await stillness(() => recorder.received)
    assert.ok(recorder.received <= 4 * MEBIBYTE, `${recorder.received} bytes came while paused ${what}`)
    recorder.controller?.resume()
    assert.ok((await recorder.ended()).body.equals(whole), what)
  }
})

/** Resolves when a figure has not changed for a tenth of a second. */
async function stillness(figure: () => number): Promise<void> {
  let before = -1
  await eventually(
    () => {
      const same = before === figure()
      before = figure()
      return same
    },
    { everyMs: 100 },
  )
}

test('an answer may be paused and resumed at every piece', async (t) => {
  const whole = Buffer.from(Uint32Array.from({ length: MEBIBYTE }, (_, at) => at).buffer)
  const upstream = await startHttp(t, (_req, res) => {
    for (let at = 0; at < whole.length; at += 10_007) res.write(whole.subarray(at, at + 10_007))
    res.end()
  })
  const client = clientTo(t, upstream.origin)
  for (const resume of [
    (go: () => void) => go(),
    (go: () => void) => process.nextTick(go),
    (go: () => void) => void setImmediate(go),
    (go: () => void) => void setTimeout(go, 1),
  ]) {
    let pauses = 0
    const recorder = new Recorder({
      onData: (turn) => {
        pauses++
        turn.pause()
        resume(() => turn.resume())
      },
    })
    assert.ok((await send(client, recorder).ended()).body.equals(whole))
    assert.ok(pauses >= 50, `${pauses} pauses`)
  }
  assert.equal(upstream.accepted, 1)
})

test('an answer that is complete while paused leaves a connection that reads', async (t) => {
  const upstream = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour')
  const client = clientTo(t, upstream.origin)
  for (let round = 0; round < 3; round++) {
    const recorder = await send(client, new Recorder({ onData: (turn) => turn.pause() })).ended()
    assert.equal(recorder.body.toString(), 'four')
  }
  assert.equal(upstream.accepted, 1)
  for (const socket of upstream.open) socket.end()
  await eventually(() => !client.idle, { what: 'that the close is noticed' })
})

test('an answer before the request was read is heard, and its connection not used again', async (t) => {
  const large = { ...GET, method: 'POST', body: Buffer.alloc(64 * MEBIBYTE) }
  const answer = 'HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'
  const manners: Readonly<Record<string, (socket: Socket) => void>> = {
    'and waits': (socket) => void socket.pause().write(answer),
    'and closes its side': (socket) => void socket.pause().end(answer),
    'and reads on': (socket) => void socket.once('data', () => socket.write(answer)),
  }
  for (const [what, serve] of Object.entries(manners)) {
    const upstream = await startRaw(t, serve)
    const client = clientTo(t, upstream.origin)
    const recorder = await send(client, new Recorder(), large).ended()
    assert.deepEqual([recorder.status, recorder.body.toString(), recorder.error], [413, 'no', null], what)
    assert.equal(client.idle, false, what)
    for (const socket of upstream.open) socket.resume()
    await eventually(() => upstream.open.size === 0, { what: `the end of the connection: ${what}` })
  }
})

test('what a handler keeps is its own, however many sockets read at the same time', async (t) => {
  const letters = ['a', 'b', 'c', 'd', 'e']
  const exchanges = await Promise.all(
    letters.map(async (letter) => {
      const upstream = await startRaw(t, (socket) =>
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: '.concat(letter.repeat(100), '\r\n\r\n'))
          let left = 400
          const more = () => {
            // Small and large pieces, cut anywhere.
            const size = left % 7 === 0 ? 9_000 : 20
            socket.write(`${size.toString(16)}\r\n${letter.repeat(size)}\r\n`)
            if (--left > 0) setImmediate(more)
            else socket.end('0\r\n\r\n')
          }
          more()
        }),
      )
      // Every other one is slow: it keeps its chunks and pauses.
      const slow = letters.indexOf(letter) % 2 === 0
      const onData = (turn: DispatchController) => {
        if (!slow) return
        turn.pause()
        setImmediate(() => turn.resume())
      }
      return { letter, recorder: send(clientTo(t, upstream.origin), new Recorder({ onData })) }
    }),
  )
  for (const { letter, recorder } of exchanges) {
    await recorder.ended()
    assert.equal(recorder.error, null)
    assert.equal(recorder.headers['x'], letter.repeat(100))
    assert.ok(recorder.chunks.length > 50)
    for (const chunk of recorder.chunks) assert.ok(/^(.)\1*$/.test(chunk.toString()) && chunk.toString()[0] === letter)
  }
})

test('what a handler throws ends its answer and its connection, and nothing else', async (t) => {
  for (const hook of ['onStart', 'onHead', 'onData']) {
    const upstream = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour')
    const client = clientTo(t, upstream.origin)
    const fail = () => {
      throw ENOUGH
    }
    const recorder = await send(client, new Recorder({ [hook]: fail })).ended()
    assert.equal(recorder.error, ENOUGH, hook)
    await eventually(() => upstream.open.size === 0)
    assert.equal((await send(client).ended()).body.toString(), 'four')
    assert.equal(upstream.accepted, 2)
  }
})

test('what a handler throws at the end is not swallowed, and its connection stays good', async (t) => {
  const upstream = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour')
  const client = clientTo(t, upstream.origin)
  const caught: unknown[] = []
  process.setUncaughtExceptionCaptureCallback((error) => caught.push(error))
  t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  let next: Recorder | null = null
  const onEnd = () => {
    next = send(client)
    throw ENOUGH
  }
  await send(client, new Recorder({ onEnd })).ended()
  await eventually(() => next?.over)
  assert.equal((next as Recorder | null)?.body.toString(), 'four')
  assert.deepEqual(caught, [ENOUGH])
  assert.equal(upstream.accepted, 1)
})

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
    const upstream = await answering(t, `HTTP/1.1 200 OK\r\n${header}Content-Length: 0\r\n\r\n`)
    const client = clientTo(t, upstream.origin)
    const from = performance.now()
    await send(client).ended()
    const to = performance.now()
    assert.equal(client.isStale(from + idleMs), false, header)
    assert.equal(client.isStale(to + idleMs + 1), true, header)
  }
})

test('five thousand exchanges, some given up and some cut, leave no socket and no timer behind', async (t) => {
  let served = 0
  const upstream = await startRaw(t, (socket) =>
    socket.on('data', () => {
      const turn = ++served % 25
      if (turn === 0) socket.resetAndDestroy()
      else if (turn === 5) socket.end('HTTP/1.1 200 OK\r\n\r\nfour')
      else if (turn === 10) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour')
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour')
    }),
  )
  const resources = () => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length
  const before = resources()
  const clients = Array.from({ length: 20 }, () => clientTo(t, upstream.origin))
  let ended = 0
  await Promise.all(
    clients.map(async (client) => {
      for (let left = 250; left > 0; left--) {
        // An answer that is cut off has its handler give up; so do some that are whole.
        const recorder = new Recorder({
          onData: (turn, chunk) => (left % 9 === 0 || chunk.length > 4 ? turn.abort(ENOUGH) : undefined),
        })
        send(client, recorder)
        const soon = setTimeout(() => recorder.controller?.abort(ENOUGH), 60)
        await new Promise<void>((resolve) => {
          const poll = () => (recorder.over ? resolve() : void setImmediate(poll))
          poll()
        })
        clearTimeout(soon)
        ended++
      }
    }),
  )
  assert.equal(ended, 5_000)
  for (const client of clients) client.destroy()
  await eventually(() => upstream.open.size === 0, { what: 'the end of all connections' })
  await eventually(() => resources() <= before, { what: 'that nothing is left open' })
})
