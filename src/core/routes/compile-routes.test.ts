import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ask } from '../../../test/harness/ask.ts'
import { planOf, startEdge } from '../../../test/request-path/edge.ts'
import { poolTo, startHttp } from '../../../test/request-path/upstream.ts'
import { documentFrom } from '../../config/index.ts'
import type { SlotNeed } from '../balance/slots.ts'
import { cellsFor, SEATS, seat } from '../balance/testing/pool.ts'
import { UpstreamPool } from '../proxy/upstream-pool.ts'
import { compileRoute, compileRoutes } from './compile-routes.ts'
import type { RouteParts } from './route-parts.ts'
import { routeSlotNeeds } from './slots.ts'

interface Given {
  readonly upstreams?: object
  readonly routes: readonly object[]
}

/** The document of these routes and what they are compiled with; the pool's only server is `origin`. */
async function given(t: TestContext, config: Given, origin = 'http://127.0.0.1:1') {
  const document = await documentFrom(config)
  const indexes = new Map<string, number>()
  let next = 0
  for (const { name, cells } of routeSlotNeeds(document, SEATS)) {
    indexes.set(name, next)
    next += cells
  }
  const indexOf = ({ name }: SlotNeed) => indexes.get(name) ?? assert.fail(`no slot for ${name}`)
  const shared = { cells: cellsFor(), seat: seat(), indexOf }
  const pool = (name: string) =>
    new UpstreamPool({
      name,
      targets: [{ id: origin, weight: 1, transport: poolTo(t, origin) }],
      shared,
      now: () => performance.now(),
      ejection: null,
      health: null,
      policy: 'round_robin',
      keySource: null,
      panicBelow: 0,
      host: 'target',
      maxResponse: Number.POSITIVE_INFINITY,
      pendingMs: 10_000,
      onHealth: () => undefined,
    })
  const parts: RouteParts = {
    shared,
    now: () => performance.now(),
    trusted: null,
    bodyLimit: 1_000_000,
    pool,
    gates: () => [],
    settle: () => null,
  }
  return { document, parts }
}

const respond = { body: 'here' }

test('a document without routes has no table', async (t) => {
  const { document, parts } = await given(t, { routes: [] })
  assert.equal(await compileRoutes(document.routes, parts), null)
})

test('every form of a condition means what the configuration says', async (t) => {
  const rows = [
    ['exact', { path: '/e' }, { path: '/e' }, { path: '/e/' }],
    ['glob', { path: '/g/*' }, { path: '/g/x/y' }, { path: '/g' }],
    ['named exact', { path: { exact: '/n' } }, { path: '/n' }, { path: '/nn' }],
    ['prefix', { path: { prefix: '/p' } }, { path: '/p/x' }, { path: '/px' }],
    ['regex', { path: { regex: '/r[0-9]+' } }, { path: '/r12' }, { path: '/r' }],
    ['several', { path: ['/a', '/b'] }, { path: '/b' }, { path: '/c' }],
    [
      'host',
      { path: '/h', host: '*.example.com' },
      { path: '/h', host: 'a.example.com' },
      { path: '/h', host: 'example.com' },
    ],
    ['present', { path: '/x', header: { 'x-a': true } }, { path: '/x', header: '' }, { path: '/x' }],
    ['absent', { path: '/x', header: { 'x-a': false } }, { path: '/x' }, { path: '/x', header: 'v' }],
    ['value', { path: '/x', header: { 'X-A': 'v' } }, { path: '/x', header: 'v' }, { path: '/x', header: 'V' }],
    [
      'value with a star',
      { path: '/x', header: { 'x-a': 'v*' } },
      { path: '/x', header: 'v2' },
      { path: '/x', header: 'w' },
    ],
    [
      'value prefix',
      { path: '/x', header: { 'x-a': { prefix: 'v' } } },
      { path: '/x', header: 'v2' },
      { path: '/x', header: 'w' },
    ],
    [
      'value regex',
      { path: '/x', header: { 'x-a': { regex: 'v[0-9]' } } },
      { path: '/x', header: 'v2' },
      { path: '/x', header: 'v22' },
    ],
    ['query', { path: '/x', query: { q: '1' } }, { path: '/x', query: 'a&q=1' }, { path: '/x', query: 'q=2' }],
    ['address', { path: '/x', client: '10.0.0.0/8' }, { path: '/x', address: '10.1.1.1' }, { path: '/x' }],
    ['listener', { path: '/x', listener: 'main' }, { path: '/x' }, { path: '/x', listener: 'other' }],
    ['method', { path: '/x', method: 'POST' }, { path: '/x', method: 'POST' }, { path: '/x' }],
    [
      'what may be read may be asked for without its body',
      { path: '/x', method: 'GET' },
      { path: '/x', method: 'HEAD' },
      { path: '/x', method: 'POST' },
    ],
  ] as const
  for (const [name, match, yes, no] of rows) {
    const { document, parts } = await given(t, { routes: [{ id: 'r', match, respond }] })
    const table = (await compileRoutes(document.routes, parts)) ?? assert.fail(name)
    const isFound = (request: { path: string; [key: string]: string }) => {
      const { path, host = 'a', method = 'GET', listener = 'main', query = '', address = '1.1.1.1', header } = request
      const [names, values] = header === undefined ? [[], []] : [['x-a'], [header]]
      return table.find({ path, host, method, listener, query, clientAddress: address, names, values }).type === 'route'
    }
    assert.deepEqual([isFound(yes), isFound(no)], [true, false], name)
  }
})

