import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedLease } from './shared-lease.ts'
import { cellsFor, seat } from './testing/pool.ts'

const NOW = 1_000_000

function leases() {
  const cells = cellsFor(8)
  const made = (number: number) => new SharedLease(cells, 5, { seat: seat(number), lengthMs: 1_000 })
  return { one: made(0), other: made(1) }
}

test('one thread holds it as long as it renews', () => {
  const { one, other } = leases()
  assert.ok(one.hold(NOW))
  assert.ok(!other.hold(NOW + 900))
  assert.ok(one.hold(NOW + 900))
  assert.ok(!other.hold(NOW + 1_800))
  assert.ok(one.isHeld(NOW + 1_800))
  assert.ok(!other.isHeld(NOW + 1_800))
})

test('another takes over when the holder stopped renewing, and the holder knows it', () => {
  const { one, other } = leases()
  one.hold(NOW)
  assert.ok(!one.isHeld(NOW + 1_000))
  assert.ok(other.hold(NOW + 1_000))
  assert.ok(!one.hold(NOW + 1_001))
})

test('a thread that leaves hands it on at once, and cannot give away what is not its own', () => {
  const { one, other } = leases()
  one.hold(NOW)
  other.release()
  assert.ok(one.isHeld(NOW))
  one.release()
  assert.ok(other.hold(NOW))
})
