import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { temporaryDirectory } from '../testing/samples.ts'
import { openTables } from '../testing/stores.ts'
import { AwaitedUsage } from './awaited-usage.ts'

const MINUTE = 60_000
const TIMES = { firstMs: 5 * MINUTE, longestMs: 60 * MINUTE }

function opened(t: TestContext) {
  const database = openTables(temporaryDirectory(t))
  t.after(() => database.close())
  return new AwaitedUsage(database)
}

const thing = (name: string, look = 'look') => ({ thing: name, keyId: 'k', look })

suite('things whose usage is awaited', () => {
  test('are given out when they are due, the longest waiting first, and to one asker', (t) => {
    const awaited = opened(t)
    awaited.put(thing('later'), MINUTE, TIMES)
    awaited.put(thing('first'), 0, TIMES)
    assert.deepEqual(awaited.take(5 * MINUTE - 1, 9, TIMES), [])
    const due = awaited.take(7 * MINUTE, 1, TIMES)
    assert.deepEqual(due, [{ ...thing('first'), looks: 0, ageMs: 7 * MINUTE }])
    assert.deepEqual(
      awaited.take(7 * MINUTE, 9, TIMES).map((each) => each.thing),
      ['later'],
    )
    assert.deepEqual(awaited.take(7 * MINUTE, 9, TIMES), [])
  })

  test('are looked at seldom as they grow old, and as often as is said at least', (t) => {
    const awaited = opened(t)
    awaited.put(thing('batch'), 0, TIMES)
    const looks: number[] = []
    for (let minute = 0; minute <= 24 * 60; minute++) {
      if (awaited.take(minute * MINUTE, 9, TIMES).length > 0) looks.push(minute)
    }
    assert.deepEqual(looks.slice(0, 8), [5, 10, 15, 23, 35, 53, 80, 120])
    const pauses = looks.map((at, index) => at - (looks[index - 1] ?? 0))
    assert.equal(Math.max(...pauses), 60)
    assert.ok(looks.length < 32)
  })

  test('are there until they are removed, and a new way of looking is kept', (t) => {
    const awaited = opened(t)
    awaited.put(thing('batch'), 0, TIMES)
    awaited.put(thing('batch', 'other'), MINUTE, TIMES)
    assert.deepEqual(awaited.take(5 * MINUTE, 9, TIMES)[0]?.look, 'other')
    awaited.remove('batch')
    assert.deepEqual(awaited.take(9_999 * MINUTE, 9, TIMES), [])
  })
})
