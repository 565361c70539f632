/* Bounds that a configuration sets for heads, bodies, requests in flight and clients that read slowly or not at all. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startAsking } from '../harness/ask.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { exchangeRaw } from '../harness/raw-client.ts'
import { useProxyHouse } from './proxy-house.ts'

const KIB = 1_024
const ANSWER_IDLE_MS = 1_500
const house = useProxyHouse({
  workers: 2,
  pool: { ejection: { failures: 0 } },
  upstreams: ([url = '']) => ({
    few: { targets: [url], max_requests: 2, ejection: { failures: 1, max_share: 1 } },
    wordy: { targets: [url], max_head: '40KiB' },
  }),
  routes: () => [
    { id: 'own', match: { path: '/own' }, respond: { body: 'own' } },
    { id: 'few', match: { path: { prefix: '/few' } }, upstream: 'few' },
    { id: 'wordy', match: { path: '/wordy' }, upstream: 'wordy' },
    { id: 'form', match: { path: '/form' }, upstream: 'pool', timeouts: { body_total: '1500ms' } },
    { id: 'brief', match: { path: { prefix: '/brief' } }, upstream: 'pool', timeouts: { idle: '300ms' } },
    { id: 'all', upstream: 'pool' },
  ],
  more: { limits: { head: '40KiB', line: '20KiB', headers: 200, answer_idle: `${ANSWER_IDLE_MS}ms` } },
})

const statusOf = async (bytes: string) => (await exchangeRaw(house().gateway.url, bytes)).responses()[0]?.status

test('heads are as large as the configuration lets them be, and no larger', async () => {
  const get = (target: string, lines: readonly string[]) =>
    `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
  const rows: readonly (readonly [what: string, bytes: string, status: number])[] = [
    ['a long header', get('/own', [`a: ${'x'.repeat(20 * KIB)}`]), 200],
    ['a longer one', get('/own', [`a: ${'x'.repeat(20 * KIB + 1)}`]), 431],
    ['a long target', get(`/own?${'x'.repeat(20 * KIB - 5)}`, []), 200],
    ['a longer one', get(`/own?${'x'.repeat(20 * KIB)}`, []), 414],
    ['many headers', get('/own', Array<string>(198).fill('a: b')), 200],
    ['too many', get('/own', Array<string>(199).fill('a: b')), 431],
    ['a large head', get('/own', [`a: ${'x'.repeat(19 * KIB)}`, `b: ${'x'.repeat(19 * KIB)}`]), 200],
    ['a larger one', get('/own', Array<string>(3).fill(`a: ${'x'.repeat(15 * KIB)}`)), 431],
  ]
  for (const [what, bytes, status] of rows) assert.equal(await statusOf(bytes), status, what)
})

test('heads of answers are as large as the pool lets them be', async () => {
  const long = (_request: unknown, response: ServerResponse) =>
    response.setHeader('x-policy', 'x'.repeat(30 * KIB)).end('long')
  house().origin.on('/wordy', long).on('/plain', long)
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`
  const wordy = (await exchangeRaw(house().gateway.url, ask('/wordy'))).responses()[0]
  assert.deepEqual([wordy?.status, wordy?.header('x-policy')?.length], [200, 30 * KIB])
  assert.equal(await statusOf(ask('/plain')), 502)
})

test('a target has no more requests in flight than it may over all workers, and the rest is refused at no cost', async () => {
  const { origin, gateway } = house()
  const held: ServerResponse[] = []
  origin.on('/few/held', (_request, response) => void held.push(response))
  // Connections of their own, which the system deals out to the workers.
  const asked = Array.from({ length: 8 }, () =>
    startAsking(`${gateway.url}/few/held`, { headers: { connection: 'close' } }),
  )
  const done: (number | null)[] = []
  for (const { answer } of asked) void answer.then(({ status }) => done.push(status))
  await eventually(() => done.length + held.length === 8, { what: 'those that find no place to be refused' })
  assert.ok(held.length <= 2, `${held.length} were at the server`)
  assert.ok(done.every((status) => status === 503))
  for (const response of held) response.end('done')
  await eventually(() => done.length === 8)
  const refused = await Promise.all(asked.map(async ({ answer }) => await answer))
  const { headers, json } = refused.find(({ status }) => status === 503) ?? assert.fail('none was refused')
  assert.deepEqual([headers['retry-after'], Object(json).code], ['1', 'saturated'])
  // Neither its breaker nor its ejection has heard of it.
  for (let at = 0; at < 4; at++) assert.equal((await house().ask('/few/next')).status, 200)
})

test('a body has the time that its route gives it, without that in which the server takes none of it', async () => {
  const trickle = async (path: string) => {
    const client = await house().connect()
    await client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`)
    for (let at = 0; at < 16; at++) {
      if (client.receivedBytes > 0) break
      await client.send('1\r\nx\r\n')
      await delay(250)
    }
    if (client.receivedBytes === 0) await client.send('0\r\n\r\n')
    const [response] = await client.waitForResponses()
    client.close()
    return response?.status
  }
  const slowServer = async () => {
    const size = 16 * KIB * KIB
    let taken = 0
    const count = (bytes: number) => {
      taken += bytes
    }
    house().origin.on('/form', (request, response) => {
      setTimeout(() => request.on('data', ({ length }: Buffer) => count(length)), 3_000)
      request.on('end', () => response.end(String(taken)))
    })
    const answer = await house().ask('/form', { method: 'PUT', body: Buffer.alloc(size) })
    assert.deepEqual([answer.status, answer.text], [200, String(size)])
  }
  const [form, other] = await Promise.all([trickle('/form'), trickle('/all'), slowServer()])
  assert.deepEqual([form, other], [408, 200])
})

/** Sends as much as is taken. */
function pour(response: ServerResponse): void {
  const piece = Buffer.alloc(65_536)
  const more = () => {
    while (!response.destroyed && response.write(piece));
  }
  response.on('drain', more)
  more()
}

