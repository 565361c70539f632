/*
 * Section 4.5 for routes of the configuration. About answers that the gateway reads, and so not here: F10, F11,
 * F13, F14, F16 (usage, dialects), F18 (encodings go through), F23 to F25 (keys, content), F26 (tools). F20 is a total
 * deadline like any other; F21 and F22 are in upstream-faults.test.ts and beside the connector.
 */
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import type { Origin } from '../harness/origin.ts'
import { exchangeRaw } from '../harness/raw-client.ts'
import { scaled } from './house.ts'
import { useProxyHouse } from './proxy-house.ts'

const FIRST_BYTE_MS = 800
const IDLE_MS = 700
const TOTAL_MS = 2_500
const patient = { breaker: { consecutive_failures: 0, failure_share: 0 }, ejection: { failures: 0 } }
const timeouts = { first_byte: `${FIRST_BYTE_MS}ms`, idle: `${IDLE_MS}ms`, total: `${TOTAL_MS}ms` }
const generous = { budget_per_second: 1_000 }
const house = useProxyHouse({
  origins: 2,
  pool: { ejection: patient.ejection },
  upstreams: ([first]) => ({ one: { targets: [first], ejection: patient.ejection, max_response: '100KiB' } }),
  routes: () => [
    { id: 'two', match: { path: '/**' }, upstream: 'pool', timeouts, breaker: patient.breaker, retry: generous },
    {
      id: 'one',
      match: { path: { prefix: '/one' } },
      upstream: 'one',
      timeouts,
      breaker: patient.breaker,
      retry: { ...generous, max_backoff: '1s' },
    },
    {
      id: 'keyed',
      match: { path: { prefix: '/keyed' } },
      upstream: 'pool',
      breaker: patient.breaker,
      retry: { ...generous, unsafe: 'with_idempotency_key' },
    },
    {
      id: 'waits',
      match: { path: { prefix: '/waits' } },
      upstream: 'one',
      breaker: patient.breaker,
      retry: { ...generous, on: [429, 500, 503], max_backoff: '3s' },
    },
  ],
})

/** Both servers answer this path so. */
function both(path: string, answerer: Parameters<Origin['on']>[1]): void {
  for (const origin of house().origins) origin.on(path, answerer)
}

/** How often both servers were asked for this path. */
const asked = (path: string) => house().origins.reduce((sum, origin) => sum + origin.seen(path).length, 0)

/** The first request of a path gets the fault, the others an answer. */
function once(path: string, fault: Parameters<Origin['on']>[1]): void {
  let faulty = true
  both(path, (request, response, seen) => {
    if (!faulty) return void response.end('fine')
    faulty = false
    fault(request, response, seen)
  })
}

const FAULTS: Readonly<Record<string, (request: IncomingMessage) => void>> = {
  'reset before any byte': ({ socket }) => socket.resetAndDestroy(),
  'closed before any byte': ({ socket }) => socket.destroy(),
  'cut in the head': ({ socket }) => socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
  'cut behind the head': ({ socket }) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'),
  'no HTTP': ({ socket }) => socket.end('SSH-2.0-OpenSSH\r\n'),
  'two lengths': ({ socket }) =>
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
}

test('F5 F17 what broke off before the client saw anything is tried again where that is safe', async () => {
  let number = 0
  for (const [name, fault] of Object.entries(FAULTS)) {
    for (const method of ['GET', 'PUT', 'DELETE', 'POST', 'PATCH']) {
      const path = `/two/${number++}`
      once(path, fault)
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: 'hello' }
      const answer = await house().ask(path, { method, ...body })
      const idempotent = method !== 'POST' && method !== 'PATCH'
      assert.deepEqual(
        [answer.status, asked(path)],
        idempotent ? [200, 2] : [502, 1],
        `${method}, ${name}: ${answer.text}`,
      )
    }
  }
})

