import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCounters } from '../lib/index.ts'
import { LIMIT_TABLE_CELLS, LimitTable, MAX_RECOVERY_US } from './limit-table.ts'

const RATE = { intervalUs: 1_000, burst: 5 }
const cellsOf = () => new BigInt64Array(createCounters(LIMIT_TABLE_CELLS + 3))
/** As long as a machine may have been up: the clock of cells begins anew every 203 days. */
const UPTIMES = [0, 1, 2 ** 44 - 2_500, 2 ** 44, 2 ** 44 + 1, 3 * 2 ** 44 - 1, 2 ** 52]

test('admits as a limit of its own for each identity would, whatever the clock shows', () => {
  const steps = fc.array(fc.record({ who: fc.nat(20), afterUs: fc.nat(2_500) }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.constantFrom(...UPTIMES), (history, uptimeUs) => {
      const table = new LimitTable(cellsOf(), 2, RATE)
      const arrivals = new Map<number, number>()
      let now = uptimeUs
      for (const { who, afterUs } of history) {
        now += afterUs
        const arrival = Math.max(now, arrivals.get(who) ?? 0)
        const waitUs = Math.max(0, arrival - (RATE.burst - 1) * RATE.intervalUs - now)
        assert.equal(table.take(`10.0.0.${who}`, now), waitUs)
        if (waitUs === 0) arrivals.set(who, arrival + RATE.intervalUs)
      }
    }),
  )
})

test('keeps to its cells, and two views of them are one table', () => {
  const cells = cellsOf()
  const one = new LimitTable(cells, 2, RATE)
  const other = new LimitTable(cells, 2, RATE)
  for (let turn = 0; turn < 5; turn++) assert.equal((turn % 2 === 0 ? one : other).take('a', 50), 0)
  assert.equal(one.take('a', 50), 1_000)
  assert.equal(other.take('a', 50), 1_000)
  assert.equal(other.take('a', 1_050), 0)
  assert.deepEqual([cells[0], cells[1], cells.at(-1)], [0n, 0n, 0n])
})

test('with more identities than cells nobody passes the limit, and everybody gets on', () => {
  const table = new LimitTable(cellsOf(), 0, RATE)
  const admitted = new Map<string, number>()
  let now = 1_000_000
  const count = 60_000
  for (let round = 0; round < 6; round++) {
    for (let at = 0; at < count; at++) {
      const who = `identity ${at}`
      if (table.take(who, now) === 0) admitted.set(who, (admitted.get(who) ?? 0) + 1)
    }
  }
  // No time has passed: one burst at most for each, and for all no more than the cells have.
  assert.ok([...admitted.values()].every((times) => times <= RATE.burst))
  const total = [...admitted.values()].reduce((sum, times) => sum + times, 0)
  assert.equal(total, 16_384 * RATE.burst, 'as much as the cells have, to the last request')
  now += RATE.burst * RATE.intervalUs
  for (let at = 0; at < 1_000; at++) assert.equal(table.take(`newcomer ${at}`, now), 0, 'all have recovered')
})

test('an identity that lost its cell finds at least as much used when it is back', () => {
  const table = new LimitTable(cellsOf(), 0, { intervalUs: 1_000, burst: 3 })
  for (let turn = 0; turn < 3; turn++) assert.equal(table.take('first', 0), 0)
  let others = 0
  for (let at = 0; at < 200_000; at++) if (table.take(`other ${at}`, 0) === 0) others++
  assert.equal(others, 16_384 * 3 - 3)
  assert.ok(table.take('first', 0) > 0)
  assert.ok(table.take('first', 2_999) <= 1_000)
})

test('what is of long ago counts as nothing', () => {
  const table = new LimitTable(cellsOf(), 0, RATE)
  for (let turn = 0; turn < 5; turn++) table.take('a', 1_000)
  for (const now of [2 ** 43, 2 ** 44 - 10_000_000, 2 ** 44 + 10_000_000]) assert.equal(table.take('b', now), 0)
  const late = new LimitTable(cellsOf(), 0, RATE)
  for (let turn = 0; turn < 5; turn++) late.take('a', 1_000)
  assert.equal(late.take('a', 2 ** 44 - 5_000_000), 0)
})

test('refuses a burst that its clock could not tell from one of long ago', () => {
  const cells = cellsOf()
  assert.throws(() => new LimitTable(cells, 0, { intervalUs: 60_000_000, burst: 60_000_000 }), RangeError)
  assert.ok(MAX_RECOVERY_US > 100 * 86_400_000_000)
})
