import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { eventually } from '../../../test/harness/eventually.ts'
import { poolTo, startHttp, startRaw } from '../../../test/request-path/upstream.ts'
import type { Lease } from '../attempt.ts'
import type { DispatchController, ResponseHandler, UpstreamRequest } from '../phases.ts'
import type { ConnectionPool } from './connection-pool.ts'

/** Behaves as an attempt does: gives its lease back when the answer is complete or failed. */
class Probe implements ResponseHandler {
  lease: Lease | null = null
  done = false
  status = 0
  body = ''
  error: Error | null = null
  ended = false
  controller: DispatchController | null = null
  onRequestStart(controller: DispatchController): void {
    this.controller = controller
  }
  onResponseStart(_controller: DispatchController, status: number): void {
    this.status = status
  }
  onResponseData(_controller: DispatchController, chunk: Buffer): void {
    this.body += chunk.toString()
  }
  onResponseEnd(): void {
    this.ended = true
    this.lease?.release()
  }
  onResponseError(_controller: DispatchController, error: Error): void {
    this.error = error
    this.lease?.release()
  }
  get over(): boolean {
    return this.ended || this.error !== null
  }
}

const get = (path = '/'): UpstreamRequest => ({ method: 'GET', path, headers: [], body: null })

function send(pool: ConnectionPool, path = '/'): Probe {
  const probe = new Probe()
  assert.equal(pool.dispatch(get(path), probe), true)
  return probe
}

async function answered(probe: Probe): Promise<Probe> {
  await eventually(() => probe.over, { what: 'the end of the exchange' })
  return probe
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

test('uses one connection again and again for requests that follow each other', async (t) => {
  const upstream = await startHttp(t, (req, res) => res.end(req.url))
  const pool = poolTo(t, upstream.origin)
  for (const path of ['/a', '/b', '/c']) {
    const probe = await answered(send(pool, path))
    assert.deepEqual([probe.status, probe.body, probe.error], [200, path, null])
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
    await eventually(() => first.filter((probe) => probe.over).length === order.length)
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
  const probes = ['/1', '/2', '/3', '/4'].map((path) => send(pool, path))
  assert.equal(pool.dispatch(get('/5'), new Probe()), false)
  await arrived(2)
  assert.deepEqual(held.map(({ path }) => path).sort(), ['/1', '/2'])
  held[0]?.res.end()
  await arrived(3)
  assert.equal(held[2]?.path, '/3')
  held[1]?.res.end()
  await arrived(4)
  assert.equal(held[3]?.path, '/4')
  for (const { res } of held) res.end()
  for (const probe of probes) assert.equal((await answered(probe)).status, 200)
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
  await Promise.all([answered(waiting), answered(late)])
  assert.deepEqual(
    held.map(({ path }) => path),
    ['/busy', '/waiting', '/late'],
  )
  assert.equal(gone.over, false)
})

test('connects anew when the upstream closed an idle connection', async (t) => {
  const upstream = await startHttp(t, (_req, res) => res.end('x'))
  const pool = poolTo(t, upstream.origin)
  await answered(send(pool))
  for (const socket of upstream.open) socket.end()
  await eventually(() => upstream.open.size === 0)
  // The client's side of the close is noticed in a later turn.
  await eventually(async () => (await answered(send(pool))).status === 200)
  assert.equal(upstream.accepted, 2)
  assert.equal(pool.size, 1)
})

test('serves the next one after an answer that closes its connection', async (t) => {
  const upstream = await startHttp(t, (_req, res) => {
    res.setHeader('connection', 'close')
    res.end('x')
  })
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const probes = Array.from({ length: 4 }, () => send(pool))
  for (const probe of probes) assert.equal((await answered(probe)).error, null)
  assert.equal(upstream.accepted, 4)
})

test('gives the connection back after an answer that failed', async (t) => {
  const upstream = await startRaw(t, (socket) => {
    socket.once('data', () => socket.resetAndDestroy())
  })
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const probes = Array.from({ length: 3 }, () => send(pool))
  for (const probe of probes) assert.ok((await answered(probe)).error !== null)
  assert.equal(pool.size, 0)
})

test('an abort closes the connection and leaves the pool usable', async (t) => {
  const { upstream, held, arrived } = await holding(t)
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const probe = send(pool)
  await arrived(1)
  probe.controller?.abort(new Error('enough'))
  await answered(probe)
  await eventually(() => upstream.open.size === 0, { what: 'the end of the aborted connection' })
  const next = send(pool, '/next')
  await arrived(2)
  held[1]?.res.end()
  assert.equal((await answered(next)).status, 200)
})

test('tells that nobody listens', async (t) => {
  const pool = poolTo(t, 'http://127.0.0.1:1')
  const probe = await answered(send(pool))
  assert.equal((probe.error as NodeJS.ErrnoException).code, 'ECONNREFUSED')
})

test('a closed pool takes nothing and closes what is idle', async (t) => {
  const upstream = await startHttp(t, (_req, res) => res.end('x'))
  const pool = poolTo(t, upstream.origin)
  await answered(send(pool))
  await pool.close()
  await eventually(() => upstream.open.size === 0)
  assert.equal(pool.dispatch(get(), new Probe()), false)
})

test('a closed pool lets busy connections finish, and tells those who wait that they wait in vain', async (t) => {
  const { upstream, held, arrived } = await holding(t)
  const pool = poolTo(t, upstream.origin, { connections: 1 })
  const busy = send(pool, '/busy')
  const waiting = send(pool, '/waiting')
  await arrived(1)
  await pool.close()
  assert.equal((waiting.error as NodeJS.ErrnoException).code, 'pool_closed')
  held[0]?.res.end('late')
  assert.equal((await answered(busy)).body, 'late')
  await eventually(() => upstream.open.size === 0, { what: 'the end of the last connection' })
})
