import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../test/harness/eventually.ts'
import { RawClient } from '../../test/harness/raw-client.ts'
import { type EdgeOptions, planOf, routeOf, startEdge, toCandidates } from '../../test/request-path/edge.ts'
import {
  type CandidateParts,
  candidateOf,
  poolTo,
  relayTap,
  startHttp,
  startRaw,
} from '../../test/request-path/upstream.ts'
import { GatewayError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerTap, Route, Transport } from './phases.ts'

const MEBIBYTE = 1_048_576

interface Options {
  readonly candidate?: Partial<CandidateParts>
  readonly route?: Partial<Route>
  readonly edge?: Partial<EdgeOptions>
  readonly connections?: number
  readonly waiting?: number
  readonly wantsStream?: boolean
}

/** A gateway whose one route relays to an upstream, and a client of it. */
async function relay(t: TestContext, origin: string, options: Options = {}) {
  const pool = poolTo(t, origin, { connections: options.connections ?? 10, waiting: options.waiting ?? 10 })
  const to = toCandidates(candidateOf({ transport: pool, ...options.candidate }))
  const inspect: Route['inspect'] = (x) => {
    x.wantsStream = options.wantsStream ?? false
    return to?.(x) ?? null
  }
  const route = routeOf({ bodyLimit: 10 * MEBIBYTE, inspect, ...options.route })
  const plan = planOf({ '/': { POST: route, GET: { ...route, bodyLimit: -1 } } })
  const edge = await startEdge(t, { plan, ...options.edge })
  const connect = async () => {
    const client = await RawClient.connect(edge.url)
    t.after(() => client.close())
    return client
  }
  return { edge, connect, client: await connect() }
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

test('relays a request and its answer, whole', async (t) => {
  let seen = ''
  const upstream = await startHttp(t, (req, res) => {
    req.setEncoding('utf8').on('data', (text: string) => {
      seen += text
    })
    req.on('end', () => res.writeHead(201, { 'content-type': 'text/far' }).end('answer'))
  })
  const { edge, client } = await relay(t, upstream.origin)
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello')
  const [response] = await client.waitForResponses()
  assert.deepEqual(
    [response?.status, response?.header('content-type'), response?.body.toString()],
    [201, 'text/far', 'answer'],
  )
  assert.equal(seen, 'hello')
  const [ending] = await edge.settled()
  assert.deepEqual([ending?.end, ending?.x.bytesOut, ending?.x.attempts], ['success', 6, 1])
  assert.ok((ending?.x.firstByteAt ?? 0) >= (ending?.x.dispatchedAt ?? 0))
})

test('an answer beyond the buffer is relayed as it comes, byte for byte', async (t) => {
  const body = Buffer.from(Array.from({ length: 3 * MEBIBYTE }, (_, at) => at & 0xff))
  const upstream = await startHttp(t, (_req, res) => res.end(body))
  const { edge, client } = await relay(t, upstream.origin)
  await client.send(GET)
  const [response] = await client.waitForResponses(1, 20_000)
  assert.ok(response?.body.equals(body))
  const [ending] = await edge.settled()
  assert.equal(ending?.x.bytesOut, body.length)
})

test('passes interim answers of the upstream over', async (t) => {
  const upstream = await startRaw(t, (socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    )
  })
  const { client } = await relay(t, upstream.origin)
  await client.send(GET)
  assert.equal((await client.waitForResponses())[0]?.body.toString(), 'ok')
})

