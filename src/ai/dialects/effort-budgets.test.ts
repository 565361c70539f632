import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EFFORT_BUDGETS, EFFORTS, effortOf } from './effort-budgets.ts'

test('an effort that was told as a budget is the same effort again', () => {
  for (const effort of EFFORTS) assert.equal(effortOf(EFFORT_BUDGETS[effort]), effort)
  assert.deepEqual([effortOf(24_576), effortOf(31_999), effortOf(1)], ['high', 'high', 'none'])
})
