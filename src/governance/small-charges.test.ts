import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_RESERVED, BUDGET_CELLS, read, reserveAll, settle } from './budget.ts'

test('B22 a million charges of a millionth of a dollar are a dollar, to the nano-dollar, and the next one is refused', () => {
  const cells = new BigInt64Array(2 * BUDGET_CELLS)
  const dollar = 1_000_000_000
  const charges = [
    { index: 0, period: 3, amount: 1_007, limit: dollar },
    { index: BUDGET_CELLS, period: 3, amount: 1_007, limit: 2 * dollar },
  ]
  let refused = 0
  for (let turn = 0; turn < 1_000_000; turn++) {
    // What the last ones reserve beyond their cost finds no room.
    const amount = Math.min(1_007, dollar - turn * 1_000)
    if (
      reserveAll(
        cells,
        charges.map((each) => ({ ...each, amount })),
      ) !== ALL_RESERVED
    )
      refused++
    for (const { index, period, limit } of charges) settle(cells, index, period, amount, 1_000, limit)
  }
  assert.equal(refused, 0)
  assert.deepEqual(
    charges.map(({ index }) => read(cells, index, 3)),
    [dollar, dollar].map((spent) => ({ used: spent, reserved: 0, spent, overshoot: 0 })),
  )
  assert.equal(reserveAll(cells, [{ index: 0, period: 3, amount: 1, limit: dollar }]), 0)
})
