import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { documentFrom } from '../../config/index.ts'
import { type Candidate, type Exchange, GatewayError, NO_MORE, WAIT } from '../../core/index.ts'
import { createMetricsRow, GatewayMetrics, MetricsRegistry } from '../../observability/index.ts'
import '../dialects/testing/all-dialects.ts'
import { compileRegistry } from '../models/compile-registry.ts'
import type { ModelRegistry } from '../models/registry.ts'
import type { RoutingTarget, Strategy } from './contract.ts'
import type { Refuse } from './filter.ts'
import { GroupAttempts } from './group-attempts.ts'
import type { ModelGroup } from './model-group.ts'
import { abTest } from './strategies/ab-test.ts'
import { balanced } from './strategies/balanced.ts'
import { fallback } from './strategies/fallback.ts'
import { leastLatency } from './strategies/least-latency.ts'
import { lowestCost } from './strategies/lowest-cost.ts'
import { byRules } from './strategies/rules.ts'
import { single } from './strategies/single.ts'
import { sticky } from './strategies/sticky.ts'
import { weighted } from './strategies/weighted.ts'
import { contextOf, type GroupSpec, type MemberSpec, modelGroup, routingTarget, seeded } from './testing/groups.ts'

/** Every strategy by its name, for a group whose members stand at these positions. */
const STRATEGIES = {
  single: () => single,
  fallback: () => fallback,
  weighted: () => weighted,
  'least-latency': () => leastLatency({ explore: 0.3 }),
  'lowest-cost': () => lowestCost({ unpriced: 'last' }),
  balanced: () => balanced({ cost: 1, latency: 1, health: 1 }),
  conditional: (positions) => byRules([], positions),
  'ab-test': () => abTest({ by: [{ kind: 'key' }], salt: 1 }),
  sticky: () => sticky({ by: [{ kind: 'session' }], switch: 'price' }),
} satisfies Record<string, (positions: readonly number[]) => Strategy>

type Name = keyof typeof STRATEGIES
const NAMES = Object.keys(STRATEGIES) as Name[] // an object's keys are its names

const usd = (rate: number) => ({
  rule: 'r',
  input: rate,
  output: rate,
  cacheRead: rate / 10,
  cacheWrite: rate,
  request: 0,
})

interface Leaf {
  readonly id: string
  readonly enabled: boolean
  readonly weight: number
  readonly priority: number
  readonly price: number
}

interface Tree {
  readonly strategy: Name
  readonly weight: number
  readonly priority: number
  readonly members: readonly (Leaf | Tree)[]
}

const place = { weight: fc.integer({ min: 0, max: 5 }), priority: fc.integer({ min: 0, max: 3 }) }
const leaf = fc.record({
  id: fc.constantFrom('a/1', 'b/1', 'c/1', 'd/1', 'e/1', 'f/1'),
  enabled: fc.boolean(),
  price: fc.integer({ min: 1, max: 50 }),
  ...place,
})
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    strategy: fc.constantFrom(...NAMES),
    members: fc.array(fc.oneof({ maxDepth: 3 }, leaf, tie('tree')), { minLength: 1, maxLength: 5 }),
    ...place,
  }),
}))

/** Groups within groups; each place has a target object of its own, as the same model with other settings would. */
function specOf(root: Tree): GroupSpec {
  let groups = 0
  const member = (one: Leaf | Tree): MemberSpec => {
    const { weight, priority } = one
    if ('members' in one) return { of: group(one), weight, priority }
    return { of: routingTarget(one.id, { prices: usd(one.price) }, retryOnce(one.enabled)), weight, priority }
  }
  const group = ({ strategy, members }: Tree): GroupSpec => ({
    name: `g${groups++}`,
    strategy: STRATEGIES[strategy](members.map((_, at) => at)),
    members: members.map(member),
    attempts: 20,
  })
  return group(root)
}

function retryOnce(enabled: boolean): Partial<RoutingTarget> {
  return { enabled, retry: { attemptsPerTarget: 1 } }
}

const MAKE_ALL = new GroupAttempts({ memories: null, metrics: null } as unknown as ModelRegistry, (facts) => ({
  ...facts,
  // Only what attempts look at.
  candidate: { name: facts.name, upstream: { timeouts: { totalMs: 600_000 } } } as unknown as Candidate,
  contextTokens: null,
  prepare: () => null,
}))

/** Who is asked when everything fails, in this order; `random` says where a second attempt at once begins. */
function asked(group: ModelGroup, canary: RoutingTarget | null, random: () => number): string[] {
  const order = group.orders.make(contextOf({ random, hash: Math.floor(random() * 2 ** 32) }), null)
  const draw = { target: canary, othersVariant: 'stable', judge: () => undefined }
  const attempts = MAKE_ALL.make(group, order, { canary: canary === null ? null : draw, mirror: null })
  const x = { client: { headSent: false }, startedAt: performance.now(), dispatchedAt: 0 } as unknown as Exchange // only what attempts look at
  const names: string[] = []
  for (let wait = 0; wait !== NO_MORE; ) {
    const found = attempts.next(x)
    if (found instanceof GatewayError || found === WAIT) break
    names.push(found.name)
    const beside = random() < 0.3 ? attempts.askOther() : null
    if (beside !== null) names.push(beside.target.name)
    const reason = ['transient', 'quota', 'credential', 'throttled'][Math.floor(random() * 4)] ?? ''
    wait = attempts.onRejected(x, new GatewayError('upstream_rejected', reason, { reason }))
  }
  group.orders.giveBack(order)
  return names
}

