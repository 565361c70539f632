import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { freePort } from '../servers/servers.ts'

/** Requests to `/slow` wait here. */
const waiting: (() => void)[] = []
const upstream = createServer((request, response) => {
  if (request.url === '/slow') waiting.push(() => response.end('slow'))
  else response.writeHead(request.url === '/fail' ? 503 : 200).end('answer')
})
let gateway: Gateway | null = null
let good = ''
let dead = ''

before(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const bound = upstream.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  good = `http://127.0.0.1:${bound.port}`
  dead = `http://127.0.0.1:${await freePort()}`
  gateway = await Gateway.start({
    config: {
      listen: '127.0.0.1:0',
      control: { listen: '127.0.0.1:0' },
      workers: 2,
      log: { access: { output: 'off' } },
      egress: { rules: [{ id: 'no', action: 'refuse', addresses: ['127.0.0.2/32'] }] },
      upstreams: {
        app: { targets: [good, dead], ejection: { failures: 2 }, health: { path: '/', interval: '100ms' } },
        named: { targets: [`http://localhost:${bound.port}`], dns_refresh: '100ms' },
        denied: { targets: ['http://127.0.0.2:80'] },
      },
      routes: [
        { id: 'api', match: { path: '/api/*' }, rewrite: { strip_prefix: '/api' }, upstream: 'app' },
        {
          id: 'named',
          match: { path: '/named/*' },
          rewrite: { strip_prefix: '/named' },
          upstream: 'named',
          breaker: { consecutive_failures: 2 },
        },
        { id: 'denied', match: { path: '/denied' }, upstream: 'denied' },
      ],
    },
  })
})
after(async () => {
  await gateway?.close()
  upstream.closeAllConnections()
  upstream.close()
})

async function get(path: string): Promise<number> {
  assert.ok(gateway !== null)
  const answer = await fetch(gateway.url + path)
  await answer.arrayBuffer()
  return answer.status
}

/** The value of one series as the control listener shows it; null when there is none. */
async function metric(series: string): Promise<number | null> {
  assert.ok(gateway !== null)
  const text = await (await fetch(`${gateway.controlUrl}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return line === undefined ? null : Number(line.slice(series.length + 1))
}

test('a route of the configuration is counted under its own name', async () => {
  const series = 'ferro_requests_total{model="none",provider="none",route="api",status="200"}'
  const before = (await metric(series)) ?? 0
  assert.equal(await get('/api/'), 200)
  // A worker tells of a new series in its own time.
  await eventually(async () => (await metric(series)) === before + 1)
})

test('each target of a pool shows its health and what is in flight to it, over all workers', async () => {
  const of = (target: string) => `{pool="app",target="${target}"}`
  await eventually(async () => (await metric(`ferro_upstream_healthy${of(dead)}`)) === 0)
  assert.equal(await metric(`ferro_upstream_healthy${of(good)}`), 1)
  const slow = Promise.all([get('/api/slow'), get('/api/slow'), get('/api/slow')])
  await eventually(() => waiting.length === 3)
  assert.equal(await metric(`ferro_upstream_in_flight${of(good)}`), 3)
  for (const answer of waiting.splice(0)) answer()
  await slow
  await eventually(async () => (await metric(`ferro_upstream_in_flight${of(good)}`)) === 0)
})

test('a target that a name has shows its address, and the breaker that is open for it', async () => {
  const of = `{pool="named",target="${good.replace('127.0.0.1', 'localhost')}#127.0.0.1"}`
  await eventually(async () => (await metric(`ferro_upstream_breakers_open${of}`)) === 0)
  assert.equal(await metric(`ferro_upstream_ejected${of}`), 0)
  await eventually(async () => {
    await get('/named/fail')
    return (await metric(`ferro_upstream_breakers_open${of}`)) === 1
  })
})

test('connections are counted by what became of them', async () => {
  for (const outcome of ['connected', 'failed']) {
    await eventually(async () => ((await metric(`ferro_upstream_connections_total{outcome="${outcome}"}`)) ?? 0) > 0)
  }
  assert.equal(await metric('ferro_upstream_connections_total{outcome="denied"}'), null)
  assert.ok((await get('/denied')) >= 400)
  await eventually(async () => ((await metric('ferro_upstream_connections_total{outcome="denied"}')) ?? 0) > 0)
})
