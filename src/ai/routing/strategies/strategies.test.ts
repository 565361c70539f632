import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RoutingTarget, Strategy } from '../contract.ts'
import { contextOf, type GroupSpec, idsOf, modelGroup, routingTarget, seeded } from '../testing/groups.ts'
import { abTest } from './ab-test.ts'
import { balanced } from './balanced.ts'
import { fallback } from './fallback.ts'
import { leastLatency } from './least-latency.ts'
import { lowestCost } from './lowest-cost.ts'
import { byRules } from './rules.ts'
import { single } from './single.ts'
import { sticky } from './sticky.ts'
import { weighted } from './weighted.ts'

const [A, B, C, D] = ['a/1', 'b/1', 'c/1', 'd/1'].map((id) => routingTarget(id)) as [
  RoutingTarget,
  RoutingTarget,
  RoutingTarget,
  RoutingTarget,
]
const usd = (rate: number) => ({
  rule: 'r',
  input: rate,
  output: rate,
  cacheRead: rate / 10,
  cacheWrite: rate,
  request: 0,
})
const priced = (id: string, rate: number) => routingTarget(id, { prices: usd(rate) })

/** How often each target is first. */
function firsts(spec: GroupSpec, rounds: number, hashes = false): Map<string, number> {
  const group = modelGroup(spec)
  const random = seeded(7)
  const counts = new Map<string, number>()
  for (let n = 0; n < rounds; n++) {
    const [first = ''] = idsOf(group, { random, hash: hashes ? Math.floor(random() * 2 ** 32) : -1 })
    counts.set(first, (counts.get(first) ?? 0) + 1)
  }
  return counts
}

test('single asks the first target that may be asked, and no other', () => {
  const off = routingTarget('off/1', {}, { enabled: false })
  const group = modelGroup({ name: 'm', strategy: single, members: [{ of: off }, { of: A }, { of: B }] })
  assert.deepEqual(idsOf(group), ['a/1'])
})

test('fallback asks by priority, and members of one priority by weight', () => {
  const members = [
    { of: A, priority: 2 },
    { of: B, priority: 1, weight: 1 },
    { of: C, priority: 1, weight: 3 },
    { of: D, priority: 3 },
  ]
  const spec = { name: 'm', strategy: fallback, members }
  const random = seeded(3)
  const group = modelGroup(spec)
  for (let n = 0; n < 200; n++) {
    const ids = idsOf(group, { random })
    assert.deepEqual([...ids.slice(0, 2)].sort(), ['b/1', 'c/1'])
    assert.deepEqual(ids.slice(2), ['a/1', 'd/1'])
  }
  const counts = firsts(spec, 10_000)
  assert.ok(Math.abs((counts.get('c/1') ?? 0) / 10_000 - 0.75) < 0.02, JSON.stringify([...counts]))
})

const someWeights = fc
  .array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 6 })
  .filter((all) => all.some((one) => one > 0))

for (const [name, strategy, hashes] of [
  ['weighted', weighted, false],
  ['sticky', sticky({ by: [{ kind: 'session' }], switch: 'never' }), true],
  ['ab-test', abTest({ by: [{ kind: 'key' }], salt: 99 }), true],
  ['ab-test without a key', abTest({ by: [], salt: 99 }), false],
] as const) {
  test(`${name}: shares of first places converge to the weights`, () => {
    fc.assert(
      fc.property(someWeights, (weights) => {
        const members = weights.map((weight, at) => ({ of: routingTarget(`t${at}/m`), weight }))
        const counts = firsts({ name: 'm', strategy, members }, 4_000, hashes)
        const sum = weights.reduce((all, one) => all + one, 0)
        for (const [at, weight] of weights.entries()) {
          const share = (counts.get(`t${at}/m`) ?? 0) / 4_000
          // Five standard deviations of a share among 4000.
          const slack = 5 * Math.sqrt(((weight / sum) * (1 - weight / sum)) / 4_000) + 1e-9
          assert.ok(Math.abs(share - weight / sum) <= slack, `${share} for ${weight} of ${sum}`)
        }
      }),
      { numRuns: 20, seed: 5 },
    )
  })
}

