import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { House, scaled, scaledTime } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually, within } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { BIG_BUDGET, budgetOf } from './budget-metrics.ts'
import { Load, MIXED_MODELS } from './load.ts'
import { Threads } from './threads.ts'

test('a killed process finds every dispatched request again, once, and its budget as the ledger has it', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const house = await House.build({ models: [...MIXED_MODELS, 'barrier'], key: BIG_BUDGET, more: { workers: 2 } })
  t.after(() => house.close())
  for (let round = 0; round < scaled(4); round++) {
    const held = Array.from({ length: 3 }, () => house.client.start({ model: 'barrier', stream: round % 2 === 0 }))
    const load = new Load(house.client, { concurrency: 12 }, t)
    await eventually(() => load.served > 15 + 7 * round, { deadlineMs: 20_000, what: 'answers before the kill' })
    await house.gateway.kill9()
    const stopped = load.stop()
    house.wall.release()
    await Promise.all(held.map((call) => call.result))
    await stopped
    await house.gateway.restart()
    assert.deepEqual(await violations(house.evidence), [], `after kill ${round + 1}`)
    const { requests } = readLedger(house.gateway.databasePath)
    const lost = requests.filter((row) => row.outcome === 'lost')
    assert.ok(lost.length >= 3 * (round + 1), `${lost.length} requests were open at a kill`)
    for (const row of lost) assert.equal(row.usageSource, 'reserved', row.id)
    assert.equal((await budgetOf(house.gateway)).reserved, 0)
  }
})

test('a process that is killed before, within or behind a write to the journal loses and doubles nothing', {
  timeout: 120_000,
}, async (t) => {
  const threads = new Threads()
  t.after(() => threads.close())
  const house = await House.build({
    models: MIXED_MODELS,
    key: BIG_BUDGET,
    more: { workers: 2 },
    gateway: threads.gateway,
  })
  t.after(() => house.close())
  for (const moment of ['before', 'half', 'after'] as const) {
    const load = new Load(house.client, { concurrency: 16 }, t)
    await eventually(() => load.served > 20, { deadlineMs: 20_000, what: 'answers before the kill' })
    await threads.order(await threads.any('data'), `write ${moment} kill`)
    const exit = await within(house.gateway.exited, 10_000, 'the end of the process')
    await load.stop()
    assert.deepEqual(exit, { code: null, signal: 'SIGKILL' })
    await house.gateway.restart()
    assert.deepEqual(await violations(house.evidence), [], `killed ${moment} a write`)
  }
})

test('a rate limit that a burst of long ago used up is still used up after a restart', {
  timeout: 60_000,
}, async (t) => {
  // 3,000 per minute earn one request in 20 ms: what is used at once is seen long after the requests.
  const house = await House.build({ key: { limits: { requests_per_minute: 1, burst: 20 } } })
  t.after(() => house.close())
  // Refused for what they ask, and counted all the same.
  const statuses = async (count: number) =>
    await Promise.all(Array.from({ length: count }, async () => (await house.client.chat({ model: 'none' })).status))
  assert.deepEqual(new Set(await statuses(20)), new Set([404]))
  assert.deepEqual(await statuses(1), [429])
  await house.gateway.kill9()
  await house.gateway.restart()
  assert.deepEqual(await statuses(1), [429], 'from the requests')
  // The requests are gone: what is left is the state that was saved.
  await house.gateway.stop()
  const database = new DatabaseSync(house.gateway.databasePath)
  database.exec('DELETE FROM request_rows')
  database.close()
  await house.gateway.restart()
  assert.deepEqual(await statuses(1), [429], 'from the saved state')
  await house.gateway.kill9()
  await house.gateway.restart()
  assert.deepEqual(await statuses(1), [429], 'twice')
})

test('a restart gives nobody a fresh rate limit', { timeout: 60_000 }, async (t) => {
  // One request per minute beyond the burst, so that a slow restart earns nothing.
  const house = await House.build({ key: { limits: { requests_per_minute: 1, burst: 3 } } })
  t.after(() => house.close())
  for (let admitted = 0; admitted < 3; admitted++) assert.equal((await house.client.chat()).status, 200)
  assert.equal((await house.client.chat()).status, 429)
  await house.gateway.kill9()
  await house.gateway.restart()
  const refused = await house.client.chat()
  assert.equal(refused.status, 429)
  const wait = Number(refused.headers['retry-after'])
  assert.ok(wait > 1 && wait <= 60, `${wait} s`)
  await house.gateway.stop()
  await house.gateway.restart()
  assert.equal((await house.client.chat()).status, 429, 'after an orderly stop')
  assert.equal(house.wall.requests.length, 3)
})
