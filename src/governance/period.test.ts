import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { periodEnd, periodOf, periodStart } from './period.ts'

const moment = fc.integer({ min: 0, max: Date.UTC(2200, 0) })

test('a period holds the moments from its start to before its end, and the next number follows', () => {
  fc.assert(
    fc.property(fc.constantFrom('day', 'month'), moment, (per, timeMs) => {
      const start = periodStart(per, timeMs)
      const end = periodEnd(per, timeMs) ?? assert.fail('it ends')
      assert.ok(start <= timeMs && timeMs < end)
      const period = periodOf(per, timeMs)
      assert.deepEqual([periodOf(per, start), periodOf(per, end - 1), periodOf(per, end)], [period, period, period + 1])
    }),
  )
})

test('days and months turn at midnight UTC', () => {
  const newYear = Date.UTC(2027, 0, 1)
  assert.equal(periodOf('month', newYear) - periodOf('month', newYear - 1), 1)
  assert.equal(periodEnd('month', Date.UTC(2028, 1, 29, 23)), Date.UTC(2028, 2, 1))
  assert.equal(periodStart('day', Date.UTC(2026, 10, 21, 23, 59)), Date.UTC(2026, 10, 21))
})

test('a total never ends', () => {
  assert.deepEqual([periodOf('total', 5), periodStart('total', 5), periodEnd('total', 5)], [0, 0, null])
})
