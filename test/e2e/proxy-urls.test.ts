/* Section 4.2 for routes of the configuration. U5 (credentials in a query) needs `auth`; U7 needs `files`: not here. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyPair } from '../harness/config.ts'
import { at, isObject } from '../harness/json.ts'
import { exchangeRaw } from '../harness/raw-client.ts'
import { useProxyHouse } from './proxy-house.ts'

const denied = { status: 403, body: 'no' }
const key = keyPair()
const house = useProxyHouse({
  more: { keys: [{ id: key.id, hash: key.hash }] },
  routes: () => [
    { id: 'public', match: { path: '/**' }, upstream: 'pool' },
    { id: 'admin', match: { path: { prefix: '/admin' } }, respond: denied },
    { id: 'devices', match: { path: { prefix: '/api/devices' } }, respond: { body: 'devices' } },
    { id: 'health', match: { path: '/status' }, respond: { body: 'open' } },
    { id: 'strip', match: { path: { prefix: '/api' } }, upstream: 'pool', rewrite: { strip_prefix: '/api' } },
    { id: 'add', match: { path: { prefix: '/plus' } }, upstream: 'pool', rewrite: { add_prefix: '/base/' } },
    {
      id: 'glob',
      match: { path: { glob: '/shop/*/item/**' } },
      upstream: 'pool',
      rewrite: { path: '/v2/{path.2}/of/{path.1}' },
    },
    {
      id: 'users',
      match: { path: { regex: '/users/(?P<name>[^/]+)(/.*)?' } },
      upstream: 'pool',
      rewrite: { path: '/u/{path.name}{path.2}' },
    },
    { id: 'rest', match: { path: { prefix: '/old' } }, upstream: 'pool', rewrite: { path: '/new{path.rest}' } },
    {
      id: 'slash',
      match: { path: { prefix: '/files' } },
      encoded_slash: 'allow',
      upstream: 'pool',
      rewrite: { strip_prefix: '/files' },
    },
    {
      id: 'staff',
      match: { path: '/staff', header: { 'x-role': { exact: 'staff', values: 'every' } } },
      upstream: 'pool',
    },
    { id: 'guests', match: { path: '/staff' }, respond: denied },
    {
      id: 'banned',
      match: { path: '/club', header: { 'x-role': { exact: 'banned', values: 'any' } } },
      respond: denied,
    },
    { id: 'club', match: { path: '/club' }, upstream: 'pool' },
    { id: 'vault', match: { path: { prefix: '/vault' } }, auth: { keys: {} }, upstream: 'pool' },
    { id: 'inside', match: { path: { regex: '/in/(.*)' } }, upstream: 'pool', rewrite: { path: '/{path.1}' } },
    {
      id: 'same',
      match: { path: { prefix: '/same' } },
      auth: { keys: {} },
      upstream: 'pool',
      rewrite: { strip_prefix: '/same' },
    },
    {
      id: 'forward',
      match: { path: { prefix: '/forward' } },
      upstream: 'pool',
      rewrite: { strip_prefix: '/forward', denied: 'forward' },
    },
  ],
})

interface Sent {
  readonly status: number | undefined
  readonly body: string
  /** The targets that reached the server. */
  readonly reached: string[]
}

async function send(target: string, lines: readonly string[] = []): Promise<Sent> {
  const { gateway, origin } = house()
  const before = origin.requests.length
  const head = [`GET ${target} HTTP/1.1`, 'Host: g', 'Connection: close', ...lines].join('\r\n')
  const client = await exchangeRaw(gateway.url, `${head}\r\n\r\n`)
  const [response] = client.responses()
  const reached = origin.requests.slice(before).map(({ url }) => url)
  return { status: response?.status, body: response?.body.toString() ?? '', reached }
}

