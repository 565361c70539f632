import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { baseConfig } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import type { JsonObject } from '../harness/json.ts'
import type { MetricSample } from '../harness/metrics.ts'
import type { WallRequest } from '../harness/wall/wall.ts'
import { Threads } from '../process/threads.ts'
import { House } from './house.ts'

const target = (model: string, concurrency: JsonObject): JsonObject => ({ provider: 'wall', model, concurrency })

const MODELS: JsonObject = {
  ok: { targets: [{ provider: 'wall', model: 'ok' }] },
  tight: { targets: [target('slow-20', { max: 3, queue: 100, wait: '30s' })] },
  spread: { targets: [target('barrier', { max: 1, queue: 9 }), { provider: 'wall', model: 'ok-2' }] },
  pair: {
    targets: [
      target('barrier-over-2', { max: 1, queue: 9, wait: '30s' }),
      target('barrier-over-3', { max: 1, queue: 9, wait: '30s' }),
    ],
  },
  narrow: { targets: [target('barrier-over-4', { max: 1, queue: 1, wait: '30s' })] },
  hasty: { targets: [target('barrier-over-5', { max: 1, queue: 9, wait: '150ms' })] },
  uneven: {
    targets: [
      target('barrier-over-6', { max: 1, queue: 9, wait: '150ms' }),
      target('barrier-over-7', { max: 1, queue: 9, wait: '30s' }),
    ],
  },
  rested: {
    targets: [{ provider: 'wall', model: 'spent-1500' }, target('barrier-over-8', { max: 1, queue: 9, wait: '30s' })],
  },
  streamed: { targets: [target('barrier-mid', { max: 1 })] },
  dropped: { targets: [target('hang-head', { max: 1, queue: 9, wait: '30s' })] },
  broken: { retry: { attempts: 1 }, targets: [target('reset-mid', { max: 1 })] },
}

const threads = new Threads()
let house: House

const options = (models: JsonObject) => ({
  workers: 2,
  models,
  routing: { breaker: { consecutive_failures: 0, failure_share: 0 } },
})

before(async () => {
  house = await House.build({ more: options(MODELS), gateway: threads.gateway })
})

after(async () => {
  await house.close()
  threads.close()
})

function seenOf(model: string): WallRequest[] {
  return house.wall.requests.filter((request) => request.model === model)
}

async function arrived(model: string, count: number): Promise<void> {
  await eventually(() => seenOf(model).length >= count, { what: `${count} requests for ${model}` })
}

/** Resolves when so many requests have a place at a target, and so many wait for one. */
async function crowd(model: string, served: number, queued: number): Promise<void> {
  const numberOf = (samples: readonly MetricSample[], name: string) =>
    samples.find((sample) => sample.name === name && sample.labels['target'] === `wall/${model}`)?.value
  await eventually(
    async () => {
      const samples = await house.gateway.metrics()
      const isServed = numberOf(samples, 'ferro_model_target_served') === served
      return isServed && numberOf(samples, 'ferro_model_target_queued') === queued
    },
    { what: `${served} served and ${queued} waiting at ${model}` },
  )
}

/** The most that were at the wall at one moment. */
function mostAtOnce(requests: readonly WallRequest[]): number {
  const edges = requests.flatMap(({ receivedAt, finishedAt }) => [
    { ms: receivedAt, by: 1 },
    { ms: finishedAt ?? Number.POSITIVE_INFINITY, by: -1 },
  ])
  let now = 0
  let most = 0
  for (const { by } of edges.toSorted((one, other) => one.ms - other.ms || one.by - other.by)) {
    now += by
    most = Math.max(most, now)
  }
  return most
}

test('a target never has more requests than it takes, over all workers; the others wait and are served', async () => {
  const calls = Array.from({ length: 30 }, (_, n) => house.client.start({ model: 'tight', stream: n % 2 === 0 }))
  const results = await Promise.all(calls.map(({ result }) => result))
  assert.deepEqual(new Set(results.map(({ status }) => status)), new Set([200]))
  assert.equal(mostAtOnce(seenOf('slow-20')), 3)
  const waits = await eventually(() => {
    using db = house.gateway.db()
    const rows = db.prepare("SELECT queue_us FROM requests WHERE model_requested = 'tight'").all()
    return rows.length === 30 ? rows.map(({ queue_us: us }) => Number(us)) : null
  })
  assert.ok(Math.max(...waits) > 100_000, 'the record says how long the last one waited')
})

test('a full target is passed over for the next', async () => {
  const held = house.client.start({ model: 'spread' })
  await arrived('barrier', 1)
  assert.equal((await house.client.chat({ model: 'spread' })).status, 200)
  assert.deepEqual([seenOf('barrier').length, seenOf('ok-2').length], [1, 1])
  house.wall.release()
  assert.equal((await held.result).status, 200)
})

test('whoever waits for several targets is served by the one that has room first', async () => {
  const held = [house.client.start({ model: 'pair' }), house.client.start({ model: 'pair' })]
  await Promise.all([arrived('barrier-over-2', 1), arrived('barrier-over-3', 1)])
  const waiting = house.client.start({ model: 'pair' })
  await crowd('barrier-over-3', 1, 1)
  const second = seenOf('barrier-over-3')[0]?.nonce
  held.find(({ entry }) => entry.nonce === second)?.leave()
  await arrived('barrier-over-3', 2)
  house.wall.release()
  assert.equal((await waiting.result).status, 200)
  await crowd('barrier-over-2', 0, 0)
})