test('weighted: whoever follows a target that rests is chosen as if it had not been there', () => {
  const members = [
    { of: A, weight: 8 },
    { of: B, weight: 1 },
    { of: C, weight: 3 },
  ]
  const group = modelGroup({ name: 'm', strategy: weighted, members })
  const random = seeded(11)
  let second = 0
  for (let n = 0; n < 10_000; n++) {
    const [first, ...rest] = idsOf(group, { random, statistics: { restsMs: ({ id }) => (id === 'a/1' ? 5 : 0) } })
    assert.equal(rest.at(-1), 'a/1')
    if (first === 'c/1') second++
  }
  assert.ok(Math.abs(second / 10_000 - 0.75) < 0.02, `${second}`)
})

/** Every strategy with what it needs, by name. */
const ALL: Readonly<Record<string, Strategy>> = {
  fallback,
  weighted,
  'least-latency': leastLatency({ explore: 0.1 }),
  'lowest-cost': lowestCost({ unpriced: 'last' }),
  balanced: balanced({ cost: 1, latency: 1, health: 1 }),
  conditional: byRules([], [0, 1, 2]),
  'ab-test': abTest({ by: [{ kind: 'key' }], salt: 1 }),
  sticky: sticky({ by: [{ kind: 'session' }], switch: 'price' }),
}

const aTarget = fc.record({
  weight: fc.integer({ min: 0, max: 5 }),
  priority: fc.integer({ min: 0, max: 3 }),
  price: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null }),
  ms: fc.oneof(fc.constant(Number.NaN), fc.integer({ min: 1, max: 1_000 })),
  failures: fc.constantFrom(0, 0, 0.2, 0.6, 1),
  rests: fc.boolean(),
  enabled: fc.boolean(),
})
const someTargets = fc.array(aTarget, { minLength: 1, maxLength: 8 })

for (const [name, strategy] of Object.entries(ALL)) {
  test(`${name}: no target stands twice in an order, and none that may not be asked`, () => {
    fc.assert(
      fc.property(someTargets, fc.integer(), fc.integer({ min: -1, max: 2 ** 32 - 1 }), (rows, seed, hash) => {
        const targets = rows.map(({ price, enabled }, at) =>
          routingTarget(`t${at}/m`, { prices: price === null ? null : usd(price) }, { enabled }),
        )
        const members = targets.map((of, at) => ({
          of,
          weight: rows[at]?.weight ?? 1,
          priority: rows[at]?.priority ?? 0,
        }))
        // The same targets again in a group within.
        const inner = { name: 'inner', strategy: weighted, members: members.slice(0, 3) }
        const group = modelGroup({ name: 'm', strategy, members: [...members, { of: inner, weight: 1 }] })
        const row = ({ id }: RoutingTarget) => rows[Number(id.slice(1, id.indexOf('/')))]
        const statistics = {
          firstByteMs: (target: RoutingTarget) => row(target)?.ms ?? Number.NaN,
          failureShare: (target: RoutingTarget) => row(target)?.failures ?? 0,
          restsMs: (target: RoutingTarget) => (row(target)?.rests === true ? 1 : 0),
        }
        const order = group.orders.make(contextOf({ random: seeded(seed), hash, statistics }), null)
        const ids = Array.from({ length: order.count }, (_, place) => order.at(place)?.id ?? '')
        assert.equal(new Set(ids).size, ids.length)
        for (const [place, id] of ids.entries()) {
          const about = rows[Number(id.slice(1, id.indexOf('/')))]
          assert.equal(about?.enabled, true)
          assert.equal(place < order.ready, about?.rests === false, 'those that rest stand behind all others')
        }
        if (name !== 'conditional') assert.equal(ids.length, rows.filter(({ enabled }) => enabled).length)
      }),
      { numRuns: 200 },
    )
  })
}

