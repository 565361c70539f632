import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ask, startRoute } from '../../../test/request-path/site.ts'
import { GatewayError } from '../errors.ts'
import { answer } from '../respond/answer.ts'
import { type CorsConfig, createCors } from './cors.ts'

const CONFIG: CorsConfig = {
  origins: ['https://app.example.com', 'https://*.example.org', 'http://*.test:8080'],
  methods: ['GET', 'PUT'],
  headers: ['content-type', 'x-own'],
  expose: ['x-total'],
  credentials: true,
  max_age: 600_000,
}

async function start(t: TestContext, parts: Partial<CorsConfig> = {}) {
  const { gate, editAnswer } = createCors({ ...CONFIG, ...parts })
  return startRoute(t, {
    admit: [gate, (x) => (x.path === '/secret' ? new GatewayError('unauthorized', 'Who are you?') : null)],
    inspect: (x) => {
      answer(x, 200, 'text/plain', 'body')
      return null
    },
    editAnswer: (x, status, headers) => {
      headers.push('access-control-allow-origin', 'https://of-the-upstream.example')
      editAnswer(x, status, headers)
    },
  })
}

const preflight = (origin: string) => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-own' },
})

test('a preflight is answered before anybody is asked who it is', async (t) => {
  const edge = await start(t)
  for (const path of ['/', '/secret']) {
    const { status, headers, body } = await ask(edge.url, path, preflight('https://app.example.com'))
    assert.deepEqual([status, body.length], [204, 0])
    assert.equal(headers['access-control-allow-origin'], 'https://app.example.com')
    assert.equal(headers['access-control-allow-credentials'], 'true')
    assert.equal(headers['access-control-allow-methods'], 'GET, PUT')
    assert.equal(headers['access-control-allow-headers'], 'content-type, x-own')
    assert.equal(headers['access-control-max-age'], '600')
    assert.equal(headers['vary'], 'access-control-request-method, access-control-request-headers, origin')
  }
  const { status, headers } = await ask(edge.url, '/', preflight('https://evil.example'))
  assert.equal(status, 204)
  assert.deepEqual(
    Object.keys(headers).filter((name) => name.startsWith('access-control-')),
    [],
  )
})

test('an OPTIONS that is no preflight goes on', async (t) => {
  const edge = await start(t)
  const { status, body } = await ask(edge.url, '/', {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example.com' },
  })
  assert.deepEqual([status, String(body)], [200, 'body'])
  assert.equal((await ask(edge.url, '/', { method: 'OPTIONS' })).status, 200)
})

test('every answer, errors included, says who may read it, once, and that it depends on the origin', async (t) => {
  const edge = await start(t)
  for (const [path, expected] of [
    ['/', 200],
    ['/secret', 401],
  ] as const) {
    const { status, headers } = await ask(edge.url, path, { headers: { origin: 'https://a.b.example.org' } })
    assert.equal(status, expected)
    assert.equal(headers['access-control-allow-origin'], 'https://a.b.example.org')
    assert.equal(headers['access-control-expose-headers'], 'x-total')
    assert.equal(headers['vary'], 'origin')
  }
  const plain = await ask(edge.url, '/')
  assert.deepEqual([plain.headers['access-control-allow-origin'], plain.headers['vary']], [undefined, 'origin'])
})

test('only the origins of the list are allowed, and a wildcard stands for whole labels of a name', async (t) => {
  const edge = await start(t)
  const allowed = async (origin: string) =>
    (await ask(edge.url, '/', { headers: { origin } })).headers['access-control-allow-origin'] === origin
  for (const origin of [
    'https://app.example.com',
    'https://a.example.org',
    'https://a-1.b.example.org',
    'http://x.test:8080',
  ]) {
    assert.ok(await allowed(origin), origin)
  }
  for (const origin of [
    'null',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.test',
    'https://example.org',
    'https://.example.org',
    'https://evilexample.org',
    'https://evil.test/.example.org',
    'https://evil.test#.example.org',
    'https://user@a.example.org',
    'https://a..example.org',
    'https://a.example.org.',
    'https://a.example.org:444',
    'http://a.example.org',
    'http://x.test',
    'HTTPS://APP.EXAMPLE.COM',
  ]) {
    assert.ok(!(await allowed(origin)), origin)
  }
})

test('`null` is a page without an origin, allowed only where it is listed', async (t) => {
  const edge = await start(t, { origins: ['null'] })
  const { headers } = await ask(edge.url, '/', { headers: { origin: 'null' } })
  assert.equal(headers['access-control-allow-origin'], 'null')
})

test('`*` is for all, the same answer for each, and never with credentials', async (t) => {
  const edge = await start(t, { origins: ['*'], credentials: false })
  const { headers } = await ask(edge.url, '/', { headers: { origin: 'https://anybody.example' } })
  assert.deepEqual([headers['access-control-allow-origin'], headers['vary']], ['*', undefined])
  assert.equal(headers['access-control-allow-credentials'], undefined)
  assert.throws(() => createCors({ ...CONFIG, origins: ['*'] }), RangeError)
})

test('what can be no origin is said when the route is made', () => {
  for (const origin of [
    'example.com',
    'https://example.com/',
    'https://EXAMPLE.com',
    'https://*',
    'https://a.*.com',
    '*.example.com',
  ]) {
    assert.throws(() => createCors({ ...CONFIG, origins: [origin] }), /is no origin/, origin)
  }
})
