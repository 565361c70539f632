import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { createAuthority } from '../../../test/harness/certificate.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { type EdgeOptions, planOf, routeOf, startEdge, toCandidates } from '../../../test/request-path/edge.ts'
import { candidateOf, poolTo, relayTap, startRaw } from '../../../test/request-path/upstream.ts'
import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { answer } from '../respond/answer.ts'
import { settle } from '../settle.ts'

const authority = createAuthority()
const { cert, key } = authority.issue({ names: ['localhost'] })
const tls = { certificates: [{ cert: { file: 'c', pem: cert }, key: { file: 'k', pem: key } }] }
const LARGE = Buffer.alloc(1_000_000, 'x')

const own = (inspect: (x: Exchange) => void) =>
  routeOf({
    bodyLimit: 10_000_000,
    inspect: (x) => {
      inspect(x)
      return null
    },
  })

const hello = own((x) => answer(x, 200, 'text/plain', `${x.client.scheme} ${x.head.host} ${x.query}`))
const echo = own((x) => answer(x, 200, 'text/plain', x.body ?? ''))
const nothing = own((x) => answer(x, 204, 'text/plain', ''))
const large = own((x) => answer(x, 200, 'text/plain', LARGE))
const limited = routeOf({ bodyLimit: 1_000_000, admit: [() => new GatewayError('rate_limit_exceeded', 'Slower.')] })
const never = own((x) => {
  x.candidates = [candidateOf({ transport: { dispatch: () => true, close: () => Promise.resolve() } })]
})
const PATHS = { '/': { GET: hello, HEAD: hello, POST: echo }, '/none': { GET: nothing }, '/large': { GET: large } }
const plan = planOf({ ...PATHS, '/limited': { POST: limited }, '/never': { GET: never, POST: never } })

async function start(t: TestContext, options: Partial<EdgeOptions> = {}) {
  const edge = await startEdge(t, { plan, ...options, listener: { tls, ...options.listener } })
  const client = async () => {
    const session = connect(`https://localhost:${edge.port}`, { ca: authority.cert })
    session.on('error', () => undefined)
    t.after(() => session.destroy())
    await once(session, 'connect')
    return session
  }
  return { edge, client }
}

interface Told {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
  readonly code: number
}

/** Sends a request and gives what came of it; status 0 when there was no answer. */
async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  body?: Buffer | string,
): Promise<Told> {
  const stream = session.request(headers, { endStream: body === undefined })
  const chunks: Buffer[] = []
  let told: Told['headers'] = {}
  stream.on('response', (answered) => (told = answered))
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => undefined)
  if (body !== undefined) stream.end(body)
  await new Promise<void>((resolve) => stream.once('close', resolve))
  return { status: Number(told[':status'] ?? 0), headers: told, body: Buffer.concat(chunks), code: stream.rstCode }
}

test('serves requests of one connection side by side', async (t) => {
  const { edge, client } = await start(t)
  const session = await client()
  const answers = await Promise.all(Array.from({ length: 80 }, (_, at) => ask(session, { ':path': `/?${at}` })))
  for (const [at, { status, body, headers }] of answers.entries()) {
    assert.deepEqual([status, body.toString()], [200, `https localhost:${edge.port} ${at}`])
    assert.equal(headers['content-length'], String(body.length))
    assert.match(String(headers['date']), /GMT$/)
  }
  assert.equal((await edge.settled(80)).length, 80)
})

test('takes bodies and gives whole answers, empty ones, and heads alone', async (t) => {
  const { client } = await start(t)
  const session = await client()
  const posted = await ask(session, { ':method': 'POST' }, LARGE)
  assert.ok(posted.body.equals(LARGE))
  const empty = await ask(session, { ':method': 'POST', 'content-length': '0' }, '')
  assert.deepEqual([empty.status, empty.body.length, empty.headers['content-length']], [200, 0, '0'])
  const none = await ask(session, { ':path': '/none' })
  assert.deepEqual([none.status, none.headers['content-length'], none.code], [204, undefined, 0])
  const head = await ask(session, { ':method': 'HEAD', ':path': '/?123' })
  assert.deepEqual([head.status, head.body.length, head.code], [200, 0, 0])
  assert.ok(Number(head.headers['content-length']) > 0)
  const missing = await ask(session, { ':path': '/missing' })
  assert.equal(missing.status, 404)
  const big = await ask(session, { ':path': '/large' })
  assert.ok(big.body.equals(LARGE))
})

test('an answer that comes before the body is whole, and its client need not send on', async (t) => {
  const { edge, client } = await start(t)
  const session = await client()
  const stream = session.request({ ':method': 'POST', ':path': '/limited' })
  stream.on('error', () => undefined)
  stream.resume()
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  assert.equal(headers[':status'], 429)
  await once(stream, 'close')
  assert.equal(stream.rstCode, 0)
  assert.equal((await ask(session)).status, 200)
  await edge.settled(2)
})