/** Strategies whose order follows from what is known alone. */
const CERTAIN = ['lowest-cost', 'balanced', 'ab-test', 'sticky', 'least-latency']
for (const name of CERTAIN) {
  test(`${name}: the order does not depend on how the list is ordered`, () => {
    const strategy = name === 'least-latency' ? leastLatency({ explore: 0 }) : ALL[name]
    assert.ok(strategy)
    const measured = someTargets.map((rows) =>
      rows.map((row) => ({ ...row, ms: Number.isNaN(row.ms) ? 500 : row.ms, weight: row.weight + 1 })),
    )
    fc.assert(
      fc.property(measured, fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer(), (rows, hash, seed) => {
        const members = rows.map(({ price, weight, priority }, at) => ({
          of: routingTarget(`t${at}/m`, { prices: price === null ? null : usd(price) }),
          weight,
          priority,
        }))
        const row = ({ id }: RoutingTarget) => rows[Number(id.slice(1, id.indexOf('/')))]
        const statistics = {
          firstByteMs: (target: RoutingTarget) => row(target)?.ms ?? 0,
          failureShare: (target: RoutingTarget) => row(target)?.failures ?? 0,
        }
        const random = seeded(seed)
        const mixed = members.toSorted(() => random() - 0.5)
        const orderOf = (list: typeof members) =>
          idsOf(modelGroup({ name: 'm', strategy, members: list }), { hash, statistics })
        assert.deepEqual(orderOf(mixed), orderOf(members))
      }),
      { numRuns: 200 },
    )
  })
}

test('least-latency asks the fastest first, and those that were never measured before all others', () => {
  const group = modelGroup({
    name: 'm',
    strategy: leastLatency({ explore: 0 }),
    members: [{ of: A }, { of: B }, { of: C }, { of: D }],
  })
  const ms: Record<string, number> = { 'a/1': 300, 'b/1': 100, 'c/1': Number.NaN, 'd/1': 50 }
  const statistics = {
    firstByteMs: ({ id }: RoutingTarget) => ms[id] ?? Number.NaN,
    failureShare: ({ id }: RoutingTarget) => (id === 'd/1' ? 0.5 : 0),
  }
  assert.deepEqual(idsOf(group, { statistics }), ['c/1', 'b/1', 'a/1', 'd/1'], 'what fails is not fast')
  const busy = { ...statistics, inFlight: ({ id }: RoutingTarget) => (id === 'c/1' ? 1 : 0) }
  assert.deepEqual(
    idsOf(group, { statistics: busy }),
    ['b/1', 'c/1', 'a/1', 'd/1'],
    'one request finds out how fast it is',
  )
})

test('least-latency sends a share of requests elsewhere, so that one that became fast is seen', () => {
  const group = modelGroup({ name: 'm', strategy: leastLatency({ explore: 0.1 }), members: [{ of: A }, { of: B }] })
  const statistics = { firstByteMs: ({ id }: RoutingTarget) => (id === 'a/1' ? 10 : 20) }
  const random = seeded(5)
  let others = 0
  for (let n = 0; n < 10_000; n++) if (idsOf(group, { statistics, random })[0] === 'b/1') others++
  assert.ok(others > 350 && others < 650, `${others}: half of a tenth`)
})

test('one that failed and was slow still gets its share of tries, so that it is seen to be well again', () => {
  for (const strategy of [leastLatency({ explore: 0.1 }), balanced({ cost: 1, latency: 1, health: 1, explore: 0.1 })]) {
    const group = modelGroup({ name: 'm', strategy, members: [{ of: A }, { of: B }] })
    const isBad = ({ id }: RoutingTarget) => id === 'b/1'
    const statistics = {
      firstByteMs: (target: RoutingTarget) => (isBad(target) ? 9_000 : 10),
      failureShare: (target: RoutingTarget) => (isBad(target) ? 1 : 0),
    }
    const random = seeded(7)
    let tries = 0
    for (let n = 0; n < 10_000; n++) if (idsOf(group, { statistics, random })[0] === 'b/1') tries++
    assert.ok(tries > 350 && tries < 650, `${tries}: half of a tenth`)
  }
})

