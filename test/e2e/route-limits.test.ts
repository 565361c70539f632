import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'

const limit = (by: string, burst: number) => ({ by, requests_per_minute: 6, burst })

function config() {
  return {
    listen: '127.0.0.1:0',
    control: { listen: '127.0.0.1:0' },
    workers: 2,
    log: { access: { output: 'off' } },
    routes: [
      { id: 'a', match: { path: '/address' }, respond: { body: 'ok' }, rate_limits: [limit('address', 4)] },
      { id: 'r', match: { path: '/route' }, respond: { body: 'ok' }, rate_limits: [limit('route', 3)] },
      {
        id: 'both',
        match: { path: '/both' },
        respond: { body: 'ok' },
        rate_limits: [limit('header:x-tenant', 9), limit('header:x-user', 2), limit('route', 5)],
      },
      { id: 'h', match: { path: '/header' }, respond: { body: 'ok' }, rate_limits: [limit('header:x-tenant', 2)] },
      { id: 'free', match: { path: '/free' }, respond: { body: 'ok' } },
    ],
  }
}

async function get(gateway: Gateway, path: string, headers: Record<string, string> = {}) {
  const answer = await fetch(gateway.url + path, { headers })
  await answer.arrayBuffer()
  const told = (name: string) => answer.headers.get(name)
  return {
    status: answer.status,
    policy: told('ratelimit-policy'),
    state: told('ratelimit'),
    after: told('retry-after'),
  }
}

test('answers of a limited route say what the limit is, what is left of it, and when to come back', async (t) => {
  const gateway = await Gateway.start({ config: config() })
  t.after(() => gateway.close())
  for (const [path, name, burst] of [
    ['/address', 'address', 4],
    ['/route', 'route', 3],
  ] as const) {
    for (let left = burst - 1; left >= 0; left--) {
      const { status, policy, state, after } = await get(gateway, path)
      assert.deepEqual([status, policy, after], [200, `"${name}";q=${burst};w=${burst * 10}`, null])
      assert.match(
        state ?? '',
        new RegExp(`^"${name}";r=${left};t=(?:${(burst - left) * 10}|${(burst - left) * 10 - 1})$`),
      )
    }
    const { status, state, after } = await get(gateway, path)
    assert.equal(status, 429)
    assert.match(state ?? '', new RegExp(`^"${name}";r=0;t=`))
    assert.ok(Number(after) >= 8 && Number(after) <= 10, `${after} s`)
  }
  const { policy, state } = await get(gateway, '/both')
  assert.equal(policy, '"header";q=9;w=90, "header-2";q=2;w=20, "route";q=5;w=50')
  assert.equal(state, '"header";r=8;t=10, "header-2";r=1;t=10, "route";r=4;t=10')
  assert.deepEqual((await get(gateway, '/free')).policy, null)
})

for (const [how, end] of [
  ['an orderly stop', (gateway: Gateway) => gateway.stop()],
  ['a crash', (gateway: Gateway) => gateway.kill9()],
] as const) {
  test(`limits of routes survive ${how}`, { timeout: 60_000 }, async (t) => {
    const gateway = await Gateway.start({ config: config() })
    t.after(() => gateway.close())
    for (let at = 0; at < 4; at++) assert.equal((await get(gateway, '/address')).status, 200)
    for (let at = 0; at < 3; at++) assert.equal((await get(gateway, '/route')).status, 200)
    for (let at = 0; at < 2; at++) assert.equal((await get(gateway, '/header', { 'x-tenant': 'one' })).status, 200)
    const saved = join(gateway.dataDir, 'route-rates.json')
    const isSaved = () => existsSync(saved) && readFileSync(saved, 'utf8').includes('x-tenant')
    if (how === 'a crash') await eventually(isSaved, { deadlineMs: 30_000, what: 'the state to be saved' })
    await end(gateway)
    await gateway.restart()
    const left = async (path: string, headers?: Record<string, string>) => {
      let count = 0
      while ((await get(gateway, path, headers)).status === 200) count++
      return count
    }
    // One comes back in ten seconds.
    assert.ok((await left('/address')) <= 1)
    assert.ok((await left('/route')) <= 1)
    assert.ok((await left('/header', { 'x-tenant': 'one' })) <= 1)
    assert.equal(await left('/header', { 'x-tenant': 'two' }), 2, 'nobody else is concerned')
  })
}
