import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters, SlotAllocator } from '../../lib/index.ts'
import { Breaker } from './breaker.ts'
import { clearDeadSeat } from './dead-seat.ts'
import { placeOfName, placesForNames } from './name-places.ts'
import { viewCells } from './shared-cells.ts'
import { breakerSlot, inPlaces, monitorSlot, retryBudgetSlot, type SlotNeed, targetSlot } from './slots.ts'
import { TargetState } from './target-state.ts'
import { SEATS, seat } from './testing/pool.ts'

const NOW = 1_000_000
const RULES = {
  consecutiveFailures: 1,
  failures: null,
  failureShare: null,
  windowMs: 10_000,
  openMs: 30_000,
  jitterShare: 0,
  probes: 1,
  probeSuccesses: 1,
  probeLeaseMs: 5_000,
}

test('places that names share beside each other have a slot of their own size, and a thread that dies has nothing in flight in any', () => {
  const cells = viewCells(createCounters(4_096))
  const need = targetSlot('pool', 'p/*', SEATS)
  const shared = inPlaces(need, 4)
  assert.deepEqual(inPlaces(need, 1), need)
  assert.equal(shared.cells, need.cells * 4)
  const states = [0, 1, 2, 3].map((place) => new TargetState(cells, 8 + place * need.cells, seat()))
  for (const state of states) state.begin()
  clearDeadSeat(cells, { [shared.name]: 8 }, seat())
  assert.deepEqual(
    states.map(({ inFlight }) => inFlight),
    [0, 0, 0, 0],
  )
})

test('a name has the same place everywhere, and where very many learn apart each has fewer places', () => {
  assert.deepEqual([1, 4, 16, 1_000].map(placesForNames), [64, 64, 16, 4])
  const places = new Set(Array.from({ length: 1_000 }, (_, n) => placeOfName(`name-${n}`, 64)))
  assert.equal(places.size, 64)
  assert.equal(placeOfName('a name', 64), placeOfName('a name', 64))
})

test('R7 a reload that adds, removes and sorts targets finds what is known of those that stay', () => {
  const cells = viewCells(createCounters(4_096))
  const allocator = new SlotAllocator(cells.words)
  const give = ({ name, cells: count }: SlotNeed) => allocator.allocate(name, count)
  const open = (target: string) => {
    const state = new TargetState(cells, give(targetSlot('web', target, SEATS)), seat())
    const place = { cells, index: give(breakerSlot('api', target, SEATS)), seat: seat(), random: () => 0 }
    return { state, breaker: new Breaker(place, RULES) }
  }
  const before = new Map(['a', 'b', 'c'].map((target) => [target, open(target)]))
  before.get('b')?.breaker.record(0, 'failure', NOW)
  before.get('c')?.state.eject(NOW, 1, () => 10_000)
  before.get('c')?.state.begin()
  const after = new Map(['d', 'c', 'b'].map((target) => [target, open(target)]))
  assert.equal(after.get('b')?.breaker.state(NOW), 'open')
  assert.equal(after.get('c')?.breaker.state(NOW), 'closed')
  assert.equal(after.get('c')?.state.ejectedForMs(NOW), 10_000)
  assert.equal(after.get('c')?.state.inFlight, 1)
  assert.equal(after.get('d')?.breaker.state(NOW), 'closed')
  // Every slot is used to its last cell, and none shares a cell with another.
  after.get('c')?.state.clearSeat(SEATS - 1)
  assert.equal(after.get('b')?.breaker.state(NOW), 'open')
})

test('no two things have one name', () => {
  const names = [
    targetSlot('a', 'b', SEATS),
    targetSlot('b', 'a', SEATS),
    breakerSlot('a', 'b', SEATS),
    monitorSlot('a'),
    retryBudgetSlot('a'),
  ].map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
})