test('how important a route is decides when it is refused', async (t) => {
  for (const [importance, level] of [
    ['low', 1],
    ['normal', 2],
    ['critical', Number.POSITIVE_INFINITY],
  ] as const) {
    const { document, parts } = await given(t, { routes: [{ id: 'r', importance, respond }] })
    const [config] = document.routes
    assert.ok(config)
    assert.equal(compileRoute(config, parts).shedFrom, level)
  }
})

test('every route that cannot be is named, with what is wrong', async (t) => {
  const good = await given(t, { routes: [{ id: 'a', match: { path: '/a' }, respond }] })
  const [config] = good.document.routes
  assert.ok(config)
  const broken = { ...config, id: 'broken', response_headers: { set: { a: '{nothing}' }, add: {}, remove: [] } }
  await assert.rejects(
    compileRoutes([broken, { ...broken, id: 'too' }], good.parts),
    /routes\.broken: .*\{nothing\}.*routes\.too: /,
  )
})

test('a compiled route serves requests through its pool, with what it does to paths and headers', async (t) => {
  const seen: string[] = []
  const upstream = await startHttp(t, (request, response) => {
    seen.push([request.method, request.url, request.headers['x-added']].join(' '))
    response.end('from the server')
  })
  const config = {
    upstreams: { pool: { targets: [upstream.origin] } },
    routes: [
      {
        id: 'r',
        match: { path: { prefix: '/api' } },
        upstream: 'pool',
        rewrite: { strip_prefix: '/api' },
        request_headers: { set: { 'x-added': '{path.rest}' } },
        response_headers: { set: { 'x-route': '{route}' } },
      },
    ],
  }
  const { document, parts } = await given(t, config, upstream.origin)
  const edge = await startEdge(t, { plan: planOf({}) })
  edge.gateway.plan = { ...planOf({}), routes: await compileRoutes(document.routes, parts) }
  const answer = await ask(`${edge.url}/api/x?y=%2F`)
  assert.deepEqual([answer.status, answer.text, answer.headers['x-route']], [200, 'from the server', 'r'])
  assert.deepEqual(seen, ['GET /x?y=%2F /x'])
  assert.equal((await ask(`${edge.url}/other`)).status, 404)
})

test('a folder whose prefix is stripped is redirected to its slash, as any folder is', async (t) => {
  const files = { root: import.meta.dirname }
  const config = { routes: [{ id: 'r', match: { path: { prefix: '/st' } }, rewrite: { strip_prefix: '/st' }, files }] }
  const { document, parts } = await given(t, config)
  const edge = await startEdge(t, { plan: planOf({}) })
  edge.gateway.plan = { ...planOf({}), routes: await compileRoutes(document.routes, parts) }
  const folder = await ask(`${edge.url}/st`)
  assert.deepEqual([folder.status, folder.headers.location], [308, './st/'])
  assert.equal((await ask(`${edge.url}/st/slots.ts`)).status, 200)
})
