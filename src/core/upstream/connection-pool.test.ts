import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { Recorder } from '../../../test/request-path/recorder.ts'
import { poolTo, startHttp, startRaw } from '../../../test/request-path/upstream.ts'
import type { UpstreamRequest } from '../phases.ts'
import { ConnectionPool } from './connection-pool.ts'

const get = (path = '/'): UpstreamRequest => ({ method: 'GET', path, headers: [], body: null })

function send(pool: ConnectionPool, path = '/'): Recorder {
  const recorder = new Recorder()
  assert.equal(pool.dispatch(get(path), recorder), true)
  return recorder
}

/** An upstream that holds its answers until told. */
async function holding(t: Parameters<typeof startHttp>[0]) {
  const held: { path: string; port: number; res: ServerResponse }[] = []
  const upstream = await startHttp(t, (req, res) => {
    held.push({ path: req.url ?? '', port: req.socket.remotePort ?? 0, res })
  })
  const arrived = (count: number) => eventually(() => held.length >= count, { what: `${count} requests upstream` })
  return { upstream, held, arrived }
}

test('a request may have a time of its own for the connection that is made for it', async (t) => {
  const silent = await startRaw(t, () => undefined)
  const pool = new ConnectionPool({
    origin: silent.origin.replace('http:', 'https:'),
    connectTimeoutMs: 60_000,
    maxConnections: 1,
    maxWaiting: 0,
  })
  t.after(() => pool.close())
  const failed = Promise.withResolvers<Error>()
  const handler = {
    onRequestStart: () => undefined,
    onResponseStart: () => undefined,
    onResponseData: () => undefined,
    onResponseEnd: () => undefined,
    onResponseError: (_controller: unknown, error: Error) => failed.resolve(error),
  }
  pool.dispatch({ method: 'GET', path: '/', headers: [], body: null, connectTimeoutMs: 100 }, handler)
  assert.match((await failed.promise).message, /No connection within 100 ms/)
})

test('uses one connection again and again for requests that follow each other', async (t) => {
  const upstream = await startHttp(t, (req, res) => res.end(req.url))
  const pool = poolTo(t, upstream.origin)
  for (const path of ['/a', '/b', '/c']) {
    const recorder = await send(pool, path).ended()
    assert.deepEqual([recorder.status, recorder.body.toString(), recorder.error], [200, path, null])
  }
  assert.equal(upstream.accepted, 1)
  assert.equal(pool.size, 1)
})

test('prefers the connection that was used last', async (t) => {
  const { upstream, held, arrived } = await holding(t)
  const pool = poolTo(t, upstream.origin)
  const first = [send(pool), send(pool), send(pool)]
  await arrived(3)
  const order: number[] = []
  for (const at of [1, 2, 0]) {
    const port = held[at]?.port ?? 0
    order.push(port)
    held[at]?.res.end()
    await eventually(() => first.filter((recorder) => recorder.over).length === order.length)
  }
  // The last one returned goes out first.
  for (const expected of order.toReversed()) {
    send(pool)
    const count = held.length + 1
    await arrived(count)
    assert.equal(held.at(-1)?.port, expected)
  }
  assert.equal(upstream.accepted, 3)
})

test('keeps to its limit: what comes beyond it waits in order, and beyond that is refused', async (t) => {
  const { upstream, held, arrived } = await holding(t)
  const pool = poolTo(t, upstream.origin, { connections: 2, waiting: 2 })
  const recorders = ['/1', '/2', '/3', '/4'].map((path) => send(pool, path))
  assert.equal(pool.dispatch(get('/5'), new Recorder()), false)
  await arrived(2)
  assert.deepEqual(held.map(({ path }) => path).sort(), ['/1', '/2'])
  held[0]?.res.end()
  await arrived(3)
  assert.equal(held[2]?.path, '/3')
  held[1]?.res.end()
  await arrived(4)
  assert.equal(held[3]?.path, '/4')
  for (const { res } of held) res.end()
  for (const recorder of recorders) assert.equal((await recorder.ended()).status, 200)
  assert.equal(upstream.accepted, 2)
  assert.equal(pool.size, 2)
})

test('passes over those who no longer wait, and gives their place to others', async (t) => {
  const { upstream, held, arrived } = await holding(t)
  const pool = poolTo(t, upstream.origin, { connections: 1, waiting: 2 })
  send(pool, '/busy')
  await arrived(1)
  const gone = send(pool, '/gone')
  const waiting = send(pool, '/waiting')
  gone.done = true
  // Two wait by count, one in truth.
  const late = send(pool, '/late')
  held[0]?.res.end()
  await arrived(2)
  held[1]?.res.end()
  await arrived(3)
  held[2]?.res.end()
  await Promise.all([waiting.ended(), late.ended()])
  assert.deepEqual(
    held.map(({ path }) => path),
    ['/busy', '/waiting', '/late'],
  )
  assert.equal(gone.over, false)
})

