import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QuietWatch } from './quiet-watch.ts'

const begun = (...times: readonly number[]) => times.map((startedAt) => ({ startedAt }))

test('an epoch is quiet when no request is left that began before it, and is told once', () => {
  const watch = new QuietWatch()
  assert.equal(watch.reached([]), null)
  watch.begin(1, 10)
  watch.begin(2, 20)
  assert.equal(watch.reached(begun(25, 5)), null)
  assert.equal(watch.reached(begun(25, 10)), null, 'one that began at the same moment may have seen what was before')
  assert.equal(watch.reached(begun(25, 15)), 1)
  assert.equal(watch.reached(begun(25, 15)), null)
  assert.equal(watch.reached(begun(25)), 2)
  watch.begin(3, 30)
  assert.equal(watch.reached([]), 3)
})
