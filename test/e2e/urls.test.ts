import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeRaw } from '../harness/raw-client.ts'
import { useHouse } from './house.ts'

const house = useHouse()

/** Spellings of a protected path that some layer somewhere has read as that path. */
function spellings(path: string): string[] {
  const [, first = '', ...rest] = path.split('/')
  const tail = rest.join('/')
  const half = first.slice(0, 1)
  return [
    path,
    `/${first}/./${tail}`,
    `/./${first}/${tail}`,
    `/x/../${first}/${tail}`,
    `/healthz/../${first}/${tail}`,
    `/healthz/..;/${first}/${tail}`,
    `/healthz/%2e%2e/${first}/${tail}`,
    `/healthz/%2E%2E/${first}/${tail}`,
    `/healthz/.%2e/${first}/${tail}`,
    `/healthz/%252e%252e/${first}/${tail}`,
    `/healthz/..%2f${first}/${tail}`,
    `/healthz%2f..%2f${first}/${tail}`,
    `/healthz\\..\\${first}\\${tail}`,
    `/healthz/..\\${first}/${tail}`,
    `/healthz%5c..%5c${first}/${tail}`,
    `//${first}/${tail}`,
    `///${first}//${tail}`,
    `/${first}//${tail}`,
    `/${first}%2f${tail}`,
    `/${first}%2F${tail}`,
    `/${first}%252f${tail}`,
    `/${first}%5c${tail}`,
    `/${first}\\${tail}`,
    `/${first};a/${tail}`,
    `/${first};/${tail}`,
    `/${first}/${tail};a=b`,
    `/${first}/${tail};.json`,
    `/${first}/${tail}%00`,
    `/${first}/${tail}%00.css`,
    `/${first}/${tail}%20`,
    `/${first}/${tail}.`,
    `/${first}/${tail}..`,
    `/${first}/${tail}/.`,
    `/${first}/${tail}/..`,
    `/${first}/${tail}/../${rest.at(-1) ?? ''}`,
    `/${first}/${tail}%2e`,
    `/${first}/${tail}/`,
    `/${first}/${tail}//`,
    `/${first}/${tail}?`,
    `/${first}/${tail}?/healthz`,
    `/${first}/${tail}%3f/healthz`,
    `/${first}/${tail}%23`,
    `/${first}/${tail}#/healthz`,
    `/%${half.charCodeAt(0).toString(16)}${first.slice(1)}/${tail}`,
    `/%25${half.charCodeAt(0).toString(16)}${first.slice(1)}/${tail}`,
    `/${first.toUpperCase()}/${tail.toUpperCase()}`,
    `/%c0%ae%c0%ae/${first}/${tail}`,
    `/healthz/%c0%af${first}/${tail}`,
    `/healthz/%e0%80%af${first}/${tail}`,
    `/%ef%bd%81${first.slice(1)}/${tail}`,
    `/${first}/${tail}%09`,
    `/${first}/${tail}%0d%0a`,
    `/%2e/${first}/${tail}`,
    `/.//${first}/${tail}`,
    `/..//${first}/${tail}`,
    `/healthz/../../${first}/${tail}`,
    `/livez/%2e%2e%2f${first}/${tail}`,
    `/readyz/..%5c${first}/${tail}`,
    `/healthz?/../${first}/${tail}`,
    `/healthz%3f/../${first}/${tail}`,
  ]
}

const AMBIGUOUS = /%2f|%5c|%00|%25|\/\.{1,2}(?:[/;]|$)|\\|\/\/|%2e%2e/i

async function statusOf(base: string, method: string, target: string, key: string | null): Promise<number | undefined> {
  const credential = key === null ? '' : `Authorization: Bearer ${key}\r\n`
  const body = '{"model":"ok","messages":[{"role":"user","content":"a"}]}'
  const framing = method === 'POST' ? `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n` : ''
  const head = `${method} ${target} HTTP/1.1\r\nHost: g\r\nConnection: close\r\n${credential}${framing}\r\n`
  const client = await exchangeRaw(base, Buffer.from(head + (method === 'POST' ? body : ''), 'latin1'))
  return client.responses()[0]?.status
}

