import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters, SlotAllocator } from '../../lib/index.ts'
import { Breaker } from './breaker.ts'
import { viewCells } from './shared-cells.ts'
import { breakerSlot, monitorSlot, retryBudgetSlot, type SlotNeed, targetSlot } from './slots.ts'
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
