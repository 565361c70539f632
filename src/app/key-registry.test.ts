import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storedKeyOf } from '../../test/request-path/keys.ts'
import { documentFrom, type KeyConfig } from '../config/index.ts'
import { type KeyChange, periodOf, read, reserve, settle } from '../governance/index.ts'
import { SlotAllocator } from '../lib/index.ts'
import { KeyRegistry } from './key-registry.ts'

const HASH = `sha256:${'a'.repeat(64)}`

function registryOf(options: { generations?: number; spent?: number; cells?: number; publish?: () => void } = {}) {
  const counters = new BigInt64Array(new SharedArrayBuffer(8 * (options.cells ?? 200)))
  const generations = new Int32Array(new SharedArrayBuffer(4 * (options.generations ?? 8)))
  /** What was published, each with the generation of its key at that moment. */
  const published: { changes: readonly KeyChange[]; generations: number[] }[] = []
  const slots = new SlotAllocator(counters)
  const registry = new KeyRegistry({
    counters,
    generations,
    slots,
    seats: 2,
    spent: () => options.spent ?? 0,
    publish: (changes) => {
      options.publish?.()
      published.push({ changes, generations: [...generations] })
    },
  })
  return { registry, counters, generations, published, slots }
}

async function keysOf(...keys: readonly object[]): Promise<readonly KeyConfig[]> {
  const document = await documentFrom({ keys: keys.map((key) => ({ hash: HASH, ...key })) })
  return document.keys
}

test('tells the workers of a change before its generation is raised, and of nothing when nothing changed', async () => {
  const { registry, published, generations } = registryOf()
  registry.replaceFileKeys(await keysOf({ id: 'a' }, { id: 'b' }))
  assert.deepEqual(published[0]?.generations.slice(0, 2), [0, 0])
  assert.deepEqual([...generations].slice(0, 2), [1, 1])
  assert.deepEqual(
    registry.documents().map(({ id, generation }) => [id, generation]),
    [
      ['a', 1],
      ['b', 1],
    ],
  )
  registry.replaceFileKeys(await keysOf({ id: 'a' }, { id: 'b' }))
  assert.equal(published.length, 1)
  registry.replaceFileKeys(await keysOf({ id: 'a', enabled: false }))
  assert.deepEqual(
    published[1]?.changes.map(({ id, document }) => [id, document?.enabled ?? null]),
    [
      ['b', null],
      ['a', false],
    ],
  )
  assert.deepEqual([...generations].slice(0, 2), [2, 2])
  registry.replaceFileKeys(await keysOf({ id: 'a', enabled: false }, { id: 'b' }))
  assert.deepEqual(
    [registry.documents().find(({ id }) => id === 'b')?.generation, generations[1]],
    [3, 3],
    'no generation comes twice',
  )
})

test('a key of the database keeps its place against one of the file, which is said', async () => {
  const { registry } = registryOf()
  registry.putDatabaseKey(storedKeyOf('a', { name: 'mine' }))
  const problems = registry.replaceFileKeys(await keysOf({ id: 'a' }, { id: 'b' }))
  assert.equal(problems.length, 1)
  assert.match(problems[0] ?? '', /"a" exists in the database/)
  assert.deepEqual(
    registry.list().map(({ key, owner }) => [key.name, owner]),
    [
      ['mine', 'database'],
      ['b', 'file'],
    ],
  )
  registry.replaceFileKeys([])
  assert.deepEqual(
    registry.list().map(({ key }) => key.id),
    ['a'],
  )
})

test('a key of the database that the file says is off is off, and comes back when the file says nothing', async () => {
  const { registry, generations } = registryOf()
  registry.putDatabaseKey(storedKeyOf('a'))
  const state = () => [registry.documents()[0]?.enabled, registry.find('a')?.key.enabled, generations[0]]
  const problems = registry.replaceFileKeys(await keysOf({ id: 'a', enabled: false }))
  assert.match(problems[0] ?? '', /is disabled, as the file says/)
  assert.deepEqual(state(), [false, false, 2])
  registry.putDatabaseKey(storedKeyOf('a', { name: 'other' }))
  assert.deepEqual(state(), [false, false, 3], 'also when it changes')
  registry.replaceFileKeys(await keysOf({ id: 'a', enabled: false }))
  assert.deepEqual(state(), [false, false, 3])
  registry.replaceFileKeys([])
  assert.deepEqual(state(), [true, true, 4])
})

