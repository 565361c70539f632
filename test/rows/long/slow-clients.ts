/* Rows about slow and idle clients with the times that the gateway has by default. */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { residentBytes } from '../../e2e/house.ts'
import { useProxyHouse } from '../../e2e/proxy-house.ts'
import { ask } from '../../harness/ask.ts'
import { eventually } from '../../harness/eventually.ts'
import { play } from './crowd.ts'

const MEBIBYTE = 1_048_576
const house = useProxyHouse()
const port = () => Number(new URL(house().gateway.url).port)
const last = (sorted: readonly number[]) => sorted.at(-1) ?? 0

test('L1 of 2,000 slow heads each is closed within 12 s with 408, and a good client is served as before', {
  timeout: 120_000,
}, async (t) => {
  const { gateway } = house()
  const asking = (forMs: number) => play({ part: 'ask', url: `${gateway.url}/good`, everyMs: 10, forMs })
  await asking(1_000)
  const alone = await asking(5_000)
  const [slow, good] = await Promise.all([
    play({
      part: 'write',
      port: port(),
      count: 2_000,
      rate: 200,
      bytes: 'GET / HTTP/1.1\r\nHost: a\r\nX-',
      drip: 'a',
      everyMs: 5_000,
      reads: true,
      forMs: 40_000,
    }),
    asking(20_000),
  ])
  t.diagnostic(
    `closed after ${last(slow.stoodMs).toFixed(0)} ms at the latest; p99 ${alone.p99} ms alone, ${good.p99} beside`,
  )
  assert.deepEqual(slow.answers, { 'HTTP/1.1 408 Request Timeout': 2_000 })
  assert.equal(slow.open, 0)
  assert.ok(last(slow.stoodMs) <= 12_000)
  assert.deepEqual(good.statuses, { 200: good.count })
  assert.ok(good.p99 <= Math.max(2 * alone.p99, 50), `p99 ${good.p99} ms, alone ${alone.p99} ms`)
})

test('L2 a body that stops is ended after 30 s, and its upstream with it', { timeout: 120_000 }, async () => {
  const { origin } = house()
  origin.on('/upload', (request) => void request.resume())
  const { stoodMs, open } = await play({
    part: 'write',
    port: port(),
    count: 20,
    rate: 100,
    bytes: 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nsome of it',
    reads: true,
    forMs: 60_000,
  })
  assert.equal(open, 0)
  assert.ok((stoodMs[0] ?? 0) >= 29_000 && last(stoodMs) <= 36_000, `${stoodMs[0]} to ${last(stoodMs)} ms`)
  await eventually(() => origin.seen('/upload').every(({ cutAt }) => cutAt !== null))
})

test('L3 S8 clients that stop reading 50 MiB are given up after 60 s, and cost little until then', {
  timeout: 180_000,
}, async (t) => {
  const { origin, gateway } = house()
  const piece = Buffer.alloc(65_536)
  origin.on('/large', (_request, response) => {
    let left = 800
    const more = () => {
      while (left-- > 0 && response.write(piece));
      if (left <= 0) response.end()
    }
    response.on('drain', more)
    more()
  })
  const before = residentBytes(gateway.pid)
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, residentBytes(gateway.pid))
  }, 500)
  const count = 200
  const { stoodMs, open } = await play({
    part: 'write',
    port: port(),
    count,
    rate: 100,
    bytes: 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n',
    reads: false,
    // The end of a socket that is not read is not seen by its client.
    forMs: 80_000,
  })
  clearInterval(watch)
  const cut = origin.seen('/large').filter(({ cutAt }) => cutAt !== null)
  const afterMs = cut.map(({ cutAt, arrivedAt }) => (cutAt ?? 0) - arrivedAt).sort((a, b) => a - b)
  t.diagnostic(
    `${cut.length} of ${count} given up after ${afterMs[0]?.toFixed(0)} to ${last(afterMs).toFixed(0)} ms; ${peak - before} bytes of memory; ${stoodMs.length + open} clients`,
  )
  // What the kernels hold of an answer may be all of it.
  assert.ok(cut.length >= count / 2, `${cut.length} were given up`)
  assert.ok((afterMs[0] ?? 0) >= 58_000 && last(afterMs) <= 70_000)
  assert.ok(peak - before <= count * 256 * 1_024 + 64 * MEBIBYTE, `${peak - before} bytes`)
})

test('L10 a connection that rests as long as load balancers let it, or carries 10,000 requests, is never closed on them', {
  timeout: 180_000,
}, async () => {
  const { gateway, origin } = house()
  const agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: 120_000 })
  const sockets = new Set<unknown>()
  agent.on('free', (socket) => sockets.add(socket))
  for (let at = 0; at < 10_000; at++) {
    const answer = await ask(`${gateway.url}/one`, { agent })
    assert.deepEqual([answer.status, answer.complete], [200, true])
    if (at % 100 === 0) origin.requests.length = 0
  }
  for (const pauseMs of [1_000, 30_000, 61_000]) {
    await delay(pauseMs)
    assert.equal((await ask(`${gateway.url}/one`, { agent })).status, 200, `after ${pauseMs} ms`)
  }
  assert.equal(sockets.size, 1, 'one connection for all')
  agent.destroy()
})
