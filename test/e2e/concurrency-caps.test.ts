import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { findSamples } from '../harness/metrics.ts'
import { useHouse } from './house.ts'

const CAP = 4
const house = useHouse({
  models: ['ok', 'barrier', 'barrier-mid'],
  key: { limits: { concurrency: CAP } },
  more: { workers: 2, overload: { shed: 'off' } },
})

test('L11 of twenty at once with one key as many run as may, the others are told to wait, and all places come back', async () => {
  const { client, wall, gateway } = house()
  for (const model of ['barrier', 'barrier-mid']) {
    const seen = wall.requests.length
    const calls = Array.from({ length: 20 }, () => client.start({ model, stream: model === 'barrier-mid' }))
    const refused = () => calls.filter(({ entry }) => entry.status === 429)
    await eventually(() => refused().length === 20 - CAP)
    await wall.waitForRequests(seen + CAP)
    for (const { result } of refused()) {
      const { headers, json } = await result
      assert.equal(errorCode(json), 'rate_limit_exceeded')
      assert.ok(Number(headers['retry-after']) >= 1, JSON.stringify(headers))
    }
    // Half of those that run are left by their clients.
    const running = calls.filter(({ entry }) => entry.status !== 429)
    for (const [at, call] of running.entries()) if (at % 2 === 0) call.leave(at % 4 === 0 ? 'rst' : 'fin')
    const inFlight = async () => findSamples(await gateway.metrics(), 'ferro_requests_in_flight')[0]?.value
    await eventually(async () => (await inFlight()) === CAP / 2)
    const next = Array.from({ length: 20 }, () => client.start({ model }))
    await eventually(() => next.filter(({ entry }) => entry.status === 429).length === 20 - CAP / 2)
    wall.release()
    await Promise.all([...calls, ...next].map(({ result }) => result))
    await eventually(async () => (await inFlight()) === 0)
  }
  const all = await Promise.all(Array.from({ length: CAP }, () => client.chat()))
  assert.ok(
    all.every(({ status }) => status === 200),
    'all places are free in the end',
  )
})