test('no target is asked twice: in whatever groups it stands, as a canary and beside another attempt', () => {
  const aCanary = fc.option(fc.constantFrom('a/1', 'c/1', 'x/1'), { nil: null })
  fc.assert(
    fc.property(tree, aCanary, fc.integer(), (root, canary, seed) => {
      const random = seeded(seed)
      const group = modelGroup(specOf(root))
      const first = canary === null ? null : routingTarget(canary, {}, retryOnce(true))
      for (let n = 0; n < 3; n++) {
        const names = asked(group, first, random)
        assert.deepEqual(names, [...new Set(names)])
        if (canary !== null) assert.equal(names[0], canary)
      }
    }),
    { numRuns: 400, seed: 21 },
  )
})

interface Row {
  readonly weight: number
  readonly priority: number
  readonly price: number
  readonly ms: number
  readonly failures: number
}

const row = fc.record({
  ...place,
  price: fc.integer({ min: 1, max: 50 }),
  ms: fc.oneof(fc.constant(Number.NaN), fc.integer({ min: 1, max: 1_000 })),
  failures: fc.constantFrom(0, 0, 0.2, 0.6),
})
/** Why a target has no part in a request. */
const WHY = ['disabled', 'denied', 'unpriced', 'unable', 'group'] as const
const unrelated = fc.record({ row, why: fc.constantFrom(...WHY), at: fc.nat() })

for (const name of NAMES) {
  test(`${name}: targets that are not asked change nothing in the order of the others`, () => {
    const some = fc.array(row, { minLength: 1, maxLength: 30 })
    const others = fc.array(unrelated, { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(some, others, fc.integer(), (rows, more, seed) => {
        const list = rows.map((about, at) => ({ id: `t${at}/m`, member: memberOf(`t${at}/m`, about) }))
        const both = [...list]
        for (const [n, { row: about, why, at }] of more.entries()) {
          const id = `u${n}/${why}`
          both.splice(at % (both.length + 1), 0, { id, member: memberOf(id, about, why) })
        }
        const rowOf = (id: string) =>
          (id[0] === 't' ? rows : more.map(({ row: about }) => about))[Number.parseInt(id.slice(1), 10)]
        const [alone, among] = [list, both].map((all) => {
          const related = all.flatMap(({ id }, at) => (id[0] === 't' ? [at] : []))
          const positions = all.map((_, at) => at).filter((at) => !related.includes(at))
          const strategy = STRATEGIES[name]([...positions, ...related])
          return modelGroup({ name: 'm', strategy, members: all.map(({ member }) => member) })
        })
        assert.ok(alone && among)
        const [one, other, third] = [seeded(seed), seeded(seed), seeded(seed + 1)]
        for (let n = 0; n < 5; n++) {
          assert.deepEqual(orderOf(among, rowOf, other, n - 1), orderOf(alone, rowOf, one, n - 1))
          orderOf(among, () => undefined, third, 77) // what a request before has left in memory
        }
      }),
      { numRuns: 150, seed: 22 },
    )
  })
}

function memberOf(id: string, { weight, priority, price }: Row, why?: (typeof WHY)[number]): MemberSpec {
  const prices = usd(price)
  const target = routingTarget(
    id,
    { prices, isRefusedUnpriced: why === 'unpriced' },
    { enabled: why !== 'disabled' && why !== 'group', streams: why !== 'unable' },
  )
  if (why !== 'group') return { of: target, weight, priority }
  return { of: { name: `g-${id}`, strategy: weighted, members: [{ of: target }] }, weight, priority }
}

function orderOf(
  group: ModelGroup,
  rowOf: (id: string) => Row | undefined,
  random: () => number,
  hash: number,
): string[] {
  const statistics = {
    firstByteMs: ({ id }: RoutingTarget) => rowOf(id)?.ms ?? Number.NaN,
    failureShare: ({ id }: RoutingTarget) => rowOf(id)?.failures ?? 0,
  }
  const refuse: Refuse = ({ id }) => (id.endsWith('/denied') ? 'denied' : null)
  const order = group.orders.make(contextOf({ random, hash, statistics, facts: { stream: true } }), refuse)
  const ids = Array.from({ length: order.count }, (_, at) => order.at(at)?.id ?? '')
  group.orders.giveBack(order)
  return ids
}

/** Share of requests for which each target is first. */
function sharesOf(group: ModelGroup, rounds: number, hashes: boolean): Map<string, number> {
  const random = seeded(9)
  const shares = new Map<string, number>()
  for (let n = 0; n < rounds; n++) {
    const order = group.orders.make(contextOf({ random, hash: hashes ? Math.floor(random() * 2 ** 32) : -1 }), null)
    const id = order.at(0)?.id ?? ''
    shares.set(id, (shares.get(id) ?? 0) + 1 / rounds)
    group.orders.giveBack(order)
  }
  return shares
}

/** Within five standard deviations of what is expected. */
function assertShares(
  shares: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
  rounds: number,
): void {
  for (const [id, share] of expected) {
    const found = shares.get(id) ?? 0
    const slack = 5 * Math.sqrt((share * (1 - share)) / rounds) + 1e-9
    assert.ok(Math.abs(found - share) <= slack, `${id} has ${found}, and ${share} was expected`)
  }
}

const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 4 })
const sum = (all: readonly number[]) => all.reduce((one, other) => one + other, 0)

