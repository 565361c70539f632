import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryBudget, type RetryBudgetRules } from './retry-budget.ts'
import { cellsFor } from './testing/pool.ts'

const NOW = 1_000_000

function budgetOf(rules: Partial<RetryBudgetRules> = {}): RetryBudget {
  return new RetryBudget(cellsFor(8), 2, { share: 0.2, minimumPerSecond: 0, capacity: 100, ...rules })
}

function takeAll(budget: RetryBudget, nowMs: number): number {
  let taken = 0
  while (budget.take(nowMs)) taken++
  return taken
}

test('requests pay for their share of retries, and not for one more', () => {
  const budget = budgetOf()
  for (let n = 0; n < 99; n++) budget.deposit()
  assert.equal(takeAll(budget, NOW), 19)
  budget.deposit()
  assert.equal(takeAll(budget, NOW), 1)
})

test('what is not used is kept up to the capacity', () => {
  const budget = budgetOf({ capacity: 10 })
  for (let n = 0; n < 1_000; n++) budget.deposit()
  assert.equal(budget.left, 10)
  assert.equal(takeAll(budget, NOW), 10)
})

test('a quiet route has its minimum at once and then per second, which does not pile up', () => {
  const budget = budgetOf({ minimumPerSecond: 3 })
  assert.equal(takeAll(budget, NOW), 3)
  assert.equal(takeAll(budget, NOW + 300), 0)
  assert.equal(takeAll(budget, NOW + 400), 1)
  assert.equal(takeAll(budget, NOW + 3_600_000), 3)
})

test('a minimum of less than one a second grows to one retry', () => {
  const budget = budgetOf({ minimumPerSecond: 0.1 })
  assert.equal(takeAll(budget, NOW), 0)
  let nowMs = NOW
  // Asked often: what is less than a thousandth of a retry must not be lost each time.
  for (; nowMs < NOW + 8_999; nowMs += 3) assert.equal(budget.take(nowMs), false, `after ${nowMs - NOW} ms`)
  assert.equal(takeAll(budget, NOW + 9_020), 1)
})

test('the minimum comes on top of what requests paid only when that is used up', () => {
  const budget = budgetOf({ minimumPerSecond: 3 })
  for (let n = 0; n < 100; n++) budget.deposit()
  assert.equal(takeAll(budget, NOW), 20)
})

test('a minimum that is the least counts where requests add less, and is paid back where they add more', () => {
  const budget = budgetOf({ minimumPerSecond: 1, minimum: 'least' })
  assert.equal(takeAll(budget, NOW), 10, 'what ten seconds give is there at once')
  assert.equal(takeAll(budget, NOW + 3_000), 3)
  const busy = budgetOf({ minimumPerSecond: 1, minimum: 'least', capacity: 1_000 })
  let retries = 0
  for (let ms = 0; ms < 60_000; ms += 10) {
    busy.deposit()
    while (busy.take(NOW + ms)) retries++
  }
  assert.ok(retries >= 1_190 && retries <= 1_200, `${retries} retries for 6000 requests`)
})

test('what is owed is paid by those that follow', () => {
  const budget = budgetOf()
  for (let n = 0; n < 3; n++) budget.owe()
  for (let n = 0; n < 19; n++) budget.deposit()
  assert.equal(takeAll(budget, NOW), 0)
  budget.deposit()
  assert.equal(takeAll(budget, NOW), 1)
  for (let n = 0; n < 10_000; n++) budget.owe()
  for (let n = 0; n < 505; n++) budget.deposit()
  assert.equal(takeAll(budget, NOW), 1, 'a long outage is not held against later requests for ever')
})

test('R1 everything fails at 100 requests a second for a minute: retries stay within a fifth and the minimum', () => {
  const budget = budgetOf({ minimumPerSecond: 3, capacity: 20 })
  let retries = 0
  for (let ms = 0; ms < 60_000; ms += 10) {
    budget.deposit()
    while (budget.take(NOW + ms)) retries++
  }
  assert.ok(retries >= 1_200 && retries <= 1_200 + 183, `${retries} retries`)
})
