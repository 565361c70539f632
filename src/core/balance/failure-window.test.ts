import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailureWindow } from './failure-window.ts'
import { cellsFor, seat } from './testing/pool.ts'

const NOW = 1_000_000
const WINDOW_MS = 8_000

function windows() {
  const { halves } = cellsFor()
  return [0, 1].map((number) => new FailureWindow(halves, 0, { seat: seat(number), windowMs: WINDOW_MS }))
}

function sum(window: FailureWindow | undefined, nowMs: number, sinceMs = 0): string {
  window?.sum(nowMs, sinceMs)
  return `${window?.failures} of ${window?.attempts}`
}

test('counts of all threads add up, whoever asks', () => {
  const [one, other] = windows()
  one?.add(NOW, 'failure')
  one?.add(NOW, 'success')
  other?.add(NOW + 500, 'failure')
  assert.equal(sum(one, NOW + 500), '2 of 3')
  assert.equal(sum(other, NOW + 500), '2 of 3')
})

test('what is older than the window is forgotten, an eighth at a time', () => {
  const [window] = windows()
  for (let second = 0; second < 8; second++) window?.add(NOW + second * 1_000, 'failure')
  assert.equal(sum(window, NOW + 7_999), '8 of 8')
  assert.equal(sum(window, NOW + 8_000), '7 of 7')
  assert.equal(sum(window, NOW + 10_500), '5 of 5')
  assert.equal(sum(window, NOW + 15_000), '0 of 0')
})

test('a bucket that comes round again starts from nothing', () => {
  const [window] = windows()
  for (let n = 0; n < 5; n++) window?.add(NOW, 'failure')
  window?.add(NOW + WINDOW_MS, 'success')
  assert.equal(sum(window, NOW + WINDOW_MS), '0 of 1')
  window?.add(NOW + 1000 * WINDOW_MS, 'failure')
  assert.equal(sum(window, NOW + 1000 * WINDOW_MS), '1 of 1')
})

test('what was counted up to a moment can be left out', () => {
  const [window] = windows()
  window?.add(NOW, 'failure')
  window?.add(NOW + 2_000, 'failure')
  assert.equal(sum(window, NOW + 2_000, NOW + 500), '1 of 1')
})

test('what was counted with another length of the window, before a reload, is left out', () => {
  const { halves } = cellsFor()
  const before = new FailureWindow(halves, 0, { seat: seat(), windowMs: 1_000 })
  const after = new FailureWindow(halves, 0, { seat: seat(), windowMs: 60_000 })
  before.add(NOW, 'failure')
  after.add(NOW + 30_000, 'failure')
  assert.equal(sum(after, NOW + 30_000), '1 of 1')
})