test('S8 a client that takes nothing is given up after the time for that, and not after the time of its server', async () => {
  const { origin } = house()
  origin.on('/brief', (_request, response) => pour(response))
  const client = await house().connect()
  await client.send('GET /brief HTTP/1.1\r\nHost: a\r\nX-Request-Id: s8\r\n\r\n')
  await eventually(() => client.receivedBytes > 0)
  client.setReading('paused')
  const began = performance.now()
  const seen = origin.seen('/brief')[0] ?? assert.fail('nothing came')
  await eventually(() => seen.cutAt, { deadlineMs: 20_000, what: 'the server to be told' })
  assert.ok(performance.now() - began >= ANSWER_IDLE_MS * 0.9)
  client.close()
  const rowOf = () =>
    readLedger(house().gateway.databasePath).requests.find(({ clientRequestId }) => clientRequestId === 's8')
  await eventually(() => rowOf()?.outcome === 'cancelled')
})

test('S8 a client that reads slowly is not cut by a short idle time of its route', async () => {
  const { origin } = house()
  origin.on('/brief/slow', (_request, response) => pour(response))
  const client = await house().connect()
  await client.send('GET /brief/slow HTTP/1.1\r\nHost: a\r\n\r\n')
  await eventually(() => client.receivedBytes > 0)
  const seen = origin.seen('/brief/slow')[0] ?? assert.fail('nothing came')
  for (const until = performance.now() + 2 * ANSWER_IDLE_MS; performance.now() < until; ) {
    client.setReading('paused')
    await delay(400)
    const before = client.receivedBytes
    client.setReading('flowing')
    await eventually(() => client.receivedBytes > before + 65_536, { everyMs: 1 })
  }
  assert.equal(seen.cutAt, null)
  assert.equal(client.closeKind, 'open')
  client.abort()
  await eventually(() => seen.cutAt)
})
