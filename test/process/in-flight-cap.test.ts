import assert from 'node:assert/strict'
import { test } from 'node:test'
import { House } from '../e2e/house.ts'
import { eventually } from '../harness/eventually.ts'
import { findSamples } from '../harness/metrics.ts'
import { Threads } from './threads.ts'

const CAP = 4

for (const death of ['throw', 'stall 60000'] as const) {
  test(`B9 places of a worker that dies are free again at once, and no more than those are taken (${death})`, {
    timeout: 60_000,
  }, async (t) => {
    const threads = new Threads()
    t.after(() => threads.close())
    const house = await House.build({
      models: ['ok', 'barrier'],
      key: { team: 'few', limits: { concurrency: CAP + 10 } },
      more: {
        workers: 2,
        overload: { shed: 'off' },
        process: { stall_timeout: '1s' },
        teams: [{ id: 'few', limits: { concurrency: CAP } }],
      },
      gateway: threads.gateway,
    })
    t.after(() => house.close())
    const { client, wall } = house
    // Each on a connection of its own: the kernel gives them to either worker.
    const alone = { headers: { connection: 'close' } }
    const held = Array.from({ length: CAP }, () => client.start({ model: 'barrier', ...alone }))
    await wall.waitForRequests(CAP)
    for (let turn = 0; turn < 10; turn++) assert.equal((await client.chat(alone)).status, 429)
    const known = await threads.living('data')
    const victim = await threads.any('data')
    await threads.order(victim, death)
    await threads.replaced(victim, known, 20_000)
    const open = () => held.filter(({ entry }) => entry.outcome === 'open').length
    const inFlight = async () => {
      const running = findSamples(await house.gateway.metrics(), 'ferro_requests_in_flight')
      return running.reduce((sum, { value }) => sum + value, 0)
    }
    await eventually(async () => (await inFlight()) === open())
    const left = open()
    t.diagnostic(`${CAP - left} of ${CAP} were in flight on the worker that died`)
    // As many as have gone fit in, and not one more.
    const next = Array.from({ length: CAP + 6 }, () => client.start({ model: 'barrier', ...alone }))
    await eventually(() => next.filter(({ entry }) => entry.status === 429).length === 6 + left)
    await wall.waitForRequests(2 * CAP - left)
    wall.release()
    const statuses = (await Promise.all(next.map(({ result }) => result))).map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 200).length, CAP - left)
    for (const { result } of held) await result
    await eventually(async () => (await inFlight()) === 0)
    const all = await Promise.all(Array.from({ length: CAP }, () => client.chat(alone)))
    assert.deepEqual(
      all.map(({ status }) => status),
      all.map(() => 200),
      'all places are free in the end',
    )
  })
}