test('lowest-cost asks the cheapest first; where those without a price stand is said', () => {
  const members = [{ of: A }, { of: priced('dear/1', 30) }, { of: priced('cheap/1', 10) }]
  const orderOf = (unpriced: 'last' | 'skip' | 'first') =>
    idsOf(modelGroup({ name: 'm', strategy: lowestCost({ unpriced }), members }))
  assert.deepEqual(orderOf('last'), ['cheap/1', 'dear/1', 'a/1'])
  assert.deepEqual(orderOf('skip'), ['cheap/1', 'dear/1'])
  assert.deepEqual(orderOf('first'), ['a/1', 'cheap/1', 'dear/1'])
})

test('lowest-cost weighs input and output as the request has them', () => {
  const reader = routingTarget('reader/1', { prices: { ...usd(1), output: 20 } })
  const writer = routingTarget('writer/1', { prices: { ...usd(10), output: 10 } })
  const group = modelGroup({
    name: 'm',
    strategy: lowestCost({ unpriced: 'last' }),
    members: [{ of: reader }, { of: writer }],
  })
  assert.equal(idsOf(group, { facts: { inputTokens: 10_000, outputTokens: 100 } })[0], 'reader/1')
  assert.equal(idsOf(group, { facts: { inputTokens: 100, outputTokens: 10_000 } })[0], 'writer/1')
})

test('balanced weighs cost, latency and health; what is unknown counts as the mean of what is known', () => {
  const members = [{ of: priced('cheap/1', 10) }, { of: priced('dear/1', 20) }, { of: A }]
  const ms: Record<string, number> = { 'cheap/1': 400, 'dear/1': 100, 'a/1': 150 }
  const statistics = { firstByteMs: ({ id }: RoutingTarget) => ms[id] ?? Number.NaN }
  const orderOf = (strategy: Strategy, more: object = {}) =>
    idsOf(modelGroup({ name: 'm', strategy, members }), { statistics: { ...statistics, ...more } })
  // cheap 1 + 4, dear 2 + 1, a 1.5 + 1.5
  const equal = balanced({ cost: 1, latency: 1, health: 1 })
  assert.equal(orderOf(equal).at(-1), 'cheap/1')
  assert.equal(orderOf(balanced({ cost: 10, latency: 1, health: 1 }))[0], 'cheap/1')
  const failing = { failureShare: ({ id }: RoutingTarget) => (id === 'a/1' ? 0.3 : 0) }
  assert.deepEqual(orderOf(equal, failing), ['dear/1', 'cheap/1', 'a/1'], '0.3 × 10 is added')
})

test('sticky: when a member goes, its sessions move, and no other does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 0, max: 7 }), (count, gone) => {
      const members = Array.from({ length: count }, (_, at) => ({ of: routingTarget(`t${at}/m`) }))
      const strategy = sticky({ by: [{ kind: 'session' }], switch: 'never' })
      const [all, fewer] = [members, members.filter((_, at) => at !== gone % count)].map((list) =>
        modelGroup({ name: 'm', strategy, members: list }),
      )
      assert.ok(all && fewer)
      let moved = 0
      const random = seeded(count)
      for (let n = 0; n < 2_000; n++) {
        const hash = Math.floor(random() * 2 ** 32)
        const [before] = idsOf(all, { hash })
        const [after] = idsOf(fewer, { hash })
        if (before === after) continue
        assert.equal(before, `t${gone % count}/m`, 'only those of the one that went')
        moved++
      }
      assert.ok(Math.abs(moved / 2_000 - 1 / count) < 0.06, `${moved} of 2000 for ${count}`)
    }),
    { numRuns: 12 },
  )
})

