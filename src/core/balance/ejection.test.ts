import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EjectionRules, Ejector } from './ejection.ts'
import { cellsFor, seat, statesOf } from './testing/pool.ts'

const RULES: EjectionRules = { failures: 3, baseMs: 10_000, maxMs: 25_000, maxShare: 0.5, statuses: new Set([503]) }
const NOW = 1_000_000

function pool(count: number, rules: EjectionRules = RULES) {
  const states = statesOf(cellsFor(), count)
  const ejector = new Ejector(states, rules)
  const fail = (position: number, nowMs: number, times = rules.failures) => {
    let ejected = false
    for (let n = 0; n < times; n++) ejected = ejector.record(position, 'failure', nowMs)
    return ejected
  }
  const isOut = (position: number, nowMs: number) => states[position]?.isEjected(nowMs) === true
  return { states, ejector, fail, isOut }
}

test('failures in a row eject a target for the base time; one less, or a success between them, does not', () => {
  const { ejector, fail, isOut } = pool(2)
  assert.equal(fail(0, NOW, 2), false)
  ejector.record(0, 'success', NOW)
  assert.equal(fail(0, NOW, 2), false)
  ejector.record(0, 'neutral', NOW)
  assert.equal(fail(0, NOW, 1), true)
  assert.ok(isOut(0, NOW + 9_999))
  assert.ok(!isOut(0, NOW + 10_000))
  assert.ok(!isOut(0, NOW))
})

test('a target that fails again on its return is ejected for longer, up to the maximum', () => {
  const { fail, states } = pool(2)
  let nowMs = NOW
  for (const lengthMs of [10_000, 20_000, 25_000, 25_000]) {
    assert.ok(fail(0, nowMs))
    assert.equal(states[0]?.ejectedForMs(nowMs), lengthMs)
    nowMs += lengthMs
    assert.equal(states[0]?.ejectedForMs(nowMs), 0)
  }
})

test('what fails while a target is ejected does not count when it returns', () => {
  const { fail } = pool(2)
  fail(0, NOW)
  fail(0, NOW + 5_000, 10)
  assert.equal(fail(0, NOW + 10_000, 2), false)
  assert.equal(fail(0, NOW + 10_000, 1), true)
})

test('one ejection is forgotten for each base time that the target stays in', () => {
  const { fail, states } = pool(2)
  fail(0, NOW)
  fail(0, NOW + 10_000)
  fail(0, NOW + 30_000)
  const backAt = NOW + 55_000
  fail(0, backAt + 20_000)
  assert.equal(states[0]?.ejectedForMs(backAt + 20_000), 20_000)
  fail(0, backAt + 20_000 + 20_000 + 3_600_000)
  assert.equal(states[0]?.ejectedForMs(backAt + 20_000 + 20_000 + 3_600_000), 10_000)
})

test('no more than the share of the pool is ejected; the next one follows when there is room', () => {
  const { fail, isOut } = pool(5)
  assert.ok(fail(0, NOW))
  assert.ok(fail(1, NOW + 1_000))
  assert.equal(fail(2, NOW + 1_000), false)
  assert.ok(!isOut(2, NOW + 1_000))
  assert.ok(fail(2, NOW + 10_000, 1))
  assert.ok(isOut(2, NOW + 10_000))
})

test('one of two may be ejected whatever the share, and the last one never', () => {
  const { fail } = pool(2, { ...RULES, maxShare: 0.1 })
  assert.ok(fail(0, NOW))
  assert.equal(fail(1, NOW), false)
  const greedy = pool(2, { ...RULES, maxShare: 1 })
  assert.ok(greedy.fail(0, NOW))
  assert.equal(greedy.fail(1, NOW), false)
  assert.equal(pool(1).fail(0, NOW), false)
})

test('what another thread saw counts', () => {
  const cells = cellsFor()
  const here = new Ejector(statesOf(cells, 2, seat(0)), RULES)
  const there = statesOf(cells, 2, seat(1))
  here.record(0, 'failure', NOW)
  here.record(0, 'failure', NOW)
  assert.ok(new Ejector(there, RULES).record(0, 'failure', NOW))
  assert.ok(statesOf(cells, 2, seat(0))[0]?.isEjected(NOW))
})
