import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, request } from 'node:http'
import { after, before, test } from 'node:test'
import { Gateway } from '../harness/gateway.ts'
import { exchangeRaw } from '../harness/raw-client.ts'

/*
 * H13: what comes behind a chunked body. Trailers of an answer go to a client that says that it reads them, trailers of a
 * request to the upstream of a relayed body; those that a header of the same name would not be safe as are dropped, and
 * none ever becomes a header.
 */

const FORBIDDEN: readonly string[] = [
  'Authorization',
  'Cache-Control',
  'Connection',
  'Content-Type',
  'Cookie',
  'Forwarded',
  'If-Match',
  'Keep-Alive',
  'Location',
  'Set-Cookie',
  'Trailer',
  'X-Check_Sum',
  'X-Forwarded-For',
  '__proto__',
]

/** Requests that the upstream has had to their end. */
const seen: { headers: IncomingMessage['headers']; rawTrailers: readonly string[]; body: string }[] = []

/** Answers in chunks, with trailers of every kind. */
const upstream = createServer((asked, answer) => {
  let body = ''
  asked.setEncoding('latin1').on('data', (piece: string) => (body += piece))
  asked.on('end', () => {
    seen.push({ headers: asked.headers, rawTrailers: asked.rawTrailers, body })
    answer.writeHead(200, { trailer: 'X-Checksum, Content-Type, X-Empty' })
    if (asked.url !== '/empty') answer.write('body')
    answer.addTrailers([
      ['X-Checksum', 'abc'],
      ...FORBIDDEN.map((name): [string, string] => [name, 'never']),
      ['X-Empty', ''],
    ])
    answer.end()
  })
})
let gateway: Gateway | null = null

before(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const bound = upstream.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 1,
      log: { access: { output: 'off' } },
      upstreams: { app: { targets: [`http://127.0.0.1:${bound.port}`] } },
      routes: [{ id: 'app', match: { path: '/*' }, upstream: 'app' }],
    },
  })
})
after(async () => {
  await gateway?.close()
  upstream.closeAllConnections()
  upstream.close()
})

function url(path = '/'): string {
  assert.ok(gateway !== null)
  return gateway.url + path
}

/** Asks with Node's own client, which reads and sends trailers. */
async function ask(path: string, options: { te?: string; trailers?: readonly [string, string][] } = {}) {
  return await new Promise<{ answer: IncomingMessage; body: string }>((resolve, reject) => {
    const { te, trailers } = options
    const headers = {
      ...(te === undefined ? {} : { te, connection: 'te' }),
      ...(trailers === undefined ? {} : { trailer: 'x-a' }),
    }
    const asked = request(url(path), { method: trailers === undefined ? 'GET' : 'POST', headers }, (answer) => {
      let body = ''
      answer.setEncoding('latin1').on('data', (piece: string) => (body += piece))
      answer.on('end', () => resolve({ answer, body }))
    })
    asked.on('error', reject)
    if (trailers !== undefined) {
      asked.write('piece')
      asked.addTrailers([...trailers])
    }
    asked.end()
  })
}

test('H13 trailers of an answer go to a client that reads them, without those that are forbidden', async () => {
  for (const path of ['/', '/empty']) {
    const { answer, body } = await ask(path, { te: 'trailers' })
    assert.equal(body, path === '/' ? 'body' : '')
    assert.deepEqual(answer.rawTrailers, ['x-checksum', 'abc', 'x-empty', ''])
    assert.equal(answer.headers['trailer'], 'x-checksum, x-empty')
    assert.equal(answer.headers['x-checksum'], undefined)
    assert.equal(seen.at(-1)?.headers['te'], 'trailers')
  }
})

test('a client that does not say so gets none, and the upstream is not told that it wants them', async () => {
  for (const te of [undefined, 'deflate']) {
    const { answer, body } = await ask('/', te === undefined ? {} : { te })
    assert.equal(body, 'body')
    assert.deepEqual([answer.rawTrailers, answer.headers['trailer']], [[], undefined])
    assert.equal(seen.at(-1)?.headers['te'], undefined)
  }
})

test('H13 trailers of a request go behind its relayed body, without those that are forbidden, and into no header', async () => {
  const trailers: [string, string][] = [['X-A', 'one'], ...FORBIDDEN.map((name): [string, string] => [name, 'never'])]
  await ask('/', { trailers })
  const { headers, rawTrailers, body } = seen.at(-1) ?? assert.fail()
  assert.equal(body, 'piece')
  assert.deepEqual(rawTrailers, ['x-a', 'one'])
  assert.equal(headers['trailer'], 'x-a')
  assert.ok(!JSON.stringify(headers).includes('never'))
})

test('H13 too many trailers, or too long ones, are refused with 431', async () => {
  const head = 'POST / HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n'
  for (const trailers of ['x: y\r\n'.repeat(200), `x: ${'y'.repeat(20_000)}\r\n`]) {
    const client = await exchangeRaw(url(), Buffer.from(`${head}${trailers}\r\n`))
    assert.equal(client.responses()[0]?.status, 431)
  }
})
