import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { type TestContext, test } from 'node:test'
import { type DnsAnswer, startDns } from '../../../test/harness/dns-server.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { startEdge } from '../../../test/request-path/edge.ts'
import { type ConfigDocument, parseConfig } from '../../config/index.ts'
import {
  Connector,
  compileRoutes,
  dnsNames,
  EMPTY_PLAN,
  type RefreshNews,
  Resolver,
  routeSlotNeeds,
  viewCells,
} from '../../core/index.ts'
import { createCounters, SlotAllocator } from '../../lib/index.ts'
import { Pools } from './pools.ts'

const SEATS = 4

/** A server on an address of loopback that answers its address; `/slow` when `release` says so. */
async function startServer(t: TestContext, address: string, port = 0) {
  const waiting: (() => void)[] = []
  const server: Server = createServer((request, response) => {
    if (request.url === '/fail') response.writeHead(503).end()
    else if (request.url === '/slow') waiting.push(() => response.end(address))
    else response.end(address)
  })
  // Connections are the gateway's to close.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(port, address, resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const bound = server.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  const connections = async () =>
    await new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)))
  return { port: bound.port, waiting, connections }
}

/** The memory that the workers of a gateway share, as one of them sees it. */
function sharedFor(document: ConfigDocument) {
  const region = createCounters(262_144)
  const slots = new SlotAllocator(new BigInt64Array(region))
  const indexes = new Map(routeSlotNeeds(document, SEATS).map(({ name, cells }) => [name, slots.allocate(name, cells)]))
  return {
    cells: viewCells(region),
    seat: { number: 0, of: SEATS },
    indexOf: ({ name }: { name: string }) => indexes.get(name) ?? assert.fail(`no slot ${name}`),
  }
}

/** A gateway with one route to a pool of the name `app.test`, whose addresses `answer` holds. */
async function setUp(t: TestContext, port: number, answer: DnsAnswer) {
  let told = answer
  const dns = await startDns(t, () => told)
  const result = await parseConfig(
    JSON.stringify({
      upstreams: {
        app: {
          targets: [`http://app.test:${port}`],
          dns_refresh: '20ms',
          ejection: { failures: 0 },
          balance: { panic_below: 'never' },
        },
      },
      routes: [{ id: 'app', upstream: 'app', retry: { attempts: 1 }, breaker: { consecutive_failures: 2 } }],
    }),
    { path: 'ferro.json' },
  )
  assert.ok(result.ok)
  const { document } = result
  const shared = sharedFor(document)
  const news: RefreshNews[] = []
  const resolver = new Resolver({ source: dnsNames({ servers: [dns.address], tries: 1 }) })
  const door = { key: '', connector: new Connector({ resolver }) }
  const pools = new Pools({
    shared,
    now: () => performance.now(),
    onHealth: () => undefined,
    onRefresh: (_pool, what) => news.push(what),
  })
  t.after(() => pools.close())
  const compile = async (version: number) =>
    await compileRoutes(document.routes, {
      shared,
      now: () => performance.now(),
      trusted: null,
      bodyLimit: 1e6,
      pool: (name) => {
        const config = document.upstreams[name]
        assert.ok(config)
        return pools.pool(name, config, { version, door })
      },
      gates: () => [],
      settle: () => null,
    })
  const edge = await startEdge(t, { plan: EMPTY_PLAN })
  edge.gateway.plan = { ...EMPTY_PLAN, routes: await compile(1) }
  const get = async (path = '/') => await (await fetch(edge.url + path)).text()
  return { pools, get, news, tell: (next: DnsAnswer) => (told = next) }
}

/** What so many requests were answered. */
async function answers(get: () => Promise<string>, count: number): Promise<string[]> {
  const found = new Set<string>()
  for (let n = 0; n < count; n++) found.add(await get())
  return [...found].sort()
}

test('every address of a name is a target; the plan follows their changes, and what was begun ends where it was', async (t) => {
  const one = await startServer(t, '127.0.0.1')
  const { port } = one
  const two = await startServer(t, '127.0.0.2', port)
  await startServer(t, '127.0.0.3', port)
  const { pools, get, tell, news } = await setUp(t, port, { addresses: ['127.0.0.1', '127.0.0.2'] })
  await pools.resolved()
  assert.deepEqual(await answers(get, 6), ['127.0.0.1', '127.0.0.2'])
  const slow = Promise.all(Array.from({ length: 4 }, () => get('/slow')))
  await eventually(() => one.waiting.length === 2 && two.waiting.length === 2)
  // One connection is idle from now on, one is busy.
  one.waiting.shift()?.()
  await eventually(async () => (await one.connections()) === 2)
  tell({ addresses: ['127.0.0.2', '127.0.0.3'] })
  await eventually(() => news.length === 2)
  assert.deepEqual(await answers(get, 6), ['127.0.0.2', '127.0.0.3'])
  assert.deepEqual(
    news.map(({ target, addresses }) => [target, addresses]),
    [
      [`http://app.test:${port}`, ['127.0.0.1', '127.0.0.2']],
      [`http://app.test:${port}`, ['127.0.0.2', '127.0.0.3']],
    ],
  )
  // Idle connections to what is gone are closed; the busy one is when its answer is complete.
  await eventually(async () => (await one.connections()) === 1)
  for (const answer of [...one.waiting, ...two.waiting]) answer()
  assert.deepEqual((await slow).sort(), ['127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.2'])
  await eventually(async () => (await one.connections()) === 0)
})

