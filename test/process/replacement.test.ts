import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { House, scaled, scaledTime } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { eventually } from '../harness/eventually.ts'
import { type JsonObject, parseJson } from '../harness/json.ts'
import { Load, MIXED_MODELS } from './load.ts'
import { Threads } from './threads.ts'

const REPLACED = /the data workers were replaced/g
const RELOADED = /the configuration was reloaded/g
const replacements = (house: House) => house.gateway.stderr.text.match(REPLACED)?.length ?? 0
const reloads = (house: House) => house.gateway.stderr.text.match(RELOADED)?.length ?? 0
const configOf = (house: House) => Object(parseJson(readFileSync(house.gateway.configPath, 'utf8'))) as JsonObject

function describeFailures(load: Load): string[] {
  return load.failed.map(({ entry, status, text }) => `${entry.model} ${status} ${entry.outcome} ${text.slice(-200)}`)
}

test('workers that are replaced in an orderly way fail no request and cut no stream', {
  timeout: scaledTime(120_000),
}, async (t) => {
  const threads = new Threads()
  t.after(() => threads.close())
  const house = await House.build({
    models: [...MIXED_MODELS, 'slow-300'],
    more: { workers: 2 },
    gateway: threads.gateway,
  })
  t.after(() => house.close())
  const config = configOf(house)
  const keepAlive = new Load(house.client, { newConnectionEvery: 0 }, t)
  const newcomers = new Load(house.client, { newConnectionEvery: 1 }, t)
  // Longer than clients are given to notice: the old worker must wait for them.
  const streams = Array.from({ length: 6 }, () => house.client.start({ model: 'slow-300', stream: true }))
  await eventually(() => streams.every((call) => call.entry.status === 200))
  for (let round = 0; round < scaled(1); round++) {
    const before = await threads.living('data')
    const done = replacements(house)
    house.gateway.writeConfig({ ...config, journal: { ...Object(config['journal']), interval: `${21 + round}ms` } })
    await eventually(() => replacements(house) > done, { deadlineMs: 60_000, what: 'the replacement' })
    const after = await threads.living('data')
    assert.equal(after.length, 2)
    const old = new Set(before.map((thread) => thread.name))
    assert.ok(
      after.every((thread) => !old.has(thread.name)),
      'both are new',
    )
  }
  const served = keepAlive.served + newcomers.served
  await eventually(() => keepAlive.served + newcomers.served > served + 20, { deadlineMs: 30_000 })
  await Promise.all([keepAlive.stop(), newcomers.stop()])
  assert.deepEqual([...describeFailures(keepAlive), ...describeFailures(newcomers)], [])
  for (const stream of streams) assert.equal((await stream.result).events.at(-1), '[DONE]')
  await house.assertUnharmed()
  assert.deepEqual(await violations(house.evidence), [])
})

test('a reload every second fails no request, and a bad file among them changes nothing', {
  timeout: scaledTime(60_000),
}, async (t) => {
  const house = await House.build({ models: MIXED_MODELS, more: { workers: 2 } })
  t.after(() => house.close())
  const config = configOf(house)
  const load = new Load(house.client, {}, t)
  for (let round = 0; round < scaled(5); round++) {
    const done = reloads(house)
    house.gateway.writeConfig({ ...config, aliases: { [`alias-${round}`]: 'ok' } })
    const since = performance.now()
    await eventually(() => reloads(house) > done, { deadlineMs: 30_000, what: `reload ${round}` })
    assert.equal((await house.client.chat({ model: `alias-${round}` })).status, 200)
    await eventually(() => performance.now() - since > 1_000)
    if (round !== 2) continue
    const from = house.gateway.stderr.text.length
    house.gateway.writeConfig(JSON.stringify({ ...config, aliases: { bad: 'nothing' } }, null, 2))
    await eventually(() => /ferro\.json:\d+:\d+: .*bad/.test(house.gateway.stderr.text.slice(from)), {
      what: 'the complaint about the bad file, with its place',
    })
    assert.equal((await house.client.chat({ model: `alias-${round}` })).status, 200, 'the running plan stays')
  }
  await load.stop()
  assert.deepEqual(describeFailures(load), [])
  await house.assertUnharmed()
  assert.deepEqual(await violations(house.evidence), [])
})