test('counters of keys and limits that are gone are given back when nobody can use them any more', async () => {
  const { registry, slots, counters } = registryOf()
  const budgets = [{ tokens: 100, per: 'month' }]
  const limited = await keysOf({ id: 'a', budgets, limits: { requests_per_minute: 60 } }, { id: 'b', budgets })
  registry.replaceFileKeys(limited)
  const slot = registry.documents()[0]?.budgets[0]?.slot ?? -1
  assert.ok(reserve(counters, slot, periodOf('month', Date.now()), 10, 100))
  registry.replaceFileKeys(await keysOf({ id: 'b' }))
  const { epoch } = registry
  registry.releaseQuiet(epoch - 1)
  assert.equal([...slots.names()].length, 3, 'requests may run that began before')
  registry.releaseQuiet(epoch)
  assert.deepEqual([...slots.names()], ['key:a:tokens:month'], 'what is reserved is still to be settled')
  settle(counters, slot, periodOf('month', Date.now()), 10, 5, 100)
  registry.replaceFileKeys(await keysOf({ id: 'b', budgets }))
  registry.releaseQuiet(registry.epoch)
  assert.deepEqual([...slots.names()], ['key:b:tokens:month'])
})

test('a key that came back keeps its counters', async () => {
  const { registry, slots } = registryOf()
  const limited = await keysOf({ id: 'a', limits: { requests_per_minute: 60 } })
  registry.replaceFileKeys(limited)
  registry.replaceFileKeys([])
  registry.replaceFileKeys(limited)
  registry.releaseQuiet(registry.epoch)
  assert.deepEqual([...slots.names()], ['rate:key:a:minute'])
})

test('counters of a key that went twice are given back after the second time, and once', async () => {
  const { registry, slots } = registryOf()
  const limited = await keysOf({ id: 'a', limits: { requests_per_minute: 60 } })
  registry.replaceFileKeys(limited)
  registry.replaceFileKeys([])
  const first = registry.epoch
  registry.replaceFileKeys(limited)
  registry.replaceFileKeys([])
  const second = registry.epoch
  registry.releaseQuiet(first)
  assert.deepEqual([...slots.names()], ['rate:key:a:minute'], 'requests may run that began between')
  registry.releaseQuiet(second)
  assert.deepEqual([...slots.names()], [])
  registry.replaceFileKeys(limited)
  registry.releaseQuiet(second)
  assert.deepEqual([...slots.names()], ['rate:key:a:minute'], 'it is there again')
})

test('a key that is about to come back keeps its counters until it is known whether it does', async () => {
  const { registry, slots } = registryOf()
  const limited = await keysOf({ id: 'a', limits: { requests_per_minute: 60 } })
  registry.replaceFileKeys(limited)
  registry.replaceFileKeys([])
  const staged = registry.stageFileKeys(limited)
  registry.releaseQuiet(registry.epoch)
  staged.apply()
  registry.putDatabaseKey(storedKeyOf('b', { requests_per_minute: 60 }))
  const places = registry.documents().map(({ rates }) => rates[0]?.slot)
  assert.equal(new Set(places).size, 2, 'no two keys share a counter')
  registry.replaceFileKeys([])
  const again = registry.stageFileKeys(limited)
  registry.releaseQuiet(registry.epoch)
  again.discard()
  again.discard()
  registry.releaseQuiet(registry.epoch)
  assert.deepEqual([...slots.names()], ['rate:key:b:minute'])
})

test('what is given up twice takes nothing of who has its place by then', async () => {
  const { registry, slots } = registryOf()
  const limited = await keysOf({ id: 'a', limits: { requests_per_minute: 60 } })
  const staged = registry.stageFileKeys(limited)
  staged.discard()
  registry.replaceFileKeys(limited)
  staged.discard()
  assert.deepEqual([...slots.names()], ['rate:key:a:minute'])
})

