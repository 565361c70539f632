/* Rewrites of the path and of the query on the way there, and of what servers say of their paths on the way back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeRaw } from '../harness/raw-client.ts'
import { useProxyHouse } from './proxy-house.ts'

const path = (prefix: string) => ({ path: { prefix } })
const house = useProxyHouse({
  routes: () => [
    { id: 'all', upstream: 'pool' },
    {
      id: 'query',
      match: path('/find'),
      upstream: 'pool',
      rewrite: { path: '/search', query: 'q={path.rest}&from={header.x-from}&{query}' },
    },
    { id: 'none', match: path('/none'), upstream: 'pool', rewrite: { query: '' } },
    { id: 'agent', match: path('/by'), upstream: 'pool', rewrite: { path: '/{header.x-from}{path.rest}' } },
    { id: 'strip', match: path('/one'), upstream: 'pool', rewrite: { strip_prefix: '/one', cookie_path: 'map' } },
    {
      id: 'swap',
      match: path('/two'),
      upstream: 'pool',
      rewrite: { strip_prefix: '/two', add_prefix: '/app', cookie_path: 'map' },
    },
    { id: 'named', match: path('/shop'), upstream: 'named', rewrite: { strip_prefix: '/shop' } },
    { id: 'spelled', match: path('/%7eann'), upstream: 'pool', rewrite: { strip_prefix: '/%7eann' } },
    { id: 'keep', match: path('/keep'), upstream: 'pool', rewrite: { strip_prefix: '/keep', location: 'keep' } },
  ],
  upstreams: (targets) => ({ named: { targets, host: 'client' } }),
})

async function reached(target: string, from: string): Promise<string | undefined> {
  const { gateway, origin } = house()
  const before = origin.requests.length
  await exchangeRaw(gateway.url, `GET ${target} HTTP/1.1\r\nHost: g\r\nX-From: ${from}\r\nConnection: close\r\n\r\n`)
  return origin.requests[before]?.url
}

test('a query is made anew, and no value ends the parameter that it stands in', async () => {
  assert.equal(await reached('/find/a&b=c?page=2', 'x&y=z w?#'), '/search?q=/a%26b%3Dc&from=x%26y%3Dz%20w%3F%23&page=2')
  assert.equal(await reached('/find/caf%C3%A9', 'x'), '/search?q=/caf%C3%A9&from=x&')
  assert.equal(await reached('/none/a?secret=1', 'x'), '/none/a')
})

test('a value in a path cannot begin a query or a segment', async () => {
  assert.equal(await reached('/by/x', 'a/b?c'), '/a%2Fb%3Fc/x')
  assert.equal(await reached('/by/x', '..'), undefined)
})

/** What a client of this path is told when the server answers so. */
async function told(prefix: string, at: string, name: 'location' | 'set-cookie', value: string): Promise<unknown> {
  const { origin } = house()
  origin.on(at, (_request, response) => response.writeHead(302, { [name]: value }).end())
  const { headers } = await house().ask(prefix)
  return headers[name]
}

test('a Location that leads to the server leads to the route, all others stay', async () => {
  const { origin } = house()
  const rows = [
    ['/login', '/one/login'],
    ['/login?next=/x#top', '/one/login?next=/x#top'],
    [`${origin.url}/login`, '/one/login'],
    [origin.url, '/one/'],
    [`${origin.url}0/login`, `${origin.url}0/login`],
    ['//other.example/login', '//other.example/login'],
    ['/\\other.example', '/\\other.example'],
    ['https://other.example/login', 'https://other.example/login'],
    ['next', 'next'],
    ['', ''],
  ] as const
  for (const [sent, expected] of rows) assert.equal(await told('/one/go', '/go', 'location', sent), expected, sent)
  assert.equal(await told('/two/go', '/app/go', 'location', '/app/login'), '/two/login')
  assert.equal(await told('/two/go', '/app/go', 'location', '/app'), '/two')
  assert.equal(await told('/two/go', '/app/go', 'location', '/apple'), '/apple')
  assert.equal(await told('/keep/go', '/go', 'location', '/login'), '/login')
  assert.equal(await told('/plain', '/plain', 'location', `${origin.url}/x`), `${origin.url}/x`)
})

test('a Location that names the host of the client leads to the route where the server was told that host', async () => {
  const { url } = house().gateway
  const secure = url.replace('http:', 'https:')
  const rows = [
    [`${url}/login?next=/x`, `${url}/shop/login?next=/x`],
    // The same place in the other scheme is another place: a path alone would lead back to where it was asked for.
    [`${secure}/login`, `${secure}/shop/login`],
    [url, `${url}/shop/`],
    [`${url}/shop/login`, `${url}/shop/login`],
    [`${url}/shopping`, `${url}/shop/shopping`],
    [`${url}0/login`, `${url}0/login`],
    ['https://other.example/login', 'https://other.example/login'],
    ['/login', '/shop/login'],
  ] as const
  for (const [sent, expected] of rows) assert.equal(await told('/shop/go', '/go', 'location', sent), expected, sent)
  assert.equal(await told('/one/go', '/go', 'location', `${url}/login`), `${url}/login`, 'a server that was not told')
})

test('a prefix is stripped however it is spelled', async () => {
  assert.equal(await reached('/%7Eann/a', 'x'), '/a')
  assert.equal(await reached('/~ann/a', 'x'), '/a')
})

test('the Path of a cookie is mapped where a route asks for it', async () => {
  const rows = [
    ['/one/c', '/c', 'a=1; Path=/; HttpOnly', 'a=1; Path=/one; HttpOnly'],
    ['/one/c', '/c', 'a=1; path = /x/ ', 'a=1; path = /one/x'],
    ['/one/c', '/c', 'a=path=/x', 'a=path=/x'],
    ['/two/c', '/app/c', 'a=1; Path=/app', 'a=1; Path=/two'],
    ['/keep/c', '/c', 'a=1; Path=/', 'a=1; Path=/'],
  ] as const
  for (const [asked, at, sent, expected] of rows) {
    assert.deepEqual(await told(asked, at, 'set-cookie', sent), [expected], `${asked} ${sent}`)
  }
})
