/* A gateway whose configuration has routes and no models serves the routes, and nothing that they do not name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../harness/json.ts'
import { RawClient } from '../harness/raw-client.ts'
import { ProxyHouse, useProxyHouse } from './proxy-house.ts'

const house = useProxyHouse()

test('every path is for the routes, those of an API for models among them', async () => {
  for (const [method, path] of [
    ['GET', '/v1/models'],
    ['GET', '/v1/models/x'],
    ['POST', '/v1/chat/completions'],
  ] as const) {
    const { status, json } = await house().ask(path, { method })
    assert.deepEqual([status, Object(json).url, Object(json).method], [200, path, method])
  }
})

test('its own health is told on the data listener, unless a route names the path', async () => {
  assert.equal((await house().ask('/healthz')).text, '{"status":"ok"}')
  const named = await ProxyHouse.build({
    routes: () => [
      { id: 'all', match: { path: '/**' }, upstream: 'pool' },
      { id: 'health', match: { path: '/healthz', host: 'app.example' }, respond: { body: 'mine' } },
    ],
  })
  try {
    const asApp = await named.ask('/healthz', { headers: { host: 'app.example' } })
    assert.deepEqual([asApp.status, asApp.text], [200, 'mine'])
    assert.equal((await named.ask('/healthz')).text, '{"status":"ok"}', 'for other hosts it is not named')
    assert.equal((await named.ask('/readyz')).text, '{"status":"ready"}')
  } finally {
    await named.close()
  }
})

test('a target that is refused is answered as other errors of routes are', async () => {
  const { status, json, headers } = await house().ask('/a;b')
  assert.equal(status, 400)
  assert.equal(headers['content-type'], 'application/problem+json')
  assert.equal(Object(json).code, 'invalid_target')
})

test('models are served beside routes where the configuration has any', async () => {
  const more: JsonObject = { providers: { demo: { kind: 'demo' } } }
  const own = await ProxyHouse.build({ more })
  try {
    assert.equal((await own.ask('/v1/models')).status, 401)
    assert.equal((await own.ask('/other')).status, 200)
  } finally {
    await own.close()
  }
})

async function statusOf(head: string): Promise<number | undefined> {
  const client = await RawClient.connect(house().gateway.url)
  await client.send(Buffer.from(`${head}\r\nHost: a\r\n\r\n`, 'latin1'))
  const [response] = await client.waitForResponses()
  client.close()
  return response?.status
}

test('H27 methods in another case, and those that no route may serve, are refused on routes too', async () => {
  const before = house().origin.requests.length
  for (const method of ['get', 'Post', 'TRACE', 'trace', 'CONNECT']) {
    assert.ok([400, 405].includes((await statusOf(`${method} /x HTTP/1.1`)) ?? 0), method)
  }
  assert.equal(house().origin.requests.length, before)
  assert.equal(await statusOf('PROPFIND /x HTTP/1.1'), 200)
})

test('raw bytes in a query are forwarded encoded, and a number sign is refused', async () => {
  assert.equal(await statusOf('GET /raw?q=k\xc3\xa4se&\xff HTTP/1.1'), 200)
  assert.equal(house().origin.seen('/raw').at(-1)?.url, '/raw?q=k%C3%A4se&%FF')
  assert.equal(await statusOf('GET /raw?a#b HTTP/1.1'), 400)
})

test('L2 a body that stops arriving ends after limits.body_idle, also where it is streamed', async () => {
  const own = await ProxyHouse.build({ more: { limits: { body_idle: '1s' } } })
  try {
    const client = await own.connect()
    const begun = performance.now()
    await client.send('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\nhello')
    const [response] = await client.waitForResponses()
    assert.equal(response?.status, 408)
    assert.ok(performance.now() - begun < 10_000)
    client.close()
  } finally {
    await own.close()
  }
})
