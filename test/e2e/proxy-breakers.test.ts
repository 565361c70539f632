/* Section 4.6 for routes of the configuration: breakers, ejection, active checks and the retry budget, over all workers. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../harness/ask.ts'
import { eventually } from '../harness/eventually.ts'
import { scaled } from './house.ts'
import { ProxyHouse } from './proxy-house.ts'

const patient = { breaker: { consecutive_failures: 0, failure_share: 0 }, ejection: { failures: 0 } }

test('F15 R6 R8 a breaker opens over all workers, lets single probes through, and closes when the server is back', async () => {
  const own = await ProxyHouse.build({
    workers: 2,
    pool: { ejection: patient.ejection, balance: { panic_below: 'never' } },
    route: { breaker: { consecutive_failures: 4, open: '1s' }, retry: { attempts: 1 } },
  })
  try {
    const { origin } = own
    let healthy = false
    origin.on('/x', (_request, response) => {
      if (healthy) response.end('fine')
      else response.writeHead(503).end('busy')
    })
    // Each on a connection of its own, so that both workers take part.
    const burst = (count: number) => Promise.all(Array.from({ length: count }, () => ask(`${own.gateway.url}/x`)))
    for (let round = 0; round < 4; round++) await burst(1)
    const opened = origin.seen('/x').length
    const refused = await burst(30)
    assert.equal(origin.seen('/x').length, opened, 'an open breaker lets nothing through')
    assert.ok(refused.every(({ status, headers }) => status === 503 && Number(headers['retry-after']) >= 1))
    await delay(1_300)
    const probes = origin.seen('/x').length
    await burst(30)
    assert.equal(origin.seen('/x').length, probes + 1, 'one probe, over all workers')
    healthy = true
    await eventually(async () => (await ask(`${own.gateway.url}/x`)).status === 200, {
      everyMs: 50,
      what: 'a probe to close it',
    })
    const closed = await burst(30)
    assert.ok(closed.every(({ status }) => status === 200))
  } finally {
    await own.close()
  }
})

test('F15 a server that fails in a row is left alone for a while, and active checks find out who is well', async () => {
  const own = await ProxyHouse.build({
    workers: 2,
    origins: 2,
    pool: {
      ejection: { failures: 3, base: '1500ms', max: '1500ms', on: [500] },
      health: { path: '/up', interval: '200ms', timeout: '200ms', healthy: 1, unhealthy: 2 },
    },
    route: { breaker: patient.breaker, retry: { attempts: 1 } },
  })
  try {
    const [bad, good] = own.origins
    assert.ok(bad && good)
    bad.on('/x', (_request, response) => void response.writeHead(500).end())
    const get = () => ask(`${own.gateway.url}/x`)
    let failures = 0
    for (let at = 0; at < 40; at++) if ((await get()).status === 500) failures++
    assert.ok(failures >= 3 && failures <= 5, `${failures} failures until it was ejected`)
    const ejected = bad.seen('/x').length
    for (let at = 0; at < 20; at++) assert.equal((await get()).status, 200)
    assert.equal(bad.seen('/x').length, ejected)
    bad.on('/x', (_request, response) => void response.end('again'))
    await eventually(async () => (await get()).text === 'again', {
      deadlineMs: 30_000,
      everyMs: 50,
      what: 'the end of the ejection',
    })
    bad.on('/up', (_request, response) => void response.writeHead(500).end())
    await eventually(
      async () => (await Promise.all([get(), get(), get(), get()])).every(({ text }) => text !== 'again'),
      {
        deadlineMs: 30_000,
        what: 'the check to find it unhealthy',
      },
    )
    const before = bad.seen('/x').length
    for (let at = 0; at < 20; at++) await get()
    assert.equal(bad.seen('/x').length, before)
    bad.on('/up', (_request, response) => void response.end('up'))
    await eventually(async () => (await get()).text === 'again', {
      deadlineMs: 30_000,
      what: 'the check to find it healthy',
    })
  } finally {
    await own.close()
  }
})

test('a retry goes nowhere else when the others are out: the answer of the only one is the answer', async () => {
  const own = await ProxyHouse.build({
    origins: 2,
    pool: { ejection: { failures: 2, base: '60s' } },
    route: { breaker: patient.breaker, retry: { budget_per_second: 1_000, backoff: '10ms' } },
  })
  try {
    const [dead, busy] = own.origins
    assert.ok(dead && busy)
    await dead.die()
    for (let at = 0; at < 6; at++) assert.equal((await own.ask('/x')).status, 200)
    busy.on('/busy', (_request, response) => void response.writeHead(503, { 'x-own': '1' }).end('mine'))
    const answer = await own.ask('/busy')
    assert.deepEqual([answer.status, answer.text, answer.headers['x-own']], [503, 'mine', '1'])
    assert.equal(busy.seen('/busy').length, 2, 'once more on the only one, as upstreams.md says')
  } finally {
    await own.close()
  }
})

test('R1 when everything fails, retries stay within their budget', async (t) => {
  const own = await ProxyHouse.build({
    workers: 2,
    origins: 2,
    pool: { ejection: patient.ejection },
    route: {
      breaker: patient.breaker,
      retry: { attempts: 4, attempts_per_target: 2, budget_share: 0.2, budget_per_second: 1 },
    },
  })
  try {
    for (const origin of own.origins) origin.on('/x', (_request, response) => void response.writeHead(503).end())
    const total = scaled(500)
    const began = performance.now()
    let left = total
    const loop = async () => {
      while (left-- > 0) assert.equal((await own.ask('/x')).status, 503)
    }
    await Promise.all(Array.from({ length: 10 }, loop))
    const seconds = (performance.now() - began) / 1_000
    const attempts = own.origins.reduce((sum, origin) => sum + origin.seen('/x').length, 0)
    t.diagnostic(`${attempts} attempts for ${total} requests in ${seconds.toFixed(1)} s`)
    assert.ok(attempts <= total * 1.2 + seconds + 3, `${attempts} attempts`)
    assert.ok(attempts >= total * 1.1)
  } finally {
    await own.close()
  }
})

test('one page that answers 500 or 503 does not take the others with it, by default', async () => {
  const own = await ProxyHouse.build({ workers: 2 })
  try {
    own.origin.on('/bad', (_request, response) => void response.writeHead(500).end())
    own.origin.on('/busy', (_request, response) => void response.writeHead(503).end())
    let refused = 0
    const good = async () => {
      for (let at = 0; at < 40; at++) if ((await own.ask('/good')).status !== 200) refused++
    }
    const bad = async (path: string) => {
      for (let at = 0; at < 40; at++) await own.ask(path)
    }
    await Promise.all([good(), bad('/bad'), bad('/busy')])
    await good()
    assert.equal(refused, 0)
  } finally {
    await own.close()
  }
})

/** With the default rules of how long a server is left alone this takes minutes: those are run with FERRO_TEST_SCALE above 1. */
const SOON = scaled(1) > 1 ? {} : { pool: { ejection: { base: '3s' } }, route: { breaker: { open: '3s' } } }

