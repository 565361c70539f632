import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeySet } from './key-set.ts'
import { type KeySetText, lifetimeOf } from './key-set-source.ts'

/** A set whose source answers when the test says so, under a clock of the test. */
function setUp() {
  const asked: PromiseWithResolvers<KeySetText>[] = []
  const failures: unknown[] = []
  const clock = { ms: 1_000_000 }
  const source = async () => {
    const call = Promise.withResolvers<KeySetText>()
    asked.push(call)
    return await call.promise
  }
  const keySet = new KeySet<string>(source, {
    parse: async (text) => {
      if (text === 'bad') throw new Error('no key set')
      return await Promise.resolve(text)
    },
    now: () => clock.ms,
    onFailure: (error) => failures.push(error),
  })
  const have = async (text: string, lifetimeMs = 60_000) => {
    const current = keySet.current()
    asked.at(-1)?.resolve({ text, lifetimeMs })
    return await current
  }
  return { keySet, asked, failures, clock, have }
}

test('asks once for all who wait, and again when the lifetime is over', async () => {
  const { keySet, asked, clock } = setUp()
  const waiting = [keySet.current(), keySet.current(), keySet.current()]
  asked[0]?.resolve({ text: 'one', lifetimeMs: 60_000 })
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ keys }) => keys),
    ['one', 'one', 'one'],
  )
  clock.ms += 59_999
  await keySet.current()
  assert.equal(asked.length, 1)
  clock.ms += 1
  const next = keySet.current()
  assert.equal(keySet.glance()?.keys, 'one', 'who does not wait has the old ones')
  asked[1]?.resolve({ text: 'two', lifetimeMs: 60_000 })
  assert.equal((await next).keys, 'two')
  assert.equal(asked.length, 2)
})

test('the same text is the same state', async () => {
  const { keySet, clock, have } = setUp()
  const first = await have('one')
  clock.ms += 60_000
  assert.equal(await have('one'), first)
  clock.ms += 60_000
  assert.notEqual(await have('two'), first)
  assert.equal(keySet.glance()?.keys, 'two')
})

test('A19 keeps what was good when the source fails or gives nonsense, and asks twice a minute at most', async () => {
  const { keySet, asked, failures, clock, have } = setUp()
  await have('one')
  clock.ms += 60_000
  const next = keySet.current()
  asked[1]?.reject(new Error('gone'))
  assert.equal((await next).keys, 'one')
  clock.ms += 29_999
  assert.equal((await keySet.current()).keys, 'one')
  assert.equal(asked.length, 2)
  clock.ms += 1
  assert.equal((await have('bad')).keys, 'one')
  assert.deepEqual([asked.length, failures.length], [3, 2])
})

test('without any keys it fails, at once while it was asked a moment ago', async () => {
  const { keySet, asked, clock, have } = setUp()
  const first = keySet.current()
  asked[0]?.reject(new Error('gone'))
  await assert.rejects(first, /there is no key set/)
  await assert.rejects(keySet.current(), /there is no key set/)
  assert.equal(asked.length, 1)
  clock.ms += 2_000
  assert.equal((await have('one')).keys, 'one')
})

test('an unknown key has the source asked again, at most every half minute', async () => {
  const { keySet, asked, clock, have } = setUp()
  const first = await have('one', 86_400_000)
  assert.equal(await keySet.other(first), null)
  assert.equal(asked.length, 1, 'it is a moment old')
  clock.ms += 30_000
  const waiting = [keySet.other(first), keySet.other(first)]
  asked[1]?.resolve({ text: 'two', lifetimeMs: 86_400_000 })
  const [second] = await Promise.all(waiting)
  assert.equal(second?.keys, 'two')
  assert.equal(await keySet.other(first), second, 'who is behind gets the newer one without asking')
  assert.equal(asked.length, 2)
})

test('a lifetime is what the server says, between a minute and a day', () => {
  const rows = [
    [{}, 600],
    [{ 'cache-control': 'public, max-age=3600' }, 3_600],
    [{ 'cache-control': 'MAX-AGE="120", must-revalidate' }, 120],
    [{ 'cache-control': ['public', 'max-age=7200'] }, 7_200],
    [{ 'cache-control': 'max-age=3600', age: '600' }, 3_000],
    [{ 'cache-control': 'max-age=3600', age: '86400' }, 60],
    [{ 'cache-control': 'max-age=3600', age: 'x' }, 3_600],
    [{ 'cache-control': 'max-age=0' }, 60],
    [{ 'cache-control': 'max-age=9999999999' }, 86_400],
    [{ 'cache-control': 'no-store, max-age=3600' }, 60],
    [{ 'cache-control': 'no-cache' }, 60],
    [{ 'cache-control': 's-maxage=5' }, 600],
    [{ 'cache-control': 'x-max-age=5' }, 600],
  ] as const
  for (const [headers, seconds] of rows) {
    const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat()]))
    assert.equal(lifetimeOf(plain), seconds * 1_000, JSON.stringify(headers))
  }
})