test('beyond the queue the answer is 503 with Retry-After, and a client that leaves makes room in the queue', async () => {
  const held = house.client.start({ model: 'narrow' })
  await arrived('barrier-over-4', 1)
  const waiting = house.client.start({ model: 'narrow' })
  await crowd('barrier-over-4', 1, 1)
  const refused = await house.client.chat({ model: 'narrow' })
  assert.deepEqual([refused.status, errorCode(refused.json), refused.headers['retry-after']], [503, 'saturated', '1'])
  waiting.leave()
  await crowd('barrier-over-4', 1, 0)
  const next = house.client.start({ model: 'narrow' })
  await crowd('barrier-over-4', 1, 1)
  house.wall.release()
  assert.equal((await held.result).status, 200)
  await arrived('barrier-over-4', 2)
  house.wall.release()
  assert.equal((await next.result).status, 200)
  await crowd('barrier-over-4', 0, 0)
})

test('nobody waits longer than is allowed', async () => {
  const held = house.client.start({ model: 'hasty' })
  await arrived('barrier-over-5', 1)
  const late = await house.client.chat({ model: 'hasty', stream: true })
  assert.deepEqual([late.status, errorCode(late.json), late.headers['retry-after']], [503, 'saturated', '1'])
  await crowd('barrier-over-5', 1, 0)
  house.wall.release()
  assert.equal((await held.result).status, 200)
})

test('a queue is left at its own time, and the others are waited in on', async () => {
  const held = [house.client.start({ model: 'uneven' }), house.client.start({ model: 'uneven' })]
  await Promise.all([arrived('barrier-over-6', 1), arrived('barrier-over-7', 1)])
  const waiting = house.client.start({ model: 'uneven' })
  await crowd('barrier-over-7', 1, 1)
  await crowd('barrier-over-6', 1, 0)
  const second = seenOf('barrier-over-7')[0]?.nonce
  held.find(({ entry }) => entry.nonce === second)?.leave()
  await arrived('barrier-over-7', 2)
  house.wall.release()
  assert.equal((await waiting.result).status, 200)
})

test('whoever waits goes to a target whose rest ends meanwhile', async () => {
  assert.equal((await house.client.chat({ model: 'rested' })).headers['x-ferro-model'], 'wall/spent-1500')
  const held = house.client.start({ model: 'rested' })
  await arrived('barrier-over-8', 1)
  const waiting = house.client.start({ model: 'rested' })
  await crowd('barrier-over-8', 1, 1)
  const served = await waiting.result
  assert.deepEqual([served.status, served.headers['x-ferro-model']], [200, 'wall/spent-1500'])
  house.wall.release()
  assert.equal((await held.result).status, 200)
  await crowd('barrier-over-8', 0, 0)
})

test('a stream has its place until its end, also one that breaks off, and a client that leaves gives it back', async () => {
  const held = house.client.start({ model: 'streamed', stream: true })
  await eventually(() => held.received().includes('data:'))
  assert.equal((await house.client.chat({ model: 'streamed', stream: true })).status, 503)
  house.wall.release()
  assert.equal((await held.result).entry.outcome, 'done')
  await crowd('barrier-mid', 0, 0)
  const left = house.client.start({ model: 'streamed', stream: true })
  await eventually(() => left.received().includes('data:'))
  left.leave()
  await crowd('barrier-mid', 0, 0)
  for (const stream of [true, false]) await house.client.chat({ model: 'broken', stream })
  await crowd('reset-mid', 0, 0)
})

test('places are kept over a reload, and a smaller number counts those who are there', async () => {
  const held = house.client.start({ model: 'narrow' })
  await arrived('barrier-over-4', 3)
  const models = { ...MODELS, later: MODELS['ok'] ?? null, narrow: { targets: [target('barrier-over-4', { max: 1 })] } }
  house.gateway.writeConfig(baseConfig({ wallUrl: house.wall.url, keys: [house.key], more: options(models) }))
  house.gateway.signal('SIGHUP')
  await eventually(async () => {
    const all = Array.from({ length: 8 }, () => house.client.chat({ model: 'later' }))
    return (await Promise.all(all)).every(({ status }) => status === 200)
  })
  assert.equal((await house.client.chat({ model: 'narrow' })).status, 503, 'its only place is taken')
  house.wall.release()
  assert.equal((await held.result).status, 200)
  const again = house.client.start({ model: 'narrow' })
  await arrived('barrier-over-4', 4)
  house.wall.release()
  assert.equal((await again.result).status, 200)
})

test('a worker that dies gives back the places that its requests had and waited for', async () => {
  const calls = Array.from({ length: 8 }, () => house.client.start({ model: 'dropped' }))
  await crowd('hang-head', 1, 7)
  const known = await threads.living('data')
  for (const worker of known) {
    await threads.terminate(worker)
    await threads.replaced(worker, known, 30_000)
  }
  await Promise.all(calls.map(({ result }) => result))
  await crowd('hang-head', 0, 0)
})