/** A route that streams what a raw upstream sends. */
async function streamed(t: TestContext, serve: Parameters<typeof startRaw>[1]) {
  const upstream = await startRaw(t, serve)
  const candidate = candidateOf({ transport: poolTo(t, upstream.origin), tap: () => relayTap('stream') })
  return { plan: planOf({ '/': { GET: routeOf({ inspect: toCandidates(candidate) }) } }), upstream }
}

test('streams as it comes, and holds the upstream back when the client does not read', async (t) => {
  let sent = 0
  const served = await streamed(t, (socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const pump = () => {
        while (sent < 40_000_000) {
          sent += LARGE.length
          if (!socket.write(LARGE)) return void socket.once('drain', pump)
        }
        socket.end()
      }
      pump()
    }),
  )
  const { client } = await start(t, served)
  const stream = (await client()).request()
  await once(stream, 'response')
  let before = -1
  await eventually(
    () => {
      const same = sent === before
      before = sent
      return same
    },
    { everyMs: 200 },
  )
  assert.ok(sent < 20_000_000, `${sent} bytes came while nobody read`)
  let received = 0
  stream.on('data', (bytes: Buffer) => (received += bytes.length))
  await once(stream, 'close')
  assert.deepEqual([received, stream.rstCode], [40_000_000, 0])
})

test('an answer that breaks off ends in a reset, never in a proper end', async (t) => {
  const served = await streamed(t, (socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour')
      setImmediate(() => socket.destroy())
    }),
  )
  // The tap's own error event would end it well.
  const route = served.plan.paths.get('/')?.['GET']
  assert.ok(route !== undefined)
  const { edge, client } = await start(t, { plan: planOf({ '/': { GET: { ...route, renderStreamError: null } } }) })
  const told = await ask(await client())
  assert.equal(told.code, 2)
  const [ending] = await edge.settled()
  assert.deepEqual([ending?.end, ending?.cancelled], ['upstream_error', false])
})

test('a client that resets its stream, or leaves, cancels the request at once', async (t) => {
  const { edge, client } = await start(t)
  for (const how of ['reset', 'reset with a body under way', 'leave'] as const) {
    const session = await client()
    const before = edge.endings.length
    const stream = session.request({ ':path': '/never', ':method': how === 'reset' ? 'GET' : 'POST' })
    stream.on('error', () => undefined)
    if (how === 'reset with a body under way') stream.write('x')
    await eventually(() => edge.gateway.exchanges.size === 1)
    if (how === 'leave') session.destroy()
    else stream.close(8)
    const endings = await edge.settled(before + 1)
    assert.deepEqual([endings.at(-1)?.end, endings.at(-1)?.cancelled], ['cancelled', true], how)
  }
  await eventually(() => edge.gateway.exchanges.size === 0)
})

test('cookies that were cut for compression are one header, and Host is what :authority says', async (t) => {
  const seen: (string | null)[] = []
  const route = own((x) => {
    seen.push(x.head.get('cookie'), x.head.get('host'))
    answer(x, 200, 'text/plain', '')
  })
  const { client } = await start(t, { plan: planOf({ '/': { GET: route } }) })
  const session = await client()
  await ask(session, { cookie: ['a=1', 'b=2', 'c=3'], ':authority': 'one.example:8443' })
  assert.deepEqual(seen, ['a=1; b=2; c=3', 'one.example:8443'])
})

test('asks for the body of a client that waits for it', async (t) => {
  const { client } = await start(t)
  const stream = (await client()).request({ ':method': 'POST', expect: '100-continue' })
  await once(stream, 'continue')
  stream.end('go')
  const [bytes] = (await once(stream, 'data')) as [Buffer]
  assert.equal(bytes.toString(), 'go')
})

test('heads are as large as the gateway lets them be', async (t) => {
  const { edge, client } = await start(t)
  const before = await ask(await client(), { 'x-long': 'x'.repeat(20_000) })
  edge.gateway.limits = { ...edge.gateway.limits, head: { headBytes: 50_000, lineBytes: 32_768, headers: 300 } }
  const session = await client()
  const many = Object.fromEntries(Array.from({ length: 290 }, (_, at) => [`x-${at}`, 'y']))
  const rows: readonly (readonly [headers: OutgoingHttpHeaders, status: number])[] = [
    [{ 'x-long': 'x'.repeat(32_768) }, 200],
    [{ 'x-long': 'x'.repeat(32_769) }, 431],
    [{ a: 'x'.repeat(24_000), b: 'x'.repeat(24_000) }, 200],
    [{ a: 'x'.repeat(30_000), b: 'x'.repeat(30_000) }, 431],
    [many, 200],
    [{ ...many, ...Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`z-${at}`, 'y'])) }, 431],
  ]
  assert.equal(before.status, 431)
  for (const [at, [headers, status]] of rows.entries())
    assert.equal((await ask(session, headers)).status, status, `${at}`)
})