// They wait for most of their time: both at once.
describe('with the default rules', { concurrency: true }, () => {
  for (const health of [undefined, { path: '/up', interval: '1s' }]) {
    const checks = health === undefined ? 'without checks' : 'with checks'
    test(`both servers of a pool die in turn, with the default rules and ${checks}, and no GET is lost`, async () => {
      const own = await ProxyHouse.build({
        workers: 2,
        origins: 2,
        ...(health === undefined ? SOON : { pool: { health } }),
      })
      try {
        const [first, second] = own.origins
        assert.ok(first && second)
        const lost: string[] = []
        let running = true
        const loop = async () => {
          while (running) {
            const { status, text } = await own.ask('/x')
            if (status !== 200) lost.push(`${status} ${text}`)
            await delay(40)
          }
        }
        const loops = Array.from({ length: 8 }, loop)
        for (const origin of [first, second, first]) {
          await delay(500)
          await origin.die()
          await delay(1_500)
          await origin.listen()
          // The next one dies when this one serves again: on a busy machine that is not soon.
          const served = origin.seen('/x').length
          await eventually(() => origin.seen('/x').length > served, {
            deadlineMs: 30_000,
            what: 'a server that is back',
          })
        }
        running = false
        await Promise.all(loops)
        assert.deepEqual(lost, [])
      } finally {
        await own.close()
      }
    })
  }
})
