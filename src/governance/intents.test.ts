import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUDGET_CELLS, giveBack, INTENTS_FULL, read, reserve, reserveAll, settle } from './budget.ts'
import { Intents, intentRegionCells, readIntents } from './intents.ts'

const PERIOD = 9
const NONE = { step: 0, rest: 0 }

function accounts(capacity = 4) {
  const cells = new BigInt64Array(3 * BUDGET_CELLS)
  const region = new Float64Array(intentRegionCells(capacity))
  const intents = new Intents(region, capacity)
  intents.openSegment(3)
  return { cells, region, intents }
}

const charge = (budget: number, amount: number, limit = 100) => ({
  index: budget * BUDGET_CELLS,
  period: PERIOD,
  amount,
  limit,
})

test('shows what was taken and is not cleared, in the order of taking', () => {
  const { cells, region, intents } = accounts()
  assert.equal(reserveAll(cells, [charge(0, 10), charge(1, 20)], intents), -1)
  assert.deepEqual(readIntents(region), {
    segment: 3,
    journalled: 0,
    settled: 0,
    progress: NONE,
    taken: [
      { counter: 0, period: PERIOD, amount: 10, extent: 'whole' },
      { counter: BUDGET_CELLS, period: PERIOD, amount: 20, extent: 'whole' },
    ],
  })
  intents.clear()
  assert.deepEqual(readIntents(region), { segment: 3, journalled: 2, settled: 0, progress: NONE, taken: [] })
})

test('does not show what was announced only, refused or given back', () => {
  const { cells, region, intents } = accounts()
  intents.add(0, PERIOD, 5)
  assert.deepEqual(readIntents(region).taken, [])
  assert.equal(reserve(cells, 0, PERIOD, 5, 4, intents), false)
  assert.deepEqual(readIntents(region).taken, [])
  assert.equal(reserveAll(cells, [charge(0, 10), charge(1, 101)], intents), 1)
  assert.deepEqual(readIntents(region).taken, [])
  assert.equal(read(cells, 0, PERIOD).used, 0)
  intents.clear()
  assert.equal(readIntents(region).journalled, 0)
})

test('gives back a reservation whose intent has been cleared', () => {
  const { cells, region, intents } = accounts()
  reserveAll(cells, [charge(0, 10)], intents)
  intents.clear()
  giveBack(cells, 0, PERIOD, 10, intents)
  assert.deepEqual(readIntents(region), { segment: 3, journalled: 1, settled: 0, progress: NONE, taken: [] })
  assert.equal(read(cells, 0, PERIOD).used, 0)
})

test('refuses when the region is full, and takes nothing', () => {
  const { cells, region, intents } = accounts(3)
  assert.equal(reserveAll(cells, [charge(0, 1), charge(1, 1)], intents), -1)
  assert.equal(reserveAll(cells, [charge(0, 1), charge(1, 1)], intents), INTENTS_FULL)
  assert.equal(readIntents(region).taken.length, 2)
  assert.deepEqual([read(cells, 0, PERIOD).used, read(cells, BUDGET_CELLS, PERIOD).used], [1, 1])
  intents.clear()
  assert.equal(reserveAll(cells, [charge(0, 1), charge(1, 1)], intents), -1)
})

test('counts settlements as they are applied, also one whose period is gone', () => {
  const { cells, region, intents } = accounts()
  reserveAll(cells, [charge(0, 10), charge(1, 10)], intents)
  intents.clear()
  settle(cells, 0, PERIOD, 10, 4, 100, intents)
  settle(cells, BUDGET_CELLS, PERIOD, 10, 400, 100, intents)
  settle(cells, 0, PERIOD - 2, 10, 10, 100, intents)
  assert.equal(readIntents(region).settled, 3)
  intents.openSegment(4)
  assert.deepEqual(readIntents(region), { segment: 4, journalled: 0, settled: 0, progress: NONE, taken: [] })
})

test('refuses a region that is too small', () => {
  assert.throws(() => new Intents(new Float64Array(7), 1), RangeError)
})
