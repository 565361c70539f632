import assert from 'node:assert/strict'
import { test } from 'node:test'
import { House, scaled } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually, within } from '../harness/eventually.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { BIG_BUDGET, budgetOf } from './budget-metrics.ts'
import { Load, MIXED_MODELS } from './load.ts'
import { Threads } from './threads.ts'

test('a killed process finds every dispatched request again, once, and its budget as the ledger has it', {
  timeout: 120_000,
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
  assert.ok(Number(refused.headers['retry-after']) > 1)
  await house.gateway.stop()
  await house.gateway.restart()
  assert.equal((await house.client.chat()).status, 429, 'after an orderly stop')
  assert.equal(house.wall.requests.length, 3)
})
