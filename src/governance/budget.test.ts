import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ALL_RESERVED,
  BUDGET_CELLS,
  closeOpen,
  giveBack,
  read,
  reserve,
  reserveAll,
  restore,
  restoreAtLeast,
  settle,
  takeBack,
} from './budget.ts'

const LIMIT = 1000

interface Open {
  readonly period: number
  readonly amount: number
}

test('keeps the books of a plain model: never above the limit, nothing lost, for any history', () => {
  const step = fc.record({
    action: fc.constantFrom('reserve', 'reserve', 'settle', 'giveBack', 'lose', 'turn'),
    amount: fc.nat(600),
    which: fc.nat(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const cells = new BigInt64Array(3 * BUDGET_CELLS)
      const index = BUDGET_CELLS
      let period = 7
      let open: Open[] = []
      const spent = new Map<number, number>()
      const charge = (at: number, amount: number) => spent.set(at, (spent.get(at) ?? 0) + amount)
      for (const { action, amount, which } of steps) {
        const chosen = open[which % Math.max(1, open.length)]
        if (action === 'turn') period++
        else if (action === 'reserve') {
          const held = open.filter((item) => item.period === period).reduce((sum, item) => sum + item.amount, 0)
          const fits = (spent.get(period) ?? 0) + held + amount <= LIMIT
          assert.equal(reserve(cells, index, period, amount, LIMIT), fits)
          if (fits) open.push({ period, amount })
        } else if (chosen !== undefined) {
          open = open.filter((item) => item !== chosen)
          if (action === 'settle') {
            settle(cells, index, chosen.period, chosen.amount, amount, LIMIT)
            charge(chosen.period, amount)
          } else if (action === 'giveBack') giveBack(cells, index, chosen.period, chosen.amount)
          else {
            closeOpen(cells, index, chosen.period, chosen.amount)
            charge(chosen.period, chosen.amount)
          }
        }
        const reading = read(cells, index, period)
        const reserved = open.filter((item) => item.period === period).reduce((sum, item) => sum + item.amount, 0)
        assert.ok(reading.used <= LIMIT && reading.spent <= LIMIT && reading.spent >= 0)
        assert.equal(reading.reserved, reserved)
        assert.equal(reading.used + reading.overshoot, (spent.get(period) ?? 0) + reserved)
        assert.equal(reading.spent, reading.used - reading.reserved)
      }
      assert.ok(cells.subarray(0, index).every((cell) => cell === 0n))
      assert.ok(cells.subarray(index + BUDGET_CELLS).every((cell) => cell === 0n))
    }),
    { numRuns: 500 },
  )
})

test('charges a settlement after the turn to the period that it was taken from', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  assert.ok(reserve(cells, 0, 4, 100, LIMIT))
  assert.ok(reserve(cells, 0, 5, 1000, LIMIT))
  settle(cells, 0, 4, 100, 30, LIMIT)
  assert.deepEqual(read(cells, 0, 4), { used: 30, reserved: 0, spent: 30, overshoot: 0 })
  assert.deepEqual(read(cells, 0, 5), { used: 1000, reserved: 1000, spent: 0, overshoot: 0 })
})

test('ignores a settlement whose period was followed by two others', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  assert.ok(reserve(cells, 0, 4, 100, LIMIT))
  assert.ok(reserve(cells, 0, 6, 7, LIMIT))
  settle(cells, 0, 4, 100, 30, LIMIT)
  giveBack(cells, 0, 4, 100)
  closeOpen(cells, 0, 4, 100)
  assert.deepEqual(read(cells, 0, 6), { used: 7, reserved: 7, spent: 0, overshoot: 0 })
  assert.equal(read(cells, 0, 4).used, 0)
})

test('works on when the clock goes back by a period, and when it comes again', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  assert.ok(reserve(cells, 0, 4, 900, LIMIT))
  assert.ok(reserve(cells, 0, 5, 800, LIMIT))
  assert.equal(reserve(cells, 0, 4, 101, LIMIT), false)
  assert.ok(reserve(cells, 0, 4, 100, LIMIT))
  assert.equal(reserve(cells, 0, 5, 201, LIMIT), false)
  assert.ok(reserve(cells, 0, 5, 200, LIMIT))
})

test('counts what an upstream used beyond its reservation, and lets nobody spend it again', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  assert.ok(reserve(cells, 0, 0, 500, LIMIT))
  assert.ok(reserve(cells, 0, 0, 500, LIMIT))
  settle(cells, 0, 0, 500, 700, LIMIT)
  assert.deepEqual(read(cells, 0, 0), { used: 1000, reserved: 500, spent: 500, overshoot: 200 })
  settle(cells, 0, 0, 500, 0, LIMIT)
  assert.deepEqual(read(cells, 0, 0), { used: 500, reserved: 0, spent: 500, overshoot: 200 })
  assert.equal(reserve(cells, 0, 0, 301, LIMIT), false)
  assert.ok(reserve(cells, 0, 0, 300, LIMIT))
})

