/* What a route leaves behind of its requests: records as it says, lines and metrics of all. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { isObject } from '../harness/json.ts'
import { findSamples } from '../harness/metrics.ts'

const routes = (['all', 'errors', 'none'] as const).flatMap((record) => [
  { id: `${record}-fine`, match: { path: `/${record}/fine` }, record, respond: { body: 'fine' } },
  { id: `${record}-bad`, match: { path: `/${record}/bad` }, record, respond: { status: 500, body: 'bad' } },
])
let gateway: Gateway

before(async () => {
  const access = { output: 'stdout' }
  gateway = await Gateway.start({
    config: { listen: '127.0.0.1:0', control: { listen: '127.0.0.1:0' }, workers: 1, log: { access }, routes },
  })
})
after(async () => await gateway.close())

function lines(): Record<string, unknown>[] {
  const all = gateway.stdout.text.split('\n').filter((line) => line.startsWith('{'))
  return all.map((line): unknown => JSON.parse(line)).filter(isObject)
}

test('a route leaves records of all requests, of failures, or of none; its lines and metrics are of all', async () => {
  const asked = routes.map(({ match }) => match.path)
  for (const path of [...asked, '/all/fine']) await (await fetch(gateway.url + path)).text()
  const left = () => {
    using database = gateway.db()
    return database
      .prepare('SELECT route FROM requests')
      .all()
      .map(({ route }) => String(route))
  }
  // Records are written in their order: the last one is there after all that were before it.
  await eventually(() => left().filter((route) => route === 'all-fine').length === 2, { what: 'the last record' })
  assert.deepEqual(left().sort(), ['all-bad', 'all-fine', 'all-fine', 'errors-bad'])
  await eventually(() => lines().filter(({ msg }) => msg === 'request').length === 7, { what: 'seven lines' })
  const metrics = await gateway.metrics()
  for (const { id } of routes) assert.ok(findSamples(metrics, 'ferro_requests_total', { route: id }).length > 0, id)
})

test('the line of a route tells host, scheme, protocol, query and agent, and no secret', async () => {
  const headers = { 'user-agent': 'agent "7"\u00e9' }
  await (await fetch(`${gateway.url}/none/fine?page=2&token=hidden-value`, { headers })).text()
  const line = await eventually(() => lines().find(({ query }) => typeof query === 'string') ?? null)
  assert.deepEqual(
    [line.host, line.scheme, line.protocol, line.query, line.status],
    [new URL(gateway.url).host, 'http', 'HTTP/1.1', 'page=2&token=[redacted]', 200],
  )
  assert.match(String(line.user_agent), /^agent "7"/)
  assert.ok(!gateway.stdout.text.includes('hidden-value'))
})

test('metrics tell connections of clients, the lag of the event loop and the level of load', async () => {
  const samples = await eventually(async () => {
    const all = await gateway.metrics()
    const [connections] = findSamples(all, 'ferro_client_connections')
    const [level] = findSamples(all, 'ferro_load_level')
    return level !== undefined && connections !== undefined && connections.value > 0 ? all : null
  })
  for (const [name, most] of [
    ['ferro_event_loop_lag_seconds', 5],
    ['ferro_load_level', 2],
  ] as const) {
    const [sample] = findSamples(samples, name)
    assert.ok(sample?.labels.worker !== undefined && sample.value >= 0 && sample.value <= most, JSON.stringify(sample))
  }
})
