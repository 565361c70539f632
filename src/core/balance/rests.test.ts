import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters } from '../../lib/index.ts'
import { Rests } from './rests.ts'
import { viewCells } from './shared-cells.ts'

const restsOf = (places = 2) => new Rests(viewCells(createCounters(16)), 3, places)

test('a place rests until the latest moment that was asked for, and no other place with it', () => {
  const cells = viewCells(createCounters(16))
  const rests = new Rests(cells, 3, 2)
  assert.equal(rests.leftMs(0, 1_000), 0)
  rests.rest(0, { why: 'asked', nowMs: 0, untilMs: 6_000 })
  rests.rest(0, { why: 'supposed', nowMs: 0, untilMs: 3_000 })
  rests.rest(0, { why: 'asked', nowMs: 0, untilMs: 2_000 })
  assert.deepEqual([rests.leftMs(0, 1_000), rests.leftMs(1, 1_000)], [5_000, 0])
  assert.equal(rests.leftMs(0, 6_000), 0)
  assert.equal(new Rests(cells, 3, 2).leftMs(0, 5_000), 1_000)
})

test('whether the server asked for a rest is told apart from what is only supposed', () => {
  const rests = restsOf()
  rests.rest(0, { why: 'supposed', nowMs: 0, untilMs: 5_000 })
  rests.rest(1, { why: 'asked', nowMs: 0, untilMs: 5_000 })
  assert.deepEqual([rests.leftMs(0, 1_000), rests.askedMs(0, 1_000)], [4_000, 0])
  assert.deepEqual([rests.leftMs(1, 1_000), rests.askedMs(1, 1_000)], [4_000, 4_000])
})

test('a long rest that is supposed hides no shorter one that was asked for', () => {
  const rests = restsOf()
  rests.rest(0, { why: 'supposed', nowMs: 0, untilMs: 30_000, reason: 5 })
  rests.rest(0, { why: 'asked', nowMs: 1_000, untilMs: 6_000, reason: 3 })
  assert.deepEqual([rests.askedMs(0, 1_000), rests.leftMs(0, 1_000), rests.reason(0)], [5_000, 29_000, 5])
  assert.deepEqual([rests.askedMs(0, 6_000), rests.leftMs(0, 6_000)], [0, 24_000])
})

test('only an attempt that began after a supposed rest ends it, and none ends one that was asked for', () => {
  const rests = restsOf()
  rests.rest(0, { why: 'supposed', nowMs: 1_000, untilMs: 9_000 })
  rests.end(0, 999)
  assert.equal(rests.leftMs(0, 2_000), 7_000)
  rests.end(0, 1_500)
  assert.equal(rests.leftMs(0, 2_000), 0)
  rests.rest(0, { why: 'asked', nowMs: 1_000, untilMs: 9_000 })
  rests.end(0, 1_500)
  assert.equal(rests.askedMs(0, 2_000), 7_000)
})

const throttled = { leastMs: 1_000, mostMs: 5_000 }

test('a rest of guessed length is doubled while the attempt after it fails, and begins anew after one that went well', () => {
  const rests = restsOf()
  let nowMs = 1_000
  const lengths: number[] = []
  for (let n = 0; n < 4; n++) {
    rests.begin(0, nowMs, 10_000)
    rests.guess(0, { nowMs: nowMs + 1, begunMs: nowMs, ...throttled })
    lengths.push(rests.leftMs(0, nowMs + 1))
    nowMs += 1 + rests.leftMs(0, nowMs + 1)
  }
  assert.deepEqual(lengths, [1_000, 2_000, 4_000, 5_000])
  rests.begin(0, nowMs, 10_000)
  rests.end(0, nowMs)
  rests.guess(0, { nowMs: nowMs + 2, begunMs: nowMs + 1, ...throttled })
  assert.equal(rests.leftMs(0, nowMs + 2), 1_000)
})

test('attempts that were on their way when a place came to rest neither lengthen its rest nor double it', () => {
  const rests = restsOf()
  rests.guess(0, { nowMs: 1_000, begunMs: 500, ...throttled })
  rests.guess(0, { nowMs: 1_900, begunMs: 600, ...throttled })
  assert.equal(rests.leftMs(0, 1_900), 100)
  rests.guess(0, { nowMs: 2_500, begunMs: 700, ...throttled })
  assert.equal(rests.leftMs(0, 2_500), 0)
  // Who asks during a rest, since there is nobody else, finds that it is not over.
  rests.guess(0, { nowMs: 2_600, begunMs: 2_500, ...throttled })
  rests.guess(0, { nowMs: 3_000, begunMs: 2_700, ...throttled })
  assert.equal(rests.leftMs(0, 3_000), 2_000)
})

test('after a rest of guessed length one attempt goes first: for all others the place rests until it is answered, or long silent', () => {
  const rests = restsOf()
  rests.guess(0, { nowMs: 1_000, begunMs: 900, ...throttled })
  rests.begin(0, 1_500, 10_000)
  assert.equal(rests.leftMs(0, 1_500), 500, 'one that asks during the rest is no trial')
  assert.equal(rests.leftMs(0, 2_000), 0)
  rests.begin(0, 2_000, 10_000)
  assert.equal(rests.leftMs(0, 2_001), 9_999)
  rests.end(0, 2_000)
  assert.equal(rests.leftMs(0, 2_001), 0)
  rests.begin(0, 2_100, 10_000)
  assert.equal(rests.leftMs(0, 2_100), 0, 'it works again: nobody goes first')
})

test('of two that share a place each sees its own rest alone, and the last one counts', () => {
  const cells = viewCells(createCounters(16))
  const now = 1_000_000
  const [one, other, whoever] = [new Rests(cells, 2, 1, 7), new Rests(cells, 2, 1, 9), new Rests(cells, 2, 1)]
  one.rest(0, { why: 'asked', nowMs: now, untilMs: now + 5_000 })
  const asked = () => [one, other, whoever].map((rests) => rests.askedMs(0, now))
  assert.deepEqual(asked(), [5_000, 0, 5_000])
  other.rest(0, { why: 'asked', nowMs: now, untilMs: now + 1_000 })
  assert.deepEqual(asked(), [0, 1_000, 1_000])
  one.guess(0, { nowMs: now, begunMs: now, leastMs: 2_000, mostMs: 9_000 })
  other.end(0, now + 1)
  assert.deepEqual([one.leftMs(0, now), other.leftMs(0, now)], [2_000, 1_000])
  one.end(0, now + 1)
  assert.equal(one.leftMs(0, now), 0)
})
