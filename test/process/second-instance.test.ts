import assert from 'node:assert/strict'
import { test } from 'node:test'
import { House } from '../e2e/house.ts'
import { violations } from '../harness/checker.ts'
import { Gateway } from '../harness/gateway.ts'
import { Load, MIXED_MODELS } from './load.ts'

const LOOPBACK = { listen: '127.0.0.1:0', control: { listen: '127.0.0.1:0' }, workers: 1 }

test('a second instance is refused its data directory and its ports, and the first does not notice', {
  timeout: 120_000,
}, async (t) => {
  const house = await House.build({ models: MIXED_MODELS, more: { workers: 2 } })
  t.after(() => house.close())
  const { gateway } = house
  const load = new Load(house.client, { concurrency: 4 }, t)
  const data = new URL(gateway.url)
  const control = new URL(gateway.controlUrl)
  const attempts = [
    { dataDir: gateway.dataDir, config: LOOPBACK, complaint: gateway.dataDir },
    { config: { ...LOOPBACK, listen: data.host }, complaint: data.port },
    { config: { ...LOOPBACK, control: { listen: control.host } }, complaint: control.port },
  ]
  for (const { complaint, ...options } of attempts) {
    const second = Gateway.launch(options)
    t.after(() => second.close())
    assert.deepEqual(await second.exited, { code: 1, signal: null }, second.stderr.text)
    assert.ok(second.stderr.text.includes(complaint), second.stderr.text)
    assert.match(second.stderr.text, /another|in use/i)
    assert.match(second.stderr.text, /^error: [^\n]+\n$/, 'one sentence for a person, no stack and no log')
    assert.equal(second.stdout.text, '')
  }
  await load.stop()
  assert.deepEqual(
    load.failed.map((result) => result.text),
    [],
  )
  assert.ok(load.served > 0)
  assert.deepEqual(await violations(house.evidence), [])
})

test('a data directory whose owner was killed can be taken over at once', { timeout: 60_000 }, async (t) => {
  const house = await House.build()
  t.after(() => house.close())
  await house.client.chat()
  const { dataDir, configPath } = house.gateway
  const listen = new URL(house.gateway.url).host
  assert.ok(configPath)
  await house.gateway.kill9()
  const second = await Gateway.start({ config: { ...LOOPBACK, listen }, dataDir })
  t.after(() => second.close())
  assert.equal(new URL(second.url).host, listen, 'the port is free again too')
  const { configPath: _own, ...evidence } = { configPath, databasePath: second.databasePath, wall: house.wall }
  assert.deepEqual(await violations(evidence), [])
})
