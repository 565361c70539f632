import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters } from '../../lib/index.ts'
import { viewCells } from './shared-cells.ts'
import { TRIAL_CELLS, Trial, type TrialRules } from './trial.ts'

const RULES: TrialRules = { failures: 2, over: 10, restartMs: null }

/** As many threads see it. */
function fresh(rules: Partial<TrialRules> = {}) {
  const cells = viewCells(createCounters(TRIAL_CELLS + 4))
  const view = () => new Trial(cells, 1, { ...RULES, ...rules })
  return { one: view(), other: view() }
}

test('it stops with one failure more than the window may hold, whoever counted them, and one thread sees it stop', () => {
  const { one, other } = fresh()
  assert.equal(one.judge(true, 0), false)
  assert.equal(other.judge(true, 0), false)
  assert.equal(one.runs(0), true)
  assert.equal(one.judge(true, 5), true)
  assert.equal(other.judge(true, 6), false)
  assert.deepEqual([one.runs(10), other.runs(1e9), other.stopped], [false, false, true])
})

test('failures that are as many attempts ago as the window is long are forgotten', () => {
  const { one, other } = fresh()
  for (let n = 0; n < 500; n++) assert.equal((n % 2 === 0 ? one : other).judge(n % 5 === 0, 0), false, String(n))
  assert.deepEqual([one.failed, one.judged], [2, 500])
  for (let n = 0; n < 10; n++) one.judge(false, 0)
  assert.equal(one.failed, 0)
  for (let n = 0; n < 2; n++) assert.equal(one.judge(true, 0), false)
  assert.equal(one.judge(true, 0), true)
})

test('it begins anew after its time, with nothing counted', () => {
  const { one, other } = fresh({ restartMs: 1_000 })
  for (let n = 0; n < 3; n++) one.judge(true, 500)
  assert.equal(other.runs(1_499), false)
  assert.equal(other.runs(1_500), true)
  assert.deepEqual([one.runs(1_500), one.failed, one.judged], [true, 0, 0])
})

test('the longest window holds as many as it says', () => {
  const { one } = fresh({ failures: 1_023, over: 1_024 })
  for (let n = 0; n < 1_023; n++) assert.equal(one.judge(true, 0), false)
  assert.equal(one.judge(true, 0), true)
})