test('F5 a request on a kept connection that the server has closed is served, whatever its method, or never sent twice', async () => {
  const { origin } = house()
  let posts = 0
  origin.on('/one/kept', (_request, response) => {
    posts++
    response.end('taken')
  })
  for (let round = 0; round < scaled(20); round++) {
    await house().ask('/one/warm')
    const before = posts
    const method = round % 2 === 0 ? 'POST' : 'GET'
    // The reset and the request cross on their way.
    const sent = house().ask('/one/kept', { method })
    for (const socket of origin.sockets) if (round % 4 < 2) socket.resetAndDestroy()
    const answer = await sent
    if (method === 'GET') assert.equal(answer.status, 200, answer.text)
    else if (answer.status === 200) assert.equal(posts, before + 1)
    else assert.deepEqual([answer.status, posts <= before + 1], [502, true], answer.text)
  }
})

test('R3 a POST is sent again only with a key, where the route takes that, or when nothing was sent', async () => {
  const cut = ({ socket }: IncomingMessage) => void socket.destroy()
  once('/keyed/a', cut)
  assert.deepEqual([(await house().ask('/keyed/a', { method: 'POST', body: 'x' })).status, asked('/keyed/a')], [502, 1])
  once('/keyed/b', cut)
  const headers = { 'idempotency-key': 'k' }
  const answer = await house().ask('/keyed/b', { method: 'POST', body: 'x', headers })
  assert.deepEqual([answer.status, asked('/keyed/b')], [200, 2])
  once('/two/key', cut)
  assert.equal((await house().ask('/two/key', { method: 'POST', body: 'x', headers })).status, 502)
  const [first] = house().origins
  await first?.die()
  for (let round = 0; round < 6; round++) {
    assert.equal(
      (await house().ask('/two/dead', { method: 'POST', body: 'x' })).status,
      200,
      'no connection: nothing was sent',
    )
  }
  await first?.listen()
})

test('a body that was kept is sent again whole, one that was too large to keep is not', async () => {
  for (const [bytes, chunked, status] of [
    [10, false, 200],
    [60_000, false, 200],
    [60_000, true, 200],
    [200_000, false, 502],
    [200_000, true, 502],
  ] as const) {
    const path = `/two/body-${bytes}-${chunked}`
    let seen = -1
    let faulty = true
    both(path, (request, response) => {
      let length = 0
      request.on('data', (chunk: Buffer) => {
        length += chunk.length
      })
      request.on('end', () => {
        if (faulty) request.socket.destroy()
        else response.end('fine')
        faulty = false
        seen = length
      })
    })
    const headers = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(bytes) }
    const answer = await house().ask(path, { method: 'PUT', body: Buffer.alloc(bytes, 'a'), headers })
    assert.deepEqual([answer.status, seen], [status, bytes], `${path}: ${answer.text}`)
  }
})

test('F4 503 once is another try elsewhere, 503 for ever is passed on with its own body', async () => {
  once('/two/503', (_request, response) => void response.writeHead(503).end('busy'))
  assert.deepEqual([(await house().ask('/two/503')).status, asked('/two/503')], [200, 2])
  both('/two/always', (_request, response) => void response.writeHead(503, { 'x-why': 'full' }).end('busy'))
  const answer = await house().ask('/two/always')
  assert.deepEqual([answer.status, answer.text, answer.headers['x-why']], [503, 'busy', 'full'])
  assert.ok(asked('/two/always') >= 2 && asked('/two/always') <= 4, `${asked('/two/always')} attempts`)
  both('/two/post', (_request, response) => void response.writeHead(503).end('busy'))
  assert.equal((await house().ask('/two/post', { method: 'POST' })).status, 503)
  assert.equal(asked('/two/post'), 1)
})

