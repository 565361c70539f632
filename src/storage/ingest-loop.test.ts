import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IngestLoop } from './ingest-loop.ts'
import type { IngestResult } from './writer-calls.ts'

const NOTHING: IngestResult = { entries: 0, lost: 0, more: false, error: null }

test('batches notifications, goes on at once while there is more, and looks by itself now and then', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const advance = (ms: number) => {
    for (let i = 0; i < ms; i++) {
      now++
      t.mock.timers.tick(1)
    }
  }
  const passes: number[] = []
  const results: IngestResult[] = []
  const ingest = () => {
    passes.push(now)
    return results.shift() ?? NOTHING
  }
  const loop = new IngestLoop({ ingest })
  loop.start()
  advance(1)
  assert.equal(passes.length, 1)
  advance(100)
  loop.notify()
  advance(100)
  loop.notify()
  advance(151)
  assert.equal(passes.length, 2, 'two notifications, one pass')
  results.push({ ...NOTHING, more: true }, { ...NOTHING, more: true })
  loop.notify()
  advance(260)
  assert.equal(passes.length, 5)
  advance(2010)
  assert.equal(passes.length, 6, 'without notification')
  loop.stop()
  advance(5000)
  assert.equal(passes.length, 6)
})

test('waits longer and longer while the database refuses, whatever is notified', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const passes: number[] = []
  const told: boolean[] = []
  const loop = new IngestLoop({
    ingest: () => {
      passes.push(now)
      return { ...NOTHING, error: new Error('locked') }
    },
    onPass: ({ error }) => void told.push(error !== null),
  })
  loop.start()
  while (passes.length < 7) {
    now++
    t.mock.timers.tick(1)
    loop.notify()
  }
  loop.stop()
  const pauses = passes.slice(1).map((at, i) => at - (passes[i] ?? 0))
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 10_000])
  assert.deepEqual(told, new Array(7).fill(true))
})
