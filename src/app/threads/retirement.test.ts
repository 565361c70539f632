import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Retirement } from './retirement.ts'

const requests = (...versions: readonly number[]) => versions.map((version) => ({ plan: { version } }))
const HOUR = 3_600_000

test('what older plans use stays until their last request has ended, however long ago the swap was', () => {
  const retirement = new Retirement()
  retirement.begin(2, 0)
  assert.equal(retirement.reached(requests(1, 2), 31_000), null)
  assert.equal(retirement.reached(requests(2, 1), 600_000), null)
  assert.equal(retirement.reached(requests(2), 600_001), 2)
  assert.equal(retirement.reached([], 600_002), null)
})

test('it stays for a while when there is no request, for what no request began', () => {
  const retirement = new Retirement()
  retirement.begin(2, 0)
  assert.equal(retirement.reached([], 29_999), null)
  assert.equal(retirement.reached([], 30_000), 2)
})

test('one request of the second plan keeps what the third took away, and not what the second did', () => {
  const retirement = new Retirement()
  for (const version of [2, 3, 4]) retirement.begin(version, version)
  assert.equal(retirement.reached(requests(4, 2), 40_000), 2)
  assert.equal(retirement.reached(requests(4), 40_001), 4)
})

test('a request that never ends keeps nothing for longer than an hour', () => {
  const retirement = new Retirement()
  retirement.begin(2, 0)
  assert.equal(retirement.reached(requests(1), HOUR - 1), null)
  assert.equal(retirement.reached(requests(1), HOUR), 2)
})
