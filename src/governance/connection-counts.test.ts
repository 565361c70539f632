import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONNECTION_COUNT_CELLS, ConnectionCounts, clearConnectionCounts } from './connection-counts.ts'

function memory() {
  const shared = new SharedArrayBuffer(CONNECTION_COUNT_CELLS * 8)
  return { shared, worker: () => ({ shared, own: new SharedArrayBuffer(CONNECTION_COUNT_CELLS * 4) }) }
}

test('L4 an address has so many connections over all workers, and gets places back that it leaves', () => {
  const { worker } = memory()
  const [one, other] = [new ConnectionCounts(worker(), 3), new ConnectionCounts(worker(), 3)]
  const leave = one.take('203.0.113.7')
  assert.ok(leave !== null)
  assert.ok(other.take('203.0.113.7') !== null)
  assert.ok(one.take('::ffff:203.0.113.7') !== null, 'the same address in another spelling')
  assert.equal(one.take('203.0.113.7'), null)
  assert.equal(other.take('203.0.113.7'), null)
  assert.ok(other.take('203.0.113.8') !== null, 'another address is not concerned')
  leave()
  assert.ok(other.take('203.0.113.7') !== null)
  assert.equal(one.take('203.0.113.7'), null)
})

test('L4 a network of IPv6 counts as one client', () => {
  const counts = new ConnectionCounts(memory().worker(), 1)
  assert.ok(counts.take('2001:db8:1:2::1') !== null)
  assert.equal(counts.take('2001:db8:1:2:ffff::9'), null)
  assert.ok(counts.take('2001:db8:1:3::1') !== null)
})

test('what a dead worker had counted is taken off, and nothing of another', () => {
  const { worker } = memory()
  const [dying, living] = [worker(), worker()]
  const dead = new ConnectionCounts(dying, 4)
  const counts = new ConnectionCounts(living, 4)
  for (let at = 0; at < 3; at++) assert.ok(dead.take('198.51.100.1') !== null)
  assert.ok(counts.take('198.51.100.1') !== null)
  assert.equal(counts.take('198.51.100.1'), null)
  clearConnectionCounts(dying)
  for (let at = 0; at < 3; at++) assert.ok(counts.take('198.51.100.1') !== null)
  assert.equal(counts.take('198.51.100.1'), null)
})

test('ten thousand addresses at once are counted exactly, and leave nothing behind', () => {
  const own = memory().worker()
  const counts = new ConnectionCounts(own, 1)
  const addresses = Array.from({ length: 10_000 }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`)
  const leaves = addresses.map((address) => counts.take(address) ?? assert.fail('a fresh address is taken'))
  assert.ok(addresses.every((address) => counts.take(address) === null))
  for (const leave of leaves) leave()
  assert.ok(new Int32Array(own.own).every((count) => count === 0))
  assert.ok(addresses.every((address) => counts.take(address) !== null))
})