test('a malformed request is answered, and its connection is told to end', async (t) => {
  const { edge, client } = await start(t)
  const session = await client()
  const told = once(session, 'goaway')
  const { status } = await ask(session, { ':authority': 'a', host: 'b' })
  assert.equal(status, 400)
  const [code] = (await told) as [number]
  assert.equal(code, 0)
  await eventually(() => edge.listener.connections === 0)
})

test('draining says GOAWAY at once and lets streams end; idle sessions are closed', async (t) => {
  const waiting: Exchange[] = []
  const slow = own((x) => {
    waiting.push(x)
    x.candidates = [candidateOf({ transport: { dispatch: () => true, close: () => Promise.resolve() } })]
  })
  const { edge, client } = await start(t, { plan: planOf({ '/': { GET: slow } }) })
  const [busy, idle] = [await client(), await client()]
  const asked = ask(busy)
  await eventually(() => waiting.length === 1)
  const goaways = [once(busy, 'goaway'), once(idle, 'goaway')]
  const left = edge.listener.closeGently(50)
  await Promise.all(goaways)
  await left
  await eventually(() => edge.listener.connections === 1)
  const [x] = waiting
  assert.ok(x !== undefined)
  answer(x, 200, 'text/plain', 'late')
  assert.equal((await asked).body.toString(), 'late')
  await eventually(() => edge.listener.connections === 0)
})

test('a session without requests is closed after its time', async (t) => {
  const { edge, client } = await start(t, { listener: { keepAliveMs: 200, headerTimeoutMs: 60_000 } })
  const session = await client()
  await ask(session)
  await eventually(() => edge.listener.connections === 0, { deadlineMs: 10_000 })
})

test('a body that stands still is given up with 408', async (t) => {
  const { client } = await start(t, { listener: { requestTimeoutMs: 300 } })
  const stream = (await client()).request({ ':method': 'POST' })
  stream.on('error', () => undefined)
  stream.write('x')
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  assert.equal(headers[':status'], 408)
})

test('curl, nghttp and h2load agree with it', async (t) => {
  const { edge } = await start(t)
  const run = promisify(execFile)
  const url = `https://localhost:${edge.port}/`
  const curl = await run('curl', ['-sk', '--http2', '-w', ' %{http_version}', `${url}?1`])
  assert.match(curl.stdout, /^https localhost:\d+ 1 2$/)
  const upload = await run('curl', ['-sk', '--http2', '--data-binary', 'x'.repeat(100_000), url])
  assert.equal(upload.stdout.length, 100_000)
  const installed = await run('which', ['h2load', 'nghttp']).catch(() => null)
  if (installed === null) return
  const nghttp = await run('nghttp', ['-nv', url])
  assert.match(nghttp.stdout, /:status: 200/)
  const load = await run('h2load', ['-n', '2000', '-c', '4', '-m', '50', url])
  assert.match(load.stdout, /2000 succeeded, 0 failed/)
})

test('trailers go both ways where the client takes them, and else are dropped', async (t) => {
  const heard: (readonly string[] | null)[] = []
  const route = routeOf({
    inspect: (x) => {
      x.candidates = [candidateOf({ transport: { dispatch: () => true, close: () => Promise.resolve() } })]
      x.client.readBody({
        onBody: () => undefined,
        onBodyEnd: (trailers = null) => {
          heard.push(trailers)
          x.client.start(200, ['content-type', 'text/plain'])
          x.client.end(Buffer.from('body'), ['x-sum', '1', 'x-sum', '2'])
          settle(x)
        },
      })
      return null
    },
  })
  const { client } = await start(t, { plan: planOf({ '/': { POST: route } }) })
  const session = await client()
  for (const te of ['trailers', null]) {
    const stream = session.request({ ':method': 'POST', ...(te === null ? {} : { te }) }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-mine': 'yes' }))
    let trailers: unknown = null
    stream.on('trailers', (told) => {
      trailers = told['x-sum']
    })
    let body = ''
    stream.on('data', (bytes: Buffer) => {
      body += bytes.toString()
    })
    stream.end('x')
    await once(stream, 'close')
    assert.deepEqual([body, stream.rstCode], ['body', 0])
    assert.deepEqual(trailers, te === null ? null : '1, 2')
  }
  assert.deepEqual(heard, [
    ['x-mine', 'yes'],
    ['x-mine', 'yes'],
  ])
})
