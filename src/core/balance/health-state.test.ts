import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnhealthy, nextHealth } from './health-state.ts'

const RULES = { healthyThreshold: 2, unhealthyThreshold: 3 }

/** Checks, `+` passed and `-` failed, and the verdict after each: `.` healthy, `x` unhealthy. */
for (const [checks, verdicts, about] of [
  ['+', '.', 'a first check that passes'],
  ['-', 'x', 'a first check that fails decides at once'],
  ['+--+--+--', '.........', 'failures that are not in a row'],
  ['+---', '...x', 'three failures in a row'],
  ['-+-+-+', 'xxxxxx', 'passes that are not in a row'],
  ['-++', 'xx.', 'two passes in a row'],
  ['-++--+---', 'xx......x', 'there and back again'],
] as const) {
  test(`${about}: ${checks} gives ${verdicts}`, () => {
    let cell = 0
    let seen = ''
    for (const check of checks) {
      cell = nextHealth(cell, check === '+', RULES)
      seen += isUnhealthy(cell) ? 'x' : '.'
    }
    assert.equal(seen, verdicts)
  })
}

test('a target that was never checked counts as healthy', () => {
  assert.equal(isUnhealthy(0), false)
})
