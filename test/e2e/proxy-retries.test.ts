/* Section 4.6 for routes of the configuration: how often, for how long and for whom a request is sent again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../harness/ask.ts'
import { eventually } from '../harness/eventually.ts'
import { ProxyHouse, type ProxyHouseOptions } from './proxy-house.ts'

const NO_EJECTION = { ejection: { failures: 0 } }
const NO_BREAKER = { consecutive_failures: 0, failure_share: 0 }

async function withHouse(options: ProxyHouseOptions, use: (house: ProxyHouse) => Promise<void>): Promise<void> {
  const house = await ProxyHouse.build(options)
  try {
    await use(house)
    house.assertUnharmed()
  } finally {
    await house.close()
  }
}

test('F2 429 for ever is asked a few times, with pauses, and passed on then', async () => {
  const retry = { on: [429], attempts: 3, attempts_per_target: 3, backoff: '100ms', budget_per_second: 100 }
  await withHouse({ pool: NO_EJECTION, route: { retry, breaker: NO_BREAKER } }, async (house) => {
    const { origin } = house
    const times: number[] = []
    origin.on('/limited', (_request, response, seen) => {
      times.push(seen.arrivedAt)
      response.writeHead(429).end('slow down')
    })
    const waits: number[] = []
    for (let round = 0; round < 20; round++) {
      const before = times.length
      const answer = await house.ask('/limited')
      assert.deepEqual([answer.status, answer.text], [429, 'slow down'])
      const own = times.slice(before)
      assert.equal(own.length, 3)
      for (let at = 1; at < own.length; at++) waits.push((own[at] ?? 0) - (own[at - 1] ?? 0))
    }
    // Waits are chosen at random up to 100 and 200 ms.
    assert.ok(new Set(waits.map((ms) => Math.round(ms / 20))).size >= 3, waits.join())
    assert.ok(waits.reduce((sum, ms) => sum + ms, 0) / waits.length >= 30, waits.join())
  })
})

test('R5 three servers that never answer: the total deadline holds over all attempts', async () => {
  const timeouts = { first_byte: '900ms', total: '2s' }
  await withHouse(
    {
      origins: 3,
      pool: NO_EJECTION,
      route: { timeouts, breaker: NO_BREAKER, retry: { attempts: 6, budget_per_second: 100 } },
    },
    async (house) => {
      for (const origin of house.origins) origin.on('/silent', () => undefined)
      const answer = await house.ask('/silent')
      assert.equal(answer.status, 504)
      const asked = house.origins.map((origin) => origin.seen('/silent').length)
      assert.deepEqual(asked, [1, 1, 1], 'each of them once')
      assert.ok(answer.tookMs >= 1_900 && answer.tookMs <= 2_600, `${answer.tookMs} ms`)
    },
  )
})

test('R7 a breaker that is open stays open over a reload', async () => {
  const options: ProxyHouseOptions = {
    workers: 2,
    pool: { ...NO_EJECTION, balance: { panic_below: 'never' } },
    route: { breaker: { consecutive_failures: 3, open: '10m' }, retry: { attempts: 1 } },
  }
  await withHouse(options, async (house) => {
    const { origin, gateway } = house
    origin.on('/x', (_request, response) => response.writeHead(503).end())
    for (let at = 0; at < 6; at++) await ask(`${gateway.url}/x`)
    const opened = origin.seen('/x').length
    assert.ok(opened < 6)
    // A new route shows that the reload is in force.
    const route = { ...options.route, id: 'all', match: { path: '/**' }, upstream: 'pool' }
    const more = { id: 'new', match: { path: '/new' }, respond: { body: 'new' } }
    gateway.writeConfig(house.config({ ...options, routes: () => [route, more] }))
    gateway.signal('SIGHUP')
    const isNew = async () =>
      (await Promise.all(Array.from({ length: 6 }, () => ask(`${gateway.url}/new`)))).every(
        ({ text }) => text === 'new',
      )
    await eventually(isNew, { deadlineMs: 30_000, what: 'the reload' })
    for (let at = 0; at < 10; at++) {
      const answer = await ask(`${gateway.url}/x`)
      assert.deepEqual([answer.status, Number(answer.headers['retry-after']) > 60], [503, true])
    }
    assert.equal(origin.seen('/x').length, opened, 'nothing got through')
  })
})

test('R8 when the breakers of all servers are open, the answer is 503 with Retry-After', async () => {
  const route = { breaker: { consecutive_failures: 2, open: '30s' }, retry: { attempts: 1 } }
  await withHouse({ origins: 3, pool: { ...NO_EJECTION, balance: { panic_below: 'never' } }, route }, async (house) => {
    for (const origin of house.origins) origin.on('/x', (_request, response) => response.writeHead(503).end())
    for (let at = 0; at < 20; at++) await house.ask('/x')
    const answer = await house.ask('/x')
    const after = Number(answer.headers['retry-after'])
    assert.equal(answer.status, 503)
    assert.ok(after >= 1 && after <= 36, `${after} s`)
    assert.ok(house.origins.every((origin) => origin.seen('/x').length <= 3))
  })
})

test('R9 faults of clients, clients that leave and our own limits open no breaker', async () => {
  const own = { breaker: { consecutive_failures: 2, failure_share: 0.1, minimum_volume: 2, open: '10m' } }
  const to = { upstream: 'pool', ...own, retry: { attempts: 1 } }
  const limited = [{ by: 'route', requests_per_minute: 1, burst: 1 }]
  await withHouse(
    {
      routes: () => [
        { id: 'all', match: { path: '/**' }, ...to },
        { id: 'limited', match: { path: '/limited' }, ...to, rate_limits: limited },
      ],
    },
    async (house) => {
      const { origin } = house
      origin.on('/fault', (request, response) => response.writeHead(Number(request.url?.split('?')[1])).end())
      for (const status of [400, 401, 404, 409, 422, 429]) {
        for (let at = 0; at < 5; at++) assert.equal((await house.ask(`/fault?${status}`)).status, status)
      }
      origin.on('/left', () => undefined)
      for (let at = 0; at < 10; at++) {
        const client = await house.connect()
        await client.send('GET /left HTTP/1.1\r\nHost: a\r\n\r\n')
        await eventually(() => origin.seen('/left').length > at)
        client.abort()
      }
      await eventually(() => origin.seen('/left').every(({ cutAt }) => cutAt !== null))
      const statuses: (number | null)[] = []
      for (let at = 0; at < 10; at++) statuses.push((await house.ask('/limited')).status)
      assert.deepEqual(statuses.slice(0, 2), [200, 429])
      for (let at = 0; at < 5; at++) assert.equal((await house.ask('/fine')).status, 200)
    },
  )
})
