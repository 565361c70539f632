import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeOfFailure, outcomeOfStatus } from './outcome.ts'

for (const [status, outcome] of [
  [200, 'success'],
  [304, 'success'],
  [400, 'success'],
  [404, 'success'],
  [429, 'neutral'],
  [500, 'failure'],
  [501, 'success'],
  [502, 'failure'],
  [503, 'failure'],
  [504, 'failure'],
  [505, 'success'],
  [599, 'failure'],
] as const) {
  test(`an answer with ${status} is a ${outcome} of the target`, () => {
    assert.equal(outcomeOfStatus(status), outcome)
  })
}

test('what a client or the gateway itself did never counts against a target', () => {
  assert.deepEqual((['cancelled', 'saturated', 'total_timeout', 'stale_connection'] as const).map(outcomeOfFailure), [
    'neutral',
    'neutral',
    'neutral',
    'neutral',
  ])
  assert.equal(outcomeOfFailure('first_byte_timeout'), 'failure')
})
