import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { documentFrom } from '../config/index.ts'
import { createCounters, SlotAllocator } from '../lib/index.ts'
import { RouteSlots, slotNeeds } from './route-slots.ts'

const KEEP_MS = 1_000
const SEATS = 6

async function documentOf(...pools: readonly string[]) {
  return await documentFrom({
    upstreams: Object.fromEntries(pools.map((name) => [name, { targets: ['http://127.0.0.1:1'] }])),
    routes: pools.map((name) => ({
      id: name,
      match: { path: `/${name}` },
      upstream: name,
      rate_limits: [{ by: 'route', requests_per_minute: 1 }],
    })),
  })
}

function build(t: TestContext, cells = 100_000) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  const counters = createCounters(cells)
  const slots = new SlotAllocator(new BigInt64Array(counters))
  const routes = new RouteSlots({ slots, counters, seats: SEATS, keepMs: KEEP_MS })
  const pass = (ms: number) => {
    nowMs += ms
    t.mock.timers.tick(ms)
  }
  const pools = () => {
    const names = [...slots.names()].map((name) => name.split('\n')[1] ?? '')
    // The built-in provider has slots in every plan.
    return [...new Set(names)].filter((name) => name !== 'models').toSorted()
  }
  return { counters, slots, routes, pass, pools }
}

test('the same names have the same slots in every plan; others get theirs beside them', async (t) => {
  const { routes } = build(t)
  const first = routes.take(await documentOf('a', 'b'))
  routes.putInForce(first, 1)
  const second = routes.take(await documentOf('c', 'b', 'a'))
  for (const [name, index] of Object.entries(first)) assert.equal(second[name], index)
  assert.equal(new Set(Object.values(second)).size, Object.keys(second).length)
})

test('slots of names that are gone are given back when no request can use them, and some time has passed', async (t) => {
  const { routes, pass, pools } = build(t)
  routes.putInForce(routes.take(await documentOf('a', 'b')), 1)
  routes.putInForce(routes.take(await documentOf('a')), 2)
  routes.quiet(1)
  pass(2 * KEEP_MS)
  assert.deepEqual(pools(), ['a', 'b'], 'a request of the old plan runs')
  routes.quiet(2)
  assert.deepEqual(pools(), ['a'])
  routes.putInForce(routes.take(await documentOf('c')), 3)
  routes.quiet(3)
  assert.deepEqual(pools(), ['a', 'c'], 'too early')
  pass(KEEP_MS + 1)
  assert.deepEqual(pools(), ['c'])
})

test('a name that comes back keeps its slot, and leaves a full time after it went again', async (t) => {
  const { routes, pass, pools } = build(t)
  const first = routes.take(await documentOf('a', 'b'))
  routes.putInForce(first, 1)
  routes.putInForce(routes.take(await documentOf('a')), 2)
  pass(KEEP_MS / 2)
  const back = routes.take(await documentOf('a', 'b'))
  assert.deepEqual(back, first)
  routes.putInForce(back, 3)
  routes.putInForce(routes.take(await documentOf('a')), 4)
  routes.quiet(3)
  pass(KEEP_MS)
  assert.deepEqual(pools(), ['a', 'b'], 'requests that began in between')
  routes.quiet(4)
  assert.deepEqual(pools(), ['a'])
})

test('a plan that never came in force gives back what only it had', async (t) => {
  const { routes, pass, pools } = build(t)
  routes.putInForce(routes.take(await documentOf('a')), 1)
  routes.quiet(1)
  routes.discard(routes.take(await documentOf('a', 'b')), 1)
  assert.deepEqual(pools(), ['a', 'b'], 'its pools may still look after their servers')
  pass(KEEP_MS + 1)
  assert.deepEqual(pools(), ['a'])
})

test('a plan for which there is no room takes nothing', async (t) => {
  const document = await documentOf('a')
  const room = slotNeeds(document, SEATS).reduce((sum, { cells }) => sum + cells, 0)
  const { routes, pools } = build(t, room + 1)
  routes.putInForce(routes.take(document), 1)
  const next = await documentOf('a', 'b')
  assert.throws(() => routes.take(next), /no room for slot/)
  assert.deepEqual(pools(), ['a'])
})

test('what a dead worker had in flight is forgotten, what others have stays', async (t) => {
  const { routes, counters, slots } = build(t)
  routes.putInForce(routes.take(await documentOf('a')), 1)
  const index = slots.find(['balance.target', 'a', 'http://127.0.0.1:1'].join('\n'))
  assert.ok(index !== null)
  const halves = new Int32Array(counters)
  const seat = (number: number) => (index + 3) * 2 + number
  for (const number of [0, 1, SEATS - 1]) halves[seat(number)] = 5
  routes.clearSeat(1)
  assert.deepEqual(
    [0, 1, SEATS - 1].map((number) => halves[seat(number)]),
    [5, 0, 5],
  )
})