test('very many keys that come and go need no more room than those that are there at once', async () => {
  const { registry } = registryOf({ generations: 2, cells: 2 })
  for (let round = 0; round < 50; round++) {
    registry.replaceFileKeys(await keysOf({ id: `k${round}`, limits: { requests_per_minute: 60 } }))
    registry.replaceFileKeys([])
    registry.releaseQuiet(registry.epoch)
  }
  assert.equal(registry.list().length, 0)
})

test('a revoked key is off', () => {
  const { registry } = registryOf()
  registry.putDatabaseKey(storedKeyOf('a'))
  registry.putDatabaseKey(storedKeyOf('a', { revoked_at: 5 }))
  assert.equal(registry.documents()[0]?.enabled, false)
  assert.equal(registry.find('a')?.key.revoked_at, 5)
  assert.equal(registry.find('none'), null)
})

test('counters keep their place through changes and absence, and begin with what was spent before', async () => {
  const { registry, counters } = registryOf({ spent: 70 })
  const budgets = [
    { tokens: 100, per: 'month' },
    { usd: 1, per: 'day' },
  ]
  registry.replaceFileKeys(await keysOf({ id: 'a', budgets, limits: { requests_per_minute: 60 } }))
  const [first] = registry.documents()
  const month = first?.budgets.find(({ unit }) => unit === 'tokens')
  assert.ok(month !== undefined)
  assert.equal(read(counters, month.slot, periodOf('month', Date.now())).spent, 70)
  assert.equal(registry.counterSlot('key:a:tokens:month'), month.slot)
  assert.equal(registry.budgetLimit('key:a:tokens:month'), 100)
  assert.equal(registry.budgetLimit('key:none:tokens:month'), 0)
  registry.replaceFileKeys([])
  assert.equal(registry.budgetLimit('key:a:tokens:month'), 0)
  registry.replaceFileKeys(
    await keysOf({ id: 'a', budgets: [{ tokens: 50, per: 'month' }], limits: { requests_per_minute: 30 } }),
  )
  const [again] = registry.documents()
  assert.deepEqual(
    [again?.budgets[0]?.slot, again?.budgets[0]?.limit, again?.rates[0]?.slot],
    [month.slot, 50, first?.rates[0]?.slot],
  )
  assert.equal(read(counters, month.slot, periodOf('month', Date.now())).spent, 70, 'not restored a second time')
})

test('of two budgets for the same the smaller decides; the tightest comes first', async () => {
  const { registry } = registryOf()
  const budgets = [
    { tokens: 900, per: 'month' },
    { tokens: 100, per: 'month' },
    { tokens: 500, per: 'day' },
    { tokens: 800, per: 'month' },
  ]
  registry.replaceFileKeys(await keysOf({ id: 'a', budgets }))
  assert.deepEqual(
    registry.documents()[0]?.budgets.map(({ per, limit }) => [per, limit]),
    [
      ['month', 100],
      ['day', 500],
    ],
  )
  assert.deepEqual(
    [...registry.budgets()].map(({ level, counter }) => [level, counter]),
    [
      ['key:a', 'key:a:tokens:month'],
      ['key:a', 'key:a:tokens:day'],
    ],
  )
})

test('a rate of so many per minute has their interval, and a burst of its own when one is given', async () => {
  const { registry } = registryOf()
  registry.replaceFileKeys(
    await keysOf(
      { id: 'a', limits: { requests_per_minute: 60 } },
      { id: 'b', limits: { requests_per_minute: 60, burst: 3 } },
    ),
  )
  assert.deepEqual(
    registry.documents().map(({ rates: [rate] }) => [rate?.limit, rate?.intervalUs, rate?.burst]),
    [
      [60, 1_000_000, 60],
      [60, 1_000_000, 3],
    ],
  )
})

test('rates are those of the keys that have one', async () => {
  const { registry } = registryOf()
  registry.replaceFileKeys(await keysOf({ id: 'a', limits: { requests_per_minute: 60 } }, { id: 'free' }))
  assert.deepEqual(
    [...registry.rates()].map(({ level, intervalUs, burst }) => [level, intervalUs, burst]),
    [['key:a', 1_000_000, 60]],
  )
})

test('more keys than there are generations are refused in words', () => {
  const { registry } = registryOf({ generations: 1 })
  registry.putDatabaseKey(storedKeyOf('a'))
  assert.throws(() => registry.putDatabaseKey(storedKeyOf('b')), /restart the gateway/)
  assert.equal(registry.list().length, 1)
})