test('connects anew when the upstream closed an idle connection', async (t) => {
  const upstream = await startHttp(t, (_req, res) => res.end('x'))
  const pool = poolTo(t, upstream.origin)
  await send(pool).ended()
  for (const socket of upstream.open) socket.end()
  await eventually(() => upstream.open.size === 0)
  // The client's side of the close is noticed in a later turn.
  await eventually(async () => (await send(pool).ended()).status === 200)
  assert.equal(upstream.accepted, 2)
  assert.equal(pool.size, 1)
})

test('serves the next one after an answer that closes its connection', async (t) => {
  const upstream = await startHttp(t, (_req, res) => {
    res.setHeader('connection', 'close')
    res.end('x')
  })
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const recorders = Array.from({ length: 4 }, () => send(pool))
  for (const recorder of recorders) assert.equal((await recorder.ended()).error, null)
  assert.equal(upstream.accepted, 4)
})

test('gives the connection back after an answer that failed', async (t) => {
  const upstream = await startRaw(t, (socket) => {
    socket.once('data', () => socket.resetAndDestroy())
  })
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const recorders = Array.from({ length: 3 }, () => send(pool))
  for (const recorder of recorders) assert.ok((await recorder.ended()).error !== null)
  assert.equal(pool.size, 0)
})

test('an abort closes the connection and leaves the pool usable', async (t) => {
  const { upstream, held, arrived } = await holding(t)
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const recorder = send(pool)
  await arrived(1)
  recorder.controller?.abort(new Error('enough'))
  await recorder.ended()
  await eventually(() => upstream.open.size === 0, { what: 'the end of the aborted connection' })
  const next = send(pool, '/next')
  await arrived(2)
  held[1]?.res.end()
  assert.equal((await next.ended()).status, 200)
})

test('tells that nobody listens', async (t) => {
  const pool = poolTo(t, 'http://127.0.0.1:1')
  const recorder = await send(pool).ended()
  assert.equal((recorder.error as NodeJS.ErrnoException).code, 'ECONNREFUSED')
})

test('a closed pool takes nothing and closes what is idle', async (t) => {
  const upstream = await startHttp(t, (_req, res) => res.end('x'))
  const pool = poolTo(t, upstream.origin)
  await send(pool).ended()
  await pool.close()
  await eventually(() => upstream.open.size === 0)
  assert.equal(pool.dispatch(get(), new Recorder()), false)
})

test('a closed pool lets busy connections finish, serves those who wait, and closes behind them', async (t) => {
  const { upstream, held, arrived } = await holding(t)
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const busy = send(pool, '/busy')
  const waiting = send(pool, '/waiting')
  await arrived(1)
  await pool.close()
  held[0]?.res.end('late')
  await arrived(2)
  held[1]?.res.end('later')
  assert.equal((await busy.ended()).body.toString(), 'late')
  assert.equal((await waiting.ended()).body.toString(), 'later')
  await eventually(() => upstream.open.size === 0, { what: 'the end of the last connection' })
  assert.equal(pool.size, 0)
})

test('an idle connection is used for as long as the upstream says that it keeps it, and closed when it is too old', async (t) => {
  // A second of its time is left for the request to arrive.
  for (const [hint, accepted] of [
    ['timeout=9', 1],
    ['timeout=1', 2],
    ['max=5, timeout=0', 2],
  ] as const) {
    const upstream = await startRaw(t, (socket) => {
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nKeep-Alive: ${hint}\r\nContent-Length: 0\r\n\r\n`))
    })
    const pool = poolTo(t, upstream.origin)
    await send(pool).ended()
    // The clock has to move on: an age of nothing is not too old for anything.
    const answeredAt = performance.now()
    await eventually(() => performance.now() > answeredAt + 1)
    await send(pool).ended()
    assert.equal(upstream.accepted, accepted, hint)
    assert.equal(pool.size, 1)
    await eventually(() => upstream.open.size === 1)
  }
})

test('connections that have been idle too long are closed without another request', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const upstream = await startRaw(t, (socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n'))
  })
  const pool = poolTo(t, upstream.origin)
  await Promise.all([send(pool).ended(), send(pool).ended()])
  assert.equal(pool.size, 2)
  const answeredAt = performance.now()
  await eventually(() => performance.now() > answeredAt + 1)
  t.mock.timers.tick(5_000)
  assert.equal(pool.size, 0)
  await eventually(() => upstream.open.size === 0)
})
