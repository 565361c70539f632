import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { eventually } from '../harness/eventually.ts'
import { type RunningServer, serverSuite, startRedis } from '../servers/servers.ts'
import { Replica, takings } from './replica.ts'
import { close, open, takeWhenOpen } from './starting.ts'

let redis: RunningServer
let client: Redis
let number = 0

async function cluster(
  count: number,
): Promise<{ replicas: Replica[]; name: string; sum: (counter: string) => Promise<number> }> {
  const name = `test-${++number}`
  const replicas = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const url = `redis://127.0.0.1:${redis.port}`
      return await Replica.start({ url, name: `replica-${at}`, cluster: name })
    }),
  )
  for (const replica of replicas) {
    replica.begin()
    await eventually(() => replica.isOpen, { what: 'an open replica' })
  }
  const sum = async (counter: string) => {
    const epoch = await client.hget(`ferro:{${name}}:meta`, 'epoch')
    return Number(await client.hget(`ferro:{${name}}:${epoch}:${counter}`, '#'))
  }
  return { replicas, name, sum }
}

/** Whether that comes true within a quarter of a second. */
async function eventuallyLeft(probe: () => Promise<boolean>): Promise<boolean> {
  return await eventually(probe, { deadlineMs: 250 }).catch(() => false)
}

async function one(cluster: string, name: string, ledger = name): Promise<Replica> {
  const url = `redis://127.0.0.1:${redis.port}`
  const replica = await Replica.start({ url, name, ledger, cluster })
  replica.begin()
  return replica
}

