import assert from 'node:assert/strict'
import { test } from 'node:test'
import { occupied } from '../governance/index.ts'
import { SlotAllocator } from '../lib/index.ts'
import { KeyCounters } from './key-counters.ts'

const NONE = {
  requests_per_second: null,
  requests_per_minute: null,
  requests_per_day: null,
  burst: null,
  tokens_per_minute: null,
  concurrency: null,
  budgets: [],
}
const SEATS = 3

function countersOf() {
  const counters = new BigInt64Array(200)
  const slots = new SlotAllocator(counters)
  const own = new KeyCounters({ counters, slots, seats: SEATS, spent: () => 0 })
  const limits = own.limitsOf('team:a', { ...NONE, concurrency: 5 }, null, [])
  const level = limits.concurrency ?? assert.fail('it has a limit')
  return { counters, slots, own, limits, level }
}

/** A worker of this seat has one more request in flight, or one less: the sum, and behind it a cell for each seat. */
function enter(counters: BigInt64Array, slot: number, seat: number, by: 1n | -1n): void {
  for (const cell of [slot, slot + 1 + seat]) Atomics.add(counters, cell, by)
}

test('what a worker had in flight is free when it is dead, on limits that are in force and on those that went meanwhile', () => {
  for (const state of ['in force', 'gone'] as const) {
    const { counters, own, limits, level } = countersOf()
    for (const seat of [0, 1, 1, 2]) enter(counters, level.slot, seat, 1n)
    if (state === 'gone') own.retire(['in-flight:team:a'], 1)
    own.clearSeat(1, state === 'gone' ? [] : [limits])
    assert.equal(occupied(counters, level.slot), 2, state)
    own.clearSeat(1, state === 'gone' ? [] : [limits])
    assert.equal(occupied(counters, level.slot), 2, 'a seat is cleared once')
  }
})

test('the place of a limit that is gone is kept until nobody is in flight on it', () => {
  const { counters, slots, own, level } = countersOf()
  enter(counters, level.slot, 0, 1n)
  enter(counters, level.slot, 1, 1n)
  own.retire(['in-flight:team:a'], 1)
  own.releaseQuiet(2, [])
  enter(counters, level.slot, 0, -1n)
  own.releaseQuiet(2, [])
  assert.equal(slots.find('in-flight:team:a'), level.slot)
  // The other one was on a worker that died.
  own.clearSeat(1, [])
  own.releaseQuiet(2, [])
  assert.equal(slots.find('in-flight:team:a'), null)
})
