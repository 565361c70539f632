import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeOfFailure, outcomeOfStatus, statusSet } from './outcome.ts'

for (const [status, outcome] of [
  [200, 'success'],
  [304, 'success'],
  [400, 'success'],
  [404, 'success'],
  [429, 'neutral'],
  [500, 'success'],
  [501, 'success'],
  [502, 'failure'],
  [503, 'failure'],
  [504, 'failure'],
  [505, 'success'],
  [599, 'success'],
] as const) {
  test(`an answer with ${status} is a ${outcome} of the target`, () => {
    assert.equal(outcomeOfStatus(status, new Set([502, 503, 504])), outcome)
  })
}

test('R9 what a client or the gateway itself did never counts against a target', () => {
  assert.deepEqual((['cancelled', 'saturated', 'total_timeout', 'stale_connection'] as const).map(outcomeOfFailure), [
    'neutral',
    'neutral',
    'neutral',
    'neutral',
  ])
  assert.equal(outcomeOfFailure('first_byte_timeout'), 'failure')
})

test('a failure that no request can bring about is told from others', () => {
  assert.deepEqual((['unreachable', 'untrusted'] as const).map(outcomeOfFailure), ['down', 'down'])
})

test('statuses count as failures where they are named, also by their class', () => {
  const failing = statusSet([
    { from: 429, to: 429 },
    { from: 500, to: 599 },
  ])
  assert.deepEqual(
    [200, 429, 499, 500, 599].map((status) => outcomeOfStatus(status, failing)),
    ['success', 'failure', 'success', 'failure', 'failure'],
  )
})