test('U1 no spelling of a protected path is served without a credential, and ambiguous ones are refused', async () => {
  const { gateway, wall } = house()
  const seen = wall.requests.length
  const routes = [
    [gateway.url, 'GET', '/v1/models'],
    [gateway.url, 'POST', '/v1/chat/completions'],
    [gateway.controlUrl, 'GET', '/admin/v1/keys'],
    [gateway.url, 'GET', '/admin/v1/keys'],
  ] as const
  for (const [base, method, path] of routes) {
    for (const target of spellings(path)) {
      const status = await statusOf(base, method, target, null)
      // The path of `/healthz?/../v1/models` is `/healthz`, which is public.
      if (target.startsWith('/healthz?')) continue
      assert.ok(status !== undefined && status >= 400 && status < 500, `${status} for ${method} ${target}`)
      if (AMBIGUOUS.test(target.split('?')[0] ?? '') && base === gateway.url)
        assert.equal(status, 400, `${method} ${target}`)
    }
  }
  assert.equal(wall.requests.length, seen)
})

test('U4 raw bytes in the query of a relayed request go on encoded, and a fragment is refused', async () => {
  const { gateway, wall, key } = house()
  const seen = wall.requests.length
  await statusOf(gateway.url, 'GET', '/v1/x?__proto__=\u00a0\u00e9', key.secret)
  assert.equal(wall.requests[seen]?.headText.split(' ')[1], '/v1/x?__proto__=%A0%E9')
  assert.equal(await statusOf(gateway.url, 'GET', '/v1/x?a#b', key.secret), 400)
  assert.equal(wall.requests.length, seen + 1)
})

test('U2 exceptions and routes match exactly, not by their beginning', async () => {
  const { gateway, key } = house()
  const misses = [
    '/healthzz',
    '/healthz/',
    '/healthz/x',
    '/livezx',
    '/readyz.json',
    '/v1/modelsX',
    '/v1/model',
    '/v1',
    '/',
    '/v1/chat',
  ]
  for (const path of [
    ...misses,
    '/v1/chat/completionsX',
    '/v1/chat/completions/',
    '/V1/models',
    '/x?.well-known',
    '/adminx',
  ]) {
    assert.equal(await statusOf(gateway.url, 'GET', path, key.secret), 404, path)
    const anonymous = await statusOf(gateway.url, 'GET', path, null)
    assert.ok(anonymous === 401 || anonymous === 404, `${anonymous} for ${path}`)
  }
  for (const path of ['/healthz', '/livez', '/readyz', '/healthz?x=1']) {
    assert.equal(await statusOf(gateway.url, 'GET', path, null), 200, path)
    assert.equal(await statusOf(gateway.controlUrl, 'GET', path, null), 200, path)
  }
  for (const path of ['/metricsx', '/metrics/', '/admin/v1/keysX', '/adminx']) {
    const status = await statusOf(gateway.controlUrl, 'GET', path, null)
    assert.ok(status === 401 || status === 404, `${status} for ${path}`)
  }
})

test('U3 the upstream sees the configured path alone, however the client spells its own', async () => {
  const { gateway, wall, key } = house()
  const seen = wall.requests.length
  const odd = [
    '/v1/chat/completions/../../admin',
    '/v1/chat/completions%2f..%2fadmin',
    '/v1/chat/..%2fchat/completions',
  ]
  const queries = ['/v1/chat/completions?path=/admin', '/v1/chat/completions?../admin', '/v1/chat/completions?a=b#c']
  for (const target of [...spellings('/v1/chat/completions'), ...odd, ...queries]) {
    const status = await statusOf(gateway.url, 'POST', target, key.secret)
    assert.ok(status !== undefined && (status === 200 || (status >= 400 && status < 500)), `${status} for ${target}`)
    if (/\.\.|%2e|\/\/|\\/i.test(target.split('?')[0] ?? '')) assert.notEqual(status, 200, target)
  }
  const targets = new Set(wall.requests.slice(seen).map((request) => request.headText.split('\r\n')[0]))
  assert.deepEqual([...targets], ['POST /v1/chat/completions HTTP/1.1'])
  assert.deepEqual(wall.malformed, [])
})