serverSuite('redis', 'counters that replicas share', () => {
  before(async () => {
    redis = await startRedis()
    client = new Redis(redis.port, '127.0.0.1')
  })
  after(async () => {
    client.disconnect()
    await redis.stop()
  })

  test('B2 a budget lets through exactly what it covers, whichever replica is asked', async () => {
    const { replicas, sum } = await cluster(3)
    try {
      const budgets = replicas.map((replica) => replica.budget('tokens', 1_000))
      const asked = Array.from({ length: 500 }, async (_, at) => {
        const own = at % replicas.length
        const budget = budgets[own]
        if (budget === undefined) return null
        // On a busy machine the store may answer later than the gateway waits: that is refused too, and asked again.
        for (let turn = 0; turn < 10; turn++) {
          const refusal = await replicas[own]?.take(takings({ budgets: [budget] }, 7))
          if (refusal?.error.code !== 'governance_backend_unavailable') return refusal
        }
        return null
      })
      const refusals = (await Promise.all(asked)).filter((refusal) => refusal !== null)
      assert.deepEqual(new Set(refusals.map((refusal) => refusal?.error.code)), new Set(['budget_exceeded']))
      assert.equal(500 - refusals.length, 142)
      await eventually(async () => (await sum('tokens:0')) === 994, { what: 'the sum of all that was let through' })
    } finally {
      await close(replicas)
    }
  })

  test('far from its limit a budget is borrowed ahead, and what is idle comes back', async () => {
    const { replicas, sum } = await cluster(2)
    try {
      const [one, other] = replicas as [Replica, Replica]
      const budget = one.budget('tokens', 1_000_000)
      for (let turn = 0; turn < 1_000; turn++) assert.equal(await one.take(takings({ budgets: [budget] }, 10)), null)
      assert.ok(one.lender.counts.asked < 100, `${one.lender.counts.asked} of 1000 admissions asked`)
      await eventually(async () => (await sum('tokens:0')) === 10_000, { what: 'idle tokens to come back' })
      // All that is left can be had by the other one, and not one more.
      const rest = other.budget('tokens', 1_000_000)
      assert.equal((await other.take(takings({ budgets: [rest] }, 990_001)))?.error.code, 'budget_exceeded')
      assert.equal(await other.take(takings({ budgets: [rest] }, 990_000)), null)
      assert.equal(await sum('tokens:0'), 1_000_000)
    } finally {
      await close(replicas)
    }
  })

  test('a replica that uses nothing more borrows nothing more, however much it had wanted', async () => {
    const { replicas, sum } = await cluster(1)
    try {
      const [one] = replicas as [Replica]
      // So much that what is lent ahead is less than what was wanted.
      const taking = takings({ budgets: [one.budget('rest', 1e12)] }, 1e11)
      assert.equal(await one.take(taking), null)
      const rests = async () => {
        const before = await sum('rest:0')
        await delay(300)
        return (await sum('rest:0')) <= before
      }
      await eventually(rests, { deadlineMs: 5_000, what: 'an end of the borrowing' })
    } finally {
      await close(replicas)
    }
  })

  test('what is told while something is being lent leaves the store with what lies idle', async () => {
    const { replicas, name } = await cluster(1)
    try {
      const [one] = replicas as [Replica]
      const budget = one.budget('crossing', 1_000_000)
      const first = takings({ budgets: [budget] }, 10)
      assert.equal(await one.take(first), null)
      const counter = [...one.lender.counters].find(({ key }) => key === 'crossing:0')
      const rest = counter?.read().idle ?? 0
      assert.equal(await one.take(takings({ budgets: [budget] }, rest)), null)
      const { asked } = one.lender.counts
      const second = one.take(takings({ budgets: [budget] }, 10_000))
      await eventually(() => one.lender.counts.asked > asked, { everyMs: 1, what: 'a second asking' })
      await Promise.resolve()
      one.counters.settle(first, { tokens: 4, nanos: 0 })
      one.lender.recall('crossing:0')
      assert.equal(await second, null)
      const epoch = await client.hget(`ferro:{${name}}:meta`, 'epoch')
      const idle = async () => {
        const fields = await client.hgetall(`ferro:{${name}}:${epoch}:crossing:0`)
        return Number(Object.entries(fields).find(([field]) => field.startsWith('~'))?.[1] ?? 0)
      }
      // Sooner than what lies idle goes back.
      await eventually(async () => (await idle()) === counter?.read().idle, {
        deadlineMs: 800,
        what: 'the same figure',
      })
    } finally {
      await close(replicas)
    }
  })

  test('what requests leave over of a budget of a day can be used, to the last token', async () => {
    const { replicas, sum } = await cluster(3)
    try {
      const counter = `daily:${Math.floor(Date.now() / 86_400_000)}`
      let passed = 0
      for (let turn = 0; turn < 100; turn++) {
        const before = passed
        const asked = replicas.map(async (replica) => {
          const taking = takings({ budgets: [replica.budget('daily', 3_000, 'day')] }, 100)
          if ((await replica.take(taking)) !== null) return
          passed++
          replica.counters.settle(taking, { tokens: 11, nanos: 0 })
        })
        await Promise.all(asked)
        const all = await sum(counter)
        assert.ok(all <= 3_000, `${all} of 3000`)
        if (passed > before) continue
        // What others have left over is told to the store a moment later.
        if (await eventuallyLeft(async () => 3_000 - (await sum(counter)) >= 100)) continue
        break
      }
      await eventually(async () => (await sum(counter)) === passed * 11, {
        what: `the sum to be ${passed * 11} and not ${await sum(counter)}`,
        deadlineMs: 3_000,
      })
      assert.ok(passed * 11 > 2_880, `${passed} were let through`)
    } finally {
      await close(replicas)
    }
  })

  test('what one replica has borrowed and does not use goes to another that needs it', async () => {
    const { replicas } = await cluster(2)
    try {
      const [one, other] = replicas as [Replica, Replica]
      const mine = one.budget('tokens', 100_000)
      const yours = other.budget('tokens', 100_000)
      for (let turn = 0; turn < 200; turn++) assert.equal(await one.take(takings({ budgets: [mine] }, 10)), null)
      // On a crowded machine what is called back may come too late for the first request that needs it.
      await eventually(async () => (await other.take(takings({ budgets: [yours] }, 98_000))) === null, {
        what: 'what the other has borrowed',
      })
      assert.equal((await one.take(takings({ budgets: [mine] }, 1)))?.error.code, 'budget_exceeded')
    } finally {
      await close(replicas)
    }
  })

  test('what a request elsewhere has left over a moment ago, and nobody was told of, can be used', async () => {
    const { replicas } = await cluster(2)
    try {
      const [one, other] = replicas as [Replica, Replica]
      const large = takings({ budgets: [one.budget('tokens', 100)] }, 100)
      assert.equal(await takeWhenOpen(one, large), 'taken')
      const small = takings({ budgets: [other.budget('tokens', 100)] }, 60)
      assert.equal(await takeWhenOpen(other, small), 'budget_exceeded')
      one.counters.settle(large, { tokens: 40, nanos: 0 })
      assert.equal(await takeWhenOpen(other, small), 'taken')
    } finally {
      await close(replicas)
    }
  })

  test('a place that was free a moment ago, and nobody was told of, can be had by another', async () => {
    const { replicas } = await cluster(2)
    try {
      const [one, other] = replicas as [Replica, Replica]
      const own = one.seats('places', 1)
      assert.equal(await takeWhenOpen(one, takings({ concurrency: [own] })), 'taken')
      const place = takings({ concurrency: [other.seats('places', 1)] })
      assert.equal(await takeWhenOpen(other, place), 'rate_limit_exceeded')
      one.counters.leave([own])
      assert.equal(await takeWhenOpen(other, place), 'taken')
    } finally {
      await close(replicas)
    }
  })

  test('a request that comes while a beat is late waits for it, and holds up nobody', async () => {
    const { replicas } = await cluster(1)
    try {
      const [replica] = replicas as [Replica]
      const budget = replica.budget('tokens', 1_000_000)
      assert.equal(await replica.take(takings({ budgets: [budget] }, 10)), null)
      replica.lapse()
      assert.equal(await replica.take(takings({ budgets: [budget] }, 10)), null)
    } finally {
      await close(replicas)
    }
  })

  test('a rate lets through its burst and then what comes back with time', async () => {
    const { replicas } = await cluster(3)
    try {
      const rates = replicas.map((replica) => replica.rate('requests', 100, 10_000_000))
      const began = performance.now()
      let passed = 0
      for (let turn = 0; turn < 4; turn++) {
        const asked = Array.from({ length: 60 }, async (_, at) => {
          const own = at % replicas.length
          const rate = rates[own]
          if (rate !== undefined && (await replicas[own]?.take(takings({ rates: [rate] }))) === null) passed++
        })
        await Promise.all(asked)
      }
      const most = 100 + Math.ceil((performance.now() - began) / 100)
      assert.ok(passed >= 100 && passed <= most, `${passed} passed, at most ${most} may`)
    } finally {
      await close(replicas)
    }
  })

  test('places in flight are never more than the limit, and all of them come back', async () => {
    const { replicas, sum } = await cluster(3)
    try {
      const places = replicas.map((replica) => replica.seats('seats', 10))
      let running = 0
      let most = 0
      let served = 0
      const work = async (own: number) => {
        const replica = replicas[own] as Replica
        const concurrency = [places[own] as NonNullable<(typeof places)[number]>]
        for (let turn = 0; turn < 20; turn++) {
          if ((await replica.take(takings({ concurrency }))) !== null) continue
          most = Math.max(most, ++running)
          served++
          await new Promise((resolve) => setTimeout(resolve, turn % 5))
          running--
          replica.counters.leave(concurrency)
        }
      }
      await Promise.all(Array.from({ length: 30 }, async (_, at) => await work(at % 3)))
      assert.ok(most <= 10 && served > 20, `${most} at once, ${served} served`)
      await eventually(async () => (await sum('seats')) === 0, { what: 'all places to come back' })
      assert.equal(await replicas[0]?.take(takings({ concurrency: [places[0] as never] })), null) // its own, made above
    } finally {
      await close(replicas)
    }
  })

  test('an admission takes from all counters or from none', async () => {
    const { replicas, sum } = await cluster(2)
    try {
      const [one, other] = replicas as [Replica, Replica]
      const of = (replica: Replica) =>
        takings({ budgets: [replica.budget('wide', 1_000), replica.budget('small', 30)] }, 10)
      const [mine, yours] = [of(one), of(other)]
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, async (_, at) => await (at % 2 === 0 ? one.take(mine) : other.take(yours))),
      )
      assert.equal(outcomes.filter((refusal) => refusal === null).length, 3)
      assert.deepEqual(
        new Set(outcomes.map((refusal) => refusal?.budget?.counter ?? 'through')),
        new Set(['through', 'small']),
      )
      await eventually(async () => (await sum('wide:0')) === 30 && (await sum('small:0')) === 30, {
        what: 'no residue',
      })
    } finally {
      await close(replicas)
    }
  })

  test('B17 a counter that the store has lost is noticed, by whoever asks for it', async () => {
    const { replicas, name, sum } = await cluster(2)
    try {
      const [one, other] = replicas as [Replica, Replica]
      const keyOf = async () => `ferro:{${name}}:${await client.hget(`ferro:{${name}}:meta`, 'epoch')}`
      for (const [at, asks] of [other, one].entries()) {
        const [mine, rest] = [one.budget(`lost-${at}`, 100), asks.budget(`lost-${at}`, 100)]
        assert.equal(await takeWhenOpen(one, takings({ budgets: [mine] }, 90)), 'taken')
        assert.equal(await client.del(`${await keyOf()}:lost-${at}:0`), 1)
        assert.equal(await takeWhenOpen(asks, takings({ budgets: [rest] }, 11)), 'budget_exceeded')
        assert.equal(await takeWhenOpen(asks, takings({ budgets: [rest] }, 10)), 'taken')
        assert.equal(await sum(`lost-${at}:0`), 100)
      }
      // What lists the counters may be lost as well.
      const before = await keyOf()
      await client.del(`ferro:{${name}}:known`)
      await eventually(async () => (await keyOf()) !== before, { what: 'a new epoch' })
    } finally {
      await close(replicas)
    }
  })

  test('B17 a server that begins to evict keys is not used any more', async () => {
    const [name, own] = ['evicts', await startRedis()]
    const admin = new Redis(own.port, '127.0.0.1')
    const replica = await Replica.start({ url: `redis://127.0.0.1:${own.port}`, name, cluster: name })
    try {
      replica.begin()
      await open(replica)
      await admin.config('SET', 'maxmemory', '100mb')
      await admin.config('SET', 'maxmemory-policy', 'volatile-ttl')
      await eventually(() => replica.states.some((state) => /volatile-ttl.*noeviction/.test(state)), {
        what: 'the reason',
      })
      assert.equal(replica.isOpen, false)
    } finally {
      await replica.close()
      admin.disconnect()
      await own.stop()
    }
  })

  test('of two live replicas with one name, or one ledger, the second is not let in, and says why', async () => {
    const [name, first] = ['same-name', await open(await one('same-name', 'same', 'ledger-1'))]
    const second = await one(name, 'same', 'ledger-2')
    const copy = await one(name, 'copy', 'ledger-1')
    try {
      await eventually(() => second.states.some((state) => /another live replica is called same/.test(state)), {
        what: 'the reason',
      })
      await eventually(() => copy.states.some((state) => /another live gateway has the ledger/.test(state)), {
        what: 'the reason',
      })
      assert.deepEqual([first.isOpen, second.isOpen, copy.isOpen], [true, false, false])
      assert.equal(await takeWhenOpen(first, takings({ budgets: [first.budget('tokens', 100)] }, 60)), 'taken')
      // The name is free again when who had it has left.
      await first.close()
      await open(second)
      assert.equal(
        await takeWhenOpen(second, takings({ budgets: [second.budget('tokens', 100)] }, 60)),
        'budget_exceeded',
      )
    } finally {
      await close([second, copy])
    }
  })

  test('a replica that comes back under its name with another ledger leaves what it had spent before', async () => {
    const before = await open(await one('emptied', 'pod-0', 'ledger-1'))
    assert.equal(await takeWhenOpen(before, takings({ budgets: [before.budget('tokens', 100)] }, 100)), 'taken')
    await before.kill()
    const after = await open(await one('emptied', 'pod-0', 'ledger-2'))
    try {
      const taking = takings({ budgets: [after.budget('tokens', 100)] }, 1)
      assert.equal(await takeWhenOpen(after, taking), 'budget_exceeded')
    } finally {
      await after.close()
    }
  })

  test('B9 places of a replica that was killed and is back at once are free, though it does not use them', async () => {
    const other = await open(await one('restarted', 'other'))
    const before = await open(await one('restarted', 'killed'))
    const concurrency = [before.seats('seats', 10)]
    for (let place = 0; place < 10; place++) assert.equal(await takeWhenOpen(before, takings({ concurrency })), 'taken')
    const taking = takings({ concurrency: [other.seats('seats', 10)] })
    assert.equal((await other.take(taking))?.error.code, 'rate_limit_exceeded')
    await before.kill()
    const after = await open(await one('restarted', 'killed'))
    try {
      assert.equal(await takeWhenOpen(other, taking), 'taken')
    } finally {
      await close([other, after])
    }
  })

  test('B15 a store that forgets everything under load lets nothing through twice', async () => {
    const { replicas, sum } = await cluster(3)
    try {
      const budgets = replicas.map((replica) => replica.budget('tokens', 5_000))
      let passed = 0
      let unavailable = 0
      const ask = async (own: number) => {
        const refusal = await replicas[own]?.take(takings({ budgets: [budgets[own] as never] }, 5)) // made above
        if (refusal === null) passed++
        else if (refusal?.error.code === 'governance_backend_unavailable') unavailable++
      }
      for (let turn = 0; turn < 60; turn++) {
        if (turn % 20 === 10) await client.flushall()
        await Promise.all(Array.from({ length: 30 }, async (_, at) => await ask(at % 3)))
      }
      assert.equal(passed, 1_000, `${unavailable} were told that the store is away`)
      await eventually(async () => (await sum('tokens:0')) === 5_000, { what: 'the sum to be whole again' })
    } finally {
      await close(replicas)
    }
  })
})
