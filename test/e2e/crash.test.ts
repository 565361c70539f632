import assert from 'node:assert/strict'
import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { violations } from '../harness/checker.ts'
import type { ChatCall } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { Gateway } from '../harness/gateway.ts'
import { readLedger } from '../harness/ledger-snapshot.ts'
import { findSamples } from '../harness/metrics.ts'
import { House, scaled, scaledTime } from './house.ts'

const OPTIONS = {
  models: ['ok', 'barrier', 'barrier-mid', 'hang-head', 'slow-20', 'reset-mid-stream'],
  key: { budgets: [{ tokens: 1_000_000_000, per: 'month' }] },
  more: { workers: 2 },
} as const

/** Requests in every state at once: waiting for the head, in a stream, answered a moment ago. */
async function underLoad(house: House): Promise<ChatCall[]> {
  const models = ['ok', 'barrier', 'barrier-mid', 'slow-20', 'ok', 'reset-mid-stream'] as const
  const calls: ChatCall[] = []
  for (let round = 0; round < 8; round++) {
    for (const model of models) calls.push(house.client.start({ model, stream: model !== 'ok' && model !== 'barrier' }))
    // Spread over turns of the event loop, so that the kill finds entries of many group commits.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return calls
}

test('C5 after a kill at any moment every dispatched request is in the database exactly once', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const house = await House.build(OPTIONS)
  try {
    for (let round = 0; round < scaled(3); round++) {
      const seen = house.wall.requests.length
      const calls = await underLoad(house)
      // A different number of requests has arrived at each kill: the moment wanders through their lives.
      await house.wall.waitForRequests(seen + 1 + ((round * 11) % 40))
      await house.gateway.kill9()
      house.wall.release()
      await Promise.all(calls.map((call) => call.result))
      await house.gateway.restart()
      assert.deepEqual(await violations(house.evidence), [], `after kill ${round + 1}`)
    }
    const rows = readLedger(house.gateway.databasePath).requests
    const lost = rows.filter((row) => row.outcome === 'lost').length
    assert.ok(lost > 0, 'no kill found a request in flight')
    assert.ok(lost < rows.length, 'no request came to its end before a kill')
    t.diagnostic(`${rows.length} requests, ${lost} of them lost in flight, none missing and none twice`)
    assert.equal((await house.client.chat()).status, 200)
  } finally {
    await house.close()
  }
})

test('C5 a kill between the settlement and its ingest loses nothing', { timeout: scaledTime(60_000) }, async () => {
  const house = await House.build(OPTIONS)
  try {
    for (let round = 0; round < scaled(1); round++) {
      const results = await Promise.all(Array.from({ length: 20 }, () => house.client.chat()))
      await house.gateway.kill9()
      assert.ok(results.every((result) => result.status === 200))
      await house.gateway.restart()
      assert.deepEqual(await violations(house.evidence), [])
    }
  } finally {
    await house.close()
  }
})

test('C7 a torn journal tail is ignored, and what stands before it is kept', { timeout: 60_000 }, async () => {
  const house = await House.build(OPTIONS)
  try {
    const hanging = house.client.start({ model: 'hang-head' })
    await house.client.chat()
    await house.wall.waitForRequests(2)
    await house.gateway.kill9()
    await hanging.result
    const journal = join(house.gateway.dataDir, 'journal')
    const segments = readdirSync(journal).filter((name) => name.endsWith('.seg'))
    assert.ok(segments.length > 0)
    for (const name of segments) appendFileSync(join(journal, name), Buffer.from('\x40\x00\x00\x00torn', 'latin1'))
    await house.gateway.restart()
    assert.deepEqual(await violations(house.evidence), [])
    assert.equal((await house.client.chat()).status, 200)
  } finally {
    await house.close()
  }
})

test('C10 a second instance on the same data directory is refused with a clear message', {
  timeout: 60_000,
}, async () => {
  const house = await House.build(OPTIONS)
  try {
    const { dataDir } = house.gateway
    const config = { listen: '127.0.0.1:0', control: { listen: '127.0.0.1:0' }, workers: 1 }
    const second = Gateway.launch({ config, dataDir })
    const exit = await second.exited
    assert.notEqual(exit.code, 0)
    assert.match(second.stderr.text, /data directory|already|in use/i)
    assert.ok(second.stderr.text.includes(dataDir), second.stderr.text)
    await second.close()
    assert.equal((await house.client.chat()).status, 200, 'the first goes on')
  } finally {
    await house.close()
  }
})

test('C10 a second instance on the same port is refused with a clear message', { timeout: 60_000 }, async () => {
  const house = await House.build(OPTIONS)
  try {
    const listen = new URL(house.gateway.url).host
    const second = Gateway.launch({ config: { listen, control: { listen: '127.0.0.1:0' }, workers: 1 } })
    const exit = await second.exited
    assert.notEqual(exit.code, 0)
    assert.ok(second.stderr.text.includes(listen.split(':')[1] ?? '?'), second.stderr.text)
    assert.match(second.stderr.text, /in use|EADDRINUSE|another process/i)
    await second.close()
    for (let round = 0; round < 20; round++)
      assert.equal((await house.client.chat()).status, 200, 'no connection is taken away')
  } finally {
    await house.close()
  }
})

test('C5 budgets and their metrics are rebuilt after a kill', { timeout: 60_000 }, async () => {
  const house = await House.build(OPTIONS)
  const used = async () => findSamples(await house.gateway.metrics(), 'ferro_budget_used', { key: 'dev' })[0]?.value
  try {
    await Promise.all(Array.from({ length: 10 }, () => house.client.chat()))
    await eventually(async () => (await used()) === 110)
    await house.gateway.kill9()
    await house.gateway.restart()
    assert.equal(await used(), 110)
  } finally {
    await house.close()
  }
})
