import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { exchangeRaw } from '../../../test/harness/raw-client.ts'
import { ask, startRoute } from '../../../test/request-path/site.ts'
import { createRedirect } from './redirect.ts'

const start = (t: TestContext, to: string) => startRoute(t, { inspect: createRedirect({ to, status: 308 }) })

async function locationFor(t: TestContext, to: string, path: string, headers: Record<string, string> = {}) {
  const edge = await start(t, to)
  const { headers: got } = await ask(edge.url, path, { headers: { host: 'here.example:80', ...headers } })
  return got['location']
}

test('placeholders are put in', async (t) => {
  for (const [to, path, location] of [
    ['https://{host}{uri}', '/a%20b?c=d', 'https://here.example:80/a%20b?c=d'],
    ['{scheme}://{host}/new{path}', '/a', 'http://here.example:80/new/a'],
    ['https://other.example', '/a', 'https://other.example'],
    ['https://other.example{path}', '/a', 'https://other.example/a'],
    ['https://other.example/x?from={path}&{query}', '/a?b=c', 'https://other.example/x?from=/a&b=c'],
    ['//cdn.example{path}', '/a', '//cdn.example/a'],
    ['/café/{path}', '/a', '/caf%C3%A9//a'],
    ['{path}/', '/a', '/a/'],
    ['../up', '/a/b', '../up'],
    ['?page=2', '/a', '?page=2'],
    ['mailto:a@example.com', '/a', 'mailto:a@example.com'],
  ] as const) {
    assert.equal(await locationFor(t, to, path), location, to)
  }
})

test('what a client sends names no other host, no scheme, and no second header', async (t) => {
  for (const [to, value, location] of [
    ['{header.x-to}', '//evil.example', '/evil.example'],
    ['{header.x-to}', '///evil.example', '/evil.example'],
    ['{header.x-to}', '/\\evil.example', '/%5Cevil.example'],
    ['{header.x-to}', 'https://evil.example', '/https://evil.example'],
    ['{header.x-to}', 'javascript:alert(1)', '/javascript:alert(1)'],
    ['/{header.x-to}', '/evil.example', '/evil.example'],
    ['https://other.example{header.x-to}', '.evil.example', 'https://other.example/.evil.example'],
    ['https://other.example{header.x-to}', '@evil.example', 'https://other.example/@evil.example'],
    ['https://other.example{header.x-to}', ':1@evil.example', 'https://other.example/:1@evil.example'],
    ['https://other.example{header.x-to}', '\\@evil.example', 'https://other.example/%5C@evil.example'],
    ['/a?b={header.x-to}', '"><script> \tö', '/a?b=%22%3E%3Cscript%3E%20%09%F6'],
  ] as const) {
    const edge = await start(t, to)
    const got = await exchangeRaw(edge.url, `GET /a HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx-to: ${value}\r\n\r\n`)
    assert.equal(got.responses()[0]?.header('location'), location, `${to} ${value}`)
  }
})

test('a request without a host cannot be sent to one', async (t) => {
  const edge = await start(t, 'https://{host}{uri}')
  const got = await exchangeRaw(edge.url, 'GET /evil.example HTTP/1.0\r\n\r\n')
  assert.equal(got.responses()[0]?.status, 400)
})

test('a placeholder where the host stands is said when the route is made', () => {
  for (const to of [
    'https://{header.x-tenant}.example.com/',
    'https://{path.1}.example.com',
    'https://{query}{host}/',
  ]) {
    assert.throws(() => createRedirect({ to, status: 308 }), /a client could choose it/, to)
  }
  assert.throws(() => createRedirect({ to: '/{nothing}', status: 308 }), /no placeholder \{nothing\}/)
})

test('wherever a value stands, the place is on the host that the operator named', async (t) => {
  const edges = await Promise.all(['{query}', '/{query}', 'https://own.example{query}'].map((to) => start(t, to)))
  const value = fc.string({
    unit: fc.constantFrom('/', '\\', ':', '@', '.', '?', 'a', 'https:', '//', '%2f', '%09', '['),
  })
  await fc.assert(
    fc.asyncProperty(value, async (query) => {
      for (const [at, edge] of edges.entries()) {
        const { status, headers } = await ask(edge.url, `/?${query}`)
        assert.equal(status, 308)
        const base = 'http://here.example/'
        const { host } = new URL(headers['location'] ?? '', base)
        assert.equal(host, at === 2 ? 'own.example' : 'here.example')
      }
    }),
    { numRuns: 150 },
  )
})
