import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { House } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { BIG_BUDGET } from './budget-metrics.ts'
import { Load, MIXED_MODELS } from './load.ts'
import { lockDatabase } from './lock-database.ts'
import { type Order, Threads } from './threads.ts'

async function build(t: TestContext): Promise<{ house: House; threads: Threads }> {
  const threads = new Threads()
  t.after(() => threads.close())
  const house = await House.build({
    models: [...MIXED_MODELS, 'barrier-mid'],
    key: BIG_BUDGET,
    more: { workers: 2, process: { stall_timeout: '1s', worker_memory: '64MiB' } },
    gateway: threads.gateway,
  })
  t.after(() => house.close())
  return { house, threads }
}

const isReady = async (house: House) => (await fetch(`${house.gateway.controlUrl}/readyz`)).status === 200
const isAvailable = async (house: House) =>
  findSamples(await house.gateway.metrics(), 'ferro_database_available')[0]?.value === 1
const rows = (house: House) => readLedger(house.gateway.databasePath).requests.length

test('while the database refuses traffic goes on, a worker may die, and nothing is missing afterwards', {
  timeout: 120_000,
}, async (t) => {
  const { house, threads } = await build(t)
  const load = new Load(house.client, {}, t)
  await eventually(() => load.served > 20 && rows(house) > 0, { deadlineMs: 20_000 })
  const unlock = lockDatabase(house.gateway)
  const before = rows(house)
  await eventually(async () => !(await isAvailable(house)), { deadlineMs: 30_000 })
  assert.ok(await isReady(house), 'traffic goes on')
  const known = await threads.living('data')
  const victim = await threads.any('data')
  await threads.order(victim, 'throw')
  await threads.replaced(victim, known, 15_000)
  const { served } = load
  await eventually(() => load.served > served + 50, { deadlineMs: 20_000, what: 'answers without a database' })
  assert.equal(rows(house), before, 'the lock holds')
  unlock()
  await load.stop()
  assert.deepEqual(await violations(house.evidence, 30_000), [])
  assert.ok(rows(house) > before)
  await eventually(async () => await isAvailable(house), { deadlineMs: 15_000 })
})

test('D7 a stop while the database refuses leaves the journal to the next start', { timeout: 120_000 }, async (t) => {
  const { house } = await build(t)
  await house.client.chat()
  await eventually(() => rows(house) === 1)
  const unlock = lockDatabase(house.gateway)
  const calls = Array.from({ length: 10 }, () => house.client.start({ model: 'slow-5', stream: true }))
  await Promise.all(calls.map((call) => call.result))
  assert.deepEqual(await house.gateway.stop(), { code: 0, signal: null })
  assert.match(house.gateway.stderr.text, /the next start/)
  assert.equal(rows(house), 1)
  unlock()
  await house.gateway.restart()
  assert.deepEqual(await violations(house.evidence), [])
  assert.equal(rows(house), 11)
})

test('a writer thread that throws, exits, runs out of memory or stalls is replaced and loses nothing', {
  timeout: 120_000,
}, async (t) => {
  const { house, threads } = await build(t)
  const { pid } = house.gateway
  const orders: readonly Order[] = ['throw', 'exit', 'oom', 'stall 2000']
  for (const order of orders) {
    const load = new Load(house.client, { concurrency: 6 }, t)
    await eventually(() => load.served > 20, { deadlineMs: 20_000 })
    const known = await threads.living('writer')
    const victim = await threads.any('writer')
    await threads.order(victim, order)
    // A writer that stands still for a while delays rows, and nothing waits for those.
    if (!order.startsWith('stall')) await threads.replaced(victim, known, 30_000)
    const { served } = load
    await eventually(() => load.served > served + 20, { deadlineMs: 20_000 })
    await load.stop()
    assert.deepEqual(
      load.failed.map((result) => `${result.status} ${result.text.slice(-200)}`),
      [],
      `${order}: no request notices`,
    )
    assert.deepEqual(await violations(house.evidence, 15_000), [], order)
    assert.deepEqual([house.gateway.alive, house.gateway.pid], [true, pid], order)
  }
})

test('a worker and the writer that die together lose nothing', { timeout: 120_000 }, async (t) => {
  const { house, threads } = await build(t)
  for (const order of ['throw', 'exit'] as const) {
    const load = new Load(house.client, {}, t)
    await eventually(() => load.served > 20, { deadlineMs: 20_000 })
    const [writers, workers] = [await threads.living('writer'), await threads.living('data')]
    const [writer, worker] = [await threads.any('writer'), await threads.any('data')]
    await Promise.all([threads.order(writer, order), threads.order(worker, order)])
    await Promise.all([threads.replaced(writer, writers, 30_000), threads.replaced(worker, workers, 30_000)])
    const { served } = load
    await eventually(() => load.served > served + 20, { deadlineMs: 20_000 })
    await load.stop()
    assert.deepEqual(await violations(house.evidence, 15_000), [], order)
  }
})

test('a writer that dies before it could settle a dead worker leaves that to the next one', {
  timeout: 120_000,
}, async (t) => {
  const { house, threads } = await build(t)
  const held = Array.from({ length: 12 }, () => house.client.start({ model: 'barrier-mid', stream: true }))
  await eventually(() => held.every((call) => call.entry.status === 200))
  const unlock = lockDatabase(house.gateway)
  for (const role of ['data', 'writer'] as const) {
    const known = await threads.living(role)
    const victim = await threads.any(role)
    await threads.order(victim, 'throw')
    await threads.replaced(victim, known, 30_000)
  }
  unlock()
  house.wall.release()
  await Promise.all(held.map((call) => call.result))
  assert.ok(held.some((call) => call.entry.outcome === 'cut'))
  assert.deepEqual(await violations(house.evidence, 20_000), [])
})

test('a reader thread that dies costs one query at most', { timeout: 120_000 }, async (t) => {
  const { house, threads } = await build(t)
  await house.client.chat()
  const token = readFileSync(join(house.gateway.dataDir, 'admin-token'), 'utf8').trim()
  const query = async () => {
    const answer = await fetch(`${house.gateway.controlUrl}/admin/v1/request-logs`, {
      headers: { authorization: `Bearer ${token}` },
    })
    await answer.arrayBuffer()
    return answer.status
  }
  assert.equal(await query(), 200)
  for (const order of ['throw', 'exit', 'oom'] as const) {
    const victim = await threads.any('reader')
    await threads.order(victim, order)
    await eventually(async () => (await threads.living('reader')).every((thread) => thread.name !== victim.name), {
      deadlineMs: 20_000,
    })
    // A query that came while it was dying has failed; the next one starts another thread.
    await eventually(async () => (await query()) === 200, {
      deadlineMs: 40_000,
      what: `an answer after ${order}`,
    })
  }
  await house.assertUnharmed()
})

test('D7 a stop ends although the database is damaged beyond reading', { timeout: 60_000 }, async (t) => {
  const { house } = await build(t)
  await house.client.chat()
  await eventually(() => rows(house) === 1)
  const path = house.gateway.databasePath
  for (const file of [path, `${path}-wal`, `${path}-shm`]) writeFileSync(file, Buffer.alloc(65_536, 'damage'))
  await house.client.chat()
  await eventually(async () => !(await isAvailable(house)), { deadlineMs: 30_000 })
  assert.deepEqual(await house.gateway.stop(), { code: 0, signal: null })
  assert.match(house.gateway.stderr.text, /the next start/)
})