test('the last good addresses stay when the name servers fail, which is told once', async (t) => {
  const one = await startServer(t, '127.0.0.1')
  const { pools, get, tell, news } = await setUp(t, one.port, { addresses: ['127.0.0.1'] })
  await pools.resolved()
  tell({ fault: 'SERVFAIL' })
  await eventually(() => news.length === 2)
  assert.ok(news[1]?.error instanceof Error)
  tell({ fault: 'NXDOMAIN' })
  assert.deepEqual(await answers(get, 3), ['127.0.0.1'])
  tell({ addresses: ['127.0.0.1', '127.0.0.2'] })
  await eventually(() => news.length === 3)
  assert.deepEqual(news[2]?.addresses, ['127.0.0.1', '127.0.0.2'])
})

test('a name that cannot be resolved at the start is connected to as soon as it can', async (t) => {
  const one = await startServer(t, '127.0.0.1')
  const { pools, get, tell } = await setUp(t, one.port, { fault: 'NXDOMAIN' })
  await pools.resolved()
  const refused = JSON.parse(await get())
  assert.equal(refused.code, 'upstream_unreachable')
  tell({ addresses: ['127.0.0.1'] })
  await eventually(async () => (await get()) === '127.0.0.1')
})

test('what was found out of an address does not count for the one that comes in its place', async (t) => {
  const one = await startServer(t, '127.0.0.1')
  await startServer(t, '127.0.0.2', one.port)
  const { pools, get, tell, news } = await setUp(t, one.port, { addresses: ['127.0.0.1'] })
  await pools.resolved()
  await get('/fail')
  await get('/fail')
  // The breaker of the only target is open.
  assert.equal(JSON.parse(await get()).code, 'upstream_unavailable')
  tell({ addresses: ['127.0.0.2'] })
  await eventually(() => news.length === 2)
  assert.equal(await get(), '127.0.0.2')
  tell({ addresses: ['127.0.0.1'] })
  await eventually(() => news.length === 3)
  // Its own state is still known.
  assert.equal(JSON.parse(await get()).code, 'upstream_unavailable')
})

test('a check that a reload has changed is made no more, also when the change is taken back and not put in force', async (t) => {
  const checks: string[] = []
  const server = createServer((request, response) => {
    checks.push(request.url ?? '')
    response.writeHead(request.url === '/right' ? 200 : 404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  const bound = server.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  const verdicts: string[] = []
  const parse = async (path: string) => {
    const health = { path, interval: '20ms', healthy: 2, unhealthy: 2 }
    const app = { targets: [`http://127.0.0.1:${bound.port}`], health }
    const text = JSON.stringify({ upstreams: { app }, routes: [{ id: 'app', upstream: 'app' }] })
    const result = await parseConfig(text, { path: 'ferro.json' })
    assert.ok(result.ok)
    return result.document
  }
  const [wrong, right] = [await parse('/wrong'), await parse('/right')]
  const pools = new Pools({
    shared: sharedFor(wrong),
    now: () => performance.now(),
    onHealth: (_pool, _target, verdict) => verdicts.push(verdict),
    onRefresh: () => undefined,
  })
  t.after(() => pools.close())
  const door = { key: '', connector: new Connector() }
  const open = ({ upstreams: { app } }: ConfigDocument, version: number) => {
    assert.ok(app)
    return pools.pool('app', app, { version, door })
  }
  const old = open(wrong, 1)
  pools.swap(1)
  await eventually(() => verdicts.includes('unhealthy'))
  open(right, 2)
  pools.swap(2)
  await eventually(() => verdicts.at(-1) === 'healthy')
  const quiet = async () => {
    checks.length = 0
    await eventually(() => checks.length >= 6)
    return !checks.includes('/wrong')
  }
  await eventually(quiet, { what: 'the end of the old checks' })
  assert.equal(open(wrong, 3), old)
  await eventually(() => checks.includes('/wrong'))
  pools.discard(3)
  await eventually(quiet, { what: 'the end of the checks that were taken up again' })
})
