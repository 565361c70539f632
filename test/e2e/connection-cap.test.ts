import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import type { JsonObject } from '../harness/json.ts'
import { RawClient } from '../harness/raw-client.ts'

const CAP = 300
const REQUEST = 'GET / HTTP/1.1\r\nHost: gateway\r\n\r\n'

function config(more: JsonObject): JsonObject {
  return {
    listen: '127.0.0.1:0',
    control: { listen: '127.0.0.1:0' },
    workers: 2,
    limits: { connections_per_address: CAP },
    routes: [{ id: 'all', match: { path: '/**' }, respond: { body: 'ok' } }],
    log: { access: { output: 'off' } },
    ...more,
  }
}

async function start(t: { after(work: () => Promise<void>): void }, more: JsonObject): Promise<Gateway> {
  const gateway = await Gateway.start({ config: config(more) })
  t.after(() => gateway.close())
  return gateway
}

async function refused(gateway: Gateway): Promise<number> {
  const samples = (await gateway.metrics()).filter(
    ({ name, labels }) => name === 'ferro_connections_refused_total' && labels['reason'] === 'address',
  )
  return samples.reduce((sum, { value }) => sum + value, 0)
}

/** Opens a connection and asks; null when it was closed instead. */
async function opened(url: string, greeting = ''): Promise<RawClient | null> {
  // A refused connection is reset at once: under load before the client knows that it had one.
  const client = await RawClient.connect(url).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET') return null
    throw error
  })
  if (client === null) return null
  await client.send(greeting + REQUEST)
  await eventually(() => client.closeKind !== 'open' || client.responses().length > 0, { what: 'an answer or an end' })
  return client.responses().length > 0 ? client : null
}

/** As many connections at once, none of which may be refused. */
async function many(count: number, url: string, greeting = ''): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => opened(url, greeting)))
  return clients.map((client, at) => client ?? assert.fail(`connection ${at} of ${count} was refused`))
}

function greetingOf(address: string): string {
  return `PROXY TCP4 ${address} 127.0.0.1 40000 80\r\n`
}

test('L4 an address has no more connections than it may over all workers, and others are not concerned', {
  timeout: 60_000,
}, async (t) => {
  const gateway = await start(t, {
    trusted_proxies: ['127.0.0.1'],
    listeners: { main: { listen: '127.0.0.1:0', proxy_protocol: 'optional' } },
  })
  const idle = await many(CAP, gateway.url, greetingOf('203.0.113.7'))
  for (let at = 0; at < 50; at++) assert.equal(await opened(gateway.url, greetingOf('203.0.113.7')), null)
  assert.equal(await eventually(async () => (await refused(gateway)) || null), 50)

  // Another address, and the trusted proxy itself, go on.
  for (const greeting of [greetingOf('203.0.113.8'), '']) {
    const begun = performance.now()
    const good = (await opened(gateway.url, greeting)) ?? assert.fail('another address was refused')
    assert.ok(performance.now() - begun < 1_000)
    good.abort()
  }

  // Two workers, one line each at most.
  const lines = gateway.stderr.text.split('\n').filter((line) => line.includes('connections_per_address'))
  assert.ok(lines.length >= 1 && lines.length <= 2, gateway.stderr.text)
  assert.match(lines[0] ?? '', /203\.0\.113\.7/)

  // A place that is left can be taken again, however it was left.
  idle[0]?.abort()
  idle[1]?.finish()
  const again = async () => await opened(gateway.url, greetingOf('203.0.113.7'))
  for (let at = 0; at < 2; at++) idle.push(await eventually(again, { what: 'a place that was left' }))
  assert.equal(await again(), null)
  for (const client of idle) client.abort()
})

test('L4 five thousand idle connections of many addresses, and 300 too many of one, leave a good client alone', {
  timeout: 120_000,
}, async (t) => {
  const gateway = await start(t, {
    trusted_proxies: ['127.0.0.1'],
    listeners: { main: { listen: '127.0.0.1:0', proxy_protocol: 'optional' } },
  })
  const idle: RawClient[] = []
  for (let at = 0; at < 5_000; at += 100) {
    const some = Array.from({ length: 100 }, (_, of) => opened(gateway.url, greetingOf(`10.0.${of}.${(at / 100) % 5}`)))
    for (const client of await Promise.all(some)) idle.push(client ?? assert.fail('an idle connection was refused'))
  }
  const one = await Promise.all(Array.from({ length: 2 * CAP }, () => opened(gateway.url, greetingOf('203.0.113.7'))))
  const held = one.filter((client) => client !== null)
  assert.ok(held.length === CAP, `${held.length} of ${CAP} places`)
  const good = (await opened(gateway.url, greetingOf('198.51.100.9'))) ?? assert.fail('the good client was refused')
  for (const client of [...idle, ...held, good]) client.abort()
  await eventually(async () => (await opened(gateway.url, greetingOf('203.0.113.7'))) !== null)
})

test('L4 what a worker had counted is given back when it is replaced', { timeout: 60_000 }, async (t) => {
  const gateway = await start(t, { workers: 1 })
  const url = gateway.url
  const idle = await many(CAP, url)
  assert.equal(await opened(url), null)
  const replaced = () => gateway.stderr.text.includes('the data workers were replaced')
  gateway.writeConfig(config({ workers: 1, limits: { connections_per_address: CAP }, journal: { interval: '21ms' } }))
  gateway.signal('SIGHUP')
  await eventually(replaced, { deadlineMs: 30_000, what: 'the replacement' })
  await eventually(
    async () => {
      const client = await opened(url)
      client?.abort()
      return client !== null
    },
    { what: 'the places of the worker that left' },
  )
  for (const client of idle) client.abort()
})