test('however much upstreams claim to have used, the budget stays closed for its period', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  assert.ok(reserve(cells, 0, 4, 0, LIMIT))
  for (let round = 0; round < 3; round++) settle(cells, 0, 4, 0, Number.MAX_SAFE_INTEGER, LIMIT)
  const most = Number.MAX_SAFE_INTEGER
  assert.deepEqual(read(cells, 0, 4), { used: LIMIT, reserved: 0, spent: LIMIT, overshoot: most })
  assert.equal(reserve(cells, 0, 4, 0, LIMIT), false)
  assert.ok(reserve(cells, 0, 6, LIMIT, LIMIT), 'the next period of the sub-slot begins anew')
})

test('a limit of nothing is restored like any other, and lets nothing but what is free through', () => {
  for (const spent of [0, 1200]) {
    const cells = new BigInt64Array(new SharedArrayBuffer(8 * BUDGET_CELLS))
    restore(cells, 0, 3, spent, 0)
    assert.deepEqual(read(cells, 0, 3), { used: 0, reserved: 0, spent: 0, overshoot: spent })
    assert.equal(reserve(cells, 0, 3, 1, 0), false)
  }
})

test('restores what was spent, beyond the limit too', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  restore(cells, 0, 3, 1200, LIMIT)
  assert.deepEqual(read(cells, 0, 3), { used: 1000, reserved: 0, spent: 1000, overshoot: 200 })
  assert.equal(reserve(cells, 0, 3, 1, LIMIT), false)
})

test('raises what was spent to at least an amount, and leaves what is open', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  assert.ok(reserve(cells, 0, 3, 300, LIMIT))
  restoreAtLeast(cells, 0, 3, 500, LIMIT)
  assert.deepEqual(read(cells, 0, 3), { used: 800, reserved: 300, spent: 500, overshoot: 0 })
  restoreAtLeast(cells, 0, 3, 400, LIMIT)
  assert.deepEqual(read(cells, 0, 3), { used: 800, reserved: 300, spent: 500, overshoot: 0 })
  restoreAtLeast(cells, 0, 3, 900, LIMIT)
  assert.deepEqual(read(cells, 0, 3), { used: 1000, reserved: 300, spent: 700, overshoot: 200 })
  settle(cells, 0, 3, 300, 100, LIMIT)
  assert.deepEqual(read(cells, 0, 3), { used: 800, reserved: 0, spent: 800, overshoot: 200 })
  restoreAtLeast(cells, 0, 5, 70, LIMIT)
  assert.deepEqual(read(cells, 0, 5), { used: 70, reserved: 0, spent: 70, overshoot: 0 }, 'a later period')
  assert.throws(() => restoreAtLeast(cells, 0, 5, 0.5, LIMIT), RangeError)
})

test('counts exactly up to the largest safe integer', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  const limit = Number.MAX_SAFE_INTEGER
  assert.ok(reserve(cells, 0, 0, limit - 1, limit))
  assert.equal(reserve(cells, 0, 0, 2, limit), false)
  assert.equal(reserve(cells, 0, 0, limit, limit), false)
  assert.ok(reserve(cells, 0, 0, 1, limit))
  assert.equal(read(cells, 0, 0).used, limit)
})

test('throws on an amount that is no whole number of at least 0, and takes nothing', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  for (const amount of [-1, Number.NaN, 0.5, Number.POSITIVE_INFINITY]) {
    assert.throws(() => reserve(cells, 0, 0, amount, LIMIT), RangeError)
    assert.throws(() => settle(cells, 0, 0, 1, amount, LIMIT), RangeError)
  }
  assert.equal(read(cells, 0, 0).used, 0)
})

test('reserves from all budgets or from none, and names the one that refused', () => {
  const cells = new BigInt64Array(3 * BUDGET_CELLS)
  const charge = (budget: number, amount: number) => ({ index: budget * BUDGET_CELLS, period: 1, amount, limit: LIMIT })
  assert.equal(reserveAll(cells, [charge(0, 600), charge(1, 10), charge(2, 900)]), ALL_RESERVED)
  assert.equal(reserveAll(cells, [charge(0, 100), charge(1, 10), charge(2, 200)]), 2)
  assert.equal(reserveAll(cells, [charge(0, 500), charge(1, 10)]), 0)
  assert.deepEqual(
    [0, 1, 2].map((budget) => read(cells, budget * BUDGET_CELLS, 1).used),
    [600, 10, 900],
  )
  assert.equal(reserveAll(cells, []), ALL_RESERVED)
})

test('takes back what was charged in advance, from the overshoot first, and never what is open', () => {
  const cells = new BigInt64Array(BUDGET_CELLS)
  assert.ok(reserve(cells, 0, 1, 900, LIMIT))
  settle(cells, 0, 1, 900, 900, LIMIT)
  assert.ok(reserve(cells, 0, 1, 50, LIMIT))
  settle(cells, 0, 1, 0, 300, LIMIT)
  assert.equal(read(cells, 0, 1).overshoot, 250)
  takeBack(cells, 0, 1, 900)
  assert.deepEqual(read(cells, 0, 1), { used: 350, reserved: 50, spent: 300, overshoot: 0 })
  takeBack(cells, 0, 1, 10_000)
  assert.deepEqual(read(cells, 0, 1), { used: 50, reserved: 50, spent: 0, overshoot: 0 })
  takeBack(cells, 0, 3, 10)
  assert.equal(read(cells, 0, 1).used, 50)
})
