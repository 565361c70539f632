import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters } from '../../lib/index.ts'
import { RECENT_ANSWERS_CELLS, RecentAnswers } from './recent-answers.ts'
import { viewCells } from './shared-cells.ts'

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
  for (let n = 0; n < 100; n++) recent.judge(true)
  assert.ok(recent.failureShare > 0.98)
  for (let n = 0; n < 14; n++) recent.judge(false)
  assert.ok(recent.failureShare > 0.4 && recent.failureShare < 0.6, String(recent.failureShare))
  for (let n = 0; n < 500; n++) recent.judge(false)
  assert.equal(recent.failureShare, 0)
})

test('another view of the same memory sees the same', () => {
  const { cells, recent } = fresh()
  recent.time(12.3)
  recent.judge(true)
  const other = new RecentAnswers(cells, 2)
  assert.equal(other.medianMs, 12.3)
  assert.equal(other.failureShare, recent.failureShare)
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
