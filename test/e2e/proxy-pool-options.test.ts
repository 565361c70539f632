/* What a pool says to its servers beside the requests: checks on connections of their own, and the Host. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { Origin } from '../harness/origin.ts'
import { ProxyHouse, type ProxyHouseOptions } from './proxy-house.ts'

async function house(t: TestContext, options: ProxyHouseOptions): Promise<ProxyHouse> {
  const built = await ProxyHouse.build(options)
  t.after(() => built.close())
  return built
}

test('a server whose connections are all in use is checked on one of its own, and stays healthy', async (t) => {
  const health = { path: '/up', interval: '50ms', timeout: '2s', unhealthy: 1 }
  const { gateway, origin } = await house(t, { pool: { max_connections: 1, health } })
  const streams: ServerResponse[] = []
  origin.on('/stream', (_request, response) => {
    streams.push(response)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
  })
  const abort = new AbortController()
  const answer = await fetch(`${gateway.url}/stream`, { signal: abort.signal })
  assert.equal(answer.status, 200)
  const before = origin.seen('/up').length
  await eventually(() => origin.seen('/up').length >= before + 3, { what: 'checks beside a stream' })
  assert.doesNotMatch(gateway.stderr.text, /is unhealthy/)
  const [stream] = streams
  assert.ok(stream)
  const closed = once(stream, 'close')
  abort.abort()
  await closed
})

test('a check has the method, Host, headers and port that the pool says', async (t) => {
  const status = await Origin.start('status')
  t.after(() => status.close())
  const health = {
    path: '/up?full',
    method: 'HEAD',
    host: 'checks.example.com',
    headers: { 'X-Probe': 'yes', 'User-Agent': 'own' },
    port: Number(new URL(status.url).port),
    interval: '50ms',
  }
  const { origin } = await house(t, { pool: { health } })
  await eventually(() => status.seen('/up').length > 0, { what: 'a check on the other port' })
  const [check] = status.seen('/up')
  assert.deepEqual([check?.method, check?.url], ['HEAD', '/up?full'])
  assert.deepEqual(
    ['host', 'x-probe', 'user-agent'].map((name) => check?.values(name)),
    [['checks.example.com'], ['yes'], ['own']],
  )
  assert.equal(origin.requests.length, 0)
})

test('the server sees the Host that the pool says, and so does its check', async (t) => {
  const health = { path: '/up', interval: '50ms' }
  const { gateway, origin } = await house(t, { pool: { host: 'app.internal:8443', health } })
  await fetch(`${gateway.url}/x`)
  assert.deepEqual(origin.seen('/x')[0]?.values('host'), ['app.internal:8443'])
  await eventually(() => origin.seen('/up').length > 0, { what: 'a check' })
  assert.deepEqual(origin.seen('/up')[0]?.values('host'), ['app.internal:8443'])
})