test('F3 statuses that the route does not list are answers', async () => {
  for (const status of [400, 404, 429, 500, 501]) {
    both(`/two/${status}`, (_request, response) => void response.writeHead(status).end(String(status)))
    const answer = await house().ask(`/two/${status}`)
    assert.deepEqual([answer.status, answer.text, asked(`/two/${status}`)], [status, String(status), 1])
  }
  once('/waits/500', (_request, response) => void response.writeHead(500).end())
  assert.deepEqual([(await house().ask('/waits/500')).text, asked('/waits/500')], ['fine', 2])
})

test('F1 a Retry-After is waited for in full, or the answer is passed on when it is too long', async () => {
  const date = () => new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 1_000).toUTCString()
  for (const [name, value] of [
    ['seconds', () => '1'],
    ['date', date],
  ] as const) {
    const path = `/waits/${name}`
    once(path, (_request, response) => void response.writeHead(429, { 'retry-after': value() }).end())
    const answer = await house().ask(path)
    const [first, second] = house().origin.seen(path)
    const waited = (second?.arrivedAt ?? 0) - (first?.arrivedAt ?? 0)
    assert.equal(answer.text, 'fine')
    assert.ok(waited >= 900, `${name}: waited ${waited} ms`)
  }
  both('/waits/long', (_request, response) => void response.writeHead(429, { 'retry-after': '60' }).end('later'))
  const answer = await house().ask('/waits/long')
  assert.deepEqual([answer.status, answer.text, answer.headers['retry-after']], [429, 'later', '60'])
  assert.ok(answer.tookMs < 900)
  assert.equal(asked('/waits/long'), 1)
})

test('F6 a server that takes and never answers is given up in time, another is asked, and itself not again', async () => {
  const silent = () => undefined
  both('/one/silent', silent)
  const answer = await house().ask('/one/silent')
  assert.equal(answer.status, 504)
  assert.ok(answer.tookMs >= FIRST_BYTE_MS * 0.9 && answer.tookMs <= FIRST_BYTE_MS * 1.1 + 400, `${answer.tookMs} ms`)
  assert.equal(asked('/one/silent'), 1)
  once('/two/silent', silent)
  assert.deepEqual([(await house().ask('/two/silent')).text, asked('/two/silent')], ['fine', 2])
  both('/two/post-silent', silent)
  assert.deepEqual(
    [(await house().ask('/two/post-silent', { method: 'POST' })).status, asked('/two/post-silent')],
    [504, 1],
  )
})

test('F8 R2 an answer that is cut after the client saw some of it is cut for the client too', async () => {
  const cuts = {
    length: ({ socket }: IncomingMessage) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nsome'),
    chunked: ({ socket }: IncomingMessage) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n'),
  }
  for (const [framing, begin] of Object.entries(cuts)) {
    for (const kind of ['fin', 'rst'] as const) {
      const path = `/two/cut-${framing}-${kind}`
      both(path, (request) => {
        begin(request)
        setTimeout(() => (kind === 'fin' ? request.socket.destroy() : request.socket.resetAndDestroy()), 100)
      })
      const answer = await house().ask(path)
      assert.deepEqual([answer.status, answer.complete, answer.text, asked(path)], [200, false, 'some', 1], path)
    }
  }
})

test('F8 what is cut for a client of HTTP/1.0, whose answers end with their connection, ends with a reset', async () => {
  const answers: Record<string, (request: IncomingMessage) => void> = {
    whole: ({ socket }) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n0\r\n\r\n'),
    cut: ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n')
      setTimeout(() => socket.destroy(), 100)
    },
  }
  for (const [name, answerer] of Object.entries(answers)) {
    both(`/two/old-${name}`, answerer)
    const client = await house().connect()
    await client.send(`GET /two/old-${name} HTTP/1.0\r\nHost: a\r\n\r\n`)
    assert.equal(await client.waitForClose(), name === 'whole' ? 'fin' : 'rst')
    assert.match(client.received.toString(), /\r\n\r\nsome$/)
    client.close()
  }
})

