import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NamelessRefusals } from './nameless-refusals.ts'

test('a thousand at once are written down, then one a second', () => {
  const refusals = new NamelessRefusals(0)
  const admitted = (count: number, nowMs: number) =>
    Array.from({ length: count }, () => refusals.admit(nowMs)).filter((written) => written).length
  assert.equal(admitted(5_000, 0), 1_000)
  assert.equal(admitted(100, 500), 0)
  assert.equal(admitted(100, 1_000), 1)
  assert.equal(admitted(100, 11_000), 10)
  assert.equal(admitted(5_000, 10_000_000), 1_000)
})
