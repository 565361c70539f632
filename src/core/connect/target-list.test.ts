import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startDns } from '../../../test/harness/dns-server.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { Connector } from './connector.ts'
import type { Destination } from './destination.ts'
import { dnsNames } from './name-source.ts'
import { Resolver } from './resolve.ts'
import { TargetList } from './target-list.ts'

/** Every call of `list` waits for the test to answer it. */
function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const asked: PromiseWithResolvers<readonly string[]>[] = []
  const changes: (readonly string[])[] = []
  const failures: unknown[] = []
  const targets = new TargetList({
    list: () => {
      const call = Promise.withResolvers<readonly string[]>()
      asked.push(call)
      return call.promise
    },
    refreshMs: 1_000,
    onChange: (addresses) => changes.push(addresses),
    onFailure: (error) => failures.push(error),
    random: () => 0.5,
  })
  t.after(() => targets.close())
  /** Lets what was answered arrive. */
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { targets, asked, changes, failures, settle, tick: (ms: number) => t.mock.timers.tick(ms) }
}

test('tells of addresses when they change, not of every answer and not of their order', async (t) => {
  const { targets, asked, changes, settle, tick } = setUp(t)
  const started = targets.start()
  asked[0]?.resolve(['10.0.0.2', '10.0.0.1', '10.0.0.2'])
  await started
  assert.deepEqual(changes, [['10.0.0.1', '10.0.0.2']])
  for (const answer of [['10.0.0.1', '10.0.0.2'], ['10.0.0.3']]) {
    tick(1_000)
    asked.at(-1)?.resolve(answer)
    await settle()
  }
  assert.equal(asked.length, 3)
  assert.deepEqual(changes, [['10.0.0.1', '10.0.0.2'], ['10.0.0.3']])
  assert.deepEqual(targets.addresses, ['10.0.0.3'])
})

test('keeps the last good addresses when they cannot be told, and says so', async (t) => {
  const { targets, asked, changes, failures, settle, tick } = setUp(t)
  const started = targets.start()
  asked[0]?.resolve(['10.0.0.1'])
  await started
  const error = new Error('no answer')
  tick(1_000)
  asked[1]?.reject(error)
  await settle()
  tick(1_000)
  asked[2]?.resolve([])
  await settle()
  assert.deepEqual([targets.addresses, changes.length, failures], [['10.0.0.1'], 1, [error]])
  tick(1_000)
  assert.equal(asked.length, 4)
})

test('asks no second time before the first answer, and says nothing after it is closed', async (t) => {
  const { targets, asked, changes, settle, tick } = setUp(t)
  void targets.start()
  tick(10_000)
  assert.equal(asked.length, 1)
  targets.close()
  asked[0]?.resolve(['10.0.0.1'])
  await settle()
  tick(10_000)
  assert.deepEqual([asked.length, changes], [1, []])
})

test('a name of many addresses is as many targets; one that turns to a metadata service changes nothing', async (t) => {
  let addresses = ['10.0.0.1', '10.0.0.2', 'fd12::1']
  const dns = await startDns(t, () => ({ addresses, ttlSeconds: 0 }))
  let nowMs = 0
  const source = dnsNames({ servers: [dns.address] })
  const connector = new Connector({ resolver: new Resolver({ source, now: () => nowMs }) })
  const destination: Destination = {
    host: 'pool.test',
    port: 80,
    namedBy: 'operator',
    connectTimeoutMs: 1_000,
    tls: null,
    tlsContext: null,
    tlsSession: null,
  }
  const changes: (readonly string[])[] = []
  const failures: unknown[] = []
  const targets = new TargetList({
    list: () => {
      nowMs += 10_000
      return connector.addressesOf(destination)
    },
    refreshMs: 5,
    onChange: (found) => changes.push(found),
    onFailure: (error) => failures.push(error),
  })
  t.after(() => targets.close())
  await targets.start()
  assert.deepEqual(targets.addresses, ['10.0.0.1', '10.0.0.2', 'fd12::1'])
  addresses = ['10.0.0.1', '169.254.169.254']
  const error = await eventually(() => failures[0])
  assert.equal((error as NodeJS.ErrnoException).code, 'egress_denied')
  assert.deepEqual(targets.addresses, ['10.0.0.1', '10.0.0.2', 'fd12::1'])
  addresses = ['10.0.0.7']
  await eventually(() => targets.addresses.join() === '10.0.0.7')
  assert.equal(changes.length, 2)
})