/** Spellings of a path, some of which a server somewhere reads as that path. */
function spellings(path: string): string[] {
  const [, first = '', ...rest] = path.split('/')
  const tail = rest.join('/')
  const code = first.charCodeAt(0).toString(16)
  const before = ['/x/../', '/status/../', '/status/..;/', '/status/%2e%2e/', '/status/%2E%2e/', '/status/.%2e/']
  const deeper = ['/status/%252e%252e/', '/status/..%2f', '/status%2f..%2f', '/status/..%5c', '/status%5c..%5c']
  const odd = [
    '//',
    '///',
    '/./',
    '/.//',
    '/%2e/',
    '/%c0%ae%c0%ae/',
    '/status/%c0%af',
    '/status/%e0%80%af',
    '/status\\..\\',
  ]
  const after = [
    ';a',
    ';.json',
    '%00',
    '%00.css',
    '%20',
    '.',
    '..',
    '/.',
    '/..',
    '%2e',
    '//',
    '%3f/status',
    '%23',
    '%09',
    '%0d%0a',
  ]
  return [
    ...[...before, ...deeper, ...odd].map((prefix) => `${prefix}${first}/${tail}`),
    ...after.map((suffix) => `${path}${suffix}`),
    `/${first}//${tail}`,
    `/${first}/./${tail}`,
    `/${first}%2f${tail}`,
    `/${first}%2F${tail}`,
    `/${first}%252f${tail}`,
    `/${first}%5c${tail}`,
    `/${first}\\${tail}`,
    `/${first};a/${tail}`,
    `/${first};/${tail}`,
    `/${first}/${tail}?x`,
    `/${first}/${tail}#/status`,
    `/%${code}${first.slice(1)}/${tail}`,
    `/%25${code}${first.slice(1)}/${tail}`,
    `/${first}/x/../${tail}`,
    `/${first.toUpperCase()}/${tail}`,
    `/%ef%bd%81${first.slice(1)}/${tail}`,
  ]
}