/** How an upstream of raw bytes may fail, and what the client and the record are told. */
const FAULTS: readonly (readonly [what: string, serve: (socket: Socket) => void, code: string, status: number])[] = [
  ['closes without a word', (socket) => socket.end(), 'upstream_closed', 502],
  ['resets', (socket) => socket.resetAndDestroy(), 'upstream_closed', 502],
  ['speaks something else', (socket) => socket.end('SSH-2.0-far\r\n'), 'upstream_invalid_response', 502],
  [
    'sends a head without end',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`),
    'upstream_invalid_response',
    502,
  ],
  [
    'cuts its body short',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
    'upstream_truncated',
    502,
  ],
  [
    'breaks its chunks',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n'),
    'upstream_truncated',
    502,
  ],
  [
    'resets within its body',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', () => socket.resetAndDestroy())
    },
    'upstream_truncated',
    502,
  ],
]

test('an upstream that fails before anything was sent becomes an error answer', async (t) => {
  for (const [what, serve, code, status] of FAULTS) {
    const upstream = await startRaw(t, (socket) => socket.once('data', () => serve(socket)))
    const { edge, client } = await relay(t, upstream.origin)
    await client.send(GET)
    const [response] = await client.waitForResponses()
    assert.equal(response?.status, status, what)
    const [ending] = await edge.settled()
    assert.equal(ending?.error?.code, code, what)
    assert.equal(ending?.end, 'upstream_error', what)
    assert.equal(edge.endings.length, 1, what)
  }
})

test('an upstream that nobody can reach becomes 502', async (t) => {
  const { edge, client } = await relay(t, 'http://127.0.0.1:1')
  await client.send(GET)
  assert.equal((await client.waitForResponses())[0]?.status, 502)
  assert.equal((await edge.settled())[0]?.error?.code, 'upstream_unreachable')
})

test('an upstream that fails within a stream ends it with the error of the dialect', async (t) => {
  const upstream = await startHttp(t, (_req, res) => {
    res.write('one', () => res.socket?.destroy())
  })
  const { edge, client } = await relay(t, upstream.origin, { candidate: { tap: () => relayTap('stream') } })
  await client.send(GET)
  const [response] = await client.waitForResponses()
  assert.equal(response?.body.toString(), 'one!upstream_truncated')
  const [ending] = await edge.settled()
  assert.deepEqual([ending?.end, ending?.status], ['upstream_error', 200])
})

test('an upstream that fails within a long answer that is no stream cuts the connection', async (t) => {
  const upstream = await startHttp(t, (_req, res) => {
    res.write(Buffer.alloc(MEBIBYTE, 'x'), () => res.socket?.destroy())
  })
  const { edge, client } = await relay(t, upstream.origin)
  await client.send(GET)
  await client.waitForClose()
  const [response] = client.responses()
  assert.equal(response?.complete, false, 'no terminator pretends that the answer is whole')
  assert.ok(!client.received.includes('!upstream_truncated'))
  assert.equal((await edge.settled())[0]?.error?.code, 'upstream_truncated')
})

test('a stream without an error of its own is cut', async (t) => {
  const upstream = await startHttp(t, (_req, res) => {
    res.write('one', () => res.socket?.destroy())
  })
  const options = { candidate: { tap: () => relayTap('stream') }, route: { renderStreamError: null } }
  const { client } = await relay(t, upstream.origin, options)
  await client.send(GET)
  await client.waitForClose()
  assert.equal(client.responses()[0]?.complete, false)
})

test('pieces that arrive together leave together, and with them the end; those that come later leave later', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
  const last = Promise.withResolvers<void>()
  const upstream = await startRaw(t, (socket) =>
    socket.once('data', () => {
      socket.write(head + chunk('one ') + chunk('two'))
      void last.promise.then(() => socket.write(`${chunk(' three') + chunk(' four')}0\r\n\r\n`))
    }),
  )
  const { client } = await relay(t, upstream.origin, { candidate: { tap: () => relayTap('stream') } })
  await client.send(GET)
  const ends = async (text: string) =>
    eventually(() => client.received.toString('latin1').endsWith(text), { what: JSON.stringify(text) })
  await ends(`\r\n\r\n${chunk('one two')}`)
  last.resolve()
  await ends(`${chunk('one two') + chunk(' three four')}0\r\n\r\n`)
})

test('a tap may end the attempt at any point', async (t) => {
  const refusal = () => new GatewayError('upstream_invalid_response', 'far is wrong.')
  const taps: readonly (readonly [what: string, tap: AnswerTap, body: RegExp])[] = [
    ['at the head', relayTap('buffer', { start: refusal }), /"upstream_invalid_response"/],
    ['at the whole body', relayTap('buffer', { complete: refusal }), /"upstream_invalid_response"/],
    ['at the first piece', relayTap('stream', { push: refusal }), /"upstream_invalid_response"/],
    ['at the end', relayTap('stream', { end: refusal }), /^answer!upstream_invalid_response$/],
    ['at the end of nothing', relayTap('stream', { push: () => null, end: refusal }), /"upstream_invalid_response"/],
  ]
  for (const [what, tap, body] of taps) {
    const upstream = await startHttp(t, (_req, res) => res.end('answer'))
    const { edge, client } = await relay(t, upstream.origin, { candidate: { tap: () => tap } })
    await client.send(GET)
    const [response] = await client.waitForResponses()
    assert.match(response?.body.toString() ?? '', body, what)
    await edge.settled()
    assert.equal(edge.endings.length, 1, what)
  }
})

test('an exception in a tap is reported, and is no fault of the upstream', async (t) => {
  const broken = new Error('broken')
  const explode = () => {
    throw broken
  }
  const taps: readonly (readonly [what: string, tap: () => AnswerTap])[] = [
    ['open', explode],
    ['start', () => relayTap('buffer', { start: explode })],
    ['complete', () => relayTap('buffer', { complete: explode })],
    ['headers', () => relayTap('buffer', { headers: explode })],
    ['push', () => relayTap('stream', { push: explode })],
    ['end', () => relayTap('stream', { push: () => null, end: explode })],
  ]
  for (const [what, tap] of taps) {
    const upstream = await startHttp(t, (_req, res) => res.end('answer'))
    const { edge, client } = await relay(t, upstream.origin, { candidate: { tap } })
    await client.send(GET)
    const [response] = await client.waitForResponses()
    assert.equal(response?.status, 500, what)
    const [ending] = await edge.settled()
    assert.equal(ending?.error?.code, 'internal_error', what)
    assert.deepEqual(edge.faults, [broken], what)
  }
})

test('a stream that gives nothing is an answer with an empty body', async (t) => {
  const upstream = await startHttp(t, (_req, res) => res.end('hidden'))
  const tap = () => relayTap('stream', { push: () => null })
  const { client } = await relay(t, upstream.origin, { candidate: { tap } })
  await client.send(GET)
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.status, response?.body.length], [200, 0])
})

/** What an upstream keeps silent about, with the deadline that notices. */
const SILENCES: readonly (readonly [
  what: string,
  serve: (req: IncomingMessage, res: ServerResponse) => void,
  timeouts: CandidateParts['timeouts'],
  stream: boolean,
  message: RegExp,
])[] = [
  ['no first byte', () => undefined, { firstByteMs: 120 }, false, /did not begin to answer within 0.1 s/],
  ['no first byte of a stream', () => undefined, { firstByteStreamMs: 120 }, true, /did not begin to answer/],
  ['silence within the answer', (_req, res) => res.write('a'), { idleMs: 120 }, false, /sent nothing for 0.1 s/],
  ['no end in time', () => undefined, { totalMs: 120 }, false, /total deadline of 0.1 s/],
]

test('each deadline ends the attempt with 504 and closes the connection upstream', async (t) => {
  for (const [what, serve, timeouts = {}, wantsStream, message] of SILENCES) {
    const upstream = await startHttp(t, serve)
    const { edge, client } = await relay(t, upstream.origin, { candidate: { timeouts }, wantsStream })
    await client.send(GET)
    const [response] = await client.waitForResponses()
    assert.equal(response?.status, 504, what)
    assert.match(response?.body.toString() ?? '', message, what)
    const [ending] = await edge.settled()
    assert.equal(ending?.end, 'timeout', what)
    await eventually(() => upstream.open.size === 0, { what: `the end upstream: ${what}` })
  }
})

test('the deadline of the other kind of request does not apply', async (t) => {
  for (const wantsStream of [false, true]) {
    const pending: ServerResponse[] = []
    const upstream = await startHttp(t, (_req, res) => pending.push(res))
    const timeouts = wantsStream ? { firstByteMs: 1 } : { firstByteStreamMs: 1 }
    const { edge, client } = await relay(t, upstream.origin, { candidate: { timeouts }, wantsStream })
    await client.send(GET)
    await eventually(() => pending.length === 1)
    for (let sweeps = 0; sweeps < 3; sweeps++) edge.gateway.deadlines.sweep()
    pending[0]?.end('late')
    assert.equal((await client.waitForResponses())[0]?.status, 200)
  }
})

test('an answer that keeps coming is not idle', async (t) => {
  const upstream = await startHttp(t, (_req, res) => {
    let left = 12
    const timer = setInterval(() => {
      res.write('.')
      if (--left === 0) {
        clearInterval(timer)
        res.end()
      }
    }, 50)
  })
  const tap = () => relayTap('stream')
  const { client } = await relay(t, upstream.origin, { candidate: { tap, timeouts: { idleMs: 400 } } })
  await client.send(GET)
  assert.equal((await client.waitForResponses())[0]?.body.toString(), '.'.repeat(12))
})

test('a deadline within a stream ends it with the error of the dialect', async (t) => {
  const upstream = await startHttp(t, (_req, res) => res.write('one'))
  const tap = () => relayTap('stream')
  const { client } = await relay(t, upstream.origin, { candidate: { tap, timeouts: { idleMs: 120 } } })
  await client.send(GET)
  assert.equal((await client.waitForResponses())[0]?.body.toString(), 'one!upstream_timeout')
})

test('a client that reads slowly slows the upstream down, and gets every byte', async (t) => {
  const total = 24 * MEBIBYTE
  let written = 0
  const upstream = await startHttp(t, (_req, res) => {
    const piece = Buffer.alloc(65_536, 'x')
    const more = () => {
      while (written < total) {
        written += piece.length
        if (!res.write(piece)) {
          res.once('drain', more)
          return
        }
      }
      res.end()
    }
    more()
  })
  const { edge, client } = await relay(t, upstream.origin, { candidate: { tap: () => relayTap('stream') } })
  client.setReading('paused')
  await client.send(GET)
  let last = -1
  const still = async () => {
    const same = written === last && written > 0
    last = written
    return same
  }
  await eventually(still, { what: 'the upstream to stand still', everyMs: 150, deadlineMs: 10_000 })
  assert.ok(written < total, `${written} of ${total} bytes were taken from the upstream`)
  const [x] = edge.gateway.exchanges
  assert.ok((x?.client.unsentBytes ?? 0) < 2 * MEBIBYTE, 'what waits in memory is bounded')
  client.setReading('flowing')
  await eventually(() => client.receivedBytes > total, { what: 'every byte', deadlineMs: 20_000 })
  assert.equal((await edge.settled())[0]?.end, 'success')
})

test('a client that stops reading is given up after its own time, however short that of the upstream is', async (t) => {
  const upstream = await startHttp(t, (_req, res) => {
    const piece = Buffer.alloc(65_536, 'x')
    const more = () => {
      while (res.write(piece));
      res.once('drain', more)
    }
    more()
  })
  const candidate = { tap: () => relayTap('stream'), timeouts: { idleMs: 300 } }
  const { edge, client } = await relay(t, upstream.origin, { candidate, edge: { listener: { answerIdleMs: 900 } } })
  client.setReading('paused')
  const began = performance.now()
  await client.send(GET)
  const [ending] = await edge.settled()
  assert.ok(performance.now() - began > 800)
  assert.deepEqual([ending?.end, ending?.error?.code], ['cancelled', 'client_stalled'])
  await eventually(() => upstream.open.size === 0, { what: 'the end of the connection upstream' })
  await eventually(() => edge.listener.connections === 0, { what: 'the end of the connection to the client' })
})

test('a client that leaves ends the request upstream at once, whatever stage it is in', async (t) => {
  const stages: readonly (readonly [
    string,
    (req: IncomingMessage, res: ServerResponse) => void,
    'buffer' | 'stream',
  ])[] = [
    ['waiting for the head', () => undefined, 'buffer'],
    ['within a whole answer', (_req, res) => res.write('a'), 'buffer'],
    ['within a stream', (_req, res) => res.write('a'), 'stream'],
  ]
  for (const [what, serve, plan] of stages) {
    let arrived = false
    const upstream = await startHttp(t, (req, res) => {
      arrived = true
      serve(req, res)
    })
    const { edge, client } = await relay(t, upstream.origin, { candidate: { tap: () => relayTap(plan) } })
    await client.send(GET)
    await eventually(() => arrived)
    if (plan === 'stream') await eventually(() => client.receivedBytes > 0)
    const left = performance.now()
    client.abort()
    await eventually(() => upstream.open.size === 0, { what: `the end upstream: ${what}` })
    assert.ok(performance.now() - left < 250, `${what}: ${performance.now() - left} ms`)
    const [ending] = await edge.settled()
    assert.deepEqual([ending?.end, ending?.cancelled], ['cancelled', true], what)
  }
})

test('a request that found no connection is refused and says when to come again', async (t) => {
  const upstream = await startHttp(t, () => undefined)
  const { edge, client, connect } = await relay(t, upstream.origin, { connections: 1, waiting: 0 })
  await client.send(GET)
  await eventually(() => upstream.accepted === 1)
  const other = await connect()
  await other.send(GET)
  const [response] = await other.waitForResponses()
  assert.deepEqual([response?.status, response?.header('retry-after')], [503, '1'])
  const [ending] = await edge.settled()
  assert.deepEqual([ending?.end, ending?.x.attempts], ['refused', 0])
})

test('a shutdown ends what is in flight, each in its own way, and the gateway is idle then', async (t) => {
  const upstream = await startHttp(t, (req, res) => {
    if (req.url === '/far') res.write('one')
  })
  const { refuse } = await import('./respond/refuse.ts')
  const { edge, client } = await relay(t, upstream.origin, { candidate: { tap: () => relayTap('stream') } })
  await client.send(GET)
  await eventually(() => client.received.includes('one'))
  edge.gateway.leaving = true
  const idle = edge.gateway.idle()
  edge.gateway.cutAll(refuse)
  await idle
  assert.equal((await client.waitForResponses())[0]?.body.toString(), 'one!draining')
  assert.equal((await edge.settled())[0]?.end, 'drained')
  await edge.gateway.idle()
})

test('while it is leaving, the gateway tells clients to go elsewhere', async (t) => {
  for (const plan of ['buffer', 'stream'] as const) {
    const upstream = await startHttp(t, (_req, res) => res.end('x'))
    const { edge, client } = await relay(t, upstream.origin, { candidate: { tap: () => relayTap(plan) } })
    edge.gateway.leaving = true
    await client.send(GET)
    const [response] = await client.waitForResponses()
    assert.deepEqual([response?.status, response?.header('connection')], [200, 'close'], plan)
    await client.waitForClose()
  }
})

test('a header of the upstream that HTTP allows reaches the client as it is', async (t) => {
  const upstream = await startRaw(t, (socket) => {
    socket.once('data', () =>
      socket.write(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/zürich\r\n\r\nok', 'utf8')),
    )
  })
  const { client } = await relay(t, upstream.origin)
  await client.send(GET)
  const [response] = await client.waitForResponses()
  assert.equal(response?.status, 200)
  assert.equal(Buffer.from(response?.header('content-type') ?? '', 'latin1').toString('utf8'), 'text/zürich')
})

/** A relay that hands the client's body on as it came, and says that nobody else keeps it. */
async function relayBodies(t: TestContext, serve: (socket: Socket) => void) {
  const upstream = await startRaw(t, serve)
  const bodies: (Buffer | null)[] = []
  const candidate = (pool: Transport) => ({
    ...candidateOf({ transport: pool }),
    encode: (x: Exchange) => {
      bodies.push(x.bodyMemory)
      return { method: 'POST', path: '/', headers: [], body: x.body, freesBody: true }
    },
  })
  const pool = poolTo(t, upstream.origin)
  const inspect = toCandidates(candidate(pool))
  const { edge, connect } = await relay(t, upstream.origin, { route: { inspect } })
  const post = async (letter: string) => {
    const client = await connect()
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${letter.repeat(100_000)}`)
    return client
  }
  return { edge, bodies, post }
}

