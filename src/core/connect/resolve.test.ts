import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startDns } from '../../../test/harness/dns-server.ts'
import { type Answer, dnsNames, systemNames } from './name-source.ts'
import { Resolver } from './resolve.ts'

const fault = (code: string) => Object.assign(new Error(code), { code })

/** A resolver over a source that the test answers for, and a clock that it moves. */
function setUp(limits: { maxNames?: number; maxPending?: number } = {}) {
  const asked: string[] = []
  const state = {
    nowMs: 0,
    asked,
    answer: async (name: string): Promise<readonly Answer[]> => [{ address: `10.0.0.${name.length}`, ttlSeconds: 20 }],
  }
  const source = (name: string) => {
    asked.push(name)
    return state.answer(name)
  }
  return { state, resolver: new Resolver({ source, now: () => state.nowMs, ...limits }) }
}

test('asks once for a name, however many want it, and again when its time to live is over', async () => {
  const { state, resolver } = setUp()
  const all = await Promise.all([resolver.resolve('a'), resolver.resolve('a'), resolver.resolve('a')])
  assert.deepEqual(all, [['10.0.0.1'], ['10.0.0.1'], ['10.0.0.1']])
  state.nowMs = 19_999
  await resolver.resolve('a')
  assert.deepEqual(state.asked, ['a'])
  state.nowMs = 20_000
  await resolver.resolve('a')
  assert.deepEqual(state.asked, ['a', 'a'])
})

test('an answer is good for 30 s when its source does not say, for 1 s at least and for 5 min at most', async () => {
  for (const [ttlSeconds, expectedMs] of [
    [null, 30_000],
    [0, 1_000],
    [86_400, 300_000],
  ] as const) {
    const { state, resolver } = setUp()
    state.answer = async () => [
      { address: '10.0.0.1', ttlSeconds },
      { address: '10.0.0.2', ttlSeconds: 900_000 },
    ]
    assert.deepEqual(await resolver.resolve('a'), ['10.0.0.1', '10.0.0.2'])
    state.nowMs = expectedMs - 1
    await resolver.resolve('a')
    assert.equal(state.asked.length, 1, String(ttlSeconds))
    state.nowMs = expectedMs
    await resolver.resolve('a')
    assert.equal(state.asked.length, 2, String(ttlSeconds))
  }
})

test('F21 a failure is remembered for two seconds', async () => {
  const { state, resolver } = setUp()
  state.answer = () => Promise.reject(fault('ENOTFOUND'))
  await assert.rejects(Promise.all([resolver.resolve('a'), resolver.resolve('a')]), { code: 'ENOTFOUND' })
  state.nowMs = 1_999
  await assert.rejects(resolver.resolve('a'), { code: 'ENOTFOUND' })
  assert.equal(state.asked.length, 1)
  state.nowMs = 2_000
  await assert.rejects(resolver.resolve('a'))
  assert.equal(state.asked.length, 2)
})

test('a source without addresses is one that has none', async () => {
  const { state, resolver } = setUp()
  state.answer = async () => []
  await assert.rejects(resolver.resolve('a'), { code: 'ENODATA' })
})

test('F21 old addresses serve while servers are silent, for ten minutes, and not when they say that the name is gone', async () => {
  const { state, resolver } = setUp()
  await resolver.resolve('a')
  state.answer = () => Promise.reject(fault('EAI_AGAIN'))
  state.nowMs = 60_000
  assert.deepEqual(await resolver.resolve('a'), ['10.0.0.1'])
  state.nowMs = 61_999
  await resolver.resolve('a')
  assert.equal(state.asked.length, 2)
  state.nowMs = 620_000
  await assert.rejects(resolver.resolve('a'), { code: 'EAI_AGAIN' })

  const gone = setUp()
  await gone.resolver.resolve('a')
  gone.state.answer = () => Promise.reject(fault('ENOTFOUND'))
  gone.state.nowMs = 60_000
  await assert.rejects(gone.resolver.resolve('a'), { code: 'ENOTFOUND' })
})

test('holds no more names than it may, and asks for no more at once', async () => {
  const { state, resolver } = setUp({ maxNames: 2, maxPending: 2 })
  for (const name of ['a', 'bb', 'ccc', 'a']) await resolver.resolve(name)
  assert.deepEqual(state.asked, ['a', 'bb', 'ccc', 'a'])

  const { promise, resolve } = Promise.withResolvers<readonly Answer[]>()
  state.answer = () => promise
  const slow = [resolver.resolve('x'), resolver.resolve('y'), resolver.resolve('x')]
  await assert.rejects(resolver.resolve('z'), { code: 'resolver_busy' })
  resolve([{ address: '10.0.0.9', ttlSeconds: 1 }])
  assert.deepEqual(await Promise.all(slow), [['10.0.0.9'], ['10.0.0.9'], ['10.0.0.9']])
  assert.deepEqual(await resolver.resolve('z'), ['10.0.0.9'])
})

test('the system knows its own names, and a DNS source leaves localhost to it', async (t) => {
  const dns = await startDns(t, () => ({ addresses: ['10.9.9.9'] }))
  for (const source of [systemNames(), dnsNames({ servers: [dns.address] })]) {
    const answers = await source('localhost')
    assert.ok(answers.some(({ address }) => address === '127.0.0.1' || address === '::1'))
  }
  assert.deepEqual(dns.questions, [])
})

test('DNS servers give both families with their time to live, and one family is enough', async (t) => {
  const dns = await startDns(t, (name, type) => {
    if (name === 'both.test') return { addresses: ['192.0.2.1', '2001:db8::1'], ttlSeconds: type === 'A' ? 7 : 9 }
    if (name === 'half.test') return type === 'A' ? { addresses: ['192.0.2.2'] } : { fault: 'SERVFAIL' }
    if (name === 'down.test') return { fault: type === 'A' ? 'NXDOMAIN' : 'SERVFAIL' }
    return { fault: 'NXDOMAIN' }
  })
  const source = dnsNames({ servers: [dns.address], timeoutMs: 500, tries: 1 })
  assert.deepEqual(await source('both.test'), [
    { address: '192.0.2.1', ttlSeconds: 7 },
    { address: '2001:db8::1', ttlSeconds: 9 },
  ])
  assert.deepEqual(await source('half.test'), [{ address: '192.0.2.2', ttlSeconds: 60 }])
  await assert.rejects(source('down.test'), { code: 'ESERVFAIL' })
  await assert.rejects(source('gone.test'), { code: 'ENOTFOUND' })
})