test('keys of a file are replaced together or not at all', async () => {
  const { registry, published, generations, slots } = registryOf({ cells: 10, generations: 4 })
  const rate = { limits: { requests_per_minute: 1 } }
  const first = await keysOf({ id: 'a', ...rate }, { id: 'b' })
  registry.replaceFileKeys(first)
  const before = { list: registry.list(), generations: [...generations], slots: [...slots.names()] }
  const unchanged = (what: string) => {
    const now = { list: registry.list(), generations: [...generations], slots: [...slots.names()] }
    assert.deepEqual(now, before, what)
    assert.equal(published.length, 1, what)
  }
  const twoBudgets = [
    { tokens: 5, per: 'day' },
    { tokens: 5, per: 'month' },
  ]
  const tooLarge = await keysOf({ id: 'a', enabled: false }, { id: 'c', ...rate }, { id: 'd', budgets: twoBudgets })
  assert.throws(() => registry.replaceFileKeys(tooLarge), /no room for slot/)
  unchanged('no room for counters')
  const tooMany = await keysOf({ id: 'c' }, { id: 'd' }, { id: 'e' })
  assert.throws(() => registry.replaceFileKeys(tooMany), /restart the gateway/)
  unchanged('too many keys')
  registry.replaceFileKeys(await keysOf({ id: 'c', budgets: twoBudgets.slice(0, 1) }, { id: 'd' }))
  assert.deepEqual(
    registry.list().map(({ key }) => key.id),
    ['c', 'd'],
    'the room of what failed was given back',
  )
})

test('workers that cannot be told leave the keys as they were', async () => {
  let broken = false
  const { registry, generations } = registryOf({
    publish: () => {
      if (broken) throw new Error('no way to tell')
    },
  })
  registry.replaceFileKeys(await keysOf({ id: 'a' }, { id: 'b' }))
  broken = true
  const other = await keysOf({ id: 'a', enabled: false }, { id: 'c' })
  assert.throws(() => registry.replaceFileKeys(other), /no way to tell/)
  assert.deepEqual(
    registry.documents().map(({ id, enabled, generation }) => [id, enabled, generation]),
    [
      ['a', true, 1],
      ['b', true, 1],
    ],
  )
  assert.deepEqual([...generations].slice(0, 3), [1, 1, 0])
})

test('a budget whose spending could not be told begins with it the next time, and not at zero', async () => {
  let known = false
  const counters = new BigInt64Array(new SharedArrayBuffer(8 * 20))
  const registry = new KeyRegistry({
    counters,
    generations: new Int32Array(new SharedArrayBuffer(4)),
    slots: new SlotAllocator(counters),
    seats: 2,
    spent: () => {
      if (known) return 70
      throw new Error('not known yet')
    },
    publish: () => undefined,
  })
  const keys = await keysOf({ id: 'a', budgets: [{ tokens: 100, per: 'month' }] })
  assert.throws(() => registry.replaceFileKeys(keys), /not known yet/)
  known = true
  registry.replaceFileKeys(keys)
  const slot = registry.documents()[0]?.budgets[0]?.slot ?? -1
  assert.equal(read(counters, slot, periodOf('month', Date.now())).spent, 70)
})

test('what is spent while a budget is away counts when it comes back', async () => {
  const options = { spent: 0 }
  const { registry, counters } = registryOf(options)
  const budgets = [{ tokens: 100, per: 'month' }]
  const spent = () => {
    const { slot = -1 } = registry.documents()[0]?.budgets[0] ?? {}
    return read(counters, slot, periodOf('month', Date.now())).spent
  }
  registry.replaceFileKeys(await keysOf({ id: 'a', budgets }))
  assert.equal(spent(), 0)
  registry.replaceFileKeys(await keysOf({ id: 'a' }))
  options.spent = 40
  registry.replaceFileKeys(await keysOf({ id: 'a', budgets }))
  assert.equal(spent(), 40)
  options.spent = 60
  registry.replaceFileKeys(await keysOf({ id: 'a', name: 'other', budgets }))
  assert.equal(spent(), 40, 'a budget that stayed has seen all of it')
})
