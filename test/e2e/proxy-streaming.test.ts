/*
 * Section 4.4 for routes of the configuration. S3 is part of S2 and S4 here: nothing is decoded on the way. The fifth row and the
 * fifteenth are about events that the gateway reads, the ninth about its heartbeats: a reverse proxy reads none and sends none. The
 * thirteenth does not hold: a client's FIN is a cancel. S1 and S10 are in proxy-streaming.timed.test.ts, S8 is in proxy-bounds.test.ts, S17 in
 * proxy-websocket.test.ts.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../harness/eventually.ts'
import { findSamples } from '../harness/metrics.ts'
import { RawClient } from '../harness/raw-client.ts'
import { openDescriptors, residentBytes, scaled, scaledTime, socketBuffersMib } from './house.ts'
import { useProxyHouse } from './proxy-house.ts'

const MEBIBYTE = 1_048_576
const KERNEL_MIB = socketBuffersMib()
const house = useProxyHouse({
  pool: { ejection: { failures: 0 } },
  routes: () => [
    {
      id: 'all',
      match: { path: '/**' },
      upstream: 'pool',
      max_body: '2GiB',
      retry: { backoff: '600ms', max_backoff: '600ms' },
      breaker: { consecutive_failures: 0, failure_share: 0 },
    },
  ],
})

const sse = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' })
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

test('S2 a stream of 10,000 events arrives byte for byte', async () => {
  const events = Array.from(
    { length: 10_000 },
    (_, at) => `id: ${at}\ndata: {"n":${at},"t":"${'é👩‍🚀'.repeat(at % 7)}"}\n\n`,
  )
  house().origin.on('/many', async (_request, response) => {
    sse(response)
    for (const event of events) if (!response.write(event)) await once(response, 'drain')
    response.end()
  })
  for (const agent of [house().agent, undefined]) {
    const answer = await house().ask('/many', { ...(agent === undefined ? {} : { agent }) })
    assert.equal(answer.complete, true)
    assert.equal(sha256(answer.body), sha256(events.join('')))
  }
})

test('S4 any spelling of events goes through as it is, cut anywhere', async () => {
  const text =
    ':hi\r\ndata: a\r\n\r\ndata: b\rdata: c\r\r\rretry: 5\n\nevent: x\ndata\ndata: é👩‍🚀\n\n\u0000\ufeffdata: half'
  const bytes = Buffer.from(text)
  house().origin.on('/odd', async (_request, response) => {
    sse(response)
    response.socket?.setNoDelay(true)
    for (let at = 0; at < bytes.length; at++) {
      response.write(bytes.subarray(at, at + 1))
      if (at % 10 === 0) await delay(1)
    }
    response.end()
  })
  const answer = await house().ask('/odd')
  assert.ok(answer.body.equals(bytes), answer.text)
})

test('S6 slow readers hold the server back, and the memory stays bounded', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const { gateway, origin } = house()
  const count = scaled(60)
  const piece = Buffer.alloc(65_536, 'x')
  const sent = new Map<string, number>()
  origin.on('/huge', async (request, response) => {
    const gone = once(response, 'close')
    const { url = '' } = request
    for (let at = 0; at < 1_024 && !response.destroyed; at++) {
      sent.set(url, (at + 1) * piece.length)
      if (!response.write(piece)) {
        await Promise.race([once(response, 'drain'), gone])
      }
    }
    response.end()
  })
  const before = residentBytes(gateway.pid)
  const clients: RawClient[] = []
  for (let index = 0; index < count; index++) {
    const client = await RawClient.connect(gateway.url)
    await client.send(`GET /huge?${index} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await eventually(() => client.receivedBytes > 0)
    client.setReading('paused')
    clients.push(client)
  }
  const total = () => [...sent.values()].reduce((sum, bytes) => sum + bytes, 0)
  let last = -1
  const unchanged = () => {
    const held = last
    last = total()
    return last === held
  }
  await eventually(unchanged, { everyMs: 400, deadlineMs: 60_000 })
  const grown = residentBytes(gateway.pid) - before
  const ahead = clients.map((client, at) => (sent.get(`/huge?${at}`) ?? 0) - client.receivedBytes)
  for (const client of clients) client.abort()
  const median = ahead.toSorted((a, b) => a - b)[count >> 1] ?? 0
  t.diagnostic(
    `${count} slow readers cost ${grown} bytes; the server is ${median} bytes ahead (median), kernels included`,
  )
  // The first requests of a process grow its heap by tens of MiB, sooner or later; the bodies are 64 MiB for each reader.
  assert.ok(grown <= count * 256 * 1_024 + (count < 200 ? 64 : 20) * MEBIBYTE, `${grown} bytes of memory`)
  // The buffers of four sockets are ahead of a reader; Linux lets a few of them grow very large. `npm run rows` makes them small.
  assert.ok(median <= Math.min(24, KERNEL_MIB + 0.75) * MEBIBYTE, `${median} bytes ahead`)
})

test('S7 a slow server holds a fast upload back, and the memory stays flat', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const { gateway, origin } = house()
  const size = scaled(256) * MEBIBYTE
  for (const framing of [`Content-Length: ${size}`, 'Transfer-Encoding: chunked']) {
    const sum = createHash('sha256')
    const reading = Promise.withResolvers<void>()
    origin.on('/slow-upload', async (request, response, seen) => {
      request.pause()
      await reading.promise
      for await (const chunk of request) {
        seen.bodyBytes += chunk.length
        sum.update(chunk)
      }
      response.end('taken')
    })
    const before = residentBytes(gateway.pid)
    const client = await RawClient.connect(gateway.url)
    await client.send(`POST /slow-upload HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`)
    const piece = Buffer.alloc(MEBIBYTE, 'abcdefgh')
    const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
    const own = createHash('sha256')
    let written = 0
    const upload = (async () => {
      for (let at = 0; at < size / MEBIBYTE; at++) {
        own.update(piece)
        await client.send(framing.startsWith('C') ? piece : chunk)
        written++
      }
      if (framing.startsWith('T')) await client.send('0\r\n\r\n')
    })()
    let last = -1
    const stuck = () => {
      const was = last
      last = written
      return was === last
    }
    await eventually(stuck, { everyMs: 300, deadlineMs: 30_000 })
    const stoodAt = written
    let peak = residentBytes(gateway.pid)
    reading.resolve()
    const watch = setInterval(() => {
      peak = Math.max(peak, residentBytes(gateway.pid))
    }, 20)
    await upload
    const [response] = await client.waitForResponses(1, 60_000)
    clearInterval(watch)
    client.close()
    assert.equal(response?.body.toString(), 'taken')
    assert.equal(sum.digest('hex'), own.digest('hex'), framing)
    const grown = peak - before
    t.diagnostic(`${framing}: the client stood at ${stoodAt} MiB of ${size / MEBIBYTE}; memory grew by ${grown} bytes`)
    assert.ok(stoodAt <= KERNEL_MIB + 8, `the client was let write ${stoodAt} MiB`)
    assert.ok(grown <= 48 * MEBIBYTE, `${framing} cost ${grown} bytes`)
  }
})

test('S11 nothing is tried again for a client that has left', async () => {
  const { origin } = house()
  origin.on('/again', (_request, response) => response.writeHead(503, { 'retry-after': '0' }).end())
  for (let round = 0; round < 5; round++) {
    const before = origin.seen('/again').length
    const client = await house().connect()
    await client.send('GET /again HTTP/1.1\r\nHost: a\r\n\r\n')
    await eventually(() => origin.seen('/again').length > before)
    client.abort()
    const left = origin.seen('/again').length
    // Longer than the longest wait before another attempt.
    await delay(700)
    assert.ok(origin.seen('/again').length <= left, 'another attempt came')
  }
})

test('S14 thousands of clients that come and leave leave nothing behind', { timeout: scaledTime(90_000) }, async () => {
  const { gateway, origin } = house()
  origin.on('/churn', (_request, response) => sse(response).write('data: 1\n\n'))
  await house().ask('/warm')
  const before = openDescriptors(gateway.pid)
  const total = scaled(2_000)
  let begun = 0
  const loop = async () => {
    while (begun++ < total) {
      const client = await RawClient.connect(gateway.url)
      await client.send('GET /churn HTTP/1.1\r\nHost: a\r\n\r\n')
      if (begun % 3 > 0) await eventually(() => client.receivedBytes > 0, { everyMs: 1 })
      client.abort()
    }
  }
  await Promise.all(Array.from({ length: 20 }, loop))
  await eventually(() => origin.sockets.size <= 20 && openDescriptors(gateway.pid) <= before + 20, {
    what: 'sockets to be given back',
    deadlineMs: 15_000,
  })
  await eventually(
    async () => findSamples(await gateway.metrics(), 'ferro_requests_in_flight').every(({ value }) => value === 0),
    {
      what: 'no request in flight',
    },
  )
})

test('S16 an answer goes through by its own framing', async () => {
  const { origin } = house()
  origin.on('/whole', (_request, response) => {
    sse(response).end()
  })
  origin.on('/length', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': '9' }).end('data: 1\n\n')
  })
  origin.on('/json', (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"a":')
    setTimeout(() => response.end('1}'), 30)
  })
  origin.on('/until-close', (request) => request.socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'))
  const rows = [
    ['/whole', '', undefined],
    ['/length', 'data: 1\n\n', '9'],
    ['/json', '{"a":1}', undefined],
    ['/until-close', 'all of it', undefined],
  ] as const
  for (const [path, text, length] of rows) {
    const answer = await house().ask(path)
    assert.deepEqual(
      [answer.status, answer.text, answer.complete, answer.headers['content-length']],
      [200, text, true, length],
    )
  }
})
