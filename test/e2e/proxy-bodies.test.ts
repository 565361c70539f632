/* Request bodies of routes: framing, limits, clients and servers that leave or stand still in the middle. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { RawClient } from '../harness/raw-client.ts'
import { useProxyHouse } from './proxy-house.ts'

const LIMIT = 200_000
const IDLE_MS = 700
const house = useProxyHouse({
  routes: () => [
    { id: 'all', match: { path: '/**' }, upstream: 'pool', max_body: '100MiB', timeouts: { idle: `${IDLE_MS}ms` } },
    { id: 'small', match: { path: '/small' }, upstream: 'pool', max_body: LIMIT },
  ],
})

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const bytesOf = (length: number) => Buffer.from(Array.from({ length }, (_, at) => (at * 7) & 0xff))

test('bodies of every size and framing arrive whole, framed as they were', async () => {
  for (const size of [0, 1, 1_000, 65_535, 65_536, 65_537, 500_000]) {
    const body = bytesOf(size)
    for (const headers of [{ 'content-length': String(size) }, { 'transfer-encoding': 'chunked' }]) {
      for (const method of ['POST', 'DELETE']) {
        const answer = await house().ask('/size', { method, body, headers })
        const said = Object(answer.json)
        assert.deepEqual([answer.status, said.bodyBytes, said.sha256], [200, size, sha256(body)], `${size} ${method}`)
        const seen = house().origin.requests.at(-1)
        const chunked = 'transfer-encoding' in headers
        assert.deepEqual(seen?.values('transfer-encoding'), chunked ? ['chunked'] : [])
        assert.deepEqual(seen?.values('content-length'), chunked ? [] : [String(size)])
      }
    }
  }
})

test('a body of thousands of tiny chunks arrives whole', async () => {
  const client = await house().connect()
  const body = bytesOf(30_000)
  const chunks = Array.from(body, (byte) => Buffer.from([0x31, 13, 10, byte, 13, 10]))
  await client.send('POST /tiny HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  await client.send(Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]))
  const [response] = await client.waitForResponses()
  assert.equal(JSON.parse(response?.body.toString() ?? '').sha256, sha256(body))
  client.close()
})

test('a body that is too large is refused at once when it says so, and in the middle when it does not', async () => {
  const { origin } = house()
  const known = await house().ask('/small', { method: 'POST', body: Buffer.alloc(LIMIT + 1) })
  assert.deepEqual([known.status, Object(known.json).code], [413, 'request_too_large'])
  assert.equal(origin.seen('/small').length, 0)
  const exact = await house().ask('/small', {
    method: 'POST',
    body: Buffer.alloc(LIMIT),
    headers: { 'transfer-encoding': 'chunked' },
  })
  assert.equal(exact.status, 200)
  const client = await house().connect()
  await client.send('POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  const chunk = Buffer.concat([Buffer.from('c350\r\n'), Buffer.alloc(50_000), Buffer.from('\r\n')])
  for (let at = 0; at < 5; at++) await client.send(chunk)
  const [response] = await client.waitForResponses()
  assert.deepEqual([response?.status, response?.header('connection')], [413, 'close'])
  const cut = await eventually(() => origin.seen('/small').at(-1)?.cutAt, {
    what: 'the upload to be ended at the server',
  })
  assert.ok(cut > 0)
  client.close()
})

test('a client that leaves in the middle of its upload ends it at the server within 250 ms', async (t) => {
  const { origin } = house()
  const delays: number[] = []
  for (const framing of ['Content-Length: 9000000', 'Transfer-Encoding: chunked']) {
    for (const kind of ['rst', 'fin'] as const) {
      for (let round = 0; round < 5; round++) {
        const before = origin.seen('/leaves').length
        const client = await house().connect()
        await client.send(`POST /leaves HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`)
        await client.send(framing.startsWith('T') ? '5\r\nhello\r\n' : 'hello')
        await eventually(() => (origin.seen('/leaves')[before]?.bodyBytes ?? 0) > 0)
        const leaving = performance.now()
        if (kind === 'rst') client.abort()
        else client.finish()
        delays.push((await eventually(() => origin.seen('/leaves')[before]?.cutAt, { everyMs: 1 })) - leaving)
        client.close()
      }
    }
  }
  t.diagnostic(`the slowest came after ${Math.max(...delays).toFixed(1)} ms`)
  assert.ok(Math.max(...delays) <= 250)
})

test('a client that stops in the middle of its upload is told so, and the server is not blamed', async () => {
  const client = await house().connect()
  await client.send('POST /stops HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nsome')
  const began = performance.now()
  const [response] = await client.waitForResponses()
  assert.equal(response?.status, 408)
  assert.ok(performance.now() - began >= IDLE_MS * 0.9)
  assert.notEqual(await client.waitForClose(), 'open')
  client.close()
})

test('a server that does not read an upload is given up after the idle time', async () => {
  house().origin.on('/unread', (request) => void request.pause())
  const client = await house().connect()
  await client.send('POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 90000000\r\n\r\n')
  const piece = Buffer.alloc(1_048_576)
  void (async () => {
    for (let at = 0; at < 80 && client.closeKind === 'open'; at++) await client.send(piece)
  })()
  const [response] = await client.waitForResponses(1, 15_000)
  assert.equal(response?.status, 504)
  client.close()
})

test('an answer that comes before the body was read reaches the client, and nothing of the body is a request', async () => {
  const { origin } = house()
  let lost = 0
  for (const [name, close] of [
    ['kept', false],
    ['closed', true],
  ] as const) {
    for (const size of [100_000, 20_000_000]) {
      const path = `/early-${name}-${size}`
      origin.on(path, ({ socket }, response) => {
        response.writeHead(413, { 'content-length': '5', connection: close ? 'close' : 'keep-alive' }).end('large')
        // What it was sent and has not read makes the end of the connection a reset.
        if (close) response.on('finish', () => socket.destroy())
      })
      for (let round = 0; round < 5; round++) {
        const client = await RawClient.connect(house().gateway.url)
        const smuggled = Buffer.from('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20))
        await client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
        void client.send(Buffer.concat([smuggled, Buffer.alloc(size - smuggled.length)]))
        const [answered, ...more] = await client.waitForResponses(1, 10_000)
        assert.deepEqual(more, [])
        // A reset that overtakes the reading of the answer takes it away; all that can be done is to read first.
        if (close && size > 1_000_000 && answered?.status === 502) lost++
        else assert.deepEqual([answered?.status, answered?.body.toString()], [413, 'large'], `${path} ${round}`)
        client.close()
      }
    }
  }
  assert.ok(lost <= 4, `${lost} of 5 answers were lost`)
  assert.equal(origin.seen('/smuggled').length, 0)
})