test('F9 F12 silence within an answer, and an answer that never ends, are cut at their deadlines', async () => {
  both('/two/stalls', (_request, response) => void response.write('some'))
  const stalled = await house().ask('/two/stalls')
  assert.deepEqual([stalled.status, stalled.complete], [200, false])
  assert.ok(stalled.tookMs >= IDLE_MS * 0.9 && stalled.tookMs <= IDLE_MS + 600, `${stalled.tookMs} ms`)
  both('/two/trickles', (_request, response) => {
    const timer = setInterval(() => response.write('x'), 100)
    response.on('close', () => clearInterval(timer))
  })
  const trickled = await house().ask('/two/trickles')
  assert.deepEqual([trickled.status, trickled.complete], [200, false])
  assert.ok(trickled.tookMs >= TOTAL_MS * 0.9 && trickled.tookMs <= TOTAL_MS + 600, `${trickled.tookMs} ms`)
  assert.ok(
    house().origins.every(({ requests }) =>
      requests.every((seen) => seen.url !== '/two/trickles' || seen.cutAt !== null),
    ),
  )
})

test('F17 wrong framing is an error, and poisons no later answer', async () => {
  const wrong = {
    long: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison',
    both: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    behind: 'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison',
    chunk: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n',
  }
  const { origin } = house()
  for (const [name, text] of Object.entries(wrong)) {
    origin.on(`/one/wrong-${name}`, ({ socket }) => void socket.write(text))
    const answer = await house().ask(`/one/wrong-${name}`, { method: 'POST' })
    if (answer.status === 200) assert.ok(name === 'long' || !answer.complete, name)
    const after = await Promise.all(
      Array.from({ length: scaled(30) }, (_unused, at) => house().ask(`/one/after?${name}-${at}`)),
    )
    for (const [at, { status, text: said }] of after.entries()) {
      assert.equal(status, 200)
      assert.ok(said.includes(`/one/after?${name}-${at}"`), said)
    }
  }
})

test('F19 heads that are too large or broken are 502, and odd but legal answers come through', async () => {
  const { origin } = house()
  const broken = [
    'HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX-A: a\r\n folded\r\nContent-Length: 0\r\n\r\n',
    'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(70_000)}\r\n\r\n`,
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  ]
  for (const [at, text] of broken.entries()) {
    origin.on(`/one/broken-${at}`, ({ socket }) => void socket.end(text))
    assert.equal((await house().ask(`/one/broken-${at}`)).status, 502, JSON.stringify(text.slice(0, 60)))
  }
  const legal = [
    'HTTP/1.0 200 OK\r\n\r\nlegal',
    'HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nlegal',
    'HTTP/1.1 200 \r\nX-Empty:\r\nContent-Length: 5\r\n\r\nlegal',
  ]
  for (const [at, text] of legal.entries()) {
    origin.on(`/one/legal-${at}`, ({ socket }) => void socket.end(text))
    assert.equal((await house().ask(`/one/legal-${at}`)).text, 'legal', text)
  }
})

test('an answer larger than the pool allows is refused when that is known, and cut when it turns out', async () => {
  const { origin } = house()
  origin.on(
    '/one/large',
    (_request, response) => void response.writeHead(200, { 'content-length': '200000' }).end(Buffer.alloc(200_000)),
  )
  const refused = await house().ask('/one/large')
  assert.deepEqual([refused.status, refused.json && Object(refused.json).code], [502, 'upstream_invalid_response'])
  const head = await exchangeRaw(
    house().gateway.url,
    'HEAD /one/large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.match(head.received.toString(), /^HTTP\/1.1 200 [\s\S]*content-length: 200000/i)
  origin.on('/one/grows', (_request, response) => {
    response.write(Buffer.alloc(50_000))
    setTimeout(() => response.end(Buffer.alloc(100_000)), 50)
  })
  const cut = await house().ask('/one/grows')
  assert.deepEqual([cut.status, cut.complete], [200, false])
})
