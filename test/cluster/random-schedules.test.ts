import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Takings } from '../../src/governance/index.ts'
import { SeededRandom } from '../crash/random.ts'
import { eventually } from '../harness/eventually.ts'
import { type RunningServer, serverSuite, startRedis } from '../servers/servers.ts'
import { Replica, takings } from './replica.ts'
import { close, open, takeWhenOpen } from './starting.ts'

const LIMIT = 200_000
const PLACES = 7
const REQUESTS = 400
/** Odd amounts, so that no lease fits them. */
const MOST = 1_999
const SEEDS = [1, 2, 3]

let redis: RunningServer
let client: Redis

/** What the store has of a counter: all of it, and what a replica holds and uses of it. */
async function account(cluster: string, counter: string, replica: string) {
  const epoch = await client.hget(`ferro:{${cluster}}:meta`, 'epoch')
  const fields = await client.hgetall(`ferro:{${cluster}}:${epoch}:${counter}`)
  const of = (field: string) => Number(fields[field] ?? 0)
  const parts = Object.keys(fields).filter((field) => field.length > 1 && !/^[~$]/.test(field))
  return { sum: of('#'), parts: parts.reduce((sum, field) => sum + of(field), 0), own: of(replica) - of(`~${replica}`) }
}

/** As many requests at once as there are turns: each takes, waits a little, and is settled or given back. */
async function play(replica: Replica, all: readonly Takings[], random: SeededRandom): Promise<number> {
  let spent = 0
  const one = async () => {
    const counted = random.pick(all)
    const taking = { ...counted, tokens: random.between(1, MOST) }
    for (let turn = random.between(0, 40); turn > 0; turn--) await nextTurn()
    if ((await replica.take(taking)) !== null) return
    for (let turn = random.between(0, 40); turn > 0; turn--) await nextTurn()
    if (random.next() < 0.2) return replica.counters.giveBack(taking)
    const tokens = random.between(0, taking.tokens)
    if (taking.concurrency !== null) replica.counters.leave(taking.concurrency)
    replica.counters.settle(taking, { tokens, nanos: 0 })
    spent += tokens
  }
  await Promise.all(Array.from({ length: REQUESTS }, one))
  return spent
}

serverSuite('redis', 'random schedules of replicas that share counters', () => {
  before(async () => {
    redis = await startRedis()
    client = new Redis(redis.port, '127.0.0.1')
  })
  after(async () => {
    client.disconnect()
    await redis.stop()
  })

  for (const seed of SEEDS)
    test(`seed ${seed}: nothing is passed, the store has what each replica has, and all that is left can be used`, async () => {
      const random = new SeededRandom(seed)
      const cluster = `schedules-${seed}`
      const url = `redis://127.0.0.1:${redis.port}`
      const names = ['replica-a', 'replica-b', 'replica-c']
      const replicas = await Promise.all(names.map(async (name) => await Replica.start({ url, name, cluster })))
      for (const replica of replicas) replica.begin()
      await Promise.all(replicas.map(open))
      try {
        const counted = replicas.map((replica) => {
          const [one, other] = ['one', 'other'].map((name) => replica.budget(name, LIMIT, 'day')) as [Budget, Budget]
          const concurrency = [replica.seats('places', PLACES)]
          const of = (some: Partial<Takings>) => takings(some)
          return [of({ budgets: [one] }), of({ budgets: [other, one] }), of({ budgets: [one], concurrency })]
        })
        let most = 0
        let isOver = false
        const watching = (async () => {
          while (!isOver) most = Math.max(most, (await account(cluster, COUNTER, names[0] ?? '')).sum)
        })()
        const spent = await Promise.all(replicas.map((replica, at) => play(replica, counted[at] ?? [], random)))
        isOver = true
        await watching
        assert.ok(most > LIMIT / 2 && most <= LIMIT, `${most} of ${LIMIT}`)
        for (const [at, name] of names.entries()) {
          let last: Awaited<ReturnType<typeof account>> | null = null
          const agrees = async () => {
            last = await account(cluster, COUNTER, name)
            return last.sum === last.parts && last.own === spent[at]
          }
          // A thread that was held up for long has lost its session, and tells all anew in the next one.
          await eventually(agrees, { deadlineMs: 30_000 }).catch(() =>
            assert.fail(`${name} spent ${spent[at]}, and the store has ${JSON.stringify(last)}`),
          )
        }
        const all = spent.reduce((sum, each) => sum + each, 0)
        const [replica, [rest]] = [replicas[1] as Replica, counted[1] as [Takings]]
        assert.equal(await takeWhenOpen(replica, { ...rest, tokens: LIMIT - all + 1 }), 'budget_exceeded')
        assert.equal(await takeWhenOpen(replica, { ...rest, tokens: LIMIT - all }), 'taken')
        const place = takings({ concurrency: counted[0]?.[2]?.concurrency ?? [] })
        for (let taken = 0; taken < PLACES; taken++)
          assert.equal(await takeWhenOpen(replicas[0] as Replica, place), 'taken')
        assert.equal(await takeWhenOpen(replicas[0] as Replica, place), 'rate_limit_exceeded')
      } finally {
        await close(replicas)
      }
    })
})

type Budget = ReturnType<Replica['budget']>
const COUNTER = `one:${Math.floor(Date.now() / 86_400_000)}`
