import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { at, parseJson } from '../harness/json.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { RawClient } from '../harness/raw-client.ts'
import { House, scaled, scaledTime } from './house.ts'

const MODELS = ['ok', 'slow-20', 'slow-100', 'barrier', 'barrier-mid', 'hang-body']

/** What the checker can still see when the process has ended: everything but the metrics. */
const evidenceOf = (house: House) => ({
  databasePath: house.gateway.databasePath,
  wall: house.wall,
  clients: [house.client],
})

test('D1 D5 after SIGTERM every accepted request is answered whole, and everything is in the database at exit', {
  timeout: scaledTime(60_000),
}, async () => {
  const more = { workers: 2, drain: { lag: '300ms', grace: '10s' } }
  const house = await House.build({ models: MODELS, more })
  try {
    const streams = Array.from({ length: scaled(40) }, () => house.client.start({ model: 'slow-100', stream: true }))
    await eventually(() => streams.every((call) => call.entry.status === 200))
    const calls = streams.slice()
    let refused = 0
    let running = true
    const load = async () => {
      while (running) {
        const call = house.client.start({ model: 'ok' })
        calls.push(call)
        // Refused at accept is what the end of the lag is; anything else must be a whole answer.
        if ((await call.result).status === null) {
          refused++
          return
        }
      }
    }
    const loads = Array.from({ length: 8 }, load)
    await eventually(() => calls.length > streams.length + 50)
    const signalled = performance.now()
    house.gateway.signal('SIGTERM')
    const unready = await eventually(
      async () => {
        const answer = await fetch(`${house.gateway.controlUrl}/readyz`).catch(() => null)
        return answer !== null && answer.status === 503
      },
      { deadlineMs: 1_000, everyMs: 2, what: 'readiness to turn' },
    )
    const readinessMs = performance.now() - signalled
    assert.equal(unready, true)
    assert.ok(readinessMs <= 250, `readiness turned after ${readinessMs} ms`)
    const exit = await house.gateway.exited
    const tookMs = performance.now() - signalled
    running = false
    await Promise.all(loads)
    const results = await Promise.all(calls.map((call) => call.result))
    assert.deepEqual(exit, { code: 0, signal: null })
    assert.ok(tookMs <= 12_300, `the end came after ${tookMs} ms`)
    for (const stream of streams) assert.equal((await stream.result).events.at(-1), '[DONE]')
    const broken = results.filter((result) => result.status !== 200 && result.status !== null)
    assert.deepEqual(
      broken.map((result) => result.text),
      [],
    )
    assert.ok(
      results.every((result) => result.entry.outcome === 'done' || result.status === null),
      'an answer was cut',
    )
    assert.ok(refused <= loads.length)
    assert.deepEqual(await violations(evidenceOf(house), 0), [])
  } finally {
    await house.close()
  }
})

test('D3 a stream longer than the grace period ends with the error event and is recorded as drained', {
  timeout: 60_000,
}, async () => {
  const house = await House.build({ models: MODELS, more: { workers: 1, drain: { lag: '0s', grace: '1s' } } })
  try {
    const stream = house.client.start({ model: 'barrier-mid', stream: true })
    const whole = house.client.start({ model: 'barrier' })
    await eventually(() => stream.received().split('data: ').length > 3)
    await house.wall.waitForRequests(2)
    const signalled = performance.now()
    const exit = await house.gateway.stop()
    const tookMs = performance.now() - signalled
    assert.deepEqual(exit, { code: 0, signal: null })
    assert.ok(tookMs >= 900 && tookMs <= 3_000, `the end came after ${tookMs} ms`)
    const result = await stream.result
    assert.ok(!result.text.includes('[DONE]'))
    assert.equal(
      typeof at(parseJson(result.events.at(-1) ?? ''), 'error', 'message'),
      'string',
      result.text.slice(-300),
    )
    assert.equal((await whole.result).status, 503)
    assert.deepEqual(await violations(evidenceOf(house), 0), [])
    const rows = readLedger(house.gateway.databasePath).requests
    assert.deepEqual(
      rows.map((row) => row.outcome),
      ['drained', 'drained'],
    )
  } finally {
    await house.close()
  }
})

test('D2 D4 idle connections are closed, and after the lag a new one is refused', { timeout: 60_000 }, async () => {
  const house = await House.build({ models: MODELS, more: { workers: 1, drain: { lag: '0s', grace: '5s' } } })
  try {
    const idle = await RawClient.connect(house.gateway.url)
    await idle.send(house.modelsBytes())
    await idle.waitForResponses()
    const stream = house.client.start({ model: 'slow-100', stream: true })
    assert.equal(await stream.head, true)
    const { url } = house.gateway
    house.gateway.signal('SIGTERM')
    assert.equal(await idle.waitForClose(1_000), 'fin')
    idle.close()
    await eventually(() =>
      RawClient.connect(url).then(
        (client) => {
          client.close()
          return false
        },
        () => true,
      ),
    )
    assert.equal((await stream.result).events.at(-1), '[DONE]')
    assert.deepEqual(await house.gateway.exited, { code: 0, signal: null })
  } finally {
    await house.close()
  }
})

test('D6 a second SIGTERM ends at once, with everything settled', { timeout: 60_000 }, async () => {
  const house = await House.build({ models: MODELS, more: { workers: 2, drain: { lag: '0s', grace: '30s' } } })
  try {
    const streams = Array.from({ length: 10 }, () => house.client.start({ model: 'hang-body', stream: true }))
    await eventually(() => streams.every((call) => call.received().includes('data: ')))
    house.gateway.signal('SIGTERM')
    await eventually(async () => (await fetch(`${house.gateway.controlUrl}/readyz`).catch(() => null))?.status !== 200)
    const second = performance.now()
    await house.gateway.stop('SIGTERM', 5_000)
    assert.ok(performance.now() - second < 3_000)
    await Promise.all(streams.map((call) => call.result))
    await house.gateway.restart()
    assert.deepEqual(await violations(house.evidence), [])
    assert.equal(readLedger(house.gateway.databasePath).requests.length, 10)
  } finally {
    await house.close()
  }
})
