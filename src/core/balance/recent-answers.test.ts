import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters } from '../../lib/index.ts'
import { RECENT_ANSWERS_CELLS, RecentAnswers } from './recent-answers.ts'
import { viewCells } from './shared-cells.ts'

/** Behind the first turn of the low half. */
const NOW = 2 ** 32 + 2 ** 31 - 1_000

function fresh() {
  const cells = viewCells(createCounters(RECENT_ANSWERS_CELLS + 4))
  return { cells, recent: new RecentAnswers(cells, 2) }
}

test('the median is that of the times so far, and of the last 128 when there are more', () => {
  const { recent } = fresh()
  assert.deepEqual([recent.medianMs, recent.timed], [0, 0])
  recent.time(30)
  assert.equal(recent.medianMs, 30)
  for (const ms of [10, 20]) recent.time(ms)
  assert.equal(recent.medianMs, 20)
  for (let n = 0; n < 200; n++) recent.time(500 + n)
  const median = recent.medianMs
  assert.ok(median >= 625 && median <= 645, String(median))
})

test('a target that became fast is fast after as many answers', () => {
  const { recent } = fresh()
  for (let n = 0; n < 200; n++) recent.time(900)
  for (let n = 0; n < 80; n++) recent.time(40)
  assert.equal(recent.medianMs, 40)
})

test('the share of failures follows what happens, and goes back to nothing', () => {
  const { recent } = fresh()
  for (let n = 0; n < 100; n++) recent.judge(true, NOW)
  assert.ok(recent.failureShare(NOW) > 0.98)
  for (let n = 0; n < 14; n++) recent.judge(false, NOW)
  assert.ok(recent.failureShare(NOW) > 0.4 && recent.failureShare(NOW) < 0.6, String(recent.failureShare(NOW)))
  for (let n = 0; n < 500; n++) recent.judge(false, NOW)
  assert.equal(recent.failureShare(NOW), 0)
})

test('what failed and is not asked any more is thought better of with time', () => {
  const { recent } = fresh()
  for (let n = 0; n < 100; n++) recent.judge(true, NOW)
  const before = recent.failureShare(NOW)
  assert.ok(Math.abs(recent.failureShare(NOW + 30_000) - before / 2) < 1e-5)
  assert.ok(recent.failureShare(NOW + 60_000) < 0.26)
  recent.judge(true, NOW + 60_000)
  const again = recent.failureShare(NOW + 60_000)
  assert.ok(again > 0.27 && again < 0.3, String(again))
  assert.ok(recent.failureShare(NOW + 900_000) < 1e-6)
})

test('another view of the same memory sees the same', () => {
  const { cells, recent } = fresh()
  recent.time(12.3)
  recent.judge(true, NOW)
  const other = new RecentAnswers(cells, 2)
  assert.equal(other.medianMs, 12.3)
  assert.equal(other.failureShare(NOW), recent.failureShare(NOW))
})

test('a percentile of the last answers is told, and follows them', () => {
  const cells = viewCells(createCounters(1_024))
  const recent = new RecentAnswers(cells, 1)
  assert.equal(recent.withinMs(0.9), 0)
  for (let ms = 1; ms <= 20; ms++) recent.time(ms)
  assert.deepEqual([recent.withinMs(0.5), recent.withinMs(0.9), recent.withinMs(0.999)], [10, 18, 20])
  for (let n = 0; n < 128; n++) recent.time(100)
  assert.equal(recent.withinMs(0.5), 100)
})
