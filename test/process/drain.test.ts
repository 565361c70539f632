import assert from 'node:assert/strict'
import { test } from 'node:test'
import { House, scaled, scaledTime } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { at, parseJson } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { BIG_BUDGET } from './budget-metrics.ts'

/** Everything but the metrics, which are gone with the process. */
const evidenceOf = ({ gateway, wall, client }: House) => ({
  databasePath: gateway.databasePath,
  wall,
  clients: [client],
})

test('D1 D3 streams that fit the grace period end well, the others with an error event, and all are settled', {
  timeout: scaledTime(60_000),
}, async (t) => {
  const house = await House.build({
    models: ['slow-100', 'barrier-mid', 'barrier'],
    key: BIG_BUDGET,
    more: { workers: 2, drain: { lag: '200ms', grace: '4s' } },
  })
  t.after(() => house.close())
  const count = scaled(20)
  const fitting = Array.from({ length: count }, () => house.client.start({ model: 'slow-100', stream: true }))
  const endless = Array.from({ length: count }, () => house.client.start({ model: 'barrier-mid', stream: true }))
  const silent = house.client.start({ model: 'barrier' })
  await eventually(() => [...fitting, ...endless].every((call) => call.entry.status === 200), { deadlineMs: 30_000 })
  await house.wall.waitForRequests(2 * count + 1)
  const signalled = performance.now()
  house.gateway.signal('SIGTERM')
  const ready = async () => {
    const answer = await fetch(`${house.gateway.controlUrl}/readyz`)
    return { status: answer.status, text: await answer.text() }
  }
  const unready = await eventually(async () => {
    const answer = await ready()
    return answer.status === 503 ? answer : null
  })
  assert.match(unready.text, /draining/)
  assert.deepEqual(await house.gateway.exited, { code: 0, signal: null })
  const tookMs = performance.now() - signalled
  assert.ok(tookMs <= 4_200 + 2_000, `the end came after ${Math.round(tookMs)} ms`)
  for (const call of fitting) assert.equal((await call.result).events.at(-1), '[DONE]')
  for (const call of endless) {
    const { events, entry } = await call.result
    assert.equal(entry.outcome, 'done', 'ended in an orderly way')
    assert.equal(typeof at(parseJson(events.at(-1) ?? ''), 'error', 'message'), 'string')
    assert.ok(!events.includes('[DONE]'))
  }
  assert.equal((await silent.result).status, 503)
  assert.deepEqual(await violations(evidenceOf(house), 0), [], 'complete when the process has ended')
  const outcomes = Map.groupBy(readLedger(house.gateway.databasePath).requests, (row) => row.outcome)
  assert.deepEqual([outcomes.get('success')?.length, outcomes.get('drained')?.length], [count, count + 1])
  const told = house.gateway.stderr.text
  for (const message of ['ready', 'draining', 'the grace is over: running requests are cut', 'stopped']) {
    assert.ok(told.includes(`"msg":"${message}"`), `${message} in ${told}`)
  }
})

test('D5 a request that ended just before SIGTERM is in the database at the exit', {
  timeout: scaledTime(60_000),
}, async (t) => {
  const house = await House.build({ more: { workers: 2 } })
  t.after(() => house.close())
  for (let round = 0; round < scaled(4); round++) {
    const stream = round % 2 === 1
    const result = await house.client.chat({ stream })
    house.gateway.signal('SIGTERM')
    assert.equal(result.status, 200)
    assert.deepEqual(await house.gateway.exited, { code: 0, signal: null })
    assert.deepEqual(await violations(evidenceOf(house), 0), [], `round ${round}`)
    const { requests } = readLedger(house.gateway.databasePath)
    assert.equal(requests.find((row) => row.id === result.entry.requestId)?.outcome, 'success')
    await house.gateway.restart()
  }
})

for (const [first, second] of [
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGTERM'],
] as const) {
  test(`${first} and then ${second} ends at once, with everything settled`, { timeout: 60_000 }, async (t) => {
    const more = { workers: 2, drain: { lag: '20s', grace: '30s' } }
    const house = await House.build({ models: ['barrier-mid', 'barrier', 'hang-body'], key: BIG_BUDGET, more })
    t.after(() => house.close())
    const calls = (['barrier-mid', 'barrier', 'hang-body'] as const).flatMap((model) => [
      house.client.start({ model, stream: model === 'barrier-mid' }),
      house.client.start({ model, stream: model === 'barrier-mid' }),
    ])
    await house.wall.waitForRequests(calls.length)
    house.gateway.signal(first)
    await eventually(async () => (await fetch(`${house.gateway.controlUrl}/readyz`)).status === 503)
    const since = performance.now()
    house.gateway.signal(second)
    assert.deepEqual(await house.gateway.exited, { code: 0, signal: null })
    const tookMs = performance.now() - since
    assert.ok(tookMs < 4_000, `the end came ${Math.round(tookMs)} ms after the second signal`)
    await Promise.all(calls.map((call) => call.result))
    assert.deepEqual(await violations(evidenceOf(house), 0), [])
    const { requests } = readLedger(house.gateway.databasePath)
    assert.deepEqual([...new Set(requests.map((row) => row.outcome))], ['drained'])
  })
}