/** What a careless server makes of a path: decoded twice, backslashes and parameters, dots resolved, any case. */
function careless(path: string): string {
  let text = path.split(/[?#]/)[0] ?? ''
  for (let round = 0; round < 2; round++)
    text = text.replaceAll(/%([0-7][0-9a-f])/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return new URL(`http://x/${text.replaceAll('\\', '/').replaceAll(/;[^/]*/g, '')}`).pathname.replaceAll(/\/+/g, '/')
}

test('U1 no spelling of a denied path reaches the server, and ambiguous ones are refused', async () => {
  const all = [...spellings('/admin/keys'), ...spellings('/admin/x/keys'), '/admin', '/admin/', '/admin?x', '/%61dmin']
  assert.ok(all.length >= 60, `${all.length}`)
  for (const target of all) {
    const { status, reached } = await send(target)
    for (const url of reached) {
      assert.ok(!careless(url).startsWith('/admin'), `${target} went on as ${url}`)
      assert.equal(status, 200, target)
    }
    if (reached.length === 0) assert.ok(status === 400 || status === 403, `${status} for ${target}`)
    if (/%2f|%5c|%00|%25|\\|\/\/|\/\.{1,2}(?:\/|$)|%2e%2e|;/i.test(target.split('?')[0] ?? '')) {
      assert.equal(status, 400, target)
    }
  }
})

test('U1 the path at the server is the one that was decided by, byte for byte', async () => {
  const rows = [
    ['/a/b', '/a/b'],
    ['/%61/caf%c3%a9', '/a/caf%C3%A9'],
    ['/a{b}|', '/a%7Bb%7D%7C'],
    ['/a%20b+c', '/a%20b+c'],
    ['/a:b@c,d=e&f', '/a:b@c,d=e&f'],
    ['/a/', '/a/'],
    ['/', '/'],
  ] as const
  for (const [target, path] of rows) assert.deepEqual((await send(target)).reached, [path], target)
})

test('U2 routes match exactly, and prefixes end at a segment', async () => {
  const rows = [
    ['/status', 'open'],
    ['/api/devices', 'devices'],
    ['/api/devices/7', 'devices'],
  ] as const
  for (const [target, body] of rows) assert.equal((await send(target)).body, body, target)
  for (const target of ['/statusx', '/status/', '/status.json', '/adminx', '/x?.well-known', '/apix', '/Status']) {
    assert.deepEqual((await send(target)).reached, [target], target)
  }
  assert.deepEqual((await send('/api/dev')).reached, ['/dev'])
  assert.deepEqual((await send('/api/devicesX')).reached, ['/devicesX'])
})

test('U3 what a rewrite makes is looked at again', async () => {
  for (const target of [
    '/api../admin',
    '/api%2e%2e/admin',
    '/api//admin',
    '/api/../admin',
    '/api/..%2fadmin',
    '/api%2fadmin',
    '/files%2f..%2fadmin',
    '/files/..%2fadmin',
    '/files/a%2f..%2fadmin',
    '/files/%2fadmin',
    '/files%2fadmin',
  ]) {
    const { status, reached } = await send(target)
    // `/api..` and `/files%2F…` are segments of their own: other routes, and nothing that a server resolves.
    for (const url of reached) assert.ok(!careless(url).startsWith('/admin'), `${target} went on as ${url}`)
    if (reached.length === 0) assert.equal(status, 400, target)
  }
})

test('U3 what a rewrite makes is matched again against what other routes refuse or guard', async () => {
  const none: string[] = []
  for (const [target, status, reached] of [
    ['/api/admin', 404, none],
    ['/api/admin/keys', 404, none],
    ['/api/%61dmin', 404, none],
    ['/files/admin%2Fkeys', 404, none],
    ['/in/admin', 404, none],
    ['/api/adminx', 200, ['/adminx']],
    ['/api/vault/x', 404, none],
    ['/vault/x', 401, none],
    // Asked for the same, or told that the servers behind it are others.
    ['/forward/admin', 200, ['/admin']],
    ['/forward/vault/x', 200, ['/vault/x']],
  ] as const) {
    const sent = await send(target)
    assert.deepEqual([sent.status, sent.reached], [status, [...reached]], target)
  }
  const lines = [`Authorization: Bearer ${key.secret}`]
  assert.deepEqual((await send('/same/vault/x', lines)).reached, ['/vault/x'])
  assert.equal((await send('/same/vault/x')).status, 401)
  // A key does not make another road of it.
  assert.equal((await send('/api/vault/x', lines)).status, 404)
})

test('U3 rewrites take prefixes off and put them on by whole segments, and fill in what matched', async () => {
  const rows = [
    ['/api', '/'],
    ['/api/', '/'],
    ['/api/x/y?q=1', '/x/y?q=1'],
    ['/apix/y', '/apix/y'],
    ['/plus', '/base/plus'],
    ['/plus/a%20b?x', '/base/plus/a%20b?x'],
    ['/shop/7/item/a/b?z=%2F', '/v2/a/b/of/7?z=%2F'],
    ['/users/ann', '/u/ann'],
    ['/users/ann/x?y', '/u/ann/x?y'],
    ['/old', '/new'],
    ['/old/a/b', '/new/a/b'],
    ['/files/group%2Fname', '/group%2Fname'],
  ] as const
  for (const [target, url] of rows) assert.deepEqual((await send(target)).reached, [url], target)
})

test('a query goes through byte for byte', async () => {
  for (const query of ['?', '?a', '?a=%2f%2F&a=b+c', '?%zz%', '?a?b=/../;x', '?q={x}|\'"<>^`', '?a=%00', '?&&==']) {
    const { reached, status } = await send(`/q${query}`)
    // A single question mark says that there is a query, which is empty: no server can tell.
    assert.deepEqual(reached, [query === '?' ? '/q' : `/q${query}`], `${query} ${status}`)
  }
})

test('U4 only unreserved characters are decoded, and upper and lower case are different', async () => {
  assert.equal((await send('/%61dmin/x')).status, 403)
  for (const target of ['/ADMIN/x', '/Admin/x', '/caf%C3%A9', '/cafe%CC%81']) {
    assert.deepEqual((await send(target)).reached, [target])
  }
})

test('U6 redirects of a server are passed to the client, not followed, and its credentials are sent once', async () => {
  const { origin } = house()
  const places = ['http://other.example/x', 'http://169.254.169.254/latest', 'file:///etc/passwd', '/admin', '//evil/x']
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of places) {
      origin.on('/moved', (_request, response) => response.writeHead(status, { location }).end('moved'))
      const before = origin.requests.length
      const answer = await house().ask('/moved', { headers: { authorization: 'Bearer secret', cookie: 'a=b' } })
      assert.deepEqual([answer.status, answer.headers.location, answer.text], [status, location, 'moved'])
      assert.equal(origin.requests.length, before + 1)
    }
  }
})

test('U8 a rule sees every value of a header, in lines and in lists', async () => {
  const staff = await send('/staff', ['X-Role: staff'])
  assert.equal(staff.status, 200)
  const mixed = [
    ['X-Role: staff', 'X-Role: guest'],
    ['X-Role: guest', 'X-Role: staff'],
    ['X-Role: staff, guest'],
    ['X-Role: guest,staff'],
    [],
  ]
  for (const lines of mixed) assert.equal((await send('/staff', lines)).status, 403, JSON.stringify(lines))
  for (const lines of [['X-Role: ok', 'X-Role: banned'], ['X-Role: ok,banned'], ['x-rOLE: banned']]) {
    assert.equal((await send('/club', lines)).status, 403, JSON.stringify(lines))
  }
  assert.equal((await send('/club', ['X-Role: ok'])).status, 200)
})

test('the server sees its own host, and the one that the client named beside it', async () => {
  const answer = await house().ask('/host', { headers: { host: 'shop.example' } })
  const lines = at(answer.json, 'lines')
  assert.ok(isObject(answer.json) && Array.isArray(lines))
  const named = Object.fromEntries(lines)
  assert.equal(named['host'], new URL(house().origin.url).host)
  assert.equal(named['x-forwarded-host'], 'shop.example')
})
