import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BudgetDocument, budgetCounter, periodOf, restore } from '../governance/index.ts'
import { MAX_SHOWN, ShownBudgets } from './shown-budgets.ts'

test('of more budgets than can be shown those are that have used most of their limit, and the others are counted', () => {
  const count = MAX_SHOWN + 50
  const counters = new BigInt64Array(count * 6)
  const budgets = Array.from({ length: count }, (_, at) => {
    const level = `key:key-${at}`
    const budget: BudgetDocument = {
      level,
      counter: budgetCounter(level, { unit: 'tokens', per: 'total' }),
      timeZone: 'UTC',
      slot: at * 6,
      unit: 'tokens',
      per: 'total',
      limit: 100,
    }
    return budget
  })
  // The last one is over its limit, which an alarm waits for.
  restore(counters, (count - 1) * 6, periodOf('total', 0), 170, 100)
  const shown = new ShownBudgets({ budgets: () => budgets }, counters)
  const [first] = shown.current()
  assert.deepEqual([first?.labels.key, first?.reading.overshoot], [`key-${count - 1}`, 70])
  assert.equal(shown.current().length, MAX_SHOWN)
  assert.equal(shown.leftOut, 50)
})