test('sticky with a price to switching stays while the cache pays, and leaves where it does not', () => {
  const strategy = sticky({ by: [{ kind: 'session' }], switch: 'price' })
  const dear = routingTarget('dear/1', { prices: { ...usd(100), cacheRead: 10, output: 10 } })
  const group = modelGroup({ name: 'm', strategy, members: [{ of: dear }, { of: priced('cheap/1', 20) }] })
  const hash = Array.from({ length: 100 }, (_, at) => at * 1_000_003).find((key) => {
    const plain = modelGroup({
      name: 'm',
      strategy: sticky({ by: [{ kind: 'session' }], switch: 'never' }),
      members: [{ of: dear }, { of: priced('cheap/1', 20) }],
    })
    return idsOf(plain, { hash: key })[0] === 'dear/1'
  })
  assert.ok(hash !== undefined)
  // From the cache 10 a token, elsewhere 20.
  assert.equal(idsOf(group, { hash, facts: { inputTokens: 10_000, outputTokens: 0 } })[0], 'dear/1')
  const dearOutput = routingTarget('dear/1', { prices: { ...usd(100), cacheRead: 10, output: 400 } })
  const other = modelGroup({ name: 'm', strategy, members: [{ of: dearOutput }, { of: priced('cheap/1', 20) }] })
  assert.equal(idsOf(other, { hash, facts: { inputTokens: 10_000, outputTokens: 5_000 } })[0], 'cheap/1')
})

test('the first rule that holds names the targets; without one, others are asked', () => {
  const rules = [
    { place: 'r0', holds: ({ stream }: { stream: boolean }) => stream, use: [2, 0] },
    { place: 'r1', holds: ({ key }: { key: string }) => key === 'k', use: [1] },
  ]
  const group = modelGroup({ name: 'm', strategy: byRules(rules, [1, 2]), members: [{ of: A }, { of: B }, { of: C }] })
  assert.deepEqual(idsOf(group, { facts: { stream: true, key: 'k' } }), ['c/1', 'a/1'])
  assert.deepEqual(idsOf(group, { facts: { key: 'k' } }), ['b/1'])
  assert.deepEqual(idsOf(group), ['b/1', 'c/1'])
})

test('groups within groups stand where their group stands, each in the order of its own strategy', () => {
  const cheapFirst = {
    name: 'cheap',
    strategy: lowestCost({ unpriced: 'last' }),
    members: [{ of: priced('x/1', 9) }, { of: priced('y/1', 3) }],
  }
  const group = modelGroup({
    name: 'm',
    strategy: fallback,
    members: [
      { of: A, priority: 1 },
      { of: cheapFirst, priority: 0 },
      { of: { name: 'last', strategy: fallback, members: [{ of: B }, { of: A }] }, priority: 2 },
    ],
  })
  assert.deepEqual(idsOf(group), ['y/1', 'x/1', 'a/1', 'b/1'])
})

test('a group counts as the best of its targets that may be asked', () => {
  const off = routingTarget('off/1', { prices: usd(1) }, { enabled: false })
  const within = { name: 'g', strategy: weighted, members: [{ of: off }, { of: priced('x/1', 20) }] }
  const group = modelGroup({
    name: 'm',
    strategy: lowestCost({ unpriced: 'last' }),
    members: [{ of: within }, { of: priced('y/1', 10) }],
  })
  assert.deepEqual(idsOf(group), ['y/1', 'x/1'])
})

test('the label of a variant goes with every target of it', () => {
  const inner = {
    name: 'g',
    strategy: fallback,
    members: [
      { of: A, priority: 0 },
      { of: B, priority: 1 },
    ],
  }
  const group = modelGroup({
    name: 'm',
    strategyName: 'ab-test',
    strategy: abTest({ by: [], salt: 0 }),
    members: [
      { of: inner, label: 'new', weight: 1 },
      { of: C, label: 'old', weight: 0 },
    ],
  })
  const order = group.orders.make(contextOf(), null)
  assert.deepEqual(order.variants, ['new', 'new', 'old'])
})