for (const [name, strategy, hashes] of [
  ['weighted', weighted, false],
  ['fallback', fallback, false],
  ['sticky', sticky({ by: [{ kind: 'session' }], switch: 'never' }), true],
  ['ab-test', abTest({ by: [{ kind: 'key' }], salt: 3 }), true],
] as const) {
  test(`${name}: shares converge to the weights through groups within groups, however the lists are ordered`, () => {
    const groups = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 20 }), inner: weights }), {
      minLength: 2,
      maxLength: 4,
    })
    fc.assert(
      fc.property(groups, fc.integer(), (outer, seed) => {
        const expected = new Map<string, number>()
        const whole = sum(outer.map(({ weight }) => weight))
        const members = outer.map(({ weight, inner }, at): MemberSpec => {
          for (const [n, each] of inner.entries()) expected.set(`t${at}/${n}`, (weight / whole) * (each / sum(inner)))
          const targets = inner.map((each, n) => ({ of: routingTarget(`t${at}/${n}`), weight: each }))
          return { of: { name: `g${at}`, strategy, members: mixed(targets, seed) }, weight }
        })
        const group = modelGroup({ name: 'm', strategy, members: mixed(members, seed) })
        assertShares(sharesOf(group, 4_000, hashes), expected, 4_000)
      }),
      { numRuns: 15, seed: 23 },
    )
  })
}

function mixed<T>(list: readonly T[], seed: number): T[] {
  const random = seeded(seed)
  return list
    .map((each) => ({ each, by: random() }))
    .toSorted((one, other) => one.by - other.by)
    .map(({ each }) => each)
}

const UNUSED = { dispatch: () => false, close: () => Promise.resolve() }
const PROVIDER = { kind: 'openai-compatible', base_url: 'http://127.0.0.1:9/v1', direct: true }
const TARGETS = [
  { provider: 'several', model: 'm', weight: 3 },
  { provider: 'one', model: 'm', weight: 1 },
]

/** The groups that a configuration with these models makes. */
async function groupsOf(models: Readonly<Record<string, object>>): Promise<(name: string) => ModelGroup> {
  const credentials = [5, 3, 2].map((weight, at) => ({ name: `c${at}`, api_key: `secret-of-${at}`, weight }))
  const document = await documentFrom({
    providers: { several: { ...PROVIDER, credentials }, one: { ...PROVIDER, api_key: 'a-secret' } },
    models,
  })
  const registry = compileRegistry({
    document,
    environment: {},
    metrics: new GatewayMetrics(new MetricsRegistry({ row: createMetricsRow(), onSeries: () => undefined })),
    transports: { connect: () => UNUSED, demo: UNUSED },
  })
  return (name) => {
    const group = registry.resolve(name)
    assert.ok(group)
    return group
  }
}

for (const [type, hashes] of [
  ['weighted', false],
  ['sticky', true],
  ['ab-test', true],
] as const) {
  test(`${type}: credentials share what their target gets by their weights`, async () => {
    const of = await groupsOf({ m: { strategy: type, targets: TARGETS } })
    const expected = new Map([5, 3, 2].map((weight, at) => [`several/m#c${at}`, (0.75 * weight) / 10]))
    assertShares(sharesOf(of('m'), 10_000, hashes), expected.set('one/m', 0.25), 10_000)
  })

  test(`${type}: other models and groups of the configuration leave an order as it is`, async () => {
    const own = { strategy: type, targets: TARGETS }
    const alone = await groupsOf({ m: own })
    const among = await groupsOf({
      before: { strategy: 'weighted', targets: [...TARGETS].reverse() },
      m: own,
      outer: { strategy: 'fallback', targets: [{ group: 'm' }, { provider: 'one', model: 'x' }] },
    })
    const [one, other] = [seeded(4), seeded(4)]
    for (let n = 0; n < 200; n++) {
      assert.deepEqual(
        orderOf(among('m'), () => undefined, other, hashes ? n * 7_919 : -1),
        orderOf(alone('m'), () => undefined, one, hashes ? n * 7_919 : -1),
      )
      orderOf(among('outer'), () => undefined, seeded(n), n)
    }
  })
}
