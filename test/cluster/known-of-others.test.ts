import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { PeerBook } from '../../src/storage/sqlite/peer-book.ts'
import { temporaryDirectory } from '../../src/storage/testing/samples.ts'
import { eventually } from '../harness/eventually.ts'
import { type RunningServer, serverSuite, startRedis } from '../servers/servers.ts'
import { Replica, takings } from './replica.ts'
import { close, open, takeWhenOpen } from './starting.ts'

let redis: RunningServer
let client: Redis

async function one(cluster: string, name: string, ledger = name, dir?: string): Promise<Replica> {
  const url = `redis://127.0.0.1:${redis.port}`
  const replica = await Replica.start({ url, name, ledger, cluster, ...(dir === undefined ? {} : { dir }) })
  replica.begin()
  return replica
}

/** What a replica remembers, as another program reads it. */
function bookOf(dir: string, cluster: string): { peers: readonly string[]; held: ReadonlyMap<string, number> } {
  const book = PeerBook.open(dir, cluster)
  const { peers } = book
  const held = book.heldOf('tokens:0')
  book.close()
  return { peers, held }
}

async function keyOf(cluster: string, counter: string): Promise<string> {
  return `ferro:{${cluster}}:${await client.hget(`ferro:{${cluster}}:meta`, 'epoch')}:${counter}`
}

serverSuite('redis', 'what is known of replicas that do not say it themselves', () => {
  before(async () => {
    redis = await startRedis()
    client = new Redis(redis.port, '127.0.0.1')
  })
  after(async () => {
    client.disconnect()
    await redis.stop()
  })

  test('a ledger that knows less than it had spent leaves the difference as spent', async () => {
    const before = await open(await one('put-back', 'pod-0', 'ledger-1'))
    const taking = takings({ budgets: [before.budget('tokens', 100)] }, 70)
    assert.equal(await takeWhenOpen(before, taking), 'taken')
    before.counters.settle(taking, { tokens: 70, nanos: 0 })
    await eventually(async () => await client.hget(await keyOf('put-back', 'tokens:0'), '$ledger-1'), {
      what: 'the store to be told of the settlement',
    })
    await eventually(
      async () => (await client.hget(await keyOf('put-back', 'tokens:0'), '$ledger-1'))?.startsWith('70 '),
      { what: 'the store to have what was spent' },
    )
    await before.kill()
    const after = await open(await one('put-back', 'pod-0', 'ledger-1'))
    try {
      const budget = after.budget('tokens', 100)
      after.spent(budget, 20)
      assert.equal(await takeWhenOpen(after, takings({ budgets: [budget] }, 31)), 'budget_exceeded')
      assert.equal(await takeWhenOpen(after, takings({ budgets: [budget] }, 30)), 'taken')
    } finally {
      await after.close()
    }
  })

  test('what a common ledger says of others counts before they say it themselves', async () => {
    const other = await open(await one('common', 'other'))
    const asking = await open(await one('common', 'asking'))
    const others = [
      ['other', 40],
      ['gone', 10],
    ] as const
    await asking.lender.hearShares([{ name: 'tokens', period: 0, others }])
    try {
      const budget = asking.budget('tokens', 100)
      assert.equal(await takeWhenOpen(asking, takings({ budgets: [budget] }, 51)), 'budget_exceeded')
      assert.equal(await takeWhenOpen(asking, takings({ budgets: [budget] }, 50)), 'taken')
      // The other one has less now than the ledger said, and says so.
      const its = other.budget('tokens', 100)
      other.spent(its, 35)
      assert.equal(await takeWhenOpen(other, takings({ budgets: [its] }, 6)), 'budget_exceeded')
      assert.equal(await takeWhenOpen(other, takings({ budgets: [its] }, 5)), 'taken')
    } finally {
      await close([other, asking])
    }
  })

  test('after a cold start all are waited for that were there before', async (t) => {
    const dirs = [temporaryDirectory(t), temporaryDirectory(t)] as const
    const start = async (at: 0 | 1) => await one('cold', `replica-${at}`, `replica-${at}`, dirs[at])
    const [first, second] = [await open(await start(0)), await open(await start(1))]
    await eventually(() => bookOf(dirs[0], 'cold').peers.length === 2, { what: 'the second to be remembered' })
    await Promise.all([first.kill(), second.kill()])
    await client.flushall()
    const again = await start(0)
    await eventually(() => again.states.includes('rebuilding'), { what: 'the first to wait' })
    const late = await start(1)
    late.spent(late.budget('tokens', 100), 60, late.lender)
    try {
      assert.equal(again.isOpen, false)
      await Promise.all([open(again), open(late)])
      const taking = takings({ budgets: [again.budget('tokens', 100)] }, 41)
      assert.equal(await takeWhenOpen(again, taking), 'budget_exceeded')
    } finally {
      await close([again, late])
    }
  })

  test('after a cold start what others had spent is known though they do not come', async (t) => {
    const dir = temporaryDirectory(t)
    const first = await open(await one('cold-alone', 'first', 'first', dir))
    const second = await open(await one('cold-alone', 'second'))
    assert.equal(await takeWhenOpen(first, takings({ budgets: [first.budget('tokens', 100)] }, 10)), 'taken')
    assert.equal(await takeWhenOpen(second, takings({ budgets: [second.budget('tokens', 100)] }, 60)), 'taken')
    await second.close()
    await eventually(() => bookOf(dir, 'cold-alone').held.get('second') === 60, {
      what: 'what the second has spent to be remembered',
    })
    await eventually(() => bookOf(dir, 'cold-alone').peers.length === 1, { what: 'the second to be gone' })
    await first.kill()
    await client.flushall()
    const again = await open(await one('cold-alone', 'first', 'first', dir))
    try {
      const budget = again.budget('tokens', 100)
      again.spent(budget, 10)
      assert.equal(await takeWhenOpen(again, takings({ budgets: [budget] }, 31)), 'budget_exceeded')
      assert.equal(await takeWhenOpen(again, takings({ budgets: [budget] }, 30)), 'taken')
    } finally {
      await again.close()
    }
  })
})