test('the memory of a body serves the next request once it is sent and answered', async (t) => {
  const answered = await relayBodies(t, (socket) => {
    let left = 0
    socket.on('data', (bytes) => {
      left = left === 0 ? 100_000 - (bytes.length - bytes.indexOf('\r\n\r\n') - 4) : left - bytes.length
      if (left === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  for (const letter of ['a', 'b']) {
    const client = await answered.post(letter)
    assert.equal((await client.waitForResponses())[0]?.body.toString(), 'ok')
  }
  assert.ok(answered.bodies[0] !== null)
  assert.equal(answered.bodies[1], answered.bodies[0])
})

test('the memory of a body that may still be read by somebody serves no other request', async (t) => {
  // The upstream answers before it has read the request: some of it may still wait to be sent.
  const early = await relayBodies(t, (socket) =>
    socket.once('data', () => {
      socket.pause()
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
    }),
  )
  const left = await early.post('a')
  await left.waitForResponses()
  // One whose client leaves in the middle.
  const silent = await relayBodies(t, (socket) => socket.resume())
  const gone = await silent.post('b')
  await eventually(() => silent.bodies.length === 1)
  gone.close()
  await silent.edge.settled()
  const next = await silent.post('c')
  await eventually(() => silent.bodies.length === 2)
  assert.notEqual(silent.bodies[1], silent.bodies[0])
  next.close()
})
